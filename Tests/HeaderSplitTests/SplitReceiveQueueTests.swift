import DeviceMemory
import HeaderSplit
import PagePool
import Rings
import Testing

/// Registers that only remember: what a queue rings, and how often it flushed.
final class RecordingBus: Bus {
    var writes: [(UInt32, UInt32)] = []
    var reads: [UInt32] = []
    func read32(_ offset: UInt32) -> UInt32 {
        reads.append(offset)
        return 0
    }
    func write32(_ offset: UInt32, _ value: UInt32) { writes.append((offset, value)) }
}

struct Missing: Error {}

/// `#require` for values that cannot be copied.
func unwrap<T: ~Copyable>(_ value: consuming T?) throws -> T {
    switch consume value {
    case .some(let value): return value
    case .none: throw Missing()
    }
}

/// A queue of 8 descriptors over plain memory, and the device's side of it by hand.
struct Bench: ~Copyable {
    typealias Queue = SplitReceiveQueue<AdvancedSplitFormat, RecordingBus>
    let memory = HeapBytes(count: 8 * 16 + 8 * 192 + 128)
    let bus = RecordingBus()
    let flush = RecordingBus()
    var pool: PagePool
    var queue: Queue
    var head = 0

    static let tail: UInt32 = 0xC018

    init(slots: Int = 16, ringBytes: Int = 128, visibility: Visibility = .flushRead) throws {
        pool = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000), slotSize: 2048, slotCount: slots))
        queue = try Queue(
            ring: HostBlock(bytes: memory.bytes.slice(0, ringBytes), iova: IOVA(0)),
            headers: HostBlock(bytes: memory.bytes.slice(128, 8 * 192), iova: IOVA(0x8_0000)),
            placement: .headerBuffer(192), doorbell: Doorbell(offset: Bench.tail), bus: bus, flushWindow: flush,
            visibility: visibility, pool: &pool)
        queue.start()
    }

    /// The payload address posted at an index.
    func posted(_ index: Int) -> UInt64 { memory.bytes.readOnly.le64(index * 16) }

    /// The next frame, or what is wrong with there being none.
    mutating func frame() throws -> ReceivedFrame { try unwrap(queue.nextFrame(&pool)) }

    /// Whether the queue has no frame now.
    mutating func isQuiet() -> Bool {
        guard var frame = queue.nextFrame(&pool) else { return true }
        if let fragment = frame.fragment.take() { pool.recycle(fragment) }
        return false
    }

    /// Takes the next frame's fragment back to the pool.
    mutating func dropFrame() throws {
        var frame = try frame()
        if let fragment = frame.fragment.take() { pool.recycle(fragment) }
    }

    /// Completes the next descriptor as a device would.
    mutating func complete(
        header: UInt64, length: UInt64, status: UInt64 = 0x63, split: Bool = true, type: UInt64 = 0x011
    ) {
        memory.bytes.setLE64(head * 16, type << 4 | header << 21 | (split ? 1 << 31 : 0))
        memory.bytes.setLE64(head * 16 + 8, status | length << 32)
        head = (head + 1) % 8
    }
}

@Suite struct SplitReceiveQueueTests {
    @Test("arming posts a slot and a header buffer everywhere and gives the device all descriptors but one")
    func arm() throws {
        let bench = try Bench()
        #expect(Set((0..<8).map { bench.posted($0) }).count == 8)
        for i in 0..<8 {
            #expect(bench.posted(i) >= 0x1_0000 && (bench.posted(i) - 0x1_0000) % 2048 == 0)
            #expect(bench.memory.bytes.readOnly.le64(i * 16 + 8) == UInt64(0x8_0000 + i * 192))
        }
        #expect(bench.bus.writes.count == 1 && bench.bus.writes[0] == (Bench.tail, UInt32(7)))
        #expect(bench.pool.ledger().ring == 8)
    }

    @Test("a split frame gives its header in host memory and a fragment in the slot, against a replacement")
    func split() throws {
        var bench = try Bench()
        let address = bench.posted(0)
        bench.memory.bytes[128] = 0xAB
        bench.complete(header: 54, length: 1000)
        var frame = try bench.frame()
        let header = frame.header
        let verdicts = (frame.split, frame.checksum)
        #expect(header.count == 54 && header[0] == 0xAB)
        #expect(verdicts == (SplitVerdict.split, ChecksumVerdict.good))
        let fragment = try unwrap(frame.fragment.take())
        let (length, index) = (fragment.length, UInt64(fragment.netmem.index))
        #expect(length == 1000 && index == (address - 0x1_0000) / 2048)
        #expect(bench.posted(0) != address)
        #expect(bench.pool.ledger().ring == 8 && bench.pool.ledger().stack == 1)
        bench.pool.recycle(fragment)
        let quiet = bench.isQuiet()
        #expect(quiet)
    }

    @Test("the tail moves once, at the end of the burst, after one flush read; a burst without payload flushes nothing")
    func burst() throws {
        var bench = try Bench()
        bench.complete(header: 54, length: 1000)
        bench.complete(header: 54, length: 10)
        bench.complete(header: 60, length: 0, split: false)
        while !bench.isQuiet() { #expect(bench.bus.writes.count == 1) }
        #expect(bench.flush.reads.isEmpty)
        bench.queue.endBurst()
        #expect(bench.bus.writes.count == 2 && bench.bus.writes[1] == (Bench.tail, UInt32(2)))
        #expect(bench.flush.reads == [0])
        bench.complete(header: 60, length: 0, split: false)
        try bench.dropFrame()
        bench.queue.endBurst()
        #expect(bench.flush.reads.count == 1 && bench.bus.writes.count == 3)
        bench.queue.endBurst()
        #expect(bench.bus.writes.count == 3)
    }

    @Test("a frame without payload is reposted in place without touching the pool")
    func pureACK() throws {
        var bench = try Bench()
        let before = bench.pool.statistics
        let address = bench.posted(0)
        bench.complete(header: 66, length: 0, split: false)
        let verdict = try bench.frame().split
        #expect(verdict == .unsplit)
        #expect(bench.posted(0) == address && bench.pool.statistics == before)
        #expect(bench.queue.statistics.reposted == 1)
        // The done bit of a reposted descriptor is gone.
        #expect(bench.memory.bytes.readOnly.le64(8) & 1 == 0)
    }

    @Test("without a replacement the frame is dropped and its slot stays: the ring never starves (S2.34)")
    func exhausted() throws {
        var bench = try Bench(slots: 9)
        bench.complete(header: 54, length: 100)
        var first = try bench.frame()
        let fragment = try unwrap(first.fragment.take())
        let address = bench.posted(1)
        bench.complete(header: 54, length: 100)
        let quiet = bench.isQuiet()
        #expect(quiet && bench.queue.statistics.noReplacement == 1 && bench.pool.ledger().ring == 8)
        // Armed again with what it had: the device may fill it after the next tail write.
        #expect(bench.posted(1) == address && bench.memory.bytes.readOnly.le64(24) == 0x8_0000 + 192)
        bench.pool.recycle(fragment)
        bench.complete(header: 54, length: 100)
        try bench.dropFrame()
    }

    @Test(
        "completions that cannot be true are counted and dropped, and the slot stays armed (S2.24, device untrusted)",
        arguments: [
            // header, length, status: longer than a slot; header longer than its buffer without HBO; nothing at all;
            // a link error; not the end of its frame.
            [54, 2049, 0x63], [193, 10, 0x63], [0, 10, 0x63], [0, 0, 0x63], [54, 10, 0x63 | 1 << 31], [54, 2048, 0x61],
            [1023, 0xFFFF, 0x63],
        ])
    func lies(_ words: [UInt64]) throws {
        let (header, length, status) = (words[0], words[1], words[2])
        var bench = try Bench()
        let address = bench.posted(0)
        bench.complete(header: header, length: length, status: status)
        let quiet = bench.isQuiet()
        #expect(quiet)
        let statistics = bench.queue.statistics
        #expect(statistics.badLength + statistics.frameErrors + statistics.chained == 1 && statistics.frames == 0)
        #expect(bench.posted(0) == address && bench.pool.ledger().ring == 8)
        bench.queue.endBurst()
        #expect(bench.bus.writes.count == 2)
    }

    @Test("every descriptor of a chained frame is dropped, and the next frame is not")
    func chain() throws {
        var bench = try Bench()
        bench.complete(header: 54, length: 2048, status: 0x1)
        bench.complete(header: 0, length: 2048, status: 0x1)
        bench.complete(header: 0, length: 100, status: 0x63)
        bench.complete(header: 60, length: 0)
        let length = try bench.frame().header.count
        #expect(length == 60)
        #expect(bench.queue.statistics.chained == 3 && bench.queue.statistics.frames == 1)
    }

    @Test("a header longer than its buffer is said, with the bytes that fit")
    func overflow() throws {
        var bench = try Bench()
        bench.complete(header: 230, length: 500, status: 0x63 | 1 << 23)
        var frame = try bench.frame()
        let (verdict, length) = (frame.split, frame.header.count)
        #expect(verdict == .headerOverflow && length == 192)
        bench.pool.recycle(try unwrap(frame.fragment.take()))
        #expect(bench.queue.statistics.headerOverflow == 1)
    }

    @Test("a burst ends before the ring would lap descriptors that the device has not been given back")
    func lap() throws {
        var bench = try Bench(slots: 64)
        for _ in 0..<8 { bench.complete(header: 60, length: 0) }
        var count = 0
        while !bench.isQuiet() { count += 1 }
        #expect(count == 7)
        bench.queue.endBurst()
        #expect(bench.bus.writes.last?.1 == 6)
    }

    @Test("checksum verdicts: bad wins, a missing check is unknown (S3.24, H-04)")
    func verdicts() throws {
        var bench = try Bench()
        for (status, expected) in [
            (0x63, .good), (0x63 | 1 << 29, .bad), (0x63 | 1 << 30, .bad), (0x03, .unknown), (0x43, .unknown),
        ] as [(UInt64, ChecksumVerdict)] {
            bench.complete(header: 60, length: 0, status: status)
            let verdict = try bench.frame().checksum
            #expect(verdict == expected)
        }
    }

    @Test("stopping gives every posted slot back")
    func stop() throws {
        var bench = try Bench()
        bench.queue.stop(&bench.pool)
        #expect(bench.pool.ledger().pool == 16)
    }

    @Test("a coherent region needs no flush read")
    func coherent() throws {
        var bench = try Bench(visibility: .coherent)
        bench.complete(header: 54, length: 1000)
        try bench.dropFrame()
        bench.queue.endBurst()
        #expect(bench.flush.reads.isEmpty)
    }

    @Test("rings of a wrong size, and pools no larger than the ring, are refused and nothing is kept")
    func refusals() throws {
        do {
            _ = try Bench(slots: 8)
            Issue.record("a pool no larger than the ring was taken")
        } catch let error as HeaderSplitError {
            #expect(error == .poolTooSmall(slots: 8, descriptors: 8))
        }
        for descriptors in [0, 4, 7] {
            do {
                _ = try Bench(ringBytes: descriptors * 16)
                Issue.record("a ring of \(descriptors) descriptors was taken")
            } catch let error as HeaderSplitError {
                #expect(error == .ringSize(descriptors: descriptors))
            }
        }
        // A pool that was refused is as it was.
        var pool = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000), slotSize: 2048, slotCount: 8))
        let memory = HeapBytes(count: 8 * 16 + 8 * 192)
        let bus = RecordingBus()
        _ = try? Bench.Queue(
            ring: HostBlock(bytes: memory.bytes.slice(0, 128), iova: IOVA(0)),
            headers: HostBlock(bytes: memory.bytes.slice(128, 8 * 192), iova: IOVA(0x8_0000)),
            placement: .headerBuffer(192), doorbell: Doorbell(offset: 0), bus: bus, flushWindow: bus,
            visibility: .coherent, pool: &pool)
        #expect(pool.ledger().pool == 8 && bus.writes.isEmpty)
        extendLifetime(memory)
    }
}
