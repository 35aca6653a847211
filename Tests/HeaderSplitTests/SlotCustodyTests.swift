import DeviceMemory
import HeaderSplit
import PagePool
import Testing

/// The published generator of Vigna's SplitMix64: completions that nobody chose.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// What a driver may do with slots: post them, hand them on, give them back; and nothing else.
@Suite struct SlotCustodyTests {
    @Test(
        "every slot that a queue takes is posted, handed on or back in the pool, whatever the device completes (S2.24, U.24)",
        arguments: 0..<8 as Range<UInt64>)
    func custody(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        // Few enough that replacements run out.
        var bench = try Bench(slots: 12)
        var held: [UInt32] = []
        var brought = 0
        for _ in 0..<2000 {
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let status: UInt64 = [0x63, 0x63, 0x63, 0x61, 0x63 | 1 << 31, 0x63 | 1 << 23].randomElement(
                    using: &random)!
                bench.complete(
                    header: [0, 54, 60, 192, 193, 230].randomElement(using: &random)!,
                    length: [0, 1, 1000, 2048, 2049, 0xFFFF].randomElement(using: &random)!, status: status,
                    split: Bool.random(using: &random))
            }
            while true {
                guard var frame = bench.queue.nextFrame(&bench.pool) else { break }
                guard let fragment = frame.fragment.take() else { continue }
                brought += 1
                if Bool.random(using: &random) {
                    held.append(bench.pool.deliver(fragment).slot)
                } else {
                    bench.pool.recycle(fragment)
                }
            }
            bench.queue.endBurst()
            let books = bench.pool.ledger()
            #expect(books.isBalanced && books.ring == 8 && books.stack == 0 && books.application == held.count)
            while Bool.random(using: &random), let index = held.indices.randomElement(using: &random) {
                bench.pool.returned(held.remove(at: index))
            }
        }
        let starved = bench.queue.statistics.noReplacement
        #expect(brought > 100 && starved > 0)
        for slot in held { bench.pool.returned(slot) }
        bench.queue.stop(&bench.pool)
        let free = bench.pool.freeCount
        #expect(free == 12)
    }

    @Test(
        "only memory whose writes must be flushed out of the bus is read, once a burst; nothing else is synchronised (U.23)",
        arguments: [(Visibility.flushRead, 1), (.coherent, 0), (.consumerFence, 0)])
    func synchronisation(_ visibility: Visibility, _ reads: Int) throws {
        var bench = try Bench(visibility: visibility)
        for _ in 0..<3 { bench.complete(header: 54, length: 1000) }
        while !bench.isQuiet() {}
        bench.queue.endBurst()
        #expect(bench.flush.reads.count == reads && bench.flush.writes.isEmpty)
        #expect(bench.bus.reads.isEmpty)
    }

    @Test("a frame is told in one cache line and a half, fragment and verdicts included (S1.09, S1.10)")
    func budget() {
        #expect(MemoryLayout<ReceivedFrame>.size <= 64)
        #expect(MemoryLayout<Fragment?>.stride <= 24)
    }
}
