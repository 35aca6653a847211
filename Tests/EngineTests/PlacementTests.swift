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

/// Where bytes land, and what an application is told when they land elsewhere.
@Suite struct PlacementTests {
    private var uniform: PortConfiguration {
        var port = PortConfiguration(tokenLimit: 4096)
        port.uniform = true
        return port
    }

    private func settle(_ rig: Rig, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(rig.run(60_000) { rig.isComplete() }, sourceLocation: sourceLocation)
        rig.run(60)
        #expect(rig.faults == [], sourceLocation: sourceLocation)
        let report = rig.report()
        #expect(report.tokensOut == 0 && report.ledger.application == 0, sourceLocation: sourceLocation)
    }

    @Test(
        "uniform placement: whatever fits a header buffer is in the region too, and all slots come back (Z.06, C.25, A.05, U.03)",
        arguments: [1, 60, 126, 4096])
    func uniformPlacement(_ piece: Int) throws {
        let rig = try Rig(port: uniform)
        rig.uniform = true
        let number = try rig.bind([1])
        let limit = piece * (piece < 200 ? 300 : 30)
        try rig.peer.connect(0, to: 5001, limit: limit, piece: piece, now: rig.now)
        try rig.peer.connect(1, to: 5001, limit: 100 * 40, piece: 100, now: rig.now)
        #expect(rig.run { rig.applications[0].bytes == limit + 4000 })
        #expect(rig.applications[0].linear == 0 && rig.applications[0].wrong == 0)
        let delivery = rig.report().delivery
        #expect(delivery.movedBytes == delivery.linearBytes && Int(delivery.movedBytes) == rig.applications[0].moved)
        #expect(rig.applications[0].moved >= 2000)
        settle(rig)
        rig.unbind(number)
        rig.run(60)
        #expect(rig.bindings(now: rig.now).isEmpty && rig.device.mappings.regions.isEmpty)
    }

    @Test("uniform placement goes on in the next region, and in another of the same application (Z.06, U.04)")
    func uniformRehome() throws {
        let rig = try Rig(queues: 2, port: uniform)
        rig.uniform = true
        var number = try rig.bind([1])
        let other = try rig.bind([2])
        try rig.peer.connect(0, to: 5001, piece: 90, now: rig.now)
        for _ in 0..<20 {
            let before = rig.applications[0].moved
            #expect(rig.run { rig.applications[0].moved > before + 2000 })
            number = try rig.rehome(number, during: rig.traffic)
        }
        rig.unbind(number)
        let before = rig.applications[0].moved
        #expect(rig.run { rig.applications[0].moved > before + 2000 })
        #expect(rig.placementPool(0) == Int(other))
        rig.peer.flows[0].limit = rig.peer.flows[0].sent
        settle(rig)
        #expect(rig.applications[0].linear == 0)
    }

    @Test("with every slot held, bytes wait for a place; where nothing is held they come without one (Z.06, U.03)")
    func noPlace() {
        var desk = Desk(slots: 8) {
            $0.uniform = true
            $0.tokenLimit = 64
        }
        desk.port.placementPool = 1
        let first = desk.port.hasPlace(&desk.pools)
        #expect(first && desk.port.placement != nil)
        desk.port.closePlacement(&desk.pools)
        let tokens = (0..<8).map { _ in desk.deliver() }
        for _ in 0..<3 {
            let waits = desk.port.hasPlace(&desk.pools)
            #expect(!waits)
        }
        _ = desk.giveBack([TokenRange(start: tokens[0], count: 1)])
        let again = desk.port.hasPlace(&desk.pools)
        #expect(again && desk.port.placement != nil)
        desk.port.closePlacement(&desk.pools)
        // All are out, and none with the application.
        _ = desk.giveBack([TokenRange(start: tokens[0], count: 8)])
        var fragments: [Int] = []
        while desk.pools.pools[1].lend() != nil { fragments.append(0) }
        let without = desk.port.hasPlace(&desk.pools)
        #expect(without && desk.port.placement == nil && fragments.count == 8)
    }

    @Test("a uniform application whose region is full takes what is in slots, and loses nothing (Z.06)")
    func uniformFull() throws {
        let rig = try Rig(slots: 80, perFlow: 36, port: uniform)
        rig.uniform = true
        _ = try rig.bind([1], slots: 130)
        rig.applications[0].keeps = .max
        try rig.peer.connect(0, to: 5001, limit: 200_000, now: rig.now)
        try rig.peer.connect(1, to: 5001, limit: 20_000, piece: 60, now: rig.now)
        rig.run(2000)
        for keep in [60, 30, 10, 0] {
            rig.applications[0].keeps = keep
            rig.run(500)
        }
        #expect(rig.run(60_000) { rig.applications[0].bytes == 220_000 } && rig.applications[0].linear == 0)
        settle(rig)
    }

    @Test("two regions of one application: each record names its own, and both are right (S4.19, U.04)")
    func twoRegions() throws {
        let rig = try Rig(queues: 2, perFlow: 32)
        let numbers = [try rig.bind([1]), try rig.bind([2], slotSize: 16384, slots: 256)]
        for stream in 0..<8 { try rig.peer.connect(stream, to: 5001, limit: 60_000, now: rig.now) }
        #expect(rig.run { rig.applications[0].bytes == 480_000 })
        #expect(numbers[0] != numbers[1] && rig.statistics(1).frames > 20)
        #expect(rig.statistics(2).frames > 20 && rig.applications[0].unknownRegions == 0)
        // Restarting a queue finds the pool of that queue again.
        try rig.restart(1)
        try rig.restart(2)
        #expect(rig.poolOfQueue(1) == Int(numbers[0]) && rig.poolOfQueue(2) == Int(numbers[1]))
        settle(rig)
    }

    @Test(
        "a flow that is steered to a region of another application is dropped, counted and told of (U.04, Z.13, A.06)")
    func misSteered() throws {
        let rig = try Rig(queues: 2, applications: 2, slots: 200, perFlow: 32)
        let wait: (Interval) -> Void = { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        let first = try rig.bind([1], owner: 0) { $0.steering = .rules }
        let second = try rig.bind([2], owner: 1) { $0.steering = .rules }
        let rule = SteeringRule(localPort: 5002)
        try rig.addRule(rule, binding: first, wait: wait)
        try rig.peer.connect(1, to: 5002, limit: 30_000, now: rig.now)
        rig.run(1500)
        #expect(rig.applications[1].device == 0 && rig.applications[0].bytes == 0)
        let info = rig.info(owner: 1)
        #expect((info?.misplacements.foreignPool ?? 0) > 0)
        #expect(rig.applications[1].channel.counters[.misplaced] == info?.misplacements.foreignPool)
        #expect(rig.applications[1].events.filter { $0 == .landedElsewhere }.count == 1)
        rig.engine.removeRule(rule, wait: wait)
        try rig.addRule(rule, binding: second, wait: wait)
        #expect(rig.run(100_000) { rig.applications[1].bytes == 30_000 } && rig.isComplete(1))
        rig.run(60)
        #expect(rig.faults == [])
    }

    @Test("steering that ends in the middle of a stream: it goes on in host memory, and back (S4.10, U.02)")
    func unsteered() throws {
        let rig = try Rig(queues: 1)
        try rig.peer.connect(0, to: 5001, now: rig.now)
        for _ in 0..<5 {
            let number = try rig.bind([1], during: rig.traffic)
            let device = rig.applications[0].device
            #expect(rig.run { rig.applications[0].device > device + 20_000 })
            rig.unbind(number)
            let linear = rig.applications[0].linear
            #expect(rig.run { rig.applications[0].linear > linear + 20_000 })
        }
        rig.peer.flows[0].limit = rig.peer.flows[0].sent
        settle(rig)
        #expect(rig.applications[0].events.filter { $0 == .unbound }.count == 5)
    }

    @Test(
        "slots of 2 KiB to 64 KiB, end to end, give the same stream (U.32, U.33)",
        arguments: [2048, 4096, 8192, 16384, 65536])
    func slotSizes(_ slotSize: Int) throws {
        let rig = try Rig(slots: 100, perFlow: 40)
        let number = try rig.bind([1], slotSize: slotSize, slots: 192)
        for stream in 0..<2 { try rig.peer.connect(stream, to: 5001, limit: 100_000, now: rig.now) }
        #expect(rig.run { rig.applications[0].bytes == 200_000 } && rig.applications[0].device > 190_000)
        #expect(rig.room(ofRegion: number)?.slots == 192)
        settle(rig)
    }

    @Test(
        "memory of a device, of the host, and of the host unread: the same bytes, with loss (S3.23, S4.12, U.35)",
        arguments: [BindingMemory.device, .host(readable: false), .host(readable: true)])
    func memories(_ memory: BindingMemory) throws {
        // A view with no rights stands for device memory in this process: a stage that reads payload dies here.
        let rig = try Rig(slots: 200, perFlow: 64)
        _ = try rig.bind([1]) { $0.memory = memory }
        rig.peer.losesOneIn = 30
        for stream in 0..<2 { try rig.peer.connect(stream, to: 5001, limit: 100_000, now: rig.now) }
        try rig.peer.connect(2, to: 5001, limit: 3000, piece: 50, now: rig.now)
        #expect(rig.run(100_000, .microseconds(100)) { rig.applications[0].bytes == 203_000 })
        settle(rig)
    }

    @Test("frames whose checksum is wrong reach nobody, are counted, and come again (S3.24)")
    func badChecksums() throws {
        let rig = try Rig(slots: 200, perFlow: 64)
        _ = try rig.bind([1])
        rig.peer.damagesOneIn = 20
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        #expect(rig.run(100_000, .microseconds(100)) { rig.applications[0].bytes == 100_000 })
        #expect(rig.peer.damaged > 3 && rig.applications[0].device > 90_000)
        #expect(rig.report().stack.badChecksums > 0)
        settle(rig)
    }
}
