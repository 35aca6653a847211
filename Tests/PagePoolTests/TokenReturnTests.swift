import PagePool
import Testing

/// Everything that `work` gives, with at most `budget` steps a call.
func drain(_ table: inout TokenTable, _ work: ReturnWork, budget: Int = .max) -> [UInt64] {
    var work = work
    var taken: [UInt64] = []
    var calls = 0
    while !work.isDone && calls < 1_000_000 {
        var left = budget
        while let held = table.next(of: &work, budget: &left) { taken.append(held.token) }
        calls += 1
    }
    return taken
}

@Suite struct TokenReturnTests {
    private func filled(_ count: Int, limit: Int? = nil) -> TokenTable {
        var table = TokenTable(capacity: 64, limit: limit ?? max(count, 64), connections: 16)
        for i in 0..<count { _ = table.issue(slot: mem(UInt32(i)), connection: UInt32(i % 16), at: UInt64(i)) }
        return table
    }

    @Test("too many tokens is an answer, and one that comes back makes room (S4.05)")
    func limit() {
        var table = TokenTable(capacity: 8, limit: 8, connections: 4)
        for i in 1...8 as ClosedRange<UInt64> {
            let token = table.issue(slot: mem(0), connection: 0, at: 0)
            #expect(token == i)
        }
        let refused = table.issue(slot: mem(0), connection: 0, at: 0)
        let none = table.issue(slot: mem(0), connection: 0) as UInt64
        #expect(refused == nil && none == 0 && table.refusals == 2 && table.room == 0 && table.next == 9)
        expect(table.take(4), .returned(mem(0), connection: 0))
        let token = table.issue(slot: mem(3), connection: 0, at: 0)
        #expect(token == 9 && table.room == 0)
    }

    @Test(
        "ranges of any start and count: exact, bounded, and what is wrong with them is counted (U.08, U.09, U.10, Z.03)"
    )
    func ranges() {
        var empty = TokenTable(capacity: 8)
        let nothing = drain(&empty, ReturnWork(start: 1, count: 128))
        #expect(nothing == [] && empty.unknownReturns == 128)
        for (start, count, taken) in [
            (1, 0, 0), (1, 1, 1), (500, 128, 128), (1, 1000, 1000), (1, 1023, 1000), (1000, 2, 1), (0, 5, 4),
            (2000, 9, 0),
            (1, UInt64(UInt32.max), 1000), (0, .max, 1000), (.max, .max, 0), (.max - 1, 1, 0),
        ] as [(UInt64, UInt64, Int)] {
            var table = filled(1000)
            let tokens = drain(&table, ReturnWork(start: start, count: count), budget: 7)
            #expect(tokens.count == taken && tokens == tokens.sorted() && table.outstanding == 1000 - taken)
            let end = start.addingReportingOverflow(count)
            // The very last number counts as the one before it: neither is ever issued.
            let all = (end.overflow ? .max : end.partialValue) - min(start, .max - 1)
            #expect(table.staleReturns == 0 && table.unknownReturns == all - UInt64(taken))
            // Once more: nothing comes back twice.
            let again = drain(&table, ReturnWork(start: start, count: count))
            #expect(again == [] && table.staleReturns == UInt64(taken))
        }
    }

    @Test("a range of 2^64 costs a few thousand steps, with a budget that is kept (U.09)")
    func boundedWork() {
        var table = filled(1000)
        var work = ReturnWork(start: 0, count: .max)
        var steps = 0
        var taken = 0
        while !work.isDone && steps < 10_000 {
            var budget = 10
            let before = taken
            while table.next(of: &work, budget: &budget) != nil { taken += 1 }
            #expect(budget >= 0 && taken - before <= 10)
            steps += 10 - budget
        }
        #expect(taken == 1000 && steps <= 1000 + 64 + 16)
    }

    @Test("a consumer's counter returns everything below, once, however the others came back (G.12, architecture 10)")
    func cumulative() {
        var table = filled(1000)
        expect(table.take(3), .returned(mem(2), connection: 2))
        let first = drain(&table, table.everything(upTo: 10), budget: 3)
        #expect(first == [1, 2, 4, 5, 6, 7, 8, 9, 10] && table.staleReturns == 0)
        let back = drain(&table, table.everything(upTo: 5))
        let same = drain(&table, table.everything(upTo: 10))
        #expect(back == [] && same == [] && table.staleReturns == 0)
        let far = drain(&table, table.everything(upTo: 1000))
        #expect(far == Array(11...1000) && table.outstanding == 0 && table.unknownReturns == 0)
        _ = table.issue(slot: mem(0), connection: 0, at: 0)
        let beyond = drain(&table, table.everything(upTo: .max))
        #expect(beyond == [1001] && table.unknownReturns == 1)
        let zero = drain(&table, table.everything(upTo: 0))
        #expect(zero == [])
    }

    @Test("a counter that is far behind or far ahead costs no more than the ring and what is out (U.09)")
    func cumulativeIsBounded() {
        var table = TokenTable(capacity: 64, limit: 64, connections: 4)
        _ = table.issue(slot: mem(7), connection: 1, at: 0)
        for _ in 0..<100_000 {
            if let token = table.issue(slot: mem(0), connection: 0, at: 0) { _ = table.take(token) }
        }
        var work = table.everything(upTo: 100_001)
        var budget = 200
        let held = table.next(of: &work, budget: &budget)
        let none = table.next(of: &work, budget: &budget)
        #expect(held?.token == 1 && none == nil && work.isDone && budget > 0)
    }

    @Test("all that one connection holds comes back, oldest first, and nothing of another (S2.15, S4.15, S2.20)")
    func byConnection() {
        var table = filled(1000)
        let held = table.held(by: 5)
        #expect(held == 62 || held == 63)
        var tokens: [UInt64] = []
        while tokens.count < 1000, let token = table.popHeld(by: 5) {
            #expect(token.connection == 5)
            tokens.append(token.token)
        }
        let expected: [UInt64] = Array(stride(from: 6, through: 1000, by: 16))
        #expect(tokens == expected)
        let none = table.popHeld(by: 5)
        let strange = table.popHeld(by: 0x7_0005)
        let beyond = table.popHeld(by: 999)
        #expect(none == nil && strange == nil && beyond == nil && table.outstanding == 1000 - tokens.count)
        expect(table.take(tokens[0]), .stale)
        expect(table.take(1), .returned(mem(0), connection: 0))
    }

    @Test("a token that leaves the ring stays its connection's first, and alone or not comes back once (S2.15, U.12)")
    func straggler() {
        var table = TokenTable(capacity: 2, limit: 8, connections: 4)
        for connection in [1, 2, 2, 1, 3, 3] as [UInt32] {
            _ = table.issue(slot: mem(connection), connection: connection)
        }
        let held = [table.popHeld(by: 1)?.token, table.popHeld(by: 1)?.token, table.popHeld(by: 1)?.token]
        #expect(held == [1, 4, nil] && table.outstanding == 4)
        expect(table.take(2), .returned(mem(2), connection: 2))
        let rest = [table.popHeld(by: 2)?.token, table.popHeld(by: 2)?.token, table.popHeld(by: 3)?.token]
        #expect(rest == [3, nil, 5] && table.outstanding == 1)
    }

    @Test("tokens that survive their connection are nobody else's, and can still be returned (S2.20)")
    func orphans() {
        var table = TokenTable(capacity: 64, limit: 64, connections: 4)
        let old = (0..<3).map { table.issue(slot: mem(UInt32($0)), connection: 0x1_0002) }
        table.orphan(0x1_0002)
        #expect(table.orphaned == 3 && table.held(by: 0x1_0002) == 0)
        let new = table.issue(slot: mem(9), connection: 0x2_0002) as UInt64
        let newest = table.issue(slot: mem(10), connection: 0x3_0002) as UInt64
        #expect(table.orphaned == 4 && table.held(by: 0x3_0002) == 1)
        let gone = table.popHeld(by: 0x2_0002)
        let first = table.popHeld(by: 0x3_0002)
        #expect(gone == nil && first?.token == newest)
        expect(table.take(old[1]), .returned(mem(1), connection: 0x1_0002))
        expect(table.take(new), .returned(mem(9), connection: 0x2_0002))
        let beyond = table.issue(slot: mem(11), connection: .max) as UInt64
        #expect(table.orphaned == 3)
        let rest = [table.popAny()?.token, table.popAny()?.token, table.popAny()?.token, table.popAny()?.token]
        #expect(rest == [old[0], old[2], beyond, nil] && table.orphaned == 0)
    }

    @Test("a delivery that fails half-way takes its number back, and only the last one can be (U.07)")
    func withdrawal() {
        var table = TokenTable(capacity: 8, limit: 8, connections: 4)
        let first = table.issue(slot: mem(1), connection: 1) as UInt64
        let second = table.issue(slot: mem(2), connection: 1) as UInt64
        let wrong = [table.withdraw(first), table.withdraw(0), table.withdraw(3), table.withdraw(.max)]
        #expect(wrong == [nil, nil, nil, nil] && table.outstanding == 2)
        let slot = table.withdraw(second)
        #expect(slot == mem(2) && table.outstanding == 1 && table.next == second && table.held(by: 1) == 1)
        let again = table.withdraw(second)
        #expect(again == nil)
        let token = table.issue(slot: mem(3), connection: 2) as UInt64
        #expect(token == second)
        expect(table.take(second), .returned(mem(3), connection: 2))
    }

    @Test("ages by powers of two, and the oldest token with its slot and connection (G.17)")
    func ages() {
        var table = TokenTable(capacity: 8, limit: 64, connections: 4)
        var tokens: [UInt64?] = []
        for (i, time) in ([100, 100, 1000, 5000, 5000, 9999, 10_000, 20_000] as [UInt64]).enumerated() {
            tokens.append(table.issue(slot: mem(UInt32(i)), connection: UInt32(i % 4), at: time))
        }
        _ = table.take(tokens[3] ?? 0)
        // Out of the ring, and no younger for it.
        for _ in 0..<8 { _ = table.issue(slot: mem(77), connection: 0, at: 10_000) }
        let ages = table.ages(now: 10_000)
        #expect(ages.count == 15 && ages.oldest?.token == 1 && ages.oldest?.slot == mem(0) && ages.oldestAge == 9900)
        var expected = [Int](repeating: 0, count: 64)
        expected[0] = 11
        expected[12] = 1
        expected[13] = 3
        #expect(ages.histogram == expected)
        let none = TokenTable(capacity: 8).ages(now: 5)
        #expect(none == TokenAges())
    }

    @Test("held, orphaned and leaked are three things, told apart slot by slot (S2.39)")
    func custody() throws {
        var pool = devicePool(slots: 8)
        var table = TokenTable(capacity: 16, connections: 4)
        var slots: [UInt32] = []
        for i in 0..<5 {
            let slot = try unwrap(pool.lend())
            slots.append(slot)
            let delivered = pool.deliver(pool.arrive(slot, offset: 0, length: 1))
            // The last one's token is lost.
            if i < 4 { _ = table.issue(slot: delivered.netmem, connection: i < 2 ? 1 : 2, at: 0) }
        }
        table.orphan(2)
        _ = table.issue(slot: Netmem(kind: .deviceSlot, pool: 1, index: 7), connection: 1, at: 0)
        _ = table.issue(slot: Netmem(kind: .deviceSlot, pool: 6, index: slots[0]), connection: 1, at: 0)
        var tally = SlotTally(of: pool)
        table.tally(into: &tally)
        let custody = pool.custody(tally)
        #expect(custody.held == 3 && custody.orphaned == 2)
        #expect(custody.leaked == [slots[4]] && custody.overdrawn == [7])
    }

    @Test(
        "every style of return, mixed at random with ends of connections, against a model (G.02, G.12, U.08, Z.03)",
        arguments: [3, 17, 99, 1234, 77_777] as [UInt64])
    func model(_ seed: UInt64) {
        var table = TokenTable(capacity: 32, limit: 200, connections: 8)
        var model = TokenModel(limit: 200, connections: 8)
        var generator = SystemlessGenerator(state: seed)
        func any(_ n: UInt64) -> UInt64 { generator.next() % n }
        for step in 0..<20_000 {
            // Nine places, of which the last has no chain; three connections one after the other at each.
            let connection = UInt32(any(9)) | UInt32(any(3)) << 16
            let near = model.next &- 40 &+ any(60)
            let token = any(4) == 0 ? any(model.next + 3) : near
            switch any(20) {
            case 0..<10:
                for _ in 0..<any(4) {
                    let slot = mem(UInt32(any(5000)))
                    let issued = table.issue(slot: slot, connection: connection, at: 0)
                    #expect(issued == model.issue(slot, connection))
                }
            case 10..<14:
                let result = table.take(token)
                #expect(result == model.take(token))
            case 14:
                let count = any(8) == 0 ? .max : any(30)
                let taken = drain(&table, ReturnWork(start: token, count: count), budget: Int(1 + any(20)))
                #expect(taken == model.take(start: token, count: count))
            case 15:
                let taken = drain(&table, table.everything(upTo: token), budget: Int(1 + any(20)))
                #expect(taken == model.take(upTo: token))
            case 16:
                for expected in model.held(by: connection) {
                    let held = table.popHeld(by: connection)
                    #expect(held?.token == expected)
                    model.out[expected] = nil
                }
                let none = table.popHeld(by: connection)
                #expect(none == nil)
            case 17:
                table.orphan(connection)
                for token in model.held(by: connection) { model.out[token]?.isOrphan = true }
            case 18:
                let lowest = model.out.keys.min()
                let popped = table.popAny()
                #expect(popped?.token == lowest)
                if let lowest { model.out[lowest] = nil }
            default:
                let last = model.next - 1
                let slot = table.withdraw(last)
                #expect(slot == model.out[last]?.slot)
                if model.out.removeValue(forKey: last) != nil { model.next = last }
            }
            if step % 64 == 0 {
                #expect(table.orphaned == model.out.values.count { $0.isOrphan })
                #expect(table.held(by: connection) == model.held(by: connection).count)
            }
            guard table.outstanding == model.out.count, table.next == model.next,
                table.staleReturns == model.stale, table.unknownReturns == model.unknown
            else {
                Issue.record(
                    "step \(step): \(table.outstanding) out, \(table.staleReturns) stale, \(table.unknownReturns) unknown"
                )
                return
            }
        }
    }

    @Test("the oldest token is known without a walk, whatever came back in between (S2.39, G.17)")
    func oldest() {
        var table = TokenTable(capacity: 8, limit: 64)
        var out: [UInt64: UInt64] = [:]
        var generator = SystemlessGenerator(state: 5)
        for time in 1...20_000 as ClosedRange<UInt64> {
            if generator.next() % 2 == 0, let token = table.issue(slot: mem(1), connection: 0, at: time) {
                out[token] = time
            } else if let token = out.keys.sorted().dropFirst(Int(generator.next() % 8)).first {
                out[token] = nil
                expect(table.take(token), .returned(mem(1), connection: 0))
            }
            if generator.next() % 4 == 0 {
                let oldest = table.oldestIssue()
                #expect(oldest == out.values.min())
            }
        }
    }
}
