/// Some bytes of one slot, held by the stack: handle, offset and length, and no way to the bytes.
///
/// Linear: each fragment carries one of the stack's references on its slot and must go to exactly one place, back to the
/// pool (``PagePool/recycle(_:)``) or on to an application (``PagePool/deliver(_:)``). Dropping it traps, using it twice
/// does not compile.
@frozen public struct Fragment: ~Copyable {
    /// The slot.
    public let netmem: Netmem
    @usableFromInline var start: UInt32
    @usableFromInline var size: UInt32

    /// First byte within the slot.
    @inlinable public var offset: UInt32 { start }
    /// Number of bytes.
    @inlinable public var length: UInt32 { size }

    @inlinable init(netmem: Netmem, offset: UInt32, length: UInt32) {
        self.netmem = netmem
        start = offset
        size = length
    }

    /// Drops the first `count` bytes (at most all).
    @inlinable public mutating func trimFront(_ count: UInt32) {
        let n = min(count, size)
        start &+= n
        size &-= n
    }

    /// Drops the last `count` bytes (at most all).
    @inlinable public mutating func trimBack(_ count: UInt32) { size &-= min(count, size) }

    /// Adds the next `count` bytes of the slot, which another fragment of it held that goes back to the pool.
    @inlinable public mutating func extendBack(_ count: UInt32) { size &+= count }

    /// Ends the fragment's life; the caller has taken over its reference.
    @inlinable consuming func surrender() -> Netmem {
        let handle = netmem
        discard self
        return handle
    }

    deinit { Fragment.dropped(size) }

    /// A dropped fragment is a lost slot: a bug of this program, never of a peer.
    @usableFromInline static func dropped(_ length: UInt32) {
        precondition(length == .max, "a Fragment was dropped: recycle or deliver it")
    }
}
