import DeviceMemory
import Testing

@testable import PagePool

@Suite struct PoolLifeTests {
    @Test("a draining pool lends nothing, takes returns, and is drained with exactly the last (S2.22, S2.05, S2.08)")
    func draining() throws {
        let probe = ProviderProbe()
        let provider = MemoryProvider(deviceRegionAt: IOVA(0x1000_0000), slotSize: 4096, slotCount: 2000)
            .probed(by: probe)
        var pool = PagePool(identifier: 1, provider: provider)
        var tokens: [UInt32] = []
        for _ in 0..<1000 {
            let slot = try unwrap(pool.lend())
            tokens.append(pool.deliver(pool.arrive(slot, offset: 0, length: 1)).slot)
        }
        let posted = try unwrap(pool.lend())
        #expect(pool.state == .active)
        let faults = pool.drain(at: 9)
        #expect(faults.isEmpty && pool.state == .draining)
        let again = pool.drain(at: 10)
        #expect(again.isEmpty && pool.statistics.detachTime == 9)
        for slot in tokens {
            let nothing = pool.lend()
            #expect(nothing == nil && pool.state == .draining)
            pool.returned(slot)
        }
        #expect(pool.state == .draining && !probe.events.contains(.destroyed))
        pool.reclaim(posted)
        #expect(pool.state == .drained && probe.events.last == .destroyed)
        let nothing = pool.lend()
        #expect(nothing == nil && pool.statistics.allocRefused == 1001)
        pool.returned(tokens[0])
        let ledger = pool.ledger()
        #expect(pool.statistics.violations == 1 && ledger.pool == 2000 && ledger.isBalanced)
        #expect(probe.events.count { $0 == .destroyed } == 1)
    }

    @Test("an idle pool is drained at once; a pool that is just dropped ends its provider too, once (S2.05)")
    func idle() {
        for drains in [true, false] {
            let probe = ProviderProbe()
            do {
                var pool = PagePool(
                    identifier: 1,
                    provider: MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 4096, slotCount: 8).probed(by: probe))
                if drains { pool.drain(at: 1) }
                #expect(pool.state == (drains ? .drained : .active))
            }
            #expect(probe.events == [.initialised, .destroyed])
        }
    }

    @Test("a thousand random lives: attached first, ended last and once, nothing lost (S2.05, S2.02, INV-1)")
    func lives() throws {
        var generator = SystemlessGenerator(state: 31)
        for _ in 0..<1000 {
            let probe = ProviderProbe()
            do {
                var pool = PagePool(
                    identifier: 1,
                    provider: MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 4096, slotCount: 200).probed(by: probe),
                    cacheCapacity: 128)
                var out: [UInt32] = []
                let drainsAfter = generator.next() % 60
                for step in 0..<80 {
                    if UInt64(step) == drainsAfter { pool.drain(at: UInt64(step)) }
                    if generator.next() % 3 != 0 {
                        for _ in 0..<8 { if let slot = pool.lend() { out.append(slot) } }
                    } else {
                        for _ in 0..<8 { if let slot = out.popLast() { pool.reclaim(slot) } }
                    }
                }
                if drainsAfter % 2 == 0 {
                    for slot in out { pool.reclaim(slot) }
                    let ledger = pool.ledger()
                    #expect(pool.state == .drained && ledger.pool == 200 && ledger.isBalanced)
                }
                let faults = pool.audit()
                #expect(faults.isEmpty)
            }
            #expect(probe.events.first == .initialised && probe.events.last == .destroyed)
            #expect(probe.events.count { $0 == .destroyed } == 1)
        }
    }

    @Test("the audit at the end names each slot whose books are wrong, and how (S3.20)")
    func audit() throws {
        var pool = devicePool(slots: 300)
        var out: [UInt32] = []
        for _ in 0..<100 { out.append(try unwrap(pool.lend())) }
        for slot in out { pool.reclaim(slot) }
        let clean = pool.audit()
        #expect(clean.isEmpty)
        // A count that nobody made, a slot that left its holder without coming back, one in two places, one on two lists.
        pool.holders[7].application = 3
        let lost = try unwrap(pool.lend())
        pool.holders[Int(lost)].ring = 0
        let shared = try unwrap(pool.lend())
        pool.holders[Int(shared)].stack = 1
        pool.cache[0] = 250
        let faults = pool.drain(at: 1)
        var first = SlotHolders()
        first.application = 3
        #expect(faults.contains(SlotFault(slot: 7, kind: .freeWhileHeld, holders: first)))
        #expect(faults.contains(SlotFault(slot: lost, kind: .lost, holders: SlotHolders())))
        #expect(faults.contains { $0.slot == shared && $0.kind == .sharedWithRing })
        #expect(faults.contains { $0.slot == 250 && $0.kind == .freeTwice })
        // What the overwritten entry of the cache named is lost as well.
        #expect(faults.count == 5)
        #expect(pool.state == .draining)
    }

    @Test("an illegal step changes nothing and is counted, whatever led to it (S3.17, S2.14, C.23)")
    func violations() throws {
        try PagePool.$toleratesViolations.withValue(true) {
            var pool = devicePool(slots: 4)
            let slot = try unwrap(pool.lend())
            let ledger = pool.ledger()
            // Nobody holds these.
            for wrong in [UInt32(3), 99, .max] {
                pool.reclaim(wrong)
                pool.returned(wrong)
                pool.transmitted(wrong)
                let isQueued = pool.queueForTransmit(held: wrong)
                #expect(!isQueued)
                let fragment = pool.arrive(wrong, offset: 0, length: 9)
                #expect(fragment.netmem.index == .max && fragment.length == 0)
                let delivered = pool.deliver(fragment)
                #expect(delivered.slot == .max && delivered.length == 0)
            }
            #expect(pool.statistics.violations == 18)
            pool.returned(slot)
            pool.transmitted(slot)
            #expect(pool.statistics.violations == 20)
            let after = pool.ledger()
            let free = pool.freeCount
            #expect(after == ledger && free == 3)
            let fragment = pool.arrive(slot, offset: 0, length: 9)
            pool.reclaim(slot)
            let none = pool.arrive(slot, offset: 0, length: 9)
            pool.recycle(none)
            #expect(pool.statistics.violations == 23)
            let held = pool.holders(of: slot)
            #expect(held.stack == 1 && held.references == 1)
            pool.recycle(fragment)
            let faults = pool.audit()
            #expect(faults.isEmpty)
        }
    }

    @Test("a slot takes 65535 references and no more: the next is refused, and nothing wraps (S3.17, S4.11)")
    func saturation() throws {
        var pool = devicePool(slots: 1)
        let slot = try unwrap(pool.lend())
        var rest = pool.arrive(slot, offset: 0, length: 70_000)
        for i in 1..<65_535 {
            let canShare = pool.canShare(slot)
            #expect(canShare)
            let next = pool.split(&rest, at: 1)
            let delivered = pool.deliver(rest)
            #expect(delivered.regionOffset == UInt64(i - 1) && delivered.length == 1)
            rest = next
        }
        #expect(!pool.canShare(slot) && pool.holders(of: slot).references == 65_535)
        let nothing = pool.split(&rest, at: 1)
        #expect(nothing.length == 0 && nothing.netmem.index == .max && rest.length == 70_000 - 65_534)
        pool.recycle(nothing)
        let isQueued = pool.queueForTransmit(held: slot)
        #expect(!isQueued && pool.statistics.violations == 3)
        pool.returned(slot)
        let canShare = pool.canShare(slot)
        #expect(canShare)
        let delivered = pool.deliver(rest)
        #expect(delivered.length == 70_000 - 65_534 && pool.holders(of: slot).application == 65_534)
        for _ in 0..<65_533 { pool.returned(slot) }
        let early = pool.ledger()
        #expect(early.application == 1)
        pool.returned(slot)
        let ledger = pool.ledger()
        #expect(ledger.pool == 1 && ledger.isBalanced)
    }

    @Test("a relayed fragment and a sent record each hold their slot until they are sent (S2.11, G.13)")
    func transmit() throws {
        var pool = devicePool(slots: 1)
        let slot = try unwrap(pool.lend())
        var first = pool.arrive(slot, offset: 0, length: 100)
        let second = pool.split(&first, at: 50)
        let relayed = pool.queueForTransmit(first)
        #expect(relayed?.index == slot && pool.holders(of: slot).transmit == 1)
        let delivered = pool.deliver(second)
        let isQueued = pool.queueForTransmit(held: delivered.slot)
        #expect(isQueued && pool.holders(of: slot).references == 3)
        let sums = pool.references()
        #expect(sums == (0, 0, 2, 1))
        pool.returned(slot)
        pool.transmitted(slot)
        let ledger = pool.ledger()
        #expect(ledger.transmit == 1 && ledger.pool == 0)
        pool.transmitted(slot)
        #expect(pool.ledger().pool == 1 && pool.statistics.violations == 0)
    }

    @Test("4 KiB read a byte at a time and returned in random order is free with the last byte (S4.11, S3.18, U.15)")
    func byteByByte() throws {
        var pool = devicePool(slots: 2)
        var table = TokenTable(capacity: 4096, connections: 4)
        let slot = try unwrap(pool.lend())
        var rest = pool.arrive(slot, offset: 0, length: 4096)
        var tokens: [UInt64] = []
        for _ in 0..<4095 {
            let next = pool.split(&rest, at: 1)
            tokens.append(table.issue(slot: pool.deliver(rest).netmem, connection: 1))
            rest = next
        }
        tokens.append(table.issue(slot: pool.deliver(rest).netmem, connection: 1))
        var generator = SystemlessGenerator(state: 3)
        for i in stride(from: tokens.count - 1, to: 0, by: -1) {
            tokens.swapAt(i, Int(generator.next() % UInt64(i + 1)))
        }
        for token in tokens {
            #expect(pool.freeCount == 1)
            guard case .returned(let mem, _) = table.take(token) else {
                Issue.record("token \(token) was not out")
                continue
            }
            pool.returned(mem.index)
        }
        #expect(pool.freeCount == 2 && table.outstanding == 0 && pool.statistics.violations == 0)
    }
}
