internal import ClientKit
internal import DeviceMemory
internal import HeaderSplit
internal import PagePool
internal import TCPLite
internal import VFIODriver

/// What went back untouched.
public struct EchoStatistics: Sendable, Hashable {
    /// Bytes that were sent from the slots that they had arrived in.
    public var relayedBytes: UInt64 = 0
    /// Bytes that had arrived in host memory and were sent from there.
    public var hostBytes: UInt64 = 0
    /// Connections that were given up because something could not be sent on.
    public var givenUp: UInt64 = 0
    /// Connections that are over.
    public var closed: UInt64 = 0

    /// Nothing.
    public init() {}
}

/// An application of no code: what arrives on its connections goes back on them, payload from the slots that it arrived in,
/// read by the device alone (G.13).
extension Engine where Driver: ~Copyable {
    /// Makes the application that was there from the start an echo, and lets its region be sent from: its port is passed by.
    public mutating func echo() throws(EngineError) {
        guard stack.configuredPlacedSends > 0 else { throw .binding(.noSending) }
        stack.setPull(owner: 0, true)
        isEcho = true
        for place in 1..<regions.count where regions[place].state == .active && regions[place].owner == 0 {
            pools.pools[place].maySend = true
        }
    }

    /// What the echo has done.
    public var echoed: EchoStatistics { echoStatistics }

    /// Sends on what has arrived for the echo, as far as there is room.
    @inline(never) @usableFromInline mutating func echoDeliveries() -> Bool {
        var worked = false
        while stack.relaySpace(owner: 0) > 0, let delivery = stack.nextDelivery(owner: 0, pools: &pools) {
            worked = true
            echo(delivery)
        }
        return worked
    }

    private mutating func echo(_ delivery: consuming Delivery) {
        let id = delivery.connection
        switch delivery.kind {
        case .data:
            if let linear = delivery.linear {
                let count = linear.count
                let taken = stack.send(id, linear)
                stack.credit(id, owner: 0, slots: 0, linearBytes: count)
                echoStatistics.hostBytes &+= UInt64(taken)
                // Not more was demanded than there was room for: the connection does not send any more.
                if taken < count { giveUpEcho(id) }
            }
        case .endOfStream: stack.shutdown(id)
        case .closed:
            echoStatistics.closed &+= 1
            return
        case .opened, .sendSpaceAvailable, .untrusted: break
        }
        var fragment = delivery.fragment.take()
        let length = fragment?.length ?? 0
        if length > 0 {
            do {
                try stack.relay(id, &fragment, from: id, pools: &pools)
                echoStatistics.relayedBytes &+= UInt64(length)
            } catch {
                giveUpEcho(id)
            }
        }
        if let left = fragment.take() {
            pools.recycle(left)
            stack.credit(id, owner: 0, slots: 1, linearBytes: 0)
        }
        demandMore(id)
    }

    private mutating func giveUpEcho(_ id: ConnectionID) {
        echoStatistics.givenUp &+= 1
        stack.abort(id, pools: &pools)
    }

    /// As much as host memory could take, should all of it arrive there.
    private mutating func demandMore(_ id: ConnectionID) {
        let room = stack.sendSpace(id)
        let demanded = stack.demanded(id) ?? 0
        if demanded < room { stack.demand(id, bytes: room &- demanded) }
        if room == 0 { stack.tellSendSpace(id) }
    }
}
