public import Packets
public import Timeline

/// What a NIC without hardware is plugged into: frames go both ways, whole and without FCS, in bursts.
///
/// Nothing blocks and nothing here has a clock. A caller polls both directions every round, also when it has nothing to
/// transmit, because a wire may still hold frames that it took earlier. What the far end sends is not trusted: frames
/// that do not fit are counted and dropped, only a wire that is lost throws.
public protocol Wire: ~Copyable {
    /// Moves frames that are due at `now` from the far end into `queue` (towards the NIC), at most `limit`; returns how
    /// many.
    ///
    /// - Throws: ``WireError/lost(name:errno:)`` when the far end can never deliver again.
    mutating func receive(into queue: inout FrameQueue, now: Instant, limit: Int) throws(WireError) -> Int

    /// Takes frames that the NIC transmitted out of `queue` towards the far end; returns how many.
    ///
    /// Frames stay in `queue` while the far end has no room.
    ///
    /// - Throws: ``WireError/lost(name:errno:)`` when the far end can never accept again.
    mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int

    /// When the wire next has something to do without being asked: the earliest frame in flight; `never` when none is.
    ///
    /// In the past when a due frame waits for room in the caller's queue.
    var nextDeadline: Instant { get }

    /// Whether the far end will never deliver anything again, as a capture file that has been replayed.
    var isFinished: Bool { get }
}

extension Wire where Self: ~Copyable {
    /// Most wires never end.
    public var isFinished: Bool { false }
}

/// What passed a wire, as the NIC sees it.
public struct WireStatistics: Sendable, Hashable {
    /// Frames moved towards the NIC.
    public var receivedFrames: UInt64 = 0
    /// Their length in bytes, without FCS.
    public var receivedBytes: UInt64 = 0
    /// Frames taken from the NIC and handed to the far end.
    public var transmittedFrames: UInt64 = 0
    /// Their length in bytes, without FCS.
    public var transmittedBytes: UInt64 = 0
    /// Frames from the far end that were dropped because they are longer than the queue's frame capacity.
    public var oversizedFrames: UInt64 = 0
    /// Frames from the NIC that the far end refused (interface down, nobody listening, malformed) and that are lost.
    public var refusedFrames: UInt64 = 0

    /// All zero.
    public init() {}
}
