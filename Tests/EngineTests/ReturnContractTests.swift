import ClientKit
import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// A desk that several tasks' lanes give back to; one task at a time takes.
private final class SharedDesk {
    var desk: Desk
    init(slots: Int) { desk = Desk(slots: slots) }
}

@Suite struct ReturnContractTests {
    @Test("a call takes 0, 1 and 128 ranges, and refuses 129 without a change (U.08)")
    func ranges() {
        var desk = Desk(slots: 512)
        let tokens = (0..<300).map { _ in desk.deliver() }
        // Every second token, so that no two make a range.
        func ranges(_ count: Int) -> [TokenRange] {
            (0..<count).map { TokenRange(start: tokens[2 * $0], count: 1) }
        }
        let none = desk.giveBack([])
        #expect(none == ReturnOutcome())
        let tooMany = desk.giveBack(ranges(129))
        let free = desk.free
        #expect(tooMany == nil && free == 512 - 300 && desk.port.statistics.tokensReturned == 0)
        let one = desk.giveBack(ranges(1))
        #expect(one?.freed == 1)
        let all = desk.giveBack(ranges(128))
        #expect(all?.freed == 127 && all?.stale == 1 && all?.unknown == 0)
        #expect(desk.port.tokens.outstanding == 300 - 128 && desk.port.statistics.badReturns == 1)
    }

    @Test(
        "a call looks at 1024 tokens: 1023 and 1024 all come back, of 1025 one stays (U.08)",
        arguments: [1023, 1024, 1025], [1, 2, 128])
    func totals(_ total: Int, _ pieces: Int) {
        var desk = Desk(slots: 2048)
        let first = desk.deliver()
        for _ in 1..<total { _ = desk.deliver() }
        var ranges: [TokenRange] = []
        var start = first
        for i in 0..<pieces {
            let count = total / pieces + (i < total % pieces ? 1 : 0)
            ranges.append(TokenRange(start: start, count: UInt32(count)))
            start += UInt64(count)
        }
        let outcome = desk.giveBack(ranges)
        #expect(outcome?.freed == min(total, 1024) && outcome?.stale == 0 && outcome?.unknown == 0)
        let free = desk.free
        #expect(free == 2048 - total + min(total, 1024))
    }

    @Test("overlapping ranges free each token once; unknown ones are counted apart from stale ones (U.08, S2.20)")
    func overlapping() {
        var desk = Desk()
        let first = desk.deliver()
        for _ in 1..<20 { _ = desk.deliver() }
        let outcome = desk.giveBack([
            TokenRange(start: first, count: 10), TokenRange(start: first + 5, count: 10),
            TokenRange(start: first + 15, count: 10), TokenRange(start: 0, count: 1), TokenRange(start: .max, count: 1),
        ])
        #expect(outcome?.freed == 20 && outcome?.stale == 5 && outcome?.unknown == 7)
        let free = desk.free
        #expect(free == 64 && desk.pools.pools[1].statistics.violations == 0)
    }

    @Test("a count of four thousand million by call is 1024 looks (U.09)")
    func endless() {
        var desk = Desk()
        let first = desk.deliver()
        let outcome = desk.giveBack([TokenRange(start: first, count: .max), TokenRange(start: first, count: .max)])
        #expect(outcome?.freed == 1 && (outcome?.unknown ?? .max) <= 1024)
        let free = desk.free
        #expect(free == 64)
    }

    @Test("a port that never delivered frees nothing and survives everything (U.10)")
    func fresh() throws {
        var desk = Desk()
        let outcome = desk.giveBack([TokenRange(start: 1, count: 5), TokenRange(start: 0, count: .max)])
        #expect(outcome?.freed == 0 && outcome?.stale == 0)
        desk.client.giveBack(through: 99)
        for token in [0, 1, .max] as [UInt64] { _ = desk.client.giveBack(token) }
        desk.client.flush()
        desk.takeReturns()
        #expect(desk.port.statistics.tokensReturned == 0 && desk.port.tokens.outstanding == 0)
        // At the engine: a port that is closed, one that never was, one without a region.
        let rig = try Rig(applications: 2)
        _ = rig.close(1)
        #expect(rig.giveBack([TokenRange(start: 1, count: 1)], owner: 1) == nil)
        #expect(rig.giveBack([TokenRange(start: 1, count: 1)], owner: 9) == nil)
        #expect(rig.giveBack([TokenRange(start: 1, count: 1)], owner: -1) == nil)
        #expect(rig.giveBack([TokenRange(start: 1, count: 1)])?.unknown == 1)
        #expect(rig.held(by: 1, now: rig.now).tokens == 0)
    }

    @Test("four threads give back by lanes of their own, all at once; every token is booked once (Z.09, S4.11)")
    func lanes() async {
        let shared = SharedDesk(slots: 4096)
        let tokens = (0..<4096).map { _ in shared.desk.deliver() }
        let channel = ApplicationChannel(shared.desk.memory.bytes)
        let lanes = ChannelShape.standard.returnLanes
        #expect(lanes == 4)
        let workers = (0..<lanes).map { index in
            Task.detached {
                var lane = ReturnLane(channel, lane: index)
                for (i, token) in tokens.enumerated() where i / 3 % lanes == index {
                    while !lane.giveBack(token) {
                        lane.publish()
                        await Task.yield()
                    }
                    if i % 64 == 0 { lane.publish() }
                }
                lane.publish()
            }
        }
        for _ in 0..<100_000 where shared.desk.port.tokens.outstanding != 0 {
            shared.desk.takeReturns(limit: 100)
            await Task.yield()
        }
        for worker in workers { await worker.value }
        shared.desk.takeReturns(limit: 1 << 20)
        let statistics = shared.desk.port.statistics
        #expect(statistics.tokensReturned == 4096 && statistics.badReturns == 0)
        let free = shared.desk.free
        #expect(free == 4096)
    }

    @Test("a consumer's counter gives back all up to it, those that came back otherwise too (C.22)")
    func counter() {
        var desk = Desk()
        let tokens = (0..<40).map { _ in desk.deliver() }
        _ = desk.giveBack([TokenRange(start: tokens[3], count: 2)])
        desk.client.giveBack(through: tokens[19])
        desk.client.giveBack(through: tokens[7])
        desk.client.flush()
        desk.takeReturns(limit: 7)
        #expect(desk.port.tokens.outstanding > 20)
        for _ in 0..<5 { desk.takeReturns(limit: 7) }
        #expect(desk.port.tokens.outstanding == 20 && desk.port.statistics.badReturns == 0)
        // What the counter covered is stale for a call.
        let again = desk.giveBack([TokenRange(start: tokens[19], count: 2)])
        #expect(again?.freed == 1 && again?.stale == 1)
    }

    @Test("a counter beyond what was issued gives back all of it once, and nothing that comes later")
    func counterAhead() {
        var desk = Desk()
        for _ in 0..<10 { _ = desk.deliver() }
        desk.client.giveBack(through: 1000)
        desk.client.flush()
        desk.takeReturns()
        #expect(desk.port.tokens.outstanding == 0 && desk.port.statistics.tokensReturned == 10)
        for _ in 0..<5 {
            _ = desk.deliver()
            desk.takeReturns()
        }
        #expect(desk.port.tokens.outstanding == 5 && desk.port.statistics.badReturns <= 1)
    }

    @Test(
        "rings, calls and counter, mixed at random, agree with a set of numbers (S4.11, U.08)",
        arguments: [1, 2, 3] as [UInt64])
    func model(_ seed: UInt64) {
        var desk = Desk(slots: 256) { $0.tokenLimit = 256 }
        var random = SeededGenerator(seed: seed)
        var out: Set<UInt64> = []
        var last: UInt64 = 0
        func pick() -> UInt64 { random.next() % 8 == 0 ? random.next() % 4000 : last &- min(random.next() % 300, last) }
        for _ in 0..<3000 {
            switch random.next() % 6 {
            case 0, 1, 2:
                guard out.count < 256 else { break }
                last = desk.deliver()
                out.insert(last)
            case 3:
                let token = pick()
                _ = desk.client.giveBack(token)
                desk.client.flush()
                desk.takeReturns()
                out.remove(token)
            case 4:
                let ranges = (0..<Int(random.next() % 4)).map { _ in
                    TokenRange(start: pick(), count: UInt32(random.next() % 20))
                }
                var freed = 0
                for range in ranges {
                    for i in 0..<UInt64(range.count) where out.remove(range.start + i) != nil { freed += 1 }
                }
                let outcome = desk.giveBack(ranges)
                #expect(outcome?.freed == freed)
            default:
                guard random.next() % 10 == 0, last > 200 else { break }
                let through = last - 200 + random.next() % 150
                if through > ApplicationChannel(desk.memory.bytes).consumedThrough.loadRelaxed() {
                    out = out.filter { $0 > through }
                }
                desk.client.giveBack(through: through)
                desk.client.flush()
                desk.takeReturns()
            }
            #expect(desk.port.tokens.outstanding == out.count)
        }
        let free = desk.free
        #expect(free == 256 - out.count && desk.pools.pools[1].statistics.violations == 0)
    }

    @Test("receive, then close without returning, 100,000 times: every close gives back all at once (S2.15, S4.15)")
    func pathological() {
        var desk = Desk(slots: 32)
        var lost = 0
        for round in 0..<100_000 {
            let connection = UInt32(round % 60_000 + 1)
            for _ in 0..<1 + round % 3 where desk.deliver(connection: connection) == 0 { lost += 1 }
            _ = desk.client.ask(.leave, on: connection)
            desk.client.flush()
            desk.takeCommands()
            if desk.free != 32 { lost += 1 }
        }
        #expect(lost == 0 && desk.port.tokens.outstanding == 0 && desk.port.statistics.tokensReclaimed == 199_999)
    }

    @Test("tokens of the binding outlive their connections, and come back across connections in one call (S2.20, U.14)")
    func bindingLifetime() {
        var desk = Desk(slots: 32) { $0.lifetime = .binding }
        let tokens = (1...10).map { desk.deliver(connection: $0) }
        for connection in 1...10 as ClosedRange<UInt32> { _ = desk.client.ask(.leave, on: connection) }
        desk.client.flush()
        desk.takeCommands()
        #expect(desk.port.tokens.outstanding == 10)
        let outcome = desk.giveBack([TokenRange(start: tokens[0], count: 10)])
        let free = desk.free
        #expect(outcome?.freed == 10 && free == 32)
    }

    @Test("what an application holds comes back when it is gone, all of it (S2.12, S4.15)")
    func gone() {
        for lifetime in [TokenLifetime.binding, .connection] {
            var desk = Desk(slots: 64) { $0.lifetime = lifetime }
            for connection in 1...40 as ClosedRange<UInt32> { _ = desk.deliver(connection: connection) }
            let held = desk.port.releaseEverything(&desk.pools)
            let free = desk.free
            #expect(held == 40 && free == 64 && desk.port.tokens.outstanding == 0)
        }
    }
}
