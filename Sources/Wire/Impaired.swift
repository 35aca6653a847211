public import Packets
public import Timeline

/// A wire that does ``Impairments`` to what passes another wire, per direction.
///
/// A direction without impairments costs one test. Frames that a delay holds on their way out leave at the next
/// `receive` or `transmit` after their time, also when the NIC has nothing new.
@frozen public struct Impaired<Inner: Wire & ~Copyable>: Wire, ~Copyable {
    /// The wire underneath.
    public var inner: Inner
    @usableFromInline var inbound: Impairment
    @usableFromInline var outbound: Impairment
    @usableFromInline var arrived: FrameQueue
    @usableFromInline var leaving: FrameQueue
    @usableFromInline let inboundIsClean: Bool
    @usableFromInline let outboundIsClean: Bool

    /// Impairs `inner`.
    ///
    /// - Parameters:
    ///   - receive: done to frames towards the NIC.
    ///   - transmit: done to frames from the NIC.
    ///   - seed: of the whole run.
    ///   - depth: frames that jitter may delay at once, per direction.
    ///   - frameCapacity: longest frame in bytes.
    public init(
        _ inner: consuming Inner, receive: Impairments = Impairments(), transmit: Impairments = Impairments(),
        seed: UInt64, depth: Int = 1024, frameCapacity: Int
    ) {
        self.inner = inner
        inboundIsClean = receive.areNone
        outboundIsClean = transmit.areNone
        inbound = Impairment(
            receive, seed: seed, stream: 0, depth: receive.areNone ? 4 : depth, frameCapacity: frameCapacity)
        outbound = Impairment(
            transmit, seed: seed, stream: 1, depth: transmit.areNone ? 4 : depth, frameCapacity: frameCapacity)
        arrived = FrameQueue(depth: 64, frameCapacity: frameCapacity)
        leaving = FrameQueue(depth: 64, frameCapacity: frameCapacity)
    }

    @inlinable public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        if !outboundIsClean && (outbound.inFlight != 0 || !leaving.isEmpty) { try pump(now: now) }
        if inboundIsClean { return try inner.receive(into: &queue, now: now, limit: limit) }
        var moved = inbound.pass(from: &arrived, to: &queue, now: now, limit: limit)
        // Frames that were lost count too, so that a flood of them cannot keep the caller here.
        var taken = 0
        while moved < limit && taken < limit && arrived.isEmpty {
            let count = try inner.receive(into: &arrived, now: now, limit: min(limit &- moved, arrived.depth))
            if count == 0 { break }
            taken &+= count
            moved &+= inbound.pass(from: &arrived, to: &queue, now: now, limit: limit &- moved)
        }
        return moved
    }

    @inlinable public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        if outboundIsClean { return try inner.transmit(from: &queue, now: now) }
        let before = queue.count
        try pump(now: now)
        while !queue.isEmpty && !leaving.isFull {
            let waiting = queue.count
            _ = outbound.pass(from: &queue, to: &leaving, now: now, limit: leaving.depth)
            _ = try inner.transmit(from: &leaving, now: now)
            if queue.count == waiting { break }
        }
        return before &- queue.count
    }

    @inlinable public var nextDeadline: Instant {
        if !arrived.isEmpty || !leaving.isEmpty { return .zero }
        return min(inner.nextDeadline, min(inbound.nextDeadline, outbound.nextDeadline))
    }

    public mutating func flush() throws(WireError) { try inner.flush() }

    public var isFinished: Bool { inner.isFinished && nextDeadline == .never }

    /// What was done to frames towards the NIC.
    public var receiveStatistics: ImpairmentStatistics { inbound.statistics }
    /// What was done to frames from the NIC.
    public var transmitStatistics: ImpairmentStatistics { outbound.statistics }

    /// Sends on what was delayed on its way out and is due now.
    @inlinable mutating func pump(now: Instant) throws(WireError) {
        _ = outbound.release(to: &leaving, now: now, limit: leaving.depth)
        if !leaving.isEmpty { _ = try inner.transmit(from: &leaving, now: now) }
    }
}
