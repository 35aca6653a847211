public import Glibc

/// A read-only window on host memory whose length was checked once, when it was made.
///
/// Accessors check against that length: a compare that the branch predictor never misses, measured at under an
/// instruction a field more than a raw pointer. The view does not own memory; it is valid as long as the memory's owner
/// says (for a received header: until the end of the burst).
@safe @frozen public struct ByteView: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let base: UnsafeRawPointer
    /// Length in bytes.
    public let count: Int

    /// Wraps `count` bytes at `base`, which the caller keeps alive and readable.
    @unsafe @inlinable public init(base: UnsafeRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// The byte at `offset`.
    @inlinable public subscript(offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < count)
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// The 16-bit big-endian field at `offset`.
    @inlinable public func be16(_ offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset <= count &- 2)
        return unsafe UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The 32-bit big-endian field at `offset`.
    @inlinable public func be32(_ offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset <= count &- 4)
        return unsafe UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The 64-bit little-endian word at `offset`.
    @inlinable public func le64(_ offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= count &- 8)
        return unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The 32-bit little-endian word at `offset`.
    @inlinable public func le32(_ offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset <= count &- 4)
        return unsafe UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The 16-bit little-endian word at `offset`.
    @inlinable public func le16(_ offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset <= count &- 2)
        return unsafe UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// `count` bytes from `offset` on.
    @inlinable public func slice(_ offset: Int, _ count: Int) -> ByteView {
        precondition(offset >= 0 && offset <= self.count && count >= 0 && count <= self.count &- offset)
        return unsafe ByteView(base: base + offset, count: count)
    }

    /// Everything from `offset` on.
    @inlinable public func from(_ offset: Int) -> ByteView { slice(offset, count &- offset) }

    /// The bytes for a system call, a hash or a copy; valid during `body`.
    @unsafe @inlinable public func withUnsafeBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A copy on the heap, for tests and control paths.
    public func array() -> [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: base, count: count)) }
}

/// A writable window on host memory; see ``ByteView`` for its rules.
@safe @frozen public struct MutableByteView: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Length in bytes.
    public let count: Int

    /// Wraps `count` bytes at `base`, which the caller keeps alive and writable.
    @unsafe @inlinable public init(base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// The same bytes, read-only.
    @inlinable public var readOnly: ByteView { unsafe ByteView(base: UnsafeRawPointer(base), count: count) }

    /// The byte at `offset`.
    @inlinable public subscript(offset: Int) -> UInt8 {
        get {
            precondition(offset >= 0 && offset < count)
            return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        }
        nonmutating set {
            precondition(offset >= 0 && offset < count)
            unsafe base.storeBytes(of: newValue, toByteOffset: offset, as: UInt8.self)
        }
    }

    /// Stores a 16-bit big-endian field.
    @inlinable public func setBE16(_ offset: Int, _ value: UInt16) {
        precondition(offset >= 0 && offset <= count &- 2)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    /// Stores a 32-bit big-endian field.
    @inlinable public func setBE32(_ offset: Int, _ value: UInt32) {
        precondition(offset >= 0 && offset <= count &- 4)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Stores a 64-bit little-endian word.
    @inlinable public func setLE64(_ offset: Int, _ value: UInt64) {
        precondition(offset >= 0 && offset <= count &- 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }

    /// Stores a 32-bit little-endian word.
    @inlinable public func setLE32(_ offset: Int, _ value: UInt32) {
        precondition(offset >= 0 && offset <= count &- 4)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// `count` bytes from `offset` on.
    @inlinable public func slice(_ offset: Int, _ count: Int) -> MutableByteView {
        precondition(offset >= 0 && offset <= self.count && count >= 0 && count <= self.count &- offset)
        return unsafe MutableByteView(base: base + offset, count: count)
    }

    /// Everything from `offset` on.
    @inlinable public func from(_ offset: Int) -> MutableByteView { slice(offset, count &- offset) }

    /// Copies all of `source` to `offset`; the ranges may not overlap.
    @inlinable public func copy(_ source: ByteView, at offset: Int = 0) {
        precondition(offset >= 0 && offset <= count && source.count <= count &- offset)
        unsafe memcpy(base + offset, source.base, source.count)
    }

    /// Moves `length` bytes within the view; source and destination may overlap.
    @inlinable public func move(from source: Int, to destination: Int, _ length: Int) {
        precondition(length >= 0 && source >= 0 && destination >= 0)
        precondition(source <= count &- length && destination <= count &- length)
        unsafe memmove(base + destination, base + source, length)
    }

    /// Sets every byte.
    @inlinable public func fill(_ byte: UInt8) { unsafe memset(base, Int32(byte), count) }

    /// The bytes for a system call; valid during `body`.
    @unsafe @inlinable public func withUnsafeMutableBytes<R: ~Copyable, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }
}
