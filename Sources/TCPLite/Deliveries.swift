internal import DeviceMemory
public import PagePool

/// What applications are handed, in turn: each connection of an owner as many bytes at a time as the others.
extension TCPStack {
    /// The next event or piece of data of owner 0; `nil` when there is none. Host bytes of the delivery before, to any owner,
    /// become invalid. Connections that deliver what is demanded only (``setPull(_:_:)``) are passed over.
    public mutating func nextDelivery() -> Delivery? {
        reassembly.store.endLending()
        var passedOver = -1
        while deliverable.first(0) >= 0 {
            let i = deliverable.first(0)
            if !connections[i].rcv.ready.isEmpty && !connections[i].events.contains(.opened) {
                if !connections[i].rcv.isPull { return dataDelivery(i) }
                if let event = earlyEvent(i) { return event }
                if connections[i].rcv.demand > 0 {
                    // It keeps its place for the other call.
                    if passedOver == i { return nil }
                    if passedOver < 0 { passedOver = i }
                    deliverable.rotate(i)
                    continue
                }
            } else if let event = nextEvent(i) {
                return event
            }
            retire(i)
        }
        return nil
    }

    /// The next event or piece of data of an owner; `nil` when there is none. Host bytes of the delivery before, to any owner,
    /// become invalid.
    ///
    /// The connections of an owner take turns by bytes: each gets `deliveryQuantum`, give or take a fragment, before the next.
    public mutating func nextDelivery(owner: Int, pools: inout PoolTable) -> Delivery? {
        reassembly.store.endLending()
        guard isRegistered(owner) else { return nil }
        while deliverable.first(owner) >= 0 {
            let i = deliverable.first(owner)
            if !connections[i].rcv.ready.isEmpty && !connections[i].events.contains(.opened) {
                if !connections[i].rcv.isPull { return dataDelivery(i) }
                if let part = demandedDelivery(i, &pools) { return part }
                if let event = earlyEvent(i) { return event }
            } else if let event = nextEvent(i) {
                return event
            }
            retire(i)
        }
        return nil
    }

    /// Whether an owner may have something to take; taking says for certain. Mutating, though it changes nothing: lending the
    /// stack to a call from another module copied all of it, 1728 bytes (seen under callgrind).
    public mutating func hasDelivery(owner: Int) -> Bool {
        isRegistered(owner) && deliverable.first(owner) >= 0
    }

    /// Whether what an owner takes next is certain to be no bytes in host memory: a fragment, or an event.
    public mutating func isNextInSlot(owner: Int) -> Bool {
        guard hasDelivery(owner: owner) else { return false }
        let front = deliverable.first(owner)
        if connections[front].events.contains(.opened) { return true }
        guard !connections[front].rcv.ready.isEmpty, !connections[front].rcv.isPull || connections[front].rcv.demand > 0
        else {
            return false
        }
        return reassembly.store.piece(connections[front].rcv.ready.first).block < 0
    }

    /// The next bytes of one connection, at most `limit`, whatever was demanded; `nil` when an event comes first, or nothing
    /// is there, or too many pieces of it are out. Host bytes of the delivery before, to any owner, become invalid.
    public mutating func takeDelivery(_ id: ConnectionID, limit: Int, pools: inout PoolTable) -> Delivery? {
        reassembly.store.endLending()
        guard limit > 0, let i = place(id), !connections[i].rcv.ready.isEmpty, !connections[i].events.contains(.opened)
        else { return nil }
        let demanded = connections[i].rcv.demand
        connections[i].rcv.demand = limit
        let delivery = demandedDelivery(i, &pools)
        connections[i].rcv.demand = demanded
        return delivery
    }

    /// A connection has nothing for its owner now; it comes back with a turn of its own.
    @inline(__always) private mutating func retire(_ i: Int) {
        deliverable.remove(i)
        connections[i].rcv.turn = configuration.deliveryQuantum
    }

    @inline(__always) private mutating func dataDelivery(_ i: Int) -> Delivery {
        let id = ConnectionID(rawValue: connections[i].id)
        let (index, piece) = reassembly.store.popFirst(&connections[i].rcv.ready)
        takeTurn(i, Int(piece.length))
        let sum = piece.hasSum ? piece.sum : nil
        if piece.block >= 0 {
            reassembly.lend(piece.block, connections[i].rcv.owner)
            return Delivery(
                kind: .data, connection: id, linear: reassembly.store.bytes(piece), payloadSum: sum)
        }
        return Delivery(
            kind: .data, connection: id, fragment: reassembly.store.takeFragment(index), payloadSum: sum)
    }

    /// The connection has had so many bytes of its turn; after the last it goes to the end of the queue.
    @inline(__always) private mutating func takeTurn(_ i: Int, _ length: Int) {
        connections[i].rcv.isTouched = true
        connections[i].rcv.turn &-= length
        if connections[i].rcv.turn <= 0 {
            connections[i].rcv.turn &+= configuration.deliveryQuantum
            deliverable.rotate(i)
        }
    }

    /// No more than was demanded; `nil` when that is nothing.
    @inline(never) private mutating func demandedDelivery(_ i: Int, _ pools: inout PoolTable) -> Delivery? {
        let wanted = connections[i].rcv.demand
        guard wanted > 0 else { return nil }
        let index = connections[i].rcv.ready.first
        let length = Int(reassembly.store.piece(index).length)
        if length <= wanted {
            connections[i].rcv.demand = wanted &- length
            return dataDelivery(i)
        }
        let isLinear = reassembly.store.piece(index).block >= 0
        guard isLinear || connections[i].rcv.cuts < TCPStack.cutLimit else { return nil }
        let id = ConnectionID(rawValue: connections[i].id)
        connections[i].rcv.demand = 0
        takeTurn(i, wanted)
        if isLinear {
            return Delivery(kind: .data, connection: id, linear: reassembly.store.cutBytes(index, wanted))
        }
        connections[i].rcv.cuts &+= 1
        return Delivery(
            kind: .data, connection: id, fragment: reassembly.store.cutFragment(index, wanted, &pools))
    }

    /// Events that do not wait for the bytes before them to be demanded.
    private mutating func earlyEvent(_ i: Int) -> Delivery? {
        let id = ConnectionID(rawValue: connections[i].id)
        if connections[i].events.contains(.untrusted) {
            connections[i].events.remove(.untrusted)
            return Delivery(kind: .untrusted(segments: Int(connections[i].untrustedReported)), connection: id)
        }
        if connections[i].events.contains(.sendSpace) {
            connections[i].events.remove(.sendSpace)
            return Delivery(kind: .sendSpaceAvailable, connection: id)
        }
        return nil
    }

    private mutating func nextEvent(_ i: Int) -> Delivery? {
        let id = ConnectionID(rawValue: connections[i].id)
        if connections[i].events.contains(.opened) {
            connections[i].events.remove(.opened)
            taken(i)
            return Delivery(
                kind: .opened(
                    peer: remote(i), port: connections[i].remotePort,
                    localPort: connections[i].localPort, passive: connections[i].isPassive), connection: id)
        }
        if let event = earlyEvent(i) { return event }
        if connections[i].events.contains(.endOfStream) {
            connections[i].events.remove(.endOfStream)
            return Delivery(kind: .endOfStream, connection: id)
        }
        guard connections[i].events.contains(.closed) else { return nil }
        connections[i].events.remove(.closed)
        let reason = connections[i].reason
        connections[i].isForgotten = true
        if connections[i].state == .closed && !connections[i].resetOwed { release(i) }
        return Delivery(kind: .closed(reason), connection: id)
    }
}
