internal import DeviceMemory
internal import PagePool
internal import Timeline

/// A port that is listened on: whose connections it makes, and what they may count on.
struct Listener: BitwiseCopyable {
    /// Zero for a place that is free.
    var port: UInt16 = 0
    var owner: Int32 = 0
    /// Slots guaranteed to each flow; -1 for shared flows.
    var slots: Int32 = 0
    /// Its connections that are not established, and those that are and that its owner has not been told of. They outlive the
    /// listener, and count against the next one in its place until they are over.
    var opening: Int32 = 0
    var waiting: Int32 = 0
}

extension TCPStack {
    /// Accepts connections to `port` from now on.
    ///
    /// - Parameters:
    ///   - owner: whose they are.
    ///   - flow: what they may count on; `nil` guarantees each the configuration's `slotsPerFlow`.
    /// - Throws: ``TCPError/invalidPort``, ``TCPError/portInUse(_:)`` when it is listened on already,
    ///   ``TCPError/unknownOwner(_:)``, or ``TCPError/tooManyListeners(limit:)``.
    public mutating func listen(port: UInt16, owner: Int = 0, flow: FlowClass? = nil) throws(TCPError) {
        guard port != 0 else { throw .invalidPort }
        guard !isListening(port) else { throw .portInUse(port) }
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        for index in 0..<listeners.count where listeners[index].port == 0 {
            listeners[index].port = port
            listeners[index].owner = Int32(owner)
            listeners[index].slots = slots(flow)
            ports.bytes.setBE16(2 * Int(port), UInt16(index + 1))
            return
        }
        throw .tooManyListeners(limit: listeners.count)
    }

    /// Accepts no more connections to `port`; those that there are stay.
    public mutating func unlisten(port: UInt16) {
        guard isListening(port) else { return }
        listeners[listenerIndex(port)].port = 0
        ports.bytes.setBE16(2 * Int(port), 0)
    }

    @inline(__always) func isListening(_ port: UInt16) -> Bool { listenerIndex(port) >= 0 }

    /// The place of a port in ``listeners``; -1 when nobody listens.
    @inline(__always) func listenerIndex(_ port: UInt16) -> Int {
        Int(ports.bytes.readOnly.be16(2 &* Int(port))) &- 1
    }

    /// A passive connection begins: its listener's backlog counts it.
    mutating func enterOpening(_ i: Int, _ listener: Int) {
        connections[i].listener = UInt16(truncatingIfNeeded: listener)
        listeners[listener].opening += 1
        opening.append(i, Int32(truncatingIfNeeded: listener))
    }

    /// It is established, or over.
    mutating func leaveOpening(_ i: Int) {
        guard opening.contains(i) else { return }
        opening.remove(i)
        listeners[Int(connections[i].listener)].opening -= 1
    }

    /// It waits for its owner to hear of it.
    mutating func enterWaiting(_ i: Int) {
        connections[i].isWaiting = true
        listeners[Int(connections[i].listener)].waiting += 1
    }

    /// Its owner has heard of it, or nobody will.
    @inline(__always) mutating func taken(_ i: Int) {
        guard connections[i].isWaiting else { return }
        connections[i].isWaiting = false
        listeners[Int(connections[i].listener)].waiting -= 1
    }

    /// Whether a listener's owner has not been told of as many connections as may wait.
    @inline(__always) func isAcceptFull(_ listener: Int) -> Bool {
        listeners[listener].waiting >= Int32(clamping: max(configuration.acceptBacklog, 1))
    }

    /// Ends the oldest connection of a listener that is not established, if its peer has had time to answer: under a flood of
    /// SYNs those that nobody answers for make room for those that somebody will (RFC 4987, section 3.4). Nothing is sent.
    mutating func recycleOpening(_ listener: Int, _ now: Instant, _ pools: inout PoolTable) -> Bool {
        let oldest = opening.first(listener)
        guard oldest >= 0, now - connections[oldest].snd.stalledSince >= configuration.openingGrace else {
            return false
        }
        statistics.openingsRecycled &+= 1
        finish(oldest, .timedOut, &pools)
        return true
    }

    /// Guaranteed slots of a class; -1 for shared flows.
    func slots(_ flow: FlowClass?) -> Int32 {
        switch flow {
        case nil: Int32(clamping: max(configuration.slotsPerFlow, 0))
        case .guaranteed(let slots): Int32(clamping: max(slots, 0))
        case .shared: -1
        }
    }

    /// Books a new flow with its owner; false when it cannot be promised what it asks for.
    mutating func admit(owner: Int32, slots: Int32) -> Bool {
        if slots < 0 { return reassembly.budgets[Int(owner)].admitShared() }
        return reassembly.budgets[Int(owner)].admit(guarantee: Int(slots))
    }
}
