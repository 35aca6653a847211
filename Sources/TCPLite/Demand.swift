internal import DeviceMemory
public import PagePool

/// What comes next on a connection.
@frozen public enum NextKind: UInt8, Sendable, Hashable {
    /// Nothing.
    case none
    /// An event other than the ends.
    case event
    /// Bytes in host memory.
    case linear
    /// Bytes in a slot.
    case device
    /// The end of the peer's stream.
    case endOfStream
    /// The connection's end.
    case closed
}

/// Deliveries by demand: an application says how many bytes it wants, and gets no more.
extension TCPStack {
    /// Records on slots that were cut for demands which one connection may have out beyond one a slot: a reader of single
    /// bytes waits for its own returns.
    static var cutLimit: Int32 { 16384 }

    /// Whether a connection delivers what is demanded only; at first it does if its owner's configuration says so.
    ///
    /// Deliveries of such a connection come from ``nextDelivery(owner:pools:)``. What was demanded and not delivered is
    /// forgotten by either change.
    public mutating func setPull(_ id: ConnectionID, _ isPull: Bool) {
        guard let i = place(id), connections[i].rcv.isPull != isPull else { return }
        connections[i].rcv.isPull = isPull
        connections[i].rcv.demand = 0
        offer(i)
    }

    /// Whether new connections of an owner deliver what is demanded only.
    public mutating func setPull(owner: Int, _ isPull: Bool) {
        if isRegistered(owner) { owners[owner].configuration.pull = isPull }
    }

    /// Lets `bytes` more bytes of a connection be delivered. Nothing to a connection that delivers all it has.
    public mutating func demand(_ id: ConnectionID, bytes: Int) {
        guard let i = place(id), connections[i].rcv.isPull, bytes > 0 else { return }
        let (sum, overflow) = connections[i].rcv.demand.addingReportingOverflow(bytes)
        connections[i].rcv.demand = overflow ? .max : sum
        offer(i)
    }

    /// Bytes that were demanded and not delivered yet; `nil` for a connection that delivers all it has.
    public func demanded(_ id: ConnectionID) -> Int? {
        guard let i = place(id), connections[i].rcv.isPull else { return nil }
        return connections[i].rcv.demand
    }

    /// Bytes that could be delivered now, whatever was demanded.
    public func available(_ id: ConnectionID) -> Int {
        guard let i = place(id), !connections[i].rcv.ready.isEmpty else { return 0 }
        let first = reassembly.store.piece(connections[i].rcv.ready.first)
        let last = reassembly.store.piece(connections[i].rcv.ready.last)
        return (last.start + Int(last.length)).distance(from: first.start)
    }

    /// What is next on a connection, whatever was demanded; the end only when all bytes before it were taken.
    public func nextKind(_ id: ConnectionID) -> NextKind {
        guard let i = place(id) else { return .none }
        let events = connections[i].events
        if events.contains(.opened) { return .event }
        if !connections[i].rcv.ready.isEmpty {
            return reassembly.store.piece(connections[i].rcv.ready.first).block >= 0 ? .linear : .device
        }
        if !events.isDisjoint(with: [.untrusted, .sendSpace]) { return .event }
        if events.contains(.endOfStream) { return .endOfStream }
        return events.contains(.closed) ? .closed : .none
    }

    /// Drops the next `bytes` bytes of a connection in stream order without delivering them: those that are there now, the
    /// others as they arrive, until the stream ends. Their slots go back at once, and the window opens for them.
    ///
    /// - Returns: how many were dropped now.
    @discardableResult
    public mutating func discard(_ id: ConnectionID, bytes: Int, pools: inout PoolTable) -> Int {
        guard let i = place(id), !connections[i].isForgotten, bytes > 0 else { return 0 }
        let (sum, overflow) = connections[i].rcv.discarding.addingReportingOverflow(bytes)
        connections[i].rcv.discarding = overflow ? .max : sum
        let dropped = dropDiscarded(i, &pools)
        if !takesData(i) { connections[i].rcv.discarding = 0 }
        if dropped > 0 && takesData(i) && isWorthAnnouncing(i) { announce(i) }
        offer(i)
        return dropped
    }

    /// Drops what is there of what is to be dropped.
    @inline(never) mutating func dropDiscarded(_ i: Int, _ pools: inout PoolTable) -> Int {
        let wanted = connections[i].rcv.discarding
        let dropped = reassembly.drop(wanted, &connections[i].rcv, &pools)
        connections[i].rcv.discarding = wanted &- dropped
        connections[i].rcv.isTouched = true
        statistics.discardedBytes &+= UInt64(truncatingIfNeeded: dropped)
        return dropped
    }

    /// Puts a connection among those that have something for their owner, if it may have.
    @inline(__always) mutating func offer(_ i: Int) {
        guard !connections[i].isForgotten else { return }
        if !connections[i].rcv.ready.isEmpty || !connections[i].events.isEmpty {
            deliverable.append(i, connections[i].rcv.owner)
        }
    }

    /// Whether the peer may still send data.
    @inline(__always) func takesData(_ i: Int) -> Bool {
        switch connections[i].state {
        case .established, .finWait1, .finWait2: true
        default: false
        }
    }

    /// The window has grown by enough to say so.
    @inline(__always) mutating func announce(_ i: Int) {
        connections[i].rcv.ackNow = true
        statistics.windowUpdates &+= 1
        pending.append(i)
    }
}
