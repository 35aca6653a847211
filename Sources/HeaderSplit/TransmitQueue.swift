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
    /// Times no buffer or descriptor was free.
    public var full: UInt64 = 0

    /// All zero.
    @inlinable public init() {}
}

/// A transmit queue: frames are written into host buffers in place and leave with one descriptor each.
///
/// Buffer and data descriptor share an index, so a buffer is free again when its descriptor has been reported done.
@frozen public struct TransmitQueue<Format: TransmitDescriptorFormat, B: Bus>: ~Copyable {
    @usableFromInline let ring: DescriptorWords
    /// Descriptor memory.
    public let ringMemory: HostBlock
    @usableFromInline let buffers: HostBlock
    @usableFromInline let bufferSize: Int
    // Context descriptors are never reported done: reclaiming skips them.
    @usableFromInline var isContext: Slab<Bool>
    @usableFromInline var cursor: RingCursor
    @usableFromInline var rung: UInt32
    @usableFromInline var context: TransmitOffload?
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
        isContext = Slab(count: count, repeating: false)
        cursor = RingCursor(size: UInt32(count))
        rung = 0
        context = nil
        self.doorbell = doorbell
        self.bus = bus
        counters = TransmitStatistics()
    }

    /// Counters since the start.
    public var statistics: TransmitStatistics { counters }
    /// Descriptors that the device has not reported done.
    public var inFlight: Int { Int(cursor.count) }

    /// Forgets what was queued, for a device that was reset: its head starts at 0 again, and frames that had not left are lost.
    public mutating func rearm() {
        cursor = RingCursor(size: cursor.mask + 1)
        rung = 0
        context = nil
    }

    /// Copies a frame into a buffer and queues it; false when the ring is full (try again after the next poll).
    @inlinable public mutating func send(_ frame: ByteView, _ offload: TransmitOffload?) -> Bool {
        // Room for the context too, so that a frame never goes out with another's.
        guard cursor.space >= 2, frame.count <= bufferSize, frame.count != 0 else {
            counters.full &+= 1
            return false
        }
        if let offload, offload != context {
            isContext[cursor.tailIndex] = true
            Format.writeContext(ring, index: cursor.tailIndex, offload)
            cursor.tail &+= 1
            context = offload
            counters.contexts &+= 1
        }
        let index = cursor.tailIndex
        isContext[index] = false
        let buffer = buffers.slice(index &* bufferSize, frame.count)
        buffer.bytes.copy(frame)
        Format.writeFrame(
            ring, index: index, buffer: buffer.iova, length: frame.count, tcpChecksum: offload?.tcpChecksum ?? false)
        cursor.tail &+= 1
        counters.frames &+= 1
        counters.bytes &+= UInt64(frame.count)
        return true
    }

    /// Rings the doorbell for everything queued since the last time.
    @inlinable public mutating func flush() {
        guard cursor.tail != rung else { return }
        rung = cursor.tail
        doorbell.ring(cursor.tail & cursor.mask, on: bus)
    }

    /// Frees the buffers of frames that the device has reported done.
    ///
    /// A context descriptor is freed together with the frame after it, whose report proves that both were fetched.
    @inlinable public mutating func reclaim() {
        while cursor.count != 0 {
            let index = cursor.headIndex
            if isContext[index] {
                guard cursor.count >= 2, Format.isDone(ring, index: (index &+ 1) & Int(cursor.mask)) else { return }
                cursor.head &+= 2
            } else {
                guard Format.isDone(ring, index: index) else { return }
                cursor.head &+= 1
            }
        }
    }
}
