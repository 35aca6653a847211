import DeviceMemory
import Testing

@testable import PagePool

/// What every provider owes its pool, whatever it is made of.
@Suite struct ProviderConformanceTests {
    @Test(
        """
        every slot is handed out once, at its own address, and an exhausted pool recovers (S2.01, S2.02, S2.28, S2.33, \
        S2.34, S3.10, U.32, U.33)
        """, arguments: ProviderSubject.all)
    func handsOut(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let provider = try subject.provider(memory)
        var pool = try PagePool(identifier: 3, over: provider, cacheCapacity: 128)
        let counts = [pool.slotCount, pool.usableCount, pool.freeCount, pool.slotSize]
        #expect(counts == [subject.slots, subject.usable, subject.usable, subject.slotSize])
        let addresses = subject.addresses
        for _ in 0..<3 {
            var seen = Set<UInt32>()
            while let slot = pool.lend() {
                #expect(seen.insert(slot).inserted)
                let iova = pool.iova(of: slot)
                #expect(iova.rawValue == addresses[Int(slot)])
            }
            #expect(seen.count == subject.usable)
            let out = pool.ledger()
            #expect(out.ring == subject.usable && out.pool == 0 && out.isBalanced)
            let faults = pool.audit()
            #expect(faults.isEmpty)
            for slot in seen { pool.reclaim(slot) }
            let back = pool.ledger()
            #expect(back.pool == subject.usable && back.isBalanced)
        }
        #expect(pool.statistics.allocEmpty == 3 && pool.statistics.violations == 0)
        let faults = pool.audit()
        #expect(faults.isEmpty)
        extendLifetime(memory)
    }

    @Test(
        "a held slot is never handed out again, however often the others go round (S2.02)",
        arguments: ProviderSubject.all)
    func heldSlot(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let provider = try subject.provider(memory)
        var pool = try PagePool(identifier: 3, over: provider, cacheCapacity: 128)
        let held = try unwrap(pool.lend())
        let fragment = pool.arrive(held, offset: 0, length: 100)
        let delivered = pool.deliver(fragment)
        for _ in 0..<200 {
            var slots: [UInt32] = []
            while let slot = pool.lend() { slots.append(slot) }
            #expect(slots.count == subject.usable - 1 && !slots.contains(held))
            for slot in slots { pool.reclaim(slot) }
        }
        pool.returned(delivered.slot)
        let free = pool.freeCount
        #expect(free == subject.usable)
        extendLifetime(memory)
    }

    @Test(
        "bytes are to be had of readable host memory only, and offsets are of the region (S0.08, S0.13, S1.08, S3.15)",
        arguments: ProviderSubject.all)
    func readability(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let provider = try subject.provider(memory)
        var pool = try PagePool(identifier: 3, over: provider)
        let slot = try unwrap(pool.lend())
        if subject.isHost { memory.block().bytes[Int(slot) * subject.slotSize + 9] = 77 }
        let fragment = pool.arrive(slot, offset: 9, length: 1)
        let byte = pool.readable(fragment)?[0]
        #expect(byte == (subject.isReadable ? 77 : nil))
        let kind = fragment.netmem.kind
        #expect(kind == (subject.isHost ? .hostPage : .deviceSlot))
        let page = pool.hugePage(of: slot)
        #expect(page == (subject.base == .hugePages ? Int(slot) * subject.slotSize / (2 << 20) : nil))
        let delivered = pool.deliver(fragment)
        #expect(delivered.regionOffset == UInt64(slot) * UInt64(subject.slotSize) + 9)
        pool.returned(slot)
        extendLifetime(memory)
    }

    @Test(
        """
        the provider is attached first and ends last and once, says who keeps what is released, and is asked once a \
        batch (S2.01, S2.03, S2.05, S2.06, U.22, U.37)
        """, arguments: ProviderSubject.all)
    func calls(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let probe = ProviderProbe()
        let provider = try subject.provider(memory).probed(by: probe)
        let keeps: ReleaseAnswer =
            subject.base == .registered && !subject.isCapped || subject.base == .unreadable && !subject.isCapped
            ? .poolFrees : .providerKeeps
        do {
            var pool = try PagePool(identifier: 3, over: provider)
            for _ in 0..<10_000 {
                let slot = try unwrap(pool.lend())
                pool.reclaim(slot)
            }
            #expect(probe.allocations == 1)
            let report = pool.providerReport
            #expect(report.pool == 3 && report.slotSize == subject.slotSize && report.slots == subject.slots)
            #expect(report.limit == subject.usable && report.isPreallocated == subject.isPreallocated)
            let slot = try unwrap(pool.lend())
            let before = pool.statistics
            #expect(before.allocFast + before.allocSlow == before.recycleCached + UInt64(before.inFlight))
            #expect(before.inFlight == 1 && before.inFlightBytes == subject.slotSize && before.detachTime == 0)
            #expect(before.allocSlow == (subject.isPreallocated ? 0 : 1))
            pool.drain(at: 55)
            #expect(!probe.events.contains(.destroyed))
            pool.reclaim(slot)
            let after = pool.statistics
            #expect(after.detachTime == 55 && after.inFlight == 0)
            #expect(after.allocFast + after.allocSlow == after.recycleCached + after.recycleCacheFull)
            #expect(after.recycleReleased + after.freedByPool == after.recycleCacheFull + after.trimmed)
            #expect((after.freedByPool == 0) == (keeps == .providerKeeps))
            let ended = pool.providerReport.isDestroyed
            #expect(ended)
        }
        #expect(probe.events.first == .initialised && probe.events.last == .destroyed)
        #expect(probe.events.count { $0 == .destroyed } == 1 && probe.events.count { $0 == .initialised } == 1)
        let answers = Set(probe.events.filter { if case .released = $0 { true } else { false } })
        #expect(answers == [.released(keeps)])
        extendLifetime(memory)
    }

    @Test(
        "a provider that does not start makes no pool, says why, ends nothing, and the next try succeeds (S2.04)",
        arguments: ProviderSubject.all)
    func refusal(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let probe = ProviderProbe(failsInitialisation: true)
        func make() throws(PagePoolError) -> PagePool {
            try PagePool(identifier: 3, over: subject.provider(memory).probed(by: probe))
        }
        var reason: PagePoolError?
        do {
            _ = try make()
        } catch {
            reason = error
        }
        #expect(reason == .providerFailed(.injected) && probe.events == [.refused])
        probe.failsInitialisation = false
        let pool = try make()
        let free = pool.freeCount
        #expect(free == subject.usable)
        extendLifetime(memory)
    }

    @Test(
        "a pool whose provider fails for a while lends nothing meanwhile, and goes on by itself (U.45, S2.34)",
        arguments: ProviderSubject.all.filter { !$0.isPreallocated })
    func failingAllocation(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let probe = ProviderProbe(failingAllocations: 1...3)
        let provider = try subject.provider(memory).probed(by: probe)
        var pool = try PagePool(identifier: 3, over: provider)
        for _ in 0..<3 {
            let nothing = pool.lend()
            #expect(nothing == nil)
        }
        let slot = pool.lend()
        #expect(slot != nil && pool.statistics.allocEmpty == 3)
        let ledger = pool.ledger()
        #expect(ledger.isBalanced && ledger.ring == 1)
        extendLifetime(memory)
    }

    @Test(
        "a preallocated pool asks its provider once, at the start, and is not made when it gets too little (S2.35, S2.04)",
        arguments: ProviderSubject.all.filter(\.isPreallocated))
    func preallocation(_ subject: ProviderSubject) throws {
        let memory = subject.memory
        let probe = ProviderProbe(failingAllocations: 1...1)
        var reason: PagePoolError?
        do {
            let provider = try subject.provider(memory).probed(by: probe)
            _ = try PagePool(identifier: 3, over: provider)
        } catch {
            reason = error
        }
        #expect(reason == .preallocationShort(got: 0, wanted: subject.usable))
        #expect(probe.events == [.initialised, .allocated(0), .destroyed])
        let provider = try subject.provider(memory).probed(by: probe)
        var pool = try PagePool(identifier: 3, over: provider)
        for _ in 0..<5 {
            var slots: [UInt32] = []
            while let slot = pool.lend() { slots.append(slot) }
            #expect(slots.count == subject.usable)
            for slot in slots { pool.reclaim(slot) }
        }
        #expect(probe.allocations == 2 && !probe.events.contains(.released(.providerKeeps)))
        extendLifetime(memory)
    }
}
