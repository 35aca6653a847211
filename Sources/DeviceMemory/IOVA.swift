/// An address as the device sees it, behind its IOMMU.
///
/// A type of its own: it is never a pointer, and swapping the two is a compile error.
@frozen public struct IOVA: Comparable, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// The address on the bus.
    public var rawValue: UInt64

    /// Wraps a bus address.
    @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable public static func < (lhs: IOVA, rhs: IOVA) -> Bool { lhs.rawValue < rhs.rawValue }

    /// The address `bytes` further on. Wraps: addresses come from an allocator that keeps away from the end.
    @inlinable public static func + (lhs: IOVA, bytes: Int) -> IOVA {
        IOVA(lhs.rawValue &+ UInt64(truncatingIfNeeded: bytes))
    }

    public var description: String { "0x" + String(rawValue, radix: 16) }
}

/// What a device may do with mapped memory.
@frozen public struct AccessRights: OptionSet, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The device may read (transmit buffers, descriptors).
    public static let read = AccessRights(rawValue: 1)
    /// The device may write (receive buffers, descriptor write-back).
    public static let write = AccessRights(rawValue: 2)
    /// Both.
    public static let readWrite: AccessRights = [.read, .write]
}
