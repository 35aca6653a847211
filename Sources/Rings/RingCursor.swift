/// Positions in a ring of a power-of-two size: free-running counters, masked on use, so that full and empty differ.
@frozen public struct RingCursor: BitwiseCopyable, Sendable {
    /// Size minus one.
    public let mask: UInt32
    /// Entries taken so far.
    public var head: UInt32
    /// Entries put so far.
    public var tail: UInt32

    /// A ring of `size` entries, a power of two.
    @inlinable public init(size: UInt32) {
        precondition(size != 0 && size & (size &- 1) == 0, "a ring's size is a power of two")
        mask = size &- 1
        head = 0
        tail = 0
    }

    /// Entries between head and tail.
    @inlinable public var count: UInt32 { tail &- head }
    /// Index of the next entry to take.
    @inlinable public var headIndex: Int { Int(head & mask) }
    /// Index of the next entry to put.
    @inlinable public var tailIndex: Int { Int(tail & mask) }
    /// Entries that may still be put. One stays empty: hardware reads head == tail as "nothing".
    @inlinable public var space: UInt32 { mask &- (tail &- head) }
}
