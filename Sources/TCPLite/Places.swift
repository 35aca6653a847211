internal import DeviceMemory
internal import Packets

/// How the tables that hold something for each connection grow, and how a flow's place in them is found.
extension TCPStack {
    /// Places that there are from the start. Places are used in turn, so this is also how many connections come and go before a
    /// place's next one: with the number in an id, it decides when an id comes again.
    static var firstPlaces: Int { 4096 }
    /// Places added at a time afterwards: no more than one opening can do without anybody noticing, some 50 KiB of memory.
    private static var morePlaces: Int { 64 }

    /// Adds places when no place is free; false when there are as many as there may be, or no memory for more.
    mutating func openPlaces() -> Bool {
        let before = connections.count
        let step = before == 0 ? TCPStack.firstPlaces : TCPStack.morePlaces
        let count = min(before + step, configuration.maxConnections)
        guard count > before else { return false }
        // The connections last: what was added before one of these failed is found there the next time.
        guard counters.grow(to: count, repeating: ConnectionCounters()), windows.grow(zeroedTo: count),
            configuration.congestionControl != .cubic || cubics.grow(to: count, repeating: Cubic()),
            ipv6 == nil || paths6.grow(to: count, repeating: IPv6Path()),
            configuration.placedSends == 0 || placed.grow(to: count, repeating: PlacedSide()),
            timers.grow(to: count), buffers.grow(to: count), scoreboard.grow(to: count), free.grow(to: count),
            pending.grow(to: count), parked.grow(to: count), deliverable.grow(to: count), sheddable.grow(to: count),
            stalled.grow(to: count), opening.grow(to: count), timeWaiting.grow(to: count), holding.grow(to: count),
            bufferless.grow(to: count), connections.grow(to: count, repeating: Connection())
        else {
            statistics.growthsRefused &+= 1
            return false
        }
        for i in before..<count {
            connections[i].id = identifiers.first(i)
            free.append(i)
        }
        return true
    }

    /// The connection of a flow; -1 when there is none.
    @inline(__always) mutating func find(_ key: FlowKey) -> Int {
        let tag = key.tag(hash)
        var at = Int(tag)
        var i = flows.next(tag, &at)
        while i >= 0 && connections[i].key != key { i = flows.next(tag, &at) }
        return i >= 0 || !flows.isMoving ? i : findUnmoved(key, tag)
    }

    @inline(never) private mutating func findUnmoved(_ key: FlowKey, _ tag: UInt32) -> Int {
        var at = Int(tag)
        var i = flows.nextUnmoved(tag, &at)
        while i >= 0 && connections[i].key != key { i = flows.nextUnmoved(tag, &at) }
        return i
    }

    /// The connection of a flow of either family; -1 when there is none.
    @inline(__always) mutating func find(
        _ key: FlowKey, _ remote: InternetAddress, remotePort: UInt16, localPort: UInt16, isLinkLocal: Bool
    ) -> Int {
        remote.isIPv4 ? find(key) : findIPv6(key, remote.mapped, remotePort, localPort, isLinkLocal)
    }

    @inline(never) private mutating func findIPv6(
        _ key: FlowKey, _ remote: IPv6Address, _ remotePort: UInt16, _ localPort: UInt16, _ isLinkLocal: Bool
    ) -> Int {
        func isIt(_ i: Int) -> Bool {
            connections[i].key == key && connections[i].isIPv6 && paths6[i].remote == remote
                && paths6[i].isLinkLocal == isLinkLocal && connections[i].remotePort == remotePort
                && connections[i].localPort == localPort
        }
        let tag = key.tag(hash)
        var at = Int(tag)
        var i = flows.next(tag, &at)
        while i >= 0 && !isIt(i) { i = flows.next(tag, &at) }
        guard i < 0, flows.isMoving else { return i }
        at = Int(tag)
        i = flows.nextUnmoved(tag, &at)
        while i >= 0 && !isIt(i) { i = flows.nextUnmoved(tag, &at) }
        return i
    }

    /// The application wants to send and no buffer is left: it is told when one is.
    @inline(never) mutating func waitForBuffer(_ i: Int) {
        statistics.buffersRefused &+= 1
        bufferless.append(i)
    }

    /// Tells as many as there are buffers. Who does not use it then has had its turn; the next are told at the next call.
    @inline(never) mutating func offerBuffers() {
        var left = buffers.freeCount
        while left > 0 {
            let i = bufferless.popFirst()
            if i < 0 { return }
            left -= 1
            connections[i].snd.wantsSpace = false
            raise(i, .sendSpace)
        }
    }

    /// Nothing is sent any more: what was kept for it is for others.
    mutating func giveUpSending(_ i: Int) {
        buffers.release(i)
        scoreboard.clear(i)
        bufferless.remove(i)
    }

    /// SACK blocks that were not remembered because as many connections as there are send buffers had some.
    public var reportsForgotten: UInt64 { scoreboard.forgotten }

    /// The bytes that one place takes in all tables, used or not, without the flow table's 16 to 32 a connection: what an idle
    /// connection costs. Its ``WindowHistory`` takes memory only once there is something in it.
    public var bytesPerPlace: Int {
        let links = 6 * MemoryLayout<ConnectionList.Link>.stride + 4 * MemoryLayout<OwnerLists.Link>.stride
        var options = configuration.congestionControl == .cubic ? MemoryLayout<Cubic>.stride : 0
        if configuration.placedSends > 0 { options += MemoryLayout<PlacedSide>.stride }
        if ipv6 != nil { options += MemoryLayout<IPv6Path>.stride }
        return MemoryLayout<Connection>.stride + MemoryLayout<ConnectionCounters>.stride + options + links
            + MemoryLayout<DeadlineHeap.Entry>.stride + 3 * MemoryLayout<Int32>.stride
    }
}
