import PagePool
import Testing

/// The testing macros cannot call into an owner that cannot be copied.
func expect(_ result: TokenReturn, _ expected: TokenReturn, at location: SourceLocation = #_sourceLocation) {
    #expect(result == expected, sourceLocation: location)
}

func mem(_ slot: UInt32) -> Netmem { Netmem(kind: .deviceSlot, pool: 1, index: slot) }

@Suite struct TokenTableTests {
    @Test("consecutive deliveries have consecutive tokens, from 1 on, and each comes back once (S4.05, C.02)")
    func once() {
        var table = TokenTable(capacity: 8)
        let tokens = (0..<5).map { table.issue(slot: mem(UInt32($0)), connection: 9) }
        #expect(tokens == [1, 2, 3, 4, 5])
        expect(table.take(3), .returned(mem(2), connection: 9))
        expect(table.take(3), .stale)
        expect(table.take(0), .unknown)
        expect(table.take(6), .unknown)
        expect(table.take(.max), .unknown)
        #expect(table.outstanding == 4 && table.staleReturns == 1 && table.unknownReturns == 3)
    }

    @Test("a token held for ever costs one entry while millions pass, and is still good (U.12, S2.15)")
    func straggler() {
        var table = TokenTable(capacity: 16)
        let held = table.issue(slot: mem(1234), connection: 5)
        for i in 0..<100_000 {
            let token = table.issue(slot: mem(UInt32(i % 1000)), connection: 1)
            expect(table.take(token), .returned(mem(UInt32(i % 1000)), connection: 1))
        }
        #expect(table.outstanding == 1)
        expect(table.take(held), .returned(mem(1234), connection: 5))
        expect(table.take(held), .stale)
    }

    @Test("random returns, near misses and replays against a model: no wrong slot, each classified (G.02)")
    func model() {
        var table = TokenTable(capacity: 64, limit: 512, connections: 16)
        var out: [UInt64: UInt32] = [:]
        var generator = SystemlessGenerator(state: 99)
        var highest: UInt64 = 0
        for _ in 0..<50_000 {
            if generator.next() % 3 != 0 {
                let slot = UInt32(truncatingIfNeeded: generator.next() % 4096)
                let token = table.issue(slot: mem(slot), connection: slot % 20, at: 0)
                #expect((token == nil) == (out.count == 512))
                guard let token else { continue }
                highest = token
                out[token] = slot
            } else {
                // Half of them near what was issued last, half anywhere.
                let token =
                    generator.next() % 2 == 0 ? generator.next() % (highest + 3) : highest &- generator.next() % 96
                let result = table.take(token)
                if let slot = out.removeValue(forKey: token) {
                    #expect(result == .returned(mem(slot), connection: slot % 20))
                } else {
                    #expect(result == (token == 0 || token > highest ? .unknown : .stale))
                }
            }
            #expect(table.outstanding == out.count)
        }
        for (token, slot) in out { expect(table.take(token), .returned(mem(slot), connection: slot % 20)) }
        #expect(table.outstanding == 0)
    }
}
