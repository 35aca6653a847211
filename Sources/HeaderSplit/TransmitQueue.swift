public import DeviceMemory
public import Rings

/// Counters of a transmit queue.
@frozen public struct TransmitStatistics: Sendable, Hashable, BitwiseCopyable {
    /// Frames handed to the device.
    public var frames: UInt64 = 0
    /// Bytes of those frames.
    public var bytes: UInt64 = 0
    /// Context descriptors written.
    public var contexts: UInt64 = 0
    /// Parts of frames that stayed where they were.
    public var parts: UInt64 = 0
    /// Times no buffer or descriptor was free.
    public var full: UInt64 = 0

    /// All zero.
    @inlinable public init() {}
}

/// A transmit queue: the beginning of each frame is written into a host buffer in place, and parts that stay where they are
/// follow it by reference.
///
/// A frame takes one descriptor for what is in host memory and one for each part; buffer and first descriptor share an index.
/// A frame's descriptors, and the context before them, are free again together, when the last one has been reported done.
/// Labels of parts are handed out by ``nextReleased()`` then, and their descriptors wait for that.
@frozen public struct TransmitQueue<Format: TransmitDescriptorFormat, B: Bus>: ~Copyable {
    @usableFromInline let ring: DescriptorWords
    /// Descriptor memory.
    public let ringMemory: HostBlock
    @usableFromInline let buffers: HostBlock
    @usableFromInline let bufferSize: Int
    /// At the first descriptor of each frame: how many it has, the context before it included.
    @usableFromInline var spans: Slab<UInt32>
    /// By descriptor: the label of its part; 0 where there is none.
    @usableFromInline var labels: Slab<UInt32>
    /// Labels that were not handed out yet.
    @usableFromInline var labelled: Int
    /// `head` follows ``reported``, and stays behind it while labels are to be handed out.
    @usableFromInline var cursor: RingCursor
    /// Descriptors that the device is done with, counted like those of `cursor`.
    @usableFromInline var reported: UInt32
    @usableFromInline var rung: UInt32
    @usableFromInline var context: TransmitOffload?
    /// Of the frame that is being queued: parts still to come, bytes in all, and what is asked for it.
    @usableFromInline var partsLeft: Int
    @usableFromInline var frameLength: Int
    @usableFromInline var frameOffload: TransmitOffload?
    @usableFromInline let doorbell: Doorbell
    @usableFromInline let bus: B
    @usableFromInline var counters: TransmitStatistics

    /// Sets up a queue over descriptor memory and `bufferSize` bytes of buffer a descriptor.
    public init(
        ring: HostBlock, buffers: HostBlock, bufferSize: Int, doorbell: Doorbell, bus: B
    ) throws(HeaderSplitError) {
        let count = ring.bytes.count / Format.stride
        guard count >= 8, count & (count - 1) == 0 else { throw .ringSize(descriptors: count) }
        guard buffers.bytes.count >= count * bufferSize else {
            throw .transmitSlab(bytes: buffers.bytes.count, needed: count * bufferSize)
        }
        self.ring = DescriptorWords(ring.bytes)
        ringMemory = ring
        self.buffers = buffers
        self.bufferSize = bufferSize
        spans = Slab(count: count, repeating: 0)
        labels = Slab(count: count, repeating: 0)
        labelled = 0
        cursor = RingCursor(size: UInt32(count))
        reported = 0
        rung = 0
        context = nil
        partsLeft = 0
        frameLength = 0
        frameOffload = nil
        self.doorbell = doorbell
        self.bus = bus
        counters = TransmitStatistics()
    }

    /// Counters since the start.
    public var statistics: TransmitStatistics { counters }
    /// Descriptors that the device has not reported done.
    public var inFlight: Int { Int(cursor.tail &- reported) }

    /// Takes everything back from a device that was stopped: ``nextReleased()`` hands out what is left of labels.
    public mutating func giveUp() {
        reported = cursor.tail
        rung = cursor.tail
        if labelled == 0 { cursor.head = reported }
    }

    /// Forgets what was queued, for a device that was reset: its head starts at 0 again, and frames that had not left are
    /// lost. Labels must have been handed out before: ``giveUp()``.
    public mutating func rearm() {
        assert(labelled == 0, "labels of a ring that starts anew were not taken")
        cursor = RingCursor(size: cursor.mask + 1)
        reported = 0
        rung = 0
        context = nil
    }

    /// Copies a frame, or the beginning of one, into a buffer and queues it; false, with nothing changed, when the ring is full
    /// (try again after the next poll).
    ///
    /// - Parameters:
    ///   - parts: how many follow, each by one ``append(_:)``, before anything else is done with the queue.
    ///   - partBytes: bytes of all of them together.
    @inlinable public mutating func send(
        _ frame: ByteView, _ offload: TransmitOffload?, parts: Int = 0, partBytes: Int = 0
    ) -> Bool {
        // Room for the context too, so that a frame never goes out with another's.
        guard Int(cursor.space) >= parts &+ 2, frame.count <= bufferSize, frame.count != 0, parts >= 0 else {
            counters.full &+= 1
            return false
        }
        let first = cursor.tailIndex
        let length = frame.count &+ partBytes
        var span: UInt32 = 1 &+ UInt32(truncatingIfNeeded: parts)
        if let offload, offload != context || (Format.contextHoldsLength && offload.segmentSize != 0) {
            Format.writeContext(ring, index: first, offload, frameLength: length)
            cursor.tail &+= 1
            span &+= 1
            context = offload
            counters.contexts &+= 1
        }
        spans[first] = span
        let index = cursor.tailIndex
        let buffer = buffers.slice(index &* bufferSize, frame.count)
        buffer.bytes.copy(frame)
        Format.writeData(
            ring, index: index, buffer: buffer.iova, length: frame.count, isLast: parts == 0, offload,
            frameLength: length)
        cursor.tail &+= 1
        if parts != 0 {
            partsLeft = parts
            frameLength = length
            frameOffload = offload
        }
        counters.frames &+= 1
        counters.bytes &+= UInt64(truncatingIfNeeded: length)
        return true
    }

    /// Queues the next part of the frame that was begun. One too many, and one too long for a descriptor, are a bug of the caller.
    @inlinable public mutating func append(_ part: PlacedPart) {
        precondition(partsLeft > 0 && part.length <= UInt32(PlacedPart.limit) && part.label != 0)
        partsLeft &-= 1
        let index = cursor.tailIndex
        Format.writeData(
            ring, index: index, buffer: part.iova, length: Int(part.length), isLast: partsLeft == 0, frameOffload,
            frameLength: frameLength)
        labels[index] = part.label
        labelled &+= 1
        cursor.tail &+= 1
        counters.parts &+= 1
    }

    /// Rings the doorbell for everything queued since the last time.
    @inlinable public mutating func flush() {
        guard cursor.tail != rung else { return }
        rung = cursor.tail
        doorbell.ring(cursor.tail & cursor.mask, on: bus)
    }

    /// Frees what the device has reported done. A context is never reported: the report of the frame after it proves that both
    /// were fetched.
    @inlinable public mutating func reclaim() {
        while reported != cursor.tail {
            let first = Int(reported & cursor.mask)
            let span = spans[first]
            guard Format.isDone(ring, index: (first &+ Int(span) &- 1) & Int(cursor.mask)) else { break }
            reported &+= span
        }
        if labelled == 0 { cursor.head = reported }
    }

    /// The label of a part that the device is done with; `nil` when there is none. Call it after ``reclaim()`` until then.
    @inlinable public mutating func nextReleased() -> UInt32? {
        if labelled == 0 { return nil }
        while cursor.head != reported {
            let index = cursor.headIndex
            cursor.head &+= 1
            let label = labels[index]
            if label != 0 {
                labels[index] = 0
                labelled &-= 1
                if labelled == 0 { cursor.head = reported }
                return label
            }
        }
        return nil
    }
}
