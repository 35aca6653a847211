import DeviceMemory
import Testing

@testable import PagePool

@Suite struct PoolTableTests {
    private func table() -> PoolTable {
        var table = PoolTable(capacity: 3)
        table.install(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x1000_0000), slotSize: 4096, slotCount: 4)))
        return table
    }

    private func refusal(_ table: inout PoolTable, _ place: UInt16) -> PagePoolError? {
        do {
            try table.vacate(place)
            return nil
        } catch {
            return error
        }
    }

    @Test("a place is vacated when its pool is drained and not before, and can be taken again (S2.22, S2.08)")
    func vacating() throws {
        var table = table()
        let vacancies = [table.isVacant(0), table.isVacant(1), table.isVacant(2), table.isVacant(3)]
        #expect(vacancies == [true, false, true, false])
        let early = refusal(&table, 1)
        #expect(early == .notDrained(pool: 1, out: 0))
        let slot = try unwrap(table.pools[1].lend())
        table.pools[1].drain(at: 1)
        let held = refusal(&table, 1)
        #expect(held == .notDrained(pool: 1, out: 1))
        table.pools[1].reclaim(slot)
        let done = refusal(&table, 1)
        let now = table.isVacant(1)
        #expect(done == nil && now)
        let strange = refusal(&table, 9)
        #expect(strange == .noSuchPlace(9))
        let nothing = table.pools[1].lend()
        let first = table.firstVacancy()
        #expect(nothing == nil && first == 0)
        table.install(
            PagePool(identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 2048, slotCount: 2)))
        let lent = table.pools[1].lend()
        #expect(lent != nil)
    }

    @Test("handles of places and kinds that do not exist change nothing and are counted (S3.21, Z.03)")
    func strays() throws {
        var table = table()
        let slot = try unwrap(table.pools[1].lend())
        let delivered = table.deliver(table.pools[1].arrive(slot, offset: 0, length: 1))
        for pool in [UInt16(3), 77, .max] {
            table.returned(Netmem(kind: .deviceSlot, pool: pool, index: 0))
            table.transmitted(Netmem(kind: .deviceSlot, pool: pool, index: 0))
            let canShare = table.canShare(Netmem(kind: .deviceSlot, pool: pool, index: 0))
            #expect(!canShare)
            var fragment = Fragment(netmem: Netmem(kind: .deviceSlot, pool: pool, index: 0), offset: 0, length: 8)
            let rest = table.split(&fragment, at: 4)
            table.recycle(rest)
            #expect(fragment.length == 8)
            let stray = table.deliver(fragment)
            #expect(stray.length == 0)
        }
        table.returned(Netmem(kind: .hostPage, pool: 1, index: slot))
        #expect(table.strays == 16)
        let ledger = table.pools[1].ledger()
        #expect(ledger.application == 1 && ledger.isBalanced)
        for index in [UInt32(4), .max] { table.returned(Netmem(kind: .deviceSlot, pool: 1, index: index)) }
        let violations = table.pools[1].statistics.violations
        #expect(violations == 2)
        table.returned(delivered.netmem)
        let free = table.pools[1].freeCount
        #expect(free == 4)
    }

    @Test(
        "a fragment that says another kind of memory than its pool has is told from a true one, and no byte of it read (S4.08)"
    )
    func inconsistency() throws {
        let memory = HostBytes(4096)
        var table = table()
        table.install(PagePool(identifier: 2, provider: MemoryProvider(hostPages: memory.block(), slotSize: 4096)))
        for (pool, kind, isTrue) in [
            (1, .deviceSlot, true), (1, .hostPage, false), (2, .hostPage, true), (2, .deviceSlot, false),
            (3, .hostPage, false), (3, .deviceSlot, false),
        ] as [(UInt16, MemoryKind, Bool)] {
            let fragment = Fragment(netmem: Netmem(kind: kind, pool: pool, index: 0), offset: 0, length: 1)
            let verdict = table.isConsistent(fragment)
            #expect(verdict == isTrue)
            let byte = pool == 2 ? table.pools[2].readable(fragment)?[0] : nil
            #expect(byte == (pool == 2 && isTrue ? 0 : nil))
            _ = fragment.surrender()
        }
    }

    @Test(
        "bytes are copied only when all of them may be read, wherever the unreadable one stands (S0.14, S0.15, S0.17)")
    func copying() throws {
        let memory = HostBytes(8192)
        var table = table()
        table.install(
            PagePool(identifier: 2, provider: MemoryProvider(hostPages: memory.block(), slotSize: 4096)))
        func fragment(_ pool: Int, _ byte: UInt8?) throws -> Fragment {
            let slot = try unwrap(table.pools[pool].lend())
            if let byte { for i in 0..<3 { memory.block().bytes[Int(slot) * 4096 + 5 + i] = byte + UInt8(i) } }
            return table.pools[pool].arrive(slot, offset: 5, length: 3)
        }
        var list = Slab<Fragment>(capacity: 2)
        list.append(try fragment(2, 10))
        list.append(try fragment(2, 20))
        let target = HostBytes(6)
        let copied = try table.copy(list, into: target.block().bytes)
        #expect(copied == 6 && target.block().bytes.readOnly.array() == [10, 11, 12, 20, 21, 22])
        var reason: PagePoolError?
        do { _ = try table.copy(list, into: target.block().bytes.slice(0, 5)) } catch { reason = error }
        #expect(reason == .copyTooLarge(bytes: 6, room: 5))
        try swapIn(&table, &list, 1)
        target.block().bytes.fill(0xEE)
        do { _ = try table.copy(list, into: target.block().bytes) } catch { reason = error }
        #expect(
            reason == .unreadable(fragment: 1)
                && target.block().bytes.readOnly.array() == [UInt8](repeating: 0xEE, count: 6))
        let balanced = [table.pools[1].ledger().isBalanced, table.pools[2].ledger().isBalanced]
        #expect(balanced == [true, true])
        for i in 0..<2 { table.recycle(exchange(&list[i])) }
        discard(&list)
        extendLifetime(memory)
    }

    /// Puts a device fragment where a host one is.
    private func swapIn(_ table: inout PoolTable, _ list: inout Slab<Fragment>, _ index: Int) throws {
        let slot = try unwrap(table.pools[1].lend())
        var device = table.pools[1].arrive(slot, offset: 5, length: 3)
        swap(&device, &list[index])
        table.recycle(device)
    }

    /// Takes a fragment out, and leaves one that names nothing.
    private func exchange(_ place: inout Fragment) -> Fragment {
        var other = Fragment(netmem: Netmem(kind: .hostPage, pool: 0, index: .max), offset: 0, length: .max)
        swap(&other, &place)
        return other
    }

    /// The placeholders are the ones that may be dropped.
    private func discard(_ list: inout Slab<Fragment>) { list = Slab(capacity: 0) }
}
