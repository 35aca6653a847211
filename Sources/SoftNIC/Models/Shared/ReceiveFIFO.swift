internal import DeviceMemory
internal import Packets

/// Frames between wire and host, in arrival order.
///
/// A frame stays until its delayed payload has been written: the FIFO's memory is the source of that write, so that
/// payload is copied once. Three counters chase one another: freed <= processed <= arrived.
struct ReceiveFIFO: ~Copyable {
    struct Entry: BitwiseCopyable {
        var length = 0
        var mark = FrameMark.none
    }

    private let storage: HeapBytes
    private var entries: Slab<Entry>
    private let stride: Int
    private let mask: Int
    private(set) var freed = 0
    private(set) var processed = 0
    private var arrived = 0
    /// Longest frame that fits, in bytes.
    let capacity: Int

    /// - Parameter capacity: longest frame; room for a check sequence is kept behind it.
    init(depth: Int, capacity: Int) {
        var size = 1
        while size < depth { size *= 2 }
        // Padding to 60 bytes must fit too; lines are not shared between frames.
        stride = (max(capacity, 60) + 4 + 63) & ~63
        self.capacity = capacity
        mask = size - 1
        storage = HeapBytes(count: size * stride)
        entries = Slab(count: size, repeating: Entry())
    }

    /// No frame waits to be processed.
    var isEmpty: Bool { processed == arrived }
    /// No room for another frame.
    var isFull: Bool { arrived &- freed > mask }
    /// Number of the frame that is processed next.
    var nextNumber: Int { processed }

    /// Takes a frame that is at most ``capacity`` bytes long; the FIFO must not be full.
    mutating func push(_ frame: ByteView, mark: FrameMark) {
        let index = arrived & mask
        let space = storage.bytes.slice(index &* stride, stride)
        space.copy(frame)
        if frame.count < 60 { space.slice(frame.count, 60 &- frame.count).fill(0) }
        entries[index] = Entry(length: frame.count, mark: mark)
        arrived &+= 1
    }

    /// All bytes of the frame's place, of which the first ``frontLength`` are the frame. Must not be empty.
    var front: MutableByteView { storage.bytes.slice((processed & mask) &* stride, stride) }
    /// Length of the next frame.
    var frontLength: Int { entries[processed & mask].length }
    /// What the next frame's checksum verdict is to be.
    var frontMark: FrameMark { entries[processed & mask].mark }

    /// The next frame has been delivered or dropped.
    mutating func advance() { processed &+= 1 }

    /// The places of all processed frames up to `number`, exclusive, may be used again.
    mutating func free(upTo number: Int) {
        freed = min(number, processed)
        // An empty FIFO starts over: its first places are the warm ones.
        if freed == arrived { clear() }
    }

    /// Forgets everything.
    mutating func clear() {
        freed = 0
        processed = 0
        arrived = 0
    }
}
