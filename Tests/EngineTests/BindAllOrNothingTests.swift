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

/// Bindings are made and changed as a whole, or not at all, and end with their last token.
@Suite struct BindAllOrNothingTests {
    @Test(
        "a failure at any step leaves nothing behind, and the same call works afterwards (A.11, U.19, S3.08)",
        arguments: RestartStep.allCases, [1, 2, 4])
    func rollBack(_ step: RestartStep, _ count: Int) throws {
        let rig = try Rig(queues: 4)
        let queues = Array(1...count)
        let before = rig.state
        rig.engine.fail(at: [step])
        #expect(throws: BindingError.injected(step: step.rawValue)) { _ = try rig.bind(queues) }
        #expect(rig.state == before)
        let number = try rig.bind(queues)
        #expect(rig.bindings(now: rig.now).map(\.queues) == [queues] && rig.isActive(number))
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        #expect(rig.run { rig.applications[0].bytes == 100_000 } && rig.isComplete() && rig.faults.isEmpty)
    }

    @Test(
        "a failure at a later queue takes the earlier ones back too, while data flows (A.11, S3.08, U.38)",
        arguments: [RestartStep.prepare, .stop, .start], [0, 1, 2])
    func laterQueueFails(_ step: RestartStep, _ passes: Int) throws {
        let rig = try Rig(queues: 3)
        let number = try rig.bind([1, 2, 3])
        for stream in 0..<6 { try rig.peer.connect(stream, to: 5001, limit: 60_000, now: rig.now) }
        rig.run(50)
        for _ in 0..<5 {
            rig.engine.fail(at: [step], after: passes)
            #expect(throws: BindingError.injected(step: step.rawValue)) {
                _ = try rig.rehome(number, during: rig.traffic)
            }
            #expect(rig.bindings(now: rig.now).map(\.queues) == [[1, 2, 3]])
            rig.run(20)
        }
        #expect(rig.run { rig.isComplete() && rig.applications[0].bytes == 360_000 })
        #expect(rig.isActive(number) && rig.device.mappings.regions.count == 1 && rig.faults.isEmpty)
    }

    @Test("what landed in a region that was then taken back reaches nobody, and comes again (A.11, U.19)")
    func takenBack() throws {
        // Queue 2 cannot be enabled once it is stopped, so that queue 1, which has moved, must go back with its frames.
        let rig = try Rig(queues: 2, perFlow: 32)
        let number = try rig.bind([1, 2])
        for stream in 0..<8 { try rig.peer.connect(stream, to: 5001, limit: 60_000, now: rig.now) }
        rig.run(60)
        rig.nic.defects.neverEnabled = 1 << 2
        var refused = 0
        do { _ = try rig.rehome(number, during: rig.traffic) } catch { refused += 1 }
        rig.nic.defects.neverEnabled = 0
        #expect(refused == 1)
        _ = rig.engine.reestablish(now: rig.now) { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        #expect(rig.run(60_000) { rig.isComplete() && rig.applications[0].bytes == 480_000 })
        #expect(rig.bindings(now: rig.now).count == 1 && rig.faults.isEmpty)
        #expect(rig.device.mappings.regions.count == 1)
    }

    @Test(
        "the first packet after binding lands in the region, idle and under load (S3.07, S3.38)",
        arguments: [false, true])
    func firstPacket(_ loaded: Bool) throws {
        let rig = try Rig(queues: 1)
        try rig.peer.connect(0, to: 5001, limit: loaded ? 200_000 : 0, now: rig.now)
        #expect(rig.run { rig.applications[0].opened.count == 1 })
        rig.run(40)
        let before = rig.applications[0].linear
        #expect(loaded ? before > 0 : before == 0)
        _ = try rig.bind([1])
        // Nothing of before is under way any more.
        let arrived = rig.report().host.frames
        rig.peer.flows[0].limit = 400_000
        #expect(rig.run { rig.applications[0].bytes == 400_000 } && rig.isComplete())
        #expect(rig.applications[0].device > 0 && rig.faults.isEmpty)
        if !loaded {
            // ARP apart, everything since then.
            #expect(rig.applications[0].linear == 0 && rig.applications[0].device == 400_000)
            #expect(rig.report().host.frames <= arrived + 1)
        }
    }

    @Test("one region fills from four queues, and all of it is there after unbinding (S3.06)")
    func fourQueues() throws {
        let rig = try Rig(queues: 4, perFlow: 24)
        let number = try rig.bind([1, 2, 3, 4])
        for stream in 0..<16 { try rig.peer.connect(stream, to: 5001, limit: 40_000, now: rig.now) }
        #expect(rig.run { rig.applications[0].bytes == 640_000 } && rig.isComplete())
        let used = (1...4).filter { rig.statistics($0).frames > 0 }
        #expect(used.count == 4 && rig.applications[0].device > 600_000)
        rig.run(10)
        rig.unbind(number)
        #expect(rig.ledger(ofRegion: number) == nil && rig.device.mappings.regions.isEmpty)
    }

    @Test("a region drains to its last token, and is unmapped then, but not by the return itself (S2.22, U.20)")
    func drains() throws {
        let rig = try Rig(slots: 600, perFlow: 200)
        let number = try rig.bind([1], slots: 1024)
        rig.applications[0].keeps = 100
        try rig.peer.connect(0, to: 5001, now: rig.now)
        #expect(rig.run { rig.applications[0].held.count >= 100 })
        rig.unbind(number)
        rig.peer.flows[0].limit = rig.peer.flows[0].sent
        // What it held at the stack is delivered first.
        rig.applications[0].keeps = .max
        rig.run(500)
        let held = rig.applications[0].held
        #expect(held.count >= 100 && rig.bindings(now: rig.now).first?.state == .draining)
        #expect(rig.bindings(now: rig.now).first?.queues == [] && rig.report().draining == 1)
        for (i, token) in held.enumerated() {
            #expect(rig.device.mappings.regions.count == 1, "before token \(i)")
            #expect(rig.ledger(ofRegion: number)?.application == held.count - i)
            let outcome = rig.giveBack([TokenRange(start: token, count: 1)])
            #expect(outcome?.freed == 1)
        }
        // The return has changed no mapping; the next look does.
        #expect(rig.device.mappings.regions.count == 1)
        rig.run(60)
        #expect(rig.device.mappings.regions.isEmpty && rig.bindings(now: rig.now).isEmpty)
        #expect(rig.report().binding.drained == 1 && rig.report().binding.leaked == 0)
    }

    @Test("regions that wait for tokens are listed with owner and age, and bounded (A.19)")
    func drainingLimit() throws {
        let rig = try Rig(slots: 700, perFlow: 64)
        rig.applications[0].keeps = .max
        try rig.peer.connect(0, to: 5001, now: rig.now)
        var bound: [UInt16] = []
        for i in 0..<TestEngine.drainingLimit {
            let number = try rig.bind([1], slots: 128)
            bound.append(number)
            let before = rig.applications[0].held.count
            #expect(rig.run { rig.applications[0].held.count > before }, "round \(i)")
            rig.unbind(number)
            // Keep one token of each region, give back what else there is.
            rig.run(100)
            while rig.applications[0].held.count > before + 1 {
                let token = rig.applications[0].held.removeLast()
                _ = rig.giveBack([TokenRange(start: token, count: 1)])
            }
        }
        let listed = rig.bindings(now: rig.now)
        #expect(listed.count == 8 && listed.allSatisfy { $0.state == .draining && $0.owner == 0 && $0.age > 0 })
        let before = rig.state
        #expect(throws: BindingError.tooManyDraining(owner: 0, limit: 8)) { _ = try rig.bind([1]) }
        #expect(rig.state == before)
        _ = rig.giveBack([TokenRange(start: rig.applications[0].held[3], count: 1)])
        rig.run(60)
        _ = try rig.bind([1])
    }

    @Test("an unplugged device keeps no token from being valid until it is returned (U.21)")
    func unplugged() throws {
        let rig = try Rig(slots: 600, perFlow: 300)
        let number = try rig.bind([1], slots: 1024)
        rig.applications[0].keeps = .max
        try rig.peer.connect(0, to: 5001, now: rig.now)
        #expect(rig.run { rig.applications[0].held.count >= 200 })
        let held = rig.applications[0].held
        rig.nic.defects.unpluggedAt = rig.now
        rig.run(100)
        rig.unbind(number)
        #expect(rig.bindings(now: rig.now).first?.state == .draining)
        for token in rig.applications[0].held { _ = rig.giveBack([TokenRange(start: token, count: 1)]) }
        rig.run(60)
        #expect(rig.applications[0].held.count >= held.count && rig.bindings(now: rig.now).isEmpty)
        #expect(rig.report().tokensOut == 0 && rig.faults.isEmpty)
    }

    @Test("lookups find a binding once all of it is there, and no longer once it is being taken apart (U.19)")
    func publication() throws {
        let rig = try Rig(queues: 2)
        try rig.peer.connect(0, to: 5001, now: rig.now)
        for round in 0..<50 {
            // Nothing is known of it while its queues are moved: the lookups during the wait see the engine's state only
            // through what the device was told, so the state is looked at right before and after.
            #expect(!rig.isActive(1) && rig.room(ofRegion: 1) == nil)
            let number = try rig.bind([1, 2], during: rig.traffic)
            #expect(rig.isActive(number) && rig.room(ofRegion: number)?.slots == 512, "\(round)")
            rig.run(5)
            rig.unbind(number)
            #expect(!rig.isActive(number))
            #expect(rig.run(200) { rig.room(ofRegion: number) == nil })
        }
        rig.peer.flows[0].limit = rig.peer.flows[0].sent
        #expect(rig.run { rig.isComplete() } && rig.faults.isEmpty)
    }
}
