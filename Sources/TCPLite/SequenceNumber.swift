/// A position in the circular space of TCP sequence numbers (RFC 9293, section 3.4).
@frozen public struct SequenceNumber: Hashable, Sendable, BitwiseCopyable {
    /// The number as on the wire.
    public var rawValue: UInt32

    /// Wraps a number from the wire.
    @inlinable public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes from `other` to this position; negative when this comes before. Exact for distances under 2^31.
    @inlinable public func distance(from other: SequenceNumber) -> Int {
        Int(Int32(bitPattern: rawValue &- other.rawValue))
    }

    @inlinable public static func < (a: SequenceNumber, b: SequenceNumber) -> Bool {
        Int32(bitPattern: a.rawValue &- b.rawValue) < 0
    }
    @inlinable public static func <= (a: SequenceNumber, b: SequenceNumber) -> Bool { !(b < a) }
    @inlinable public static func > (a: SequenceNumber, b: SequenceNumber) -> Bool { b < a }
    @inlinable public static func >= (a: SequenceNumber, b: SequenceNumber) -> Bool { !(a < b) }

    @inlinable public static func + (a: SequenceNumber, n: Int) -> SequenceNumber {
        SequenceNumber(a.rawValue &+ UInt32(truncatingIfNeeded: n))
    }
    @inlinable public static func - (a: SequenceNumber, n: Int) -> SequenceNumber {
        SequenceNumber(a.rawValue &- UInt32(truncatingIfNeeded: n))
    }

    /// The one that comes first.
    @inlinable static func earlier(_ a: SequenceNumber, _ b: SequenceNumber) -> SequenceNumber { a < b ? a : b }
    /// The one that comes last.
    @inlinable static func later(_ a: SequenceNumber, _ b: SequenceNumber) -> SequenceNumber { a < b ? b : a }
}
