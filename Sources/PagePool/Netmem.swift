/// What kind of memory a handle names; the field has room for two more kinds.
@frozen public enum MemoryKind: UInt8, Sendable {
    /// A page of host memory.
    case hostPage = 0
    /// A slot of a device region: no CPU address exists.
    case deviceSlot = 1
}

/// A one-word handle to payload memory, the only form in which it crosses interfaces.
///
/// It is never a pointer and converts to none: the kind is in the low bit (the tag of Linux's netmem), the pool that owns
/// the slot and the slot's index in the rest.
@frozen public struct Netmem: Hashable, Sendable, BitwiseCopyable {
    @usableFromInline let raw: UInt64

    /// Names slot `index` of pool `pool`.
    @inlinable public init(kind: MemoryKind, pool: UInt16, index: UInt32) {
        raw = UInt64(kind.rawValue) | UInt64(pool) &<< 16 | UInt64(index) &<< 32
    }

    /// The kind of memory.
    @inlinable public var kind: MemoryKind { raw & 1 == 0 ? .hostPage : .deviceSlot }
    /// The same slot, with the bit set that is its holder's own: pools do not look at it.
    @inlinable public var marked: Netmem { Netmem(raw: raw | 0x8000) }
    /// Whether the holder's own bit is set.
    @inlinable public var isMarked: Bool { raw & 0x8000 != 0 }
    @inlinable init(raw: UInt64) { self.raw = raw }
    /// The pool that owns the slot.
    @inlinable public var pool: UInt16 { UInt16(truncatingIfNeeded: raw &>> 16) }
    /// The slot's index in its pool.
    @inlinable public var index: UInt32 { UInt32(truncatingIfNeeded: raw &>> 32) }
}
