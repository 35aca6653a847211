import DeviceMemory
import Testing

@testable import PagePool

@Suite struct ProviderTests {
    private func refusal(_ runs: [(UInt64, Int)], slotSize: Int) -> PagePoolError? {
        do {
            _ = try MemoryProvider(
                deviceRegion: runs.map { DeviceRun(base: IOVA($0.0), length: $0.1) }, slotSize: slotSize)
            return nil
        } catch {
            return error
        }
    }

    @Test("memory that cannot be cut is refused with the run that is to blame (U.32, S3.19)")
    func validation() {
        let k64 = 64 << 10
        #expect(refusal([(0x10_0000, k64), (0x20_0800, k64)], slotSize: 4096) == .misaligned(run: 1))
        #expect(refusal([(0x10_0000, k64), (0x20_0800, k64)], slotSize: 2048) == nil)
        #expect(refusal([(0x10_0000, k64), (0x20_0000, k64 + 2048)], slotSize: 4096) == .misaligned(run: 1))
        #expect(refusal([(0x10_0000, k64), (0x20_0000, k64)], slotSize: 128 << 10) == .misaligned(run: 0))
        #expect(refusal([(.max - 0xFFFF, k64)], slotSize: 4096) == .misaligned(run: 0))
        #expect(refusal([(0x10_F000, 4096), (0x10_0000, k64)], slotSize: 4096) == .overlapping(run: 1))
        #expect(refusal([(0x11_0000, 4096), (0x10_0000, k64)], slotSize: 4096) == nil)
        #expect(refusal([], slotSize: 4096) == .noMemory)
        #expect(refusal([(0x10_0000, 0)], slotSize: 4096) == .noMemory)
        #expect(refusal([(0, 2048 * Int(UInt32.max))], slotSize: 2048) == .tooManySlots)
        for size in [0, 1024, 3000, 4097, 4 << 20, -2048] {
            #expect(refusal([(0, k64)], slotSize: size) == .badSlotSize(size))
        }
        for error: PagePoolError in [.badSlotSize(3), .misaligned(run: 1), .noSuchPlace(2)] {
            #expect(error.description.contains(":") || error.description.contains("place"))
        }
    }

    @Test("host memory is held to the same, and huge pages to 2 MiB (S2.33, U.32)")
    func hostValidation() throws {
        let memory = HostBytes(4 << 20)
        func refusal(_ make: () throws(PagePoolError) -> MemoryProvider) -> PagePoolError? {
            do throws(PagePoolError) {
                _ = try make()
                return nil
            } catch {
                return error
            }
        }
        let odd = memory.block(at: IOVA(0x4000_0800))
        #expect(
            refusal { () throws(PagePoolError) in try MemoryProvider(registered: odd, slotSize: 4096) }
                == .misaligned(run: 0))
        #expect(refusal { () throws(PagePoolError) in try MemoryProvider(registered: odd, slotSize: 2048) } == nil)
        let half = memory.block(at: IOVA(0x4010_0000))
        #expect(
            refusal { () throws(PagePoolError) in try MemoryProvider(hugePages: half, slotSize: 4096) }
                == .misaligned(run: 0))
        let short = memory.block().slice(0, 3 << 20)
        #expect(
            refusal { () throws(PagePoolError) in try MemoryProvider(hugePages: short, slotSize: 4096) }
                == .misaligned(run: 0))
        let whole = memory.block()
        #expect(refusal { () throws(PagePoolError) in try MemoryProvider(hugePages: whole, slotSize: 4096) } == nil)
        #expect(
            refusal { () throws(PagePoolError) in try MemoryProvider(hugePages: whole, slotSize: 4096).capped(at: 0) }
                == .badCap(0))
        extendLifetime(memory)
    }

    @Test("a thousand runs in no order: each slot's address is what counting gives (S3.10)")
    func manyRuns() throws {
        var generator = SystemlessGenerator(state: 5)
        var places = (0..<1000).map { UInt64($0) * 0x10_0000 }
        for i in stride(from: 999, to: 0, by: -1) { places.swapAt(i, Int(generator.next() % UInt64(i + 1))) }
        let runs = places.map { DeviceRun(base: IOVA($0), length: 4096 * Int(1 + generator.next() % 20)) }
        let provider = try MemoryProvider(deviceRegion: runs, slotSize: 4096)
        let pool = try PagePool(identifier: 1, over: provider)
        var slot: UInt32 = 0
        for run in runs {
            for offset in stride(from: 0, to: run.length, by: 4096) {
                let iova = pool.iova(of: slot)
                #expect(iova == run.base + offset)
                slot += 1
            }
        }
        let count = pool.slotCount
        #expect(count == Int(slot))
    }

    @Test("a slot beyond 4 GiB has its offset and its address right (U.32, S3.10)")
    func farOffsets() throws {
        let slots = 2200
        let provider = try MemoryProvider(
            deviceRegion: [DeviceRun(base: IOVA(0x80_0000_0000), length: slots * (2 << 20))], slotSize: 2 << 20)
        var pool = try PagePool(identifier: 1, over: provider)
        var last: UInt32 = 0
        while let slot = pool.lend() { last = max(last, slot) }
        let delivered = pool.deliver(pool.arrive(last, offset: 5, length: 1))
        #expect(delivered.regionOffset == 2199 * (2 << 20) + 5 && delivered.regionOffset > 1 << 32)
        let iova = pool.iova(of: last)
        #expect(iova == IOVA(0x80_0000_0000 + 2199 * (2 << 20)))
    }

    @Test("what a provider leaves to its pool when the cache is full is lent again, warmest first (S2.03, S2.06)")
    func poolFrees() throws {
        let memory = HostBytes(1000 * 2048)
        let provider = try MemoryProvider(registered: memory.block(), slotSize: 2048)
        var pool = try PagePool(identifier: 1, over: provider, cacheCapacity: 128)
        for _ in 0..<3 {
            var slots: [UInt32] = []
            while let slot = pool.lend() { slots.append(slot) }
            #expect(Set(slots).count == 1000)
            for slot in slots { pool.reclaim(slot) }
            let faults = pool.audit()
            #expect(faults.isEmpty && pool.freeCount == 1000)
        }
        let counts = pool.statistics
        #expect(counts.freedByPool == 3 * (1000 - 128) && counts.recycleReleased == 0)
        extendLifetime(memory)
    }

    @Test("a huge page goes back as a whole when all its slots are free, and no slot of it is lent meanwhile (S2.33)")
    func hugePages() throws {
        let memory = HostBytes(6 << 20)
        let provider = try MemoryProvider(hugePages: memory.block(), slotSize: 16 << 10)
        var pool = try PagePool(identifier: 1, over: provider, cacheCapacity: 128)
        // 128 slots a page; one slot of the first page stays out.
        var slots: [UInt32] = []
        while let slot = pool.lend() { slots.append(slot) }
        let none = pool.giveUpHugePage()
        #expect(slots.count == 384 && none == nil)
        let pages = Set(slots.map { pool.hugePage(of: $0) })
        #expect(pages == [0, 1, 2])
        for slot in slots where slot != 5 { pool.reclaim(slot) }
        let first = pool.giveUpHugePage()
        let second = pool.giveUpHugePage()
        let third = pool.giveUpHugePage()
        #expect(Set([first, second]) == [1, 2] && third == nil)
        let ledger = pool.ledger()
        #expect(ledger.total == 128 && ledger.pool == 127 && ledger.isBalanced)
        let faults = pool.audit()
        #expect(faults.isEmpty)
        var seen = Set<UInt32>()
        while let slot = pool.lend() { seen.insert(slot) }
        #expect(seen.count == 127 && seen.allSatisfy { $0 < 128 })
        let again = [
            pool.takeBackHugePage(2), pool.takeBackHugePage(2), pool.takeBackHugePage(0), pool.takeBackHugePage(7),
        ]
        #expect(again == [true, false, false, false])
        let slot = try unwrap(pool.lend())
        #expect(slot >= 256)
        let after = pool.ledger()
        #expect(after.total == 256 && after.isBalanced)
        extendLifetime(memory)
    }

    @Test("slots come from the fullest huge page, so that the others become whole (S2.33)")
    func fullestPage() {
        var pages = HugePageSlots(pages: 3, slotsPerPage: 4)
        var out: [UInt32] = []
        _ = pages.allocate(9) { out.append($0) }
        #expect(Set(out.map { $0 / 4 }).count == 3)
        // One of the last page's is out already; page 0 gets two back, page 1 all.
        for slot in [UInt32(0), 1, 4, 5, 6, 7] { pages.release(slot) }
        var next: [UInt32] = []
        _ = pages.allocate(2) { next.append($0) }
        #expect(Set(next) == [0, 1])
        let whole = pages.wholePages
        #expect(whole == 1)
    }
}
