import DeviceMemory
import HeaderSplit
import PagePool
import Rings
import Testing

/// A queue for whole frames: 8 descriptors over plain memory, slots of host memory that may be read.
private struct HostBench: ~Copyable {
    let ring = HeapBytes(count: 8 * 16)
    let pages = HeapBytes(count: 16 * 2048)
    let bus = RecordingBus()
    var pool: PagePool
    var queue: SplitReceiveQueue<AdvancedSplitFormat, RecordingBus>

    init() throws {
        pool = PagePool(
            identifier: 0,
            provider: MemoryProvider(
                hostPages: HostBlock(bytes: pages.bytes, iova: IOVA(0x1_0000)), slotSize: 2048))
        // Slots must not have the numbers of the descriptors that hold them: a mix-up would not show.
        _ = pool.lend()
        let block = HostBlock(bytes: ring.bytes, iova: IOVA(0))
        queue = try SplitReceiveQueue(
            ring: block, headers: block, placement: .slot, doorbell: Doorbell(offset: 0xC018), bus: bus,
            flushWindow: bus, visibility: .coherent, pool: &pool)
        queue.start()
    }

    /// Completes descriptor `index` with `length` bytes, all `value`; returns the address that was posted.
    func complete(_ index: Int, length: UInt64, _ value: UInt8) -> UInt64 {
        let address = ring.bytes.readOnly.le64(index * 16)
        pages.bytes.slice(Int(address - 0x1_0000), 2048).fill(value)
        ring.bytes.setLE64(index * 16, 0)
        ring.bytes.setLE64(index * 16 + 8, 0x63 | length << 32)
        return address
    }

    /// Whether descriptor `index` holds `address` and no write-back.
    func isArmed(_ index: Int, _ address: UInt64) -> Bool {
        ring.bytes.readOnly.le64(index * 16) == address && ring.bytes.readOnly.le64(index * 16 + 8) == 0
    }
}

@Suite struct WholeFrameTests {
    @Test("a whole frame is read in the slot that was posted, which stays in the ring (queue 0)")
    func readInPlace() throws {
        var bench = try HostBench()
        for (index, value) in [0xA1, 0xB2, 0xC3].enumerated() as EnumeratedSequence<[UInt8]> {
            let address = bench.complete(index, length: 100, value)
            let frame = try unwrap(bench.queue.nextFrame(&bench.pool))
            let header = frame.header
            let split = frame.split
            let isWhole = frame.fragment == nil
            #expect(header.count == 100 && header[0] == value && header[99] == value)
            #expect(split == .unsplit && isWhole && bench.isArmed(index, address))
        }
        bench.queue.endBurst()
        #expect(bench.bus.reads.isEmpty && bench.pool.ledger().ring == 9 && bench.queue.statistics.unsplit == 3)
    }

    @Test("a completion without a byte, or longer than its slot, is counted and its descriptor armed again")
    func impossibleLengths() throws {
        var bench = try HostBench()
        for (index, length) in [0, 2049].enumerated() as EnumeratedSequence<[UInt64]> {
            let address = bench.complete(index, length: length, 0)
            let isQuiet = bench.queue.nextFrame(&bench.pool) == nil
            #expect(isQuiet && bench.isArmed(index, address))
        }
        #expect(bench.queue.statistics.badLength == 2 && bench.pool.ledger().ring == 9)
    }
}
