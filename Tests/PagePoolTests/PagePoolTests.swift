import DeviceMemory
import PagePool
import Testing

func devicePool(slots: Int, cache: Int = 128) -> PagePool {
    PagePool(
        identifier: 1,
        provider: MemoryProvider(deviceRegionAt: IOVA(0x1000_0000), slotSize: 4096, slotCount: slots),
        cacheCapacity: cache)
}

struct Missing: Error {}

/// `#require` for values that cannot be copied, and for calls on owners that cannot be.
func unwrap<T: ~Copyable>(_ value: consuming T?) throws -> T {
    switch consume value {
    case .some(let value): return value
    case .none: throw Missing()
    }
}

@Suite struct PagePoolTests {
    @Test("the five-step life of a slot: pool, ring, stack, application, pool (S2.11)")
    func life() throws {
        var pool = devicePool(slots: 4)
        #expect(pool.ledger().pool == 4)
        let slot = try unwrap(pool.lend())
        #expect(pool.ledger().ring == 1 && pool.holders(of: slot).references == 1)
        let fragment = pool.arrive(slot, offset: 0, length: 1000)
        #expect(pool.ledger().stack == 1 && pool.holders(of: slot).references == 1)
        let delivered = pool.deliver(fragment)
        #expect(pool.ledger().application == 1 && pool.holders(of: slot).references == 1)
        #expect(delivered.slot == slot && delivered.length == 1000)
        pool.returned(slot)
        let ledger = pool.ledger()
        #expect(ledger.pool == 4 && ledger.isBalanced)
    }

    @Test("no slot is handed out twice, and an empty pool says so and recovers (S2.02, S2.34)")
    func exhaustion() throws {
        var pool = devicePool(slots: 200)
        var seen = Set<UInt32>()
        while let slot = pool.lend() { #expect(seen.insert(slot).inserted) }
        #expect(seen.count == 200 && pool.statistics.allocEmpty == 1)
        for slot in seen { pool.reclaim(slot) }
        #expect(pool.ledger().pool == 200)
        let lent0 = pool.lend()
        #expect(lent0 != nil)
    }

    @Test("the slot returned last is lent first, and the provider is asked once a batch (S2.06)")
    func lifo() throws {
        var pool = devicePool(slots: 1024)
        let first = try unwrap(pool.lend())
        pool.reclaim(first)
        let lent1 = pool.lend()
        #expect(lent1 == first)
        for _ in 0..<10_000 {
            let slot = try unwrap(pool.lend())
            pool.reclaim(slot)
        }
        #expect(pool.statistics.allocRefill == 1)
    }

    @Test("a cache that overflows gives slots to the provider and loses none")
    func overflow() throws {
        var pool = devicePool(slots: 1000, cache: 128)
        var slots: [UInt32] = []
        while let slot = pool.lend() { slots.append(slot) }
        for slot in slots { pool.reclaim(slot) }
        #expect(pool.statistics.recycleCacheFull == 1000 - 128)
        #expect(pool.ledger().isBalanced && pool.freeCount == 1000)
        var again = Set<UInt32>()
        while let slot = pool.lend() { again.insert(slot) }
        #expect(again.count == 1000)
    }

    @Test("parts of a slot are counted, and the slot is free when the last is back, in any order (S3.18, U.15)")
    func parts() throws {
        var pool = devicePool(slots: 1)
        let slot = try unwrap(pool.lend())
        var front = pool.arrive(slot, offset: 10, length: 100)
        var middle = pool.split(&front, at: 30)
        let back = pool.split(&middle, at: 50)
        let places = [front.offset, front.length, middle.offset, middle.length, back.offset, back.length]
        #expect(places == [10, 30, 40, 50, 90, 20])
        #expect(pool.holders(of: slot).stack == 3)
        let delivered = pool.deliver(middle)
        #expect(delivered.regionOffset == UInt64(slot) * 4096 + 40)
        pool.recycle(front)
        let lent2 = pool.lend()
        #expect(lent2 == nil)
        pool.recycle(back)
        let lentx = pool.lend()
        #expect(lentx == nil && pool.ledger().application == 1)
        pool.returned(slot)
        #expect(pool.ledger().pool == 1)
        let lent3 = pool.lend()
        #expect(lent3 == slot)
    }

    @Test("returning what no application holds is refused and counted (C.23)")
    func violations() throws {
        var pool = devicePool(slots: 2)
        pool.returned(0)
        pool.returned(99)
        #expect(pool.statistics.violations == 2 && pool.ledger().pool == 2 && pool.ledger().isBalanced)
    }

    @Test("a device slot has no bytes to read; a host page has, unless its memory says no (S0.13, S1.08)")
    func readability() throws {
        let memory = HeapBytes(count: 8192)
        memory.bytes[4096 + 7] = 42
        let block = HostBlock(bytes: memory.bytes, iova: IOVA(0x2000))
        for readable in [true, false] {
            var pool = PagePool(
                identifier: 0, provider: MemoryProvider(hostPages: block, slotSize: 4096, readable: readable))
            let first = try unwrap(pool.lend())
            let second = try unwrap(pool.lend())
            let slot = max(first, second)
            let fragment = pool.arrive(slot, offset: 7, length: 1)
            #expect(pool.iova(of: slot) == IOVA(0x3000))
            let byte = pool.readable(fragment)?[0]
            let kind = fragment.netmem.kind
            #expect(byte == (readable ? 42 : nil) && kind == .hostPage)
            pool.recycle(fragment)
        }
        extendLifetime(memory)
        var pool = devicePool(slots: 1)
        let only = try unwrap(pool.lend())
        let fragment = pool.arrive(only, offset: 0, length: 1)
        let bytes = pool.readable(fragment)?.count
        let kind = fragment.netmem.kind
        #expect(bytes == nil && kind == .deviceSlot)
        pool.recycle(fragment)
    }

    @Test("a random walk over lend, arrive, split, deliver, return and recycle keeps the law (INV-1)")
    func law() throws {
        var pool = devicePool(slots: 32, cache: 128)
        var generator = SystemlessGenerator(state: 7)
        var ring: [UInt32] = []
        var application: [UInt32] = []
        for _ in 0..<20_000 {
            switch generator.next() % 5 {
            case 0: if let slot = pool.lend() { ring.append(slot) }
            case 1:
                guard let slot = ring.popLast() else { break }
                var fragment = pool.arrive(slot, offset: 0, length: 2000)
                if generator.next() % 2 == 0 {
                    let rest = pool.split(&fragment, at: UInt32(generator.next() % 2001))
                    application.append(pool.deliver(rest).slot)
                }
                if generator.next() % 2 == 0 {
                    application.append(pool.deliver(fragment).slot)
                } else {
                    pool.recycle(fragment)
                }
            case 2, 3:
                guard !application.isEmpty else { break }
                let index = Int(generator.next() % UInt64(application.count))
                pool.returned(application.remove(at: index))
            default: if let slot = ring.popLast() { pool.reclaim(slot) }
            }
            let ledger = pool.ledger()
            #expect(ledger.isBalanced && ledger.ring == ring.count)
            #expect(ledger.application == Set(application).count)
        }
        for slot in ring { pool.reclaim(slot) }
        for slot in application { pool.returned(slot) }
        #expect(pool.ledger().pool == 32 && pool.statistics.violations == 0)
    }
}

/// xorshift64: a seed is the whole story of a walk.
struct SystemlessGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

@Suite struct NetmemTests {
    @Test("kind, pool and index survive the word, and the kind is its low bit (S3.11, S0.03)")
    func roundTrip() {
        for kind in [MemoryKind.hostPage, .deviceSlot] {
            for (pool, index) in [(UInt16(0), UInt32(0)), (1, 77), (.max, .max)] {
                let handle = Netmem(kind: kind, pool: pool, index: index)
                #expect(handle.kind == kind && handle.pool == pool && handle.index == index)
            }
        }
        #expect(MemoryLayout<Netmem>.size == 8)
        #expect(MemoryLayout<Fragment>.size == 16 && MemoryLayout<Fragment>.stride == 16)
    }
}
