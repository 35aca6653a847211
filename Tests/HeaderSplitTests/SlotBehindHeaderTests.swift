import DeviceMemory
import HeaderSplit
import PagePool
import Rings
import Testing

/// A queue for whole frames of a device that splits all the same: 8 packet-split descriptors, slots of 4 KiB whose first 256
/// bytes are the header buffer.
private struct JoiningBench: ~Copyable {
    static let room = 256
    let ring = HeapBytes(count: 8 * 32)
    let pages = HeapBytes(count: 16 * 4096)
    let bus = RecordingBus()
    var pool: PagePool
    var queue: SplitReceiveQueue<PacketSplitFormat, RecordingBus>

    init() throws {
        pool = PagePool(
            identifier: 0,
            provider: MemoryProvider(
                hostPages: HostBlock(bytes: pages.bytes, iova: IOVA(0x10_0000)), slotSize: 4096))
        let block = HostBlock(bytes: ring.bytes, iova: IOVA(0))
        queue = try SplitReceiveQueue(
            ring: block, headers: block, placement: .slotBehindHeader(room: JoiningBench.room),
            doorbell: Doorbell(offset: 0x2818), bus: bus, flushWindow: bus, visibility: .coherent, pool: &pool)
        queue.start()
    }

    /// The posted addresses of descriptor `index`: header, payload.
    func posted(_ index: Int) -> (UInt64, UInt64) {
        (ring.bytes.readOnly.le64(index * 32), ring.bytes.readOnly.le64(index * 32 + 8))
    }

    /// Puts a frame of counting bytes into the buffers of descriptor `index`, `header` of them into the first, and completes it.
    func complete(_ index: Int, header: Int, rest: Int, status: UInt64 = 0x3) {
        let (first, second) = posted(index)
        for i in 0..<min(header, 4096) { pages.bytes[Int(first) - 0x10_0000 + i] = UInt8(truncatingIfNeeded: i) }
        for i in 0..<min(rest, 3840) {
            pages.bytes[Int(second) - 0x10_0000 + i] = UInt8(truncatingIfNeeded: header + i)
        }
        ring.bytes.setLE64(index * 32, 0)
        ring.bytes.setLE64(index * 32 + 16, 0x8000 | UInt64(header & 0x3FF) | UInt64(rest) << 16)
        ring.bytes.setLE64(index * 32 + 24, 0)
        ring.bytes.setLE64(index * 32 + 8, status | UInt64(header) << 32)
    }
}

@Suite struct SlotBehindHeaderTests {
    @Test("the header buffer is the slot's beginning, the payload buffer the rest; the tail counts 16-byte units")
    func arm() throws {
        let bench = try JoiningBench()
        for index in 0..<8 {
            let (header, payload) = bench.posted(index)
            #expect(header % 4096 == 0 && payload == header + 256)
        }
        #expect(bench.bus.writes.count == 1 && bench.bus.writes[0] == (0x2818, UInt32(14)))
    }

    @Test(
        "a frame is contiguous whether it was split or not, and its slot stays in the ring",
        arguments: [
            // ICMP that QEMU splits, UDP, whole in the header buffer, unsplit and long, a header as long as its buffer.
            [34, 200], [42, 1472], [60, 0], [256, 1258], [1, 3840], [255, 1], [256, 0], [0, 77],
        ])
    func contiguous(_ lengths: [Int]) throws {
        var bench = try JoiningBench()
        let before = bench.posted(0)
        bench.complete(0, header: lengths[0], rest: lengths[1])
        let frame = try unwrap(bench.queue.nextFrame(&bench.pool))
        let bytes = frame.header.array()
        let verdict = frame.split
        let isWhole = frame.fragment == nil
        #expect(bytes == (0..<lengths[0] + lengths[1]).map { UInt8(truncatingIfNeeded: $0) })
        #expect(verdict == .unsplit && isWhole)
        #expect(bench.posted(0) == before && bench.pool.ledger().ring == 8)
        // The neighbour's slot is untouched.
        #expect(bench.pages.bytes[4096] == 0)
        bench.queue.endBurst()
        #expect(bench.bus.writes.last?.1 == 0)
    }

    @Test(
        "lengths that cannot be true are counted and the slot stays armed (device untrusted)",
        arguments: [[0, 0], [257, 10], [300, 0], [54, 3841], [0xFFFF, 0xFFFF]])
    func impossibleLengths(_ lengths: [Int]) throws {
        var bench = try JoiningBench()
        let before = bench.posted(0)
        bench.complete(0, header: lengths[0], rest: lengths[1])
        let isQuiet = bench.queue.nextFrame(&bench.pool) == nil
        #expect(isQuiet && bench.queue.statistics.badLength == 1 && bench.queue.statistics.frames == 0)
        #expect(bench.posted(0) == before && bench.pool.ledger().ring == 8)
    }

    @Test("a frame over several descriptors is dropped, although QEMU repeats its header status in each")
    func chained() throws {
        var bench = try JoiningBench()
        bench.complete(0, header: 54, rest: 3840, status: 0x1)
        bench.complete(1, header: 0, rest: 100)
        bench.complete(2, header: 60, rest: 0)
        let frame = try unwrap(bench.queue.nextFrame(&bench.pool))
        let length = frame.header.count
        #expect(length == 60 && bench.queue.statistics.chained == 2 && bench.queue.statistics.frames == 1)
    }

    @Test("host slots without room behind the header buffer, and memory nobody may read, are refused")
    func refusals() throws {
        let memory = HeapBytes(count: 16 * 256 + 256)
        let bus = RecordingBus()
        let ring = HostBlock(bytes: memory.bytes.slice(0, 256), iova: IOVA(0))
        var small = PagePool(
            identifier: 0,
            provider: MemoryProvider(
                hostPages: HostBlock(bytes: memory.bytes.slice(256, 4096), iova: IOVA(0x1_0000)), slotSize: 256))
        var device = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x2_0000), slotSize: 4096, slotCount: 16))
        #expect(throws: HeaderSplitError.slotTooSmall(slotSize: 256, room: 256)) {
            _ = try SplitReceiveQueue<PacketSplitFormat, RecordingBus>(
                ring: ring, headers: ring, placement: .slotBehindHeader(room: 256), doorbell: Doorbell(offset: 0),
                bus: bus, flushWindow: bus, visibility: .coherent, pool: &small)
        }
        #expect(throws: HeaderSplitError.unreadableHostQueue) {
            _ = try SplitReceiveQueue<PacketSplitFormat, RecordingBus>(
                ring: ring, headers: ring, placement: .slotBehindHeader(room: 256), doorbell: Doorbell(offset: 0),
                bus: bus, flushWindow: bus, visibility: .coherent, pool: &device)
        }
        #expect(small.ledger().pool == 16 && device.ledger().pool == 16)
        extendLifetime(memory)
    }
}
