internal import DeviceMemory
internal import Timeline

/// Writes to device regions that have left the device but are not visible yet, in order.
struct DelayedPayload: ~Copyable {
    struct Write: BitwiseCopyable {
        var target: MutableByteView?
        var source: ByteView?
        var iova: UInt64 = 0
        var due = Instant.zero
        var frame = 0
    }

    private var writes: Slab<Write>
    private let mask: Int
    private var head = 0
    private var tail = 0
    // Counts pending writes by a hash of the address: zero means that none is pending there.
    private var pending: Slab<UInt16>

    init(capacity: Int) {
        var size = 1
        while size < capacity { size *= 2 }
        writes = Slab(count: size, repeating: Write())
        mask = size - 1
        pending = Slab(count: 4096, repeating: 0)
    }

    var isEmpty: Bool { head == tail }
    var isFull: Bool { tail &- head > mask }

    /// When the oldest write becomes visible.
    var nextDue: Instant { isEmpty ? .never : writes[head & mask].due }

    /// Number of the oldest frame whose bytes are still needed; `nil` when none is.
    var oldestFrame: Int? { isEmpty ? nil : writes[head & mask].frame }

    /// Whether a write to the buffer at `iova` may be pending; errs towards yes.
    func mayTouch(_ iova: UInt64) -> Bool { pending[Self.slot(iova)] != 0 }

    /// Queues a write of `source` (bytes of FIFO frame `frame`) for `due`; the queue must not be full.
    mutating func append(_ source: ByteView, to target: MutableByteView, iova: UInt64, due: Instant, frame: Int) {
        // Writes of one device stay in order.
        let last = isEmpty ? due : max(due, writes[(tail &- 1) & mask].due)
        writes[tail & mask] = Write(target: target, source: source, iova: iova, due: last, frame: frame)
        pending[Self.slot(iova)] &+= 1
        tail &+= 1
    }

    /// Makes every write that is due at `now` visible; returns how many.
    mutating func apply(now: Instant) -> Int {
        let before = head
        while head != tail {
            let write = writes[head & mask]
            if write.due > now { break }
            if let target = write.target, let source = write.source { target.copy(source) }
            pending[Self.slot(write.iova)] &-= 1
            head &+= 1
        }
        return head &- before
    }

    private static func slot(_ iova: UInt64) -> Int {
        Int(truncatingIfNeeded: ((iova &>> 10) &* 0x9E37_79B9_7F4A_7C15) &>> 52)
    }
}
