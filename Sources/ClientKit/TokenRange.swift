/// Tokens that come back: `count` consecutive numbers from `start`.
@frozen public struct TokenRange: BitwiseCopyable, Sendable, Hashable {
    /// First token.
    public var start: UInt64
    /// How many.
    public var count: UInt32
    /// Zero.
    public var reserved: UInt32 = 0

    /// `count` tokens from `start`.
    @inlinable public init(start: UInt64, count: UInt32) {
        self.start = start
        self.count = count
    }
}
