/// Counters of a receive queue. Names follow Linux's gve driver where it has the same event.
@frozen public struct SplitStatistics: Sendable, Hashable, BitwiseCopyable {
    /// Frames handed to the stack.
    public var frames: UInt64 = 0
    /// Frames with their header in host memory and their payload in a slot (`rx_hsplit_pkt`).
    public var split: UInt64 = 0
    /// Frames that the device did not split (`rx_hsplit_unsplit_pkt`).
    public var unsplit: UInt64 = 0
    /// Headers longer than their buffer (`header_buffer_overflow`).
    public var headerOverflow: UInt64 = 0
    /// Bytes that landed in slots.
    public var payloadBytes: UInt64 = 0
    /// Bytes that landed in header buffers (`rx_hsplit_bytes`).
    public var headerBytes: UInt64 = 0
    /// Frames dropped because no replacement slot was free (`rx_buf_alloc_fail`).
    public var noReplacement: UInt64 = 0
    /// Frames with a link error, dropped (`rx_desc_err_dropped_pkt`).
    public var frameErrors: UInt64 = 0
    /// Completions with impossible lengths, dropped.
    public var badLength: UInt64 = 0
    /// Completions for a buffer that was not posted, dropped.
    public var badBuffer: UInt64 = 0
    /// Descriptors of frames that spanned several, dropped: a slot holds a whole frame's payload by construction.
    public var chained: UInt64 = 0
    /// Descriptors reposted without touching the pool.
    public var reposted: UInt64 = 0
    /// Descriptors that were done and that nobody took before the queue was armed again or taken apart.
    public var abandoned: UInt64 = 0

    /// All zero.
    @inlinable public init() {}

    /// Adds queue by queue.
    public static func + (a: SplitStatistics, b: SplitStatistics) -> SplitStatistics {
        var sum = a
        sum.frames += b.frames
        sum.split += b.split
        sum.unsplit += b.unsplit
        sum.headerOverflow += b.headerOverflow
        sum.payloadBytes += b.payloadBytes
        sum.headerBytes += b.headerBytes
        sum.noReplacement += b.noReplacement
        sum.frameErrors += b.frameErrors
        sum.badLength += b.badLength
        sum.badBuffer += b.badBuffer
        sum.chained += b.chained
        sum.reposted += b.reposted
        sum.abandoned += b.abandoned
        return sum
    }
}
