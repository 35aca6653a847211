public import Synchronization

/// A 32-bit word in memory shared with another thread, process or device.
///
/// A plain pointer load may be hoisted out of a polling loop (measured: the loop became a bare `ret`), so shared words are
/// atomics reached through a pointer: acquire and release compile to plain moves on x86-64.
@safe @frozen public struct SharedWord: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// Wraps the aligned word at `offset` of `bytes`, which the caller keeps alive.
    public init(_ bytes: MutableByteView, at offset: Int) {
        precondition(offset >= 0 && offset % 4 == 0 && offset + 4 <= bytes.count)
        unsafe word = (bytes.base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// Sees everything that the writer stored before its ``storeReleasing(_:)``.
    @inlinable public func loadAcquiring() -> UInt32 { unsafe word.pointee.load(ordering: .acquiring) }
    /// For a word that only this side writes.
    @inlinable public func loadRelaxed() -> UInt32 { unsafe word.pointee.load(ordering: .relaxed) }
    /// Publishes everything stored before.
    @inlinable public func storeReleasing(_ value: UInt32) { unsafe word.pointee.store(value, ordering: .releasing) }
    /// Takes its place in the one order of all sequential accesses: with ``storeSequential(_:)`` on both sides, of two who
    /// each store one word and then load the other, at least one sees the other's store.
    @inlinable public func loadSequential() -> UInt32 {
        unsafe word.pointee.load(ordering: .sequentiallyConsistent)
    }
    /// See ``loadSequential()``; also publishes everything stored before.
    @inlinable public func storeSequential(_ value: UInt32) {
        unsafe word.pointee.store(value, ordering: .sequentiallyConsistent)
    }
    /// A store that orders nothing.
    @inlinable public func storeRelaxed(_ value: UInt32) { unsafe word.pointee.store(value, ordering: .relaxed) }
}

/// A 64-bit word in shared memory; see ``SharedWord``.
@safe @frozen public struct SharedWord64: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt64>>

    /// Wraps the aligned word at `offset` of `bytes`, which the caller keeps alive.
    public init(_ bytes: MutableByteView, at offset: Int) {
        precondition(offset >= 0 && offset % 8 == 0 && offset + 8 <= bytes.count)
        unsafe word = (bytes.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Sees everything that the writer stored before its ``storeReleasing(_:)``.
    @inlinable public func loadAcquiring() -> UInt64 { unsafe word.pointee.load(ordering: .acquiring) }
    /// For a word that only this side writes.
    @inlinable public func loadRelaxed() -> UInt64 { unsafe word.pointee.load(ordering: .relaxed) }
    /// Publishes everything stored before.
    @inlinable public func storeReleasing(_ value: UInt64) { unsafe word.pointee.store(value, ordering: .releasing) }
    /// A store that orders nothing.
    @inlinable public func storeRelaxed(_ value: UInt64) { unsafe word.pointee.store(value, ordering: .relaxed) }
}

/// Descriptor memory: 64-bit words that a device and this side both write.
///
/// The word that carries the done bit is read with acquire, so the fields read after it are those the device stored
/// before it; all other accesses are relaxed atomics, because a racing device must not be undefined behaviour.
@safe @frozen public struct DescriptorWords: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let base: UnsafeMutablePointer<Atomic<UInt64>>
    /// Number of 64-bit words.
    public let count: Int

    /// Wraps `bytes`, whose start must be 8-byte aligned and which the caller keeps alive.
    public init(_ bytes: MutableByteView) {
        precondition(bytes.count % 8 == 0)
        unsafe precondition(UInt(bitPattern: bytes.base) % 8 == 0)
        unsafe base = bytes.base.assumingMemoryBound(to: Atomic<UInt64>.self)
        count = bytes.count / 8
    }

    /// Reads the word that holds the done bit.
    @inlinable public func loadAcquiring(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return unsafe UInt64(littleEndian: (base + index).pointee.load(ordering: .acquiring))
    }

    /// Reads any other word.
    @inlinable public func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count)
        return unsafe UInt64(littleEndian: (base + index).pointee.load(ordering: .relaxed))
    }

    /// Writes a word; the doorbell's fence publishes it.
    @inlinable public func store(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count)
        unsafe (base + index).pointee.store(value.littleEndian, ordering: .relaxed)
    }

    /// Writes the word that hands the descriptor over (the device side's write-back).
    @inlinable public func storeReleasing(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count)
        unsafe (base + index).pointee.store(value.littleEndian, ordering: .releasing)
    }
}
