public import DeviceMemory
public import Timeline

/// A bounded queue of Ethernet frames (without FCS), first in first out: whole ones in host memory, or their beginnings there
/// and parts that stay where they are.
///
/// All space is allocated once; a frame is written in place (``reserve()``, ``commit(length:due:offload:mark:)``) and read in
/// place (``front``, ``popFront()``).
@frozen public struct FrameQueue: ~Copyable {
    @usableFromInline struct Entry: BitwiseCopyable {
        @usableFromInline var length: Int
        @usableFromInline var due: Instant
        @usableFromInline var offload: TransmitOffload
        @usableFromInline var mark: FrameMark
        @usableFromInline var parts: Int
        @usableFromInline init(length: Int, due: Instant, offload: TransmitOffload, mark: FrameMark, parts: Int) {
            self.length = length
            self.due = due
            self.offload = offload
            self.mark = mark
            self.parts = parts
        }
    }

    @usableFromInline let storage: HeapBytes
    @usableFromInline var entries: Slab<Entry>
    /// ``partLimit`` for each frame.
    @usableFromInline var parts: Slab<PlacedPart>
    @usableFromInline var head: Int
    @usableFromInline var tail: Int
    @usableFromInline let mask: Int
    /// The longest frame, or beginning of one, that fits, in bytes.
    public let frameCapacity: Int
    /// The most parts of one frame.
    public let partLimit: Int

    /// Room for `depth` frames (rounded up to a power of two) of `frameCapacity` bytes and `partLimit` parts.
    public init(depth: Int, frameCapacity: Int, partLimit: Int = 0) {
        var size = 1
        while size < depth { size *= 2 }
        storage = HeapBytes(count: size * frameCapacity)
        entries = Slab(count: size, repeating: Entry(length: 0, due: .zero, offload: .none, mark: .none, parts: 0))
        parts = Slab(count: size * partLimit, repeating: PlacedPart(iova: IOVA(0), length: 0, label: 0))
        head = 0
        tail = 0
        mask = size - 1
        self.frameCapacity = frameCapacity
        self.partLimit = partLimit
    }

    /// Frames in the queue.
    @inlinable public var count: Int { tail &- head }
    /// How many frames fit in all.
    @inlinable public var depth: Int { mask &+ 1 }
    @inlinable public var isEmpty: Bool { tail == head }
    @inlinable public var isFull: Bool { tail &- head > mask }

    /// Space for the next frame, `frameCapacity` bytes with old contents; `nil` when full. Not queued until committed.
    @inlinable public mutating func reserve() -> MutableByteView? {
        guard !isFull else { return nil }
        return storage.bytes.slice((tail & mask) &* frameCapacity, frameCapacity)
    }

    /// Gives the reserved frame its part number `number`, counted from 0; they follow the bytes in host memory in this order.
    @inlinable public mutating func place(_ part: PlacedPart, number: Int) {
        precondition(number >= 0 && number < partLimit)
        parts[(tail & mask) &* partLimit &+ number] = part
    }

    /// Queues the reserved space as a frame of `length` bytes, and `parts` parts, that is not to leave before `due`.
    @inlinable public mutating func commit(
        length: Int, due: Instant = .zero, offload: TransmitOffload = .none, mark: FrameMark = .none, parts: Int = 0
    ) {
        precondition(!isFull && length <= frameCapacity && parts <= partLimit)
        entries[tail & mask] = Entry(length: length, due: due, offload: offload, mark: mark, parts: parts)
        tail &+= 1
    }

    /// Copies a frame into the queue; false when the queue is full or the frame too long.
    @inlinable public mutating func push(
        _ frame: ByteView, due: Instant = .zero, offload: TransmitOffload = .none, mark: FrameMark = .none
    ) -> Bool {
        guard frame.count <= frameCapacity, let space = reserve() else { return false }
        space.copy(frame)
        commit(length: frame.count, due: due, offload: offload, mark: mark)
        return true
    }

    /// The oldest frame, valid until it is popped. The queue must not be empty.
    @inlinable public var front: ByteView { frontMutable.readOnly }

    /// The oldest frame, writable (for a device that completes a checksum in place). The queue must not be empty.
    @inlinable public var frontMutable: MutableByteView {
        precondition(!isEmpty)
        return storage.bytes.slice((head & mask) &* frameCapacity, entries[head & mask].length)
    }

    /// How many parts follow the oldest frame's bytes. The queue must not be empty.
    @inlinable public var frontPartCount: Int { entries[head & mask].parts }

    /// A part of the oldest frame, `number` from 0.
    @inlinable public func frontPart(_ number: Int) -> PlacedPart { parts[(head & mask) &* partLimit &+ number] }

    /// When the oldest frame is to leave. The queue must not be empty.
    @inlinable public var frontDue: Instant { entries[head & mask].due }

    /// What the oldest frame asks of the NIC. The queue must not be empty.
    @inlinable public var frontOffload: TransmitOffload { entries[head & mask].offload }

    /// What an impairment asks of the model that receives the oldest frame. The queue must not be empty.
    @inlinable public var frontMark: FrameMark { entries[head & mask].mark }

    /// Removes the oldest frame. The queue must not be empty.
    @inlinable public mutating func popFront() {
        precondition(!isEmpty)
        head &+= 1
    }
}
