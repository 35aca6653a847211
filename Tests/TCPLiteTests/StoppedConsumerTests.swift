import DeviceMemory
import Packets
import TCPLite
import Testing
import Timeline

/// Consumers that stop or hoard, with hundreds of flows and few slots, in virtual time.
@Suite struct StoppedConsumerTests {
    static let flows = 200
    static let length = 6000

    /// An MTU that makes full segments of 63 bytes, and windows that are told as they are.
    static func tiny(_ last: UInt8, slots: Int) -> Configuration {
        var configuration = small(last) {
            $0.interface.mtu = 103
            $0.maxConnections = 512
            $0.backlog = 512
            $0.slotsPerFlow = 4
            $0.slotBudget = slots
            $0.windowScale = 0
            $0.timestamps = false
            $0.outputDepth = 4096
            $0.sendBufferBytes = 8192
        }
        configuration.nagle = false
        return configuration
    }

    @Test(
        "a consumer that stops for 10 s: guaranteed flows lose nothing and close their windows, shared flows all complete, full speed within a round trip of its return (G.04, U.12)",
        arguments: [1, 2, 3] as [UInt64])
    func stop(seed: UInt64) throws {
        let a = Host(StoppedConsumerTests.tiny(1, slots: 2000), slots: 64, secret: seed)
        // 64 slots of 1024 are for what is just arriving.
        let b = Host(StoppedConsumerTests.tiny(2, slots: 960), secret: seed &+ 1)
        let path = LongPath(a, b)
        try b.stack.listen(port: 80, flow: .guaranteed(slots: 4))
        try b.stack.listen(port: 81, flow: .shared)
        var ids: [ConnectionID] = []
        let count = StoppedConsumerTests.flows
        let data = pattern(StoppedConsumerTests.length, seed: seed)
        let bytes = Bytes(data)
        var random = SeededGenerator(seed: seed)
        let start = path.now
        let stopsAt = start + .milliseconds(900)
        let resumesAt = stopsAt + .seconds(10)
        for n in 0..<(2 * count) {
            ids.append(
                try a.stack.connect(to: address(2), port: n < count ? 80 : 81, localPort: nil, now: path.now))
        }
        // Each flow loses one segment about the time when the consumer stops.
        var loseFrom: [UInt16: Instant] = [:]
        path.loses = { passed in
            guard passed.toB, passed.payload > 0 else { return false }
            if loseFrom[passed.port] == nil {
                loseFrom[passed.port] = stopsAt + .milliseconds(UInt64(random.below(60)))
            }
            guard let from = loseFrom[passed.port], passed.at + .milliseconds(40) >= from else { return false }
            loseFrom[passed.port] = .never
            return true
        }
        path.step = {
            a.drain()
            ids.removeAll { id in
                guard a.seen[id]?.opened == 1, a.stack.send(id, bytes.view) == data.count else { return false }
                a.stack.shutdown(id)
                return true
            }
            if path.now < stopsAt || path.now >= resumesAt { b.drain() }
        }
        path.run(until: resumesAt + .seconds(40)) {
            path.now.nanoseconds % 100_000_000 == 0 && b.order.count == 2 * count
                && b.order.allSatisfy { b.seen[$0]?.endOfStream == 1 }
        }
        extendLifetime(bytes)
        // Everything arrived, in order, on all flows.
        #expect(b.order.count == 2 * count && b.order.allSatisfy { b.seen[$0]?.bytes == data }, "seed \(seed)")
        #expect(loseFrom.values.filter { $0 == .never }.count == 2 * count)
        // The promise of the guaranteed flows, and that the shared ones did run short.
        let statistics = b.stack.statistics
        #expect(statistics.droppedWithoutSlots == 0 && b.starved == 0, "seed \(seed)")
        #expect(statistics.droppedOverShare > 0, "seed \(seed)")
        #expect(a.stack.statistics.resetsSent == 0 && statistics.resetsSent == 0)
        // On the wire: every guaranteed flow's window was zero before the consumer returned, and full segments were 63 bytes.
        let closed = Set(
            path.record.filter { !$0.toB && $0.service == 80 && $0.window == 0 && $0.at > stopsAt && $0.at < resumesAt }
                .map(\.port))
        #expect(closed.count == count, "seed \(seed)")
        #expect(path.record.allSatisfy { $0.payload <= 63 })
        // Speed by round trips of 20 ms: the one that begins when the first news of the return can be back at the sender.
        let trip = Interval.milliseconds(20)
        let before = path.bytes(to: [80], from: start + .milliseconds(800), to: start + .milliseconds(840)) / 2
        let first = path.bytes(to: [80], from: resumesAt, to: resumesAt + trip)
        let second = path.bytes(to: [80], from: resumesAt + trip, to: resumesAt + trip + trip)
        #expect(before > 2 * count * 63 && second * 10 >= before * 9, "seed \(seed): \(before), \(first), \(second)")
        #expect(path.bytes(to: [80], from: stopsAt + .seconds(2), to: resumesAt) < 40 * count, "probes at most")
        b.drain()
        #expect(b.isBalanced && b.stack.info(owner: 0)?.slotsInUse == 0)
    }

    /// Bytes that owner 2 receives in a second while owner 1 keeps, or does not keep, whatever it gets.
    static func goodput(hoarding: Bool, seed: UInt64) throws -> Int {
        let a = Host(StoppedConsumerTests.tiny(1, slots: 2000), slots: 64, secret: seed)
        var configuration = StoppedConsumerTests.tiny(2, slots: 800)
        configuration.owners = 3
        let b = Host(configuration, slots: 1024, secret: seed &+ 1)
        let path = LongPath(a, b)
        for owner in 1...2 {
            var wishes = OwnerConfiguration(slots: 260)
            wishes.quota = SlotTimeQuota(averageSlots: 200, burstSlotSeconds: 100)
            try b.stack.registerOwner(owner, wishes)
            try b.stack.allow(pool: 1, owner: owner)
            try b.stack.listen(port: 80 + UInt16(owner), owner: owner, flow: owner == 1 ? .shared : nil)
            try b.stack.listen(port: 90 + UInt16(owner), owner: owner, flow: .shared)
        }
        var ids: [ConnectionID] = []
        for n in 0..<40 {
            let port: UInt16 = [81, 91, 82, 92][n % 4]
            ids.append(try a.stack.connect(to: address(2), port: port, localPort: nil, now: path.now))
        }
        let bytes = Bytes(pattern(6000, seed: seed))
        b.returnsAtOnce = false
        b.keepsBytes = false
        path.step = {
            a.drain()
            for id in ids where a.seen[id]?.opened == 1 { _ = a.stack.send(id, bytes.view) }
            b.drain(owner: 1)
            b.drain(owner: 2)
            b.giveBack(except: hoarding ? 1 : nil)
        }
        path.run(until: path.now + .seconds(1))
        extendLifetime(bytes)
        let info = b.stack.info(owner: 1)
        let hoarder = try #require(info)
        if hoarding { #expect(hoarder.slotsInUse > 200 && hoarder.slotsInUse <= 260) }
        #expect(b.starved == 0)
        let received = b.seen.filter { b.stack.owner(of: $0.key) == 2 }.values.reduce(0) { $0 + $1.deviceRecords }
        b.giveBack()
        return received
    }

    @Test(
        "an owner that hoards slots takes under 5 % of another's goodput, although both draw on one pool (G.04, S2.16, A.09)",
        arguments: [1, 2, 3] as [UInt64])
    func hoarding(seed: UInt64) throws {
        let alone = try StoppedConsumerTests.goodput(hoarding: false, seed: seed)
        let beside = try StoppedConsumerTests.goodput(hoarding: true, seed: seed)
        #expect(alone > 500 && beside * 100 >= alone * 95, "seed \(seed): \(alone) and \(beside) records")
    }
}
