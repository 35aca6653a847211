/// Names a connection: its place in the table, and which of that place's connections it is.
///
/// An id outlives its connection harmlessly: calls with the id of a connection that is gone do nothing.
@frozen public struct ConnectionID: Hashable, Sendable, BitwiseCopyable {
    /// Index in the lower, generation in the upper half.
    public let rawValue: UInt32

    /// Wraps an id that was taken apart before.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable init(index: Int, generation: UInt16) {
        rawValue = UInt32(generation) &<< 16 | UInt32(truncatingIfNeeded: index) & 0xFFFF
    }

    /// Place in the table, below the configuration's `maxConnections`.
    @inlinable public var index: Int { Int(rawValue & 0xFFFF) }
    /// Which of that place's connections it is.
    @inlinable public var generation: UInt16 { UInt16(truncatingIfNeeded: rawValue &>> 16) }
}
