internal import DeviceMemory
internal import Timeline

/// A frame on its way.
struct Flying: BitwiseCopyable {
    var due: UInt64
    /// Orders frames that are due at once.
    var order: UInt64
    /// The line: 0 carries what station 0 sends.
    var lane: Int
    var place: Int
    var length: Int
    /// A bit of it was flipped.
    var isDamaged: Bool
}

/// Frames on their way, earliest first, and the memory that they lie in, which is used again from run to run.
struct FrameStore: ~Copyable {
    /// Longest frame, and frames at once.
    static let stride = 4096
    static let capacity = 2048

    private let bytes = HeapBytes(count: stride * capacity)
    private var free: [Int] = []
    private var heap: [Flying] = []
    private var sent: UInt64 = 0

    init() { removeAll() }

    var earliest: Instant { heap.isEmpty ? .never : Instant(nanoseconds: heap[0].due) }
    var isFull: Bool { free.isEmpty }

    mutating func removeAll() {
        heap.removeAll(keepingCapacity: true)
        free.removeAll(keepingCapacity: true)
        for place in 0..<FrameStore.capacity { free.append(place) }
        sent = 0
    }

    func view(_ frame: Flying) -> MutableByteView { bytes.bytes.slice(frame.place * FrameStore.stride, frame.length) }

    /// Copies a frame in; false when there is no room.
    mutating func push(_ frame: ByteView, lane: Int, due: Instant, flip: Int?) -> Bool {
        guard frame.count <= FrameStore.stride, let place = free.popLast() else { return false }
        let flying = Flying(
            due: due.nanoseconds, order: sent, lane: lane, place: place, length: frame.count, isDamaged: flip != nil)
        sent += 1
        let copy = view(flying)
        copy.copy(frame)
        if let flip {
            // Behind the Ethernet header, whose damage a NIC sees by the frame check sequence.
            let bits = frame.count * 8
            var bit = flip < bits ? flip : 112 + flip % (bits - 112)
            // Traffic class, flow label and hop limit of IPv6 are in no sum: damage there is none that anybody could see.
            if FrameStore.isUnprotected(frame, byte: bit / 8, bit % 8) { bit = min(bit + 8 * 40, bits - 1) }
            copy[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        insert(flying)
        return true
    }

    private static func isUnprotected(_ frame: ByteView, byte: Int, _ bit: Int) -> Bool {
        guard frame.count > 54, frame.be16(12) == 0x86DD else { return false }
        return (byte == 14 && bit < 4) || (15...17).contains(byte) || byte == 21
    }

    private mutating func insert(_ flying: Flying) {
        heap.append(flying)
        var i = heap.count - 1
        while i > 0, FrameStore.isEarlier(heap[i], heap[(i - 1) / 2]) {
            heap.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    /// The next frame that is due, whose bytes stay until it is released.
    mutating func pop(_ now: Instant) -> Flying? {
        guard let first = heap.first, first.due <= now.nanoseconds else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var i = 0
        while true {
            var least = i
            for child in [2 * i + 1, 2 * i + 2] where child < heap.count {
                if FrameStore.isEarlier(heap[child], heap[least]) { least = child }
            }
            if least == i { return first }
            heap.swapAt(i, least)
            i = least
        }
    }

    mutating func release(_ frame: Flying) { free.append(frame.place) }

    private static func isEarlier(_ a: Flying, _ b: Flying) -> Bool { (a.due, a.order) < (b.due, b.order) }
}
