import HeaderSplit
import PagePool
import Testing

@Suite struct BurstTests {
    @Test("a burst hands over at most so many frames, proves payload visible once, and rings once")
    func burst() throws {
        var bench = try Bench()
        for _ in 0..<5 { bench.complete(header: 54, length: 100) }
        let before = bench.bus.writes.count
        var lengths: [UInt32] = []
        var flushesWithin = 0
        let flush = bench.flush
        func take(_ frame: consuming ReceivedFrame, _ pool: inout PagePool) {
            flushesWithin += flush.reads.count
            if let fragment = frame.fragment.take() {
                lengths.append(fragment.length)
                pool.recycle(fragment)
            }
        }
        let first = bench.queue.receiveBurst(limit: 3, pool: &bench.pool, take)
        #expect(first == 3 && lengths == [100, 100, 100] && flushesWithin == 0)
        #expect(bench.flush.reads.count == 1 && bench.bus.writes.count == before + 1)
        let second = bench.queue.receiveBurst(limit: 3, pool: &bench.pool, take)
        #expect(second == 2 && bench.flush.reads.count == 2)
        let third = bench.queue.receiveBurst(limit: 3, pool: &bench.pool, take)
        #expect(third == 0 && bench.flush.reads.count == 2 && bench.bus.writes.count == before + 2)
        #expect(bench.pool.ledger().ring == 8 && bench.pool.ledger().stack == 0)
    }
}
