import DeviceMemory
import PagePool
import Testing

/// What a hostile client can say about tokens, against one word a number: the slot that is out under it, or none.
struct TokenFuzz: ~Copyable {
    var table = TokenTable(capacity: 1024, limit: 4096, connections: 64)
    /// Slot + 1 by number; 0: not out.
    private var truth: Slab<UInt32>
    private var generator: SystemlessGenerator
    private var out = 0
    private(set) var lastReturned: UInt64 = 1
    private(set) var returned: UInt64 = 0
    private(set) var stale: UInt64 = 0
    private(set) var unknown: UInt64 = 0
    /// Unknown ones said one by one: a range can name 2^64.
    private(set) var strange: UInt64 = 0
    private(set) var wrong = 0

    init(seed: UInt64, numbers: Int) {
        truth = Slab(count: numbers, repeating: 0)
        generator = SystemlessGenerator(state: seed)
    }

    private func isOut(_ token: UInt64) -> Bool { token != 0 && token < table.next && truth[Int(token)] != 0 }

    private mutating func issue() {
        guard Int(table.next) < truth.count else { return }
        let slot = UInt32(truncatingIfNeeded: generator.next() & 0xFFFF)
        guard let token = table.issue(slot: mem(slot), connection: slot & 63, at: 0) else {
            if out != 4096 { wrong += 1 }
            return
        }
        truth[Int(token)] = slot + 1
        out += 1
    }

    private mutating func account(_ token: UInt64, _ slot: Netmem) {
        if !isOut(token) || slot != mem(truth[Int(token)] - 1) { wrong += 1 } else { out -= 1 }
        if token < table.next { truth[Int(token)] = 0 }
        lastReturned = token
        returned += 1
    }

    private mutating func say(_ token: UInt64) {
        let wasOut = isOut(token)
        switch table.take(token) {
        case .returned(let slot, let connection):
            if connection != slot.index & 63 { wrong += 1 }
            account(token, slot)
        case .stale:
            if wasOut || token == 0 || token >= table.next { wrong += 1 }
            stale += 1
        case .unknown:
            if wasOut || (token != 0 && token < table.next) { wrong += 1 }
            strange += 1
            if unknown != .max { unknown += 1 }
        }
    }

    /// A range or a counter, done with a budget that has to do several times.
    private mutating func say(_ work: ReturnWork, first: UInt64, last: UInt64) {
        let staleBefore = table.staleReturns
        let unknownBefore = table.unknownReturns
        var work = work
        var next = first
        while !work.isDone {
            var budget = 64
            while let held = table.next(of: &work, budget: &budget) {
                if held.token < next || held.token > last { wrong += 1 }
                next = held.token + 1
                account(held.token, held.slot)
            }
        }
        stale += table.staleReturns - staleBefore
        unknown += table.unknownReturns - unknownBefore
        // Nothing of it may be out any more; looked at where that is cheap.
        if last >= first && last - first < 64 {
            for token in first...last where isOut(token) { wrong += 1 }
        }
    }

    /// One thing that a client says, and now and then a delivery.
    mutating func step() {
        let choice = generator.next()
        if choice & 3 == 0 { issue() }
        let highest = table.next - 1
        switch choice >> 8 & 15 {
        case 0: say(generator.next())
        case 1, 2: say(lastReturned)
        case 3: say(lastReturned &+ 1)
        case 4: say(lastReturned &- 1)
        case 5, 6: say(highest &+ 2 &- generator.next() % 8)
        case 7, 8: say(generator.next() % (highest + 2))
        case 9: say(highest &- generator.next() % 1100)
        case 10:
            // A ring entry of a client that got it right, or nearly.
            let start = highest &- generator.next() % 64
            let count = generator.next() % 16
            if start <= highest && count > 0 {
                say(ReturnWork(start: start, count: count), first: start, last: start + count - 1)
            }
        case 11 where choice >> 16 & 0xFFF == 0:
            say(ReturnWork(start: generator.next(), count: generator.next()), first: 0, last: .max)
        case 12 where choice >> 16 & 0xFF == 0:
            let upTo = highest &- generator.next() % 2048
            if upTo <= highest { say(table.everything(upTo: upTo), first: 0, last: upTo) }
        default: issue()
        }
        if table.outstanding != out { wrong += 1 }
    }

    /// Ends it: what is out comes back, and nothing else.
    mutating func finish() {
        while let held = table.popAny() { account(held.token, held.slot) }
        if out != 0 || table.outstanding != 0 { wrong += 1 }
        if table.staleReturns != stale || table.unknownReturns != unknown { wrong += 1 }
    }
}

@Suite struct TokenFuzzTests {
    #if DEBUG
        static let steps = 200_000
    #else
        static let steps = 10_000_000
    #endif

    @Test("random, near-miss, stale and replayed tokens and ranges: no wrong free, each classified (G.02, Z.03, U.08)")
    func fuzz() {
        var fuzz = TokenFuzz(seed: 0x9E37_79B9_7F4A_7C15, numbers: TokenFuzzTests.steps)
        let elapsed = ContinuousClock().measure {
            for _ in 0..<TokenFuzzTests.steps { fuzz.step() }
            fuzz.finish()
        }
        print(
            "token fuzz: \(TokenFuzzTests.steps) steps, \(fuzz.returned) returned, \(fuzz.stale) stale, "
                + "\(fuzz.strange) unknown one by one, \(fuzz.wrong) wrong in \(elapsed)")
        #expect(fuzz.wrong == 0)
        #expect(fuzz.returned > 0 && fuzz.stale > 0 && fuzz.strange > 0)
        let returned = fuzz.returned
        let issued = fuzz.table.next - 1
        #expect(returned == issued)
    }

    @Test(
        "an application that dies with a million tokens is swept in one pass (Z.04, S2.12, G.03)",
        arguments: [true, false])
    func sweep(_ byConnection: Bool) {
        #if DEBUG
            let count = 20_000
        #else
            let count = 1_000_000
        #endif
        var pool = PagePool(
            identifier: 1,
            provider: MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 4096, slotCount: count))
        var table = TokenTable(capacity: count, connections: 64)
        for i in 0..<count {
            guard let slot = pool.lend() else { break }
            let delivered = pool.deliver(pool.arrive(slot, offset: 0, length: 1))
            _ = table.issue(slot: delivered.netmem, connection: UInt32(byConnection ? 7 : i & 63), at: 0)
        }
        var swept = 0
        let elapsed = ContinuousClock().measure {
            while let held = byConnection ? table.popHeld(by: 7) : table.popAny() {
                pool.returned(held.slot.index)
                swept += 1
            }
        }
        print("sweep \(byConnection ? "of a connection" : "of all"): \(swept) tokens to the pool in \(elapsed)")
        #expect(swept == count && table.outstanding == 0)
        let ledger = pool.ledger()
        #expect(ledger.pool == count && ledger.isBalanced && pool.statistics.violations == 0)
        #if !DEBUG
            #expect(elapsed < .seconds(10))
        #endif
    }
}
