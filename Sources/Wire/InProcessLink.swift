public import Packets
public import Timeline

/// A cable between a NIC model and a peer in the same process: two bounded queues and a fixed one-way delay.
///
/// The NIC's side is the ``Wire``; the peer's side is ``send(from:now:)`` and ``deliver(into:now:limit:)``. A frame moves
/// when both sides have been polled after its due time; a full direction leaves frames with their sender, it loses none.
@frozen public struct InProcessLink: Wire, ~Copyable {
    @usableFromInline var towardsNIC: FrameQueue
    @usableFromInline var towardsPeer: FrameQueue
    /// Time that a frame spends on the cable.
    public let delay: Interval

    /// A cable that holds up to `depth` frames of `frameCapacity` bytes in each direction.
    public init(depth: Int, frameCapacity: Int, delay: Interval = .zero) {
        towardsNIC = FrameQueue(depth: depth, frameCapacity: frameCapacity)
        towardsPeer = FrameQueue(depth: depth, frameCapacity: frameCapacity)
        self.delay = delay
    }

    /// Takes what the peer sent out of `queue`; returns how many frames. Those longer than the link's frame capacity vanish.
    @inlinable public mutating func send(from queue: inout FrameQueue, now: Instant) -> Int {
        InProcessLink.enter(&queue, &towardsNIC, due: now + delay)
    }

    /// Moves frames that are due from the NIC into the peer's `queue`, at most `limit`; returns how many.
    @inlinable public mutating func deliver(into queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        InProcessLink.leave(&towardsPeer, &queue, now: now, limit: limit)
    }

    @inlinable public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        InProcessLink.leave(&towardsNIC, &queue, now: now, limit: limit)
    }

    @inlinable public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        InProcessLink.enter(&queue, &towardsPeer, due: now + delay)
    }

    @inlinable public var nextDeadline: Instant {
        let nic = towardsNIC.isEmpty ? Instant.never : towardsNIC.frontDue
        let peer = towardsPeer.isEmpty ? Instant.never : towardsPeer.frontDue
        return min(nic, peer)
    }

    /// Frames on the cable, both directions together.
    @inlinable public var inFlight: Int { towardsNIC.count &+ towardsPeer.count }

    @inlinable static func enter(_ source: inout FrameQueue, _ cable: inout FrameQueue, due: Instant) -> Int {
        var moved = 0
        while !source.isEmpty && !cable.isFull {
            _ = cable.push(source.front, due: due, offload: source.frontOffload, mark: source.frontMark)
            source.popFront()
            moved &+= 1
        }
        return moved
    }

    @inlinable static func leave(
        _ cable: inout FrameQueue, _ sink: inout FrameQueue, now: Instant, limit: Int
    ) -> Int {
        var moved = 0
        while moved < limit && !cable.isEmpty && cable.frontDue <= now && !sink.isFull {
            _ = sink.push(cable.front, offload: cable.frontOffload, mark: cable.frontMark)
            cable.popFront()
            moved &+= 1
        }
        return moved
    }
}
