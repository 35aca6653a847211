public import DeviceMemory
public import Packets
public import PagePool
public import Timeline

/// What an application asks of the stack.
extension TCPStack {
    /// Opens a connection; `opened` or `closed` tells how it went.
    ///
    /// - Parameters:
    ///   - localPort: `nil` chooses one between 49152 and 65535 (RFC 6056, algorithm 3). One that waits in TIME-WAIT is good
    ///     again when nothing else is, or when it is asked for, a second after its connection had timestamps (RFC 6191).
    ///   - owner: whose connection it is.
    ///   - flow: what it may count on; `nil` guarantees the configuration's `slotsPerFlow`.
    /// - Throws: a ``TCPError`` that says what is in the way.
    public mutating func connect(
        to address: IPv4Address, port: UInt16, localPort: UInt16?, now: Instant, owner: Int = 0,
        flow: FlowClass? = nil
    ) throws(TCPError) -> ConnectionID {
        guard port != 0, localPort != 0 else { throw .invalidPort }
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        guard isPossiblePeer(address) else { throw .invalidAddress(address) }
        guard let nextHop = nextHop(to: address) else { throw .unreachable(address) }
        guard let local = localPort ?? choosePort(address, port, now) else { throw .noEphemeralPort }
        let key = FlowKey(remote: address, remotePort: port, localPort: local)
        let old = flows.find(key)
        guard old < 0 || mayReuse(old, now) else { throw .portInUse(local) }
        let last = old < 0 ? nil : reuse(old)
        guard let i = allocate() else { throw .tooManyConnections(limit: configuration.maxConnections) }
        let slots = slots(flow)
        guard admit(owner: Int32(owner), slots: slots) else {
            free.append(i)
            throw .noSlots(needed: max(Int(slots), 1), free: reassembly.budgets[owner].free)
        }
        prepare(i, key, remote: address, port: port, nextHop: nextHop, owner: Int32(owner), slots: slots, now)
        if let last { continueAbove(i, last) }
        connections[i].localPort = local
        connections[i].state = .synSent
        connections[i].snd.synOwed = true
        statistics.activeOpens &+= 1
        pending.append(i)
        return ConnectionID(index: i, generation: connections[i].generation)
    }

    /// Queues bytes to be sent; returns how many fit. When that is not all, `sendSpaceAvailable` follows.
    public mutating func send(_ id: ConnectionID, _ bytes: ByteView) -> Int {
        guard let i = live(id), canSend(i) else { return 0 }
        let count = min(bytes.count, room(i))
        if count < bytes.count { connections[i].snd.wantsSpace = true }
        guard count > 0 else { return 0 }
        buffers.store(i, ringPosition(i, connections[i].snd.end), bytes.slice(0, count))
        connections[i].snd.end = connections[i].snd.end + count
        pending.append(i)
        return count
    }

    /// Whether ``send(_:_:)`` takes bytes now or later: the connection exists and has not been shut down.
    public func acceptsData(_ id: ConnectionID) -> Bool {
        guard let i = live(id) else { return false }
        return canSend(i)
    }

    /// How many bytes ``send(_:_:)`` would take now.
    public func sendSpace(_ id: ConnectionID) -> Int {
        guard let i = live(id), canSend(i) else { return 0 }
        return room(i)
    }

    /// Has ``Delivery/Kind/sendSpaceAvailable`` told when there is room again, also when nothing was refused.
    public mutating func tellSendSpace(_ id: ConnectionID) {
        guard let i = live(id), canSend(i) else { return }
        connections[i].snd.wantsSpace = true
    }

    /// Closes the sending direction after what is queued; receiving goes on.
    public mutating func shutdown(_ id: ConnectionID) {
        guard let i = live(id), canSend(i) else { return }
        connections[i].snd.finQueued = true
        pending.append(i)
    }

    /// The application is done with the connection: a FIN after what is queued, no further deliveries, and a RST if there
    /// is data that it has not taken or that comes later (RFC 9293, section 3.6; RFC 2525, section 2.17).
    public mutating func leave(_ id: ConnectionID, pools: inout PoolTable) {
        guard let i = place(id) else { return }
        let hadData = !connections[i].rcv.ready.isEmpty || connections[i].rcv.rangeCount > 0
        forget(i, &pools)
        switch connections[i].state {
        case .closed:
            if !connections[i].resetOwed { release(i) }
        case .timeWait: break
        case .synSent: abandon(i, .aborted, &pools)
        default:
            if hadData {
                abandon(i, .aborted, &pools)
            } else {
                connections[i].snd.finQueued = true
                pending.append(i)
            }
        }
    }

    /// Ends a connection with a RST. Undelivered data is dropped; `closed` with `aborted` follows.
    public mutating func abort(_ id: ConnectionID, pools: inout PoolTable) {
        guard let i = place(id) else { return }
        reassembly.discardReady(&connections[i].rcv, &pools)
        connections[i].events.subtract([.opened, .endOfStream, .sendSpace, .untrusted])
        taken(i)
        // The last word may have waited behind data that nobody demanded.
        offer(i)
        if connections[i].state == .timeWait {
            endTimeWait(i, &pools)
        } else {
            abandon(i, .aborted, &pools)
        }
    }

    /// The application gave back what it held: `slots` counts data deliveries with a fragment (not distinct slots),
    /// `linearBytes` bytes of data deliveries in host memory. Ids of connections that are gone are welcome, and counted with
    /// `owner`, whose they were.
    public mutating func credit(_ id: ConnectionID, owner: Int = 0, slots: Int, linearBytes: Int) {
        guard let i = place(id) else {
            if isRegistered(owner) { reassembly.budgets[owner].giveBackOrphans(slots) }
            return
        }
        let records = Int(connections[i].rcv.held) &+ Int(connections[i].rcv.cuts)
        reassembly.giveBack(Int32(clamping: min(max(slots, 0), records)), &connections[i].rcv)
        connections[i].rcv.isTouched = true
        if connections[i].rcv.isPull { offer(i) }
        let linear = min(max(linearBytes, 0), Int(max(connections[i].rcv.linearHeld, 0)))
        connections[i].rcv.linearHeld &-= Int32(truncatingIfNeeded: linear)
        guard takesData(i), isWorthAnnouncing(i) else { return }
        announce(i)
    }

    /// Ends everything without a word to the peers: every fragment back to the pool, every id invalid. Slots that
    /// applications hold stay with them.
    public mutating func close(pools: inout PoolTable) {
        reassembly.store.endLending()
        // Frames that nobody will take refer to slots too.
        while !output.isEmpty {
            for part in 0..<output.frontPartCount { released(output.frontPart(part).label, pools: &pools) }
            output.popFront()
        }
        for i in 0..<connections.count where !free.contains(i) {
            forget(i, &pools)
            connections[i].resetOwed = false
            if connections[i].state == .timeWait {
                endTimeWait(i, &pools)
            } else if connections[i].state == .closed {
                release(i)
            } else {
                finish(i, .aborted, &pools)
            }
        }
    }

    /// No deliveries any more.
    mutating func forget(_ i: Int, _ pools: inout PoolTable) {
        reassembly.discardReady(&connections[i].rcv, &pools)
        taken(i)
        if connections[i].keepsAlive {
            // Every state without an application has a limit of its own.
            connections[i].keepsAlive = false
            connections[i].lifeDeadline = .never
        }
        connections[i].events = []
        connections[i].isOrphan = true
        connections[i].isForgotten = true
        connections[i].rcv.discarding = 0
        deliverable.remove(i)
        stalled.remove(i)
    }

    /// The place of an id whose connection is not gone.
    @inline(__always) func place(_ id: ConnectionID) -> Int? {
        let i = id.index
        guard i < connections.count, connections[i].generation == id.generation, !free.contains(i) else { return nil }
        return i
    }

    @inline(__always) private func live(_ id: ConnectionID) -> Int? {
        guard let i = place(id), connections[i].state != .closed else { return nil }
        return i
    }

    @inline(__always) private func canSend(_ i: Int) -> Bool {
        switch connections[i].state {
        case .synSent, .synReceived, .established, .closeWait: !connections[i].snd.finQueued
        default: false
        }
    }

    /// Free bytes of the send buffer.
    @inline(__always) func room(_ i: Int) -> Int {
        // By state, not by comparison with ISS: that goes wrong when 2 GiB have been sent.
        let una = connections[i].snd.una
        let first = connections[i].isSynchronized ? una : una + 1
        let queued = max(connections[i].snd.end.distance(from: first), 0)
        return buffers.size - max(queued - placedOut(i), 0)
    }

    private func isPossiblePeer(_ address: IPv4Address) -> Bool {
        address != configuration.interface.address && address != .any && !address.isLoopback && !isGroup(address)
    }

    private mutating func choosePort(_ address: IPv4Address, _ port: UInt16, _ now: Instant) -> UInt16? {
        let offset = hash.portOffset(remote: address.rawValue, port: port)
        var used: UInt16?
        for _ in 0..<16384 {
            portsHandedOut &+= 1
            let candidate = 49152 + UInt16(truncatingIfNeeded: (offset &+ portsHandedOut) & 16383)
            if isListening(candidate) { continue }
            let old = flows.find(FlowKey(remote: address, remotePort: port, localPort: candidate))
            if old < 0 { return candidate }
            if used == nil && mayReuse(old, now) { used = candidate }
        }
        return used
    }
}
