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

/// Queues restart, regions change and devices are reset while data flows.
@Suite struct RestartUnderLoadTests {
    @Test("a hundred restarts under load: no byte lost, no token, no packet of the other queues (S3.08, S2.23, U.38)")
    func restarts() throws {
        let rig = try Rig(queues: 2, slots: 400, perFlow: 32)
        let number = try rig.bind([1, 2], slots: 1024)
        for stream in 0..<8 { try rig.peer.connect(stream, to: 5001, now: rig.now) }
        rig.applications[0].keeps = 40
        #expect(rig.run { rig.applications[0].held.count >= 40 })
        let other = rig.statistics(2)
        for round in 0..<100 {
            let before = rig.applications[0].bytes
            try rig.restart(1, during: rig.traffic)
            rig.turn()
            #expect(rig.run { rig.applications[0].bytes > before + 20_000 }, "round \(round)")
        }
        let after = rig.statistics(2)
        #expect(after.noReplacement == other.noReplacement && after.frameErrors == 0 && after.frames > other.frames)
        #expect(rig.poolOfQueue(1) == Int(number) && rig.poolOfQueue(2) == Int(number))
        finish(rig)
        #expect(rig.report().binding.restarts >= 100 && rig.report().delivery.badReturns == 0)
    }

    @Test("a hundred changes of region under load: old tokens stay good until they are returned (S2.09, S2.23, U.19)")
    func rehomes() throws {
        let rig = try Rig(queues: 2, slots: 300, perFlow: 32)
        var number = try rig.bind([1, 2], slots: 512)
        for stream in 0..<6 { try rig.peer.connect(stream, to: 5001, now: rig.now) }
        for round in 0..<100 {
            // Tokens of the region before are held over the change.
            rig.applications[0].keeps = 20
            #expect(rig.run { rig.applications[0].held.count >= 20 })
            let bad = rig.report().delivery.badReturns
            let next = try rig.rehome(number, slots: 512, during: rig.traffic)
            #expect(next != number && rig.isActive(next) && !rig.isActive(number), "round \(round)")
            let before = rig.applications[0].bytes
            #expect(rig.run { rig.applications[0].bytes > before + 10_000 }, "round \(round)")
            rig.applications[0].keeps = 0
            let old = number
            #expect(rig.run(2000) { rig.ledger(ofRegion: old) == nil }, "round \(round)")
            #expect(rig.report().delivery.badReturns == bad && rig.device.mappings.regions.count == 1)
            number = next
        }
        #expect(rig.report().binding.rehomed == 100)
        #expect(rig.applications[0].events.filter { $0 == .rehomed }.count == 100)
        finish(rig)
    }

    @Test(
        "a restart that fails at any step leaves the queue running as it was (S3.08, U.38)",
        arguments: [RestartStep.prepare, .stop, .start])
    func rollBack(_ step: RestartStep) throws {
        let rig = try Rig(queues: 2, slots: 300, perFlow: 32)
        _ = try rig.bind([1, 2], slots: 512)
        for stream in 0..<4 { try rig.peer.connect(stream, to: 5001, now: rig.now) }
        for round in 0..<30 {
            rig.engine.fail(at: [step])
            #expect(throws: BindingError.injected(step: step.rawValue)) { try rig.restart(1, during: rig.traffic) }
            let before = rig.applications[0].bytes
            #expect(rig.run { rig.applications[0].bytes > before + 10_000 }, "round \(round)")
        }
        #expect(rig.report().binding.rolledBack == 30)
        finish(rig)
    }

    @Test("the host queue restarts under load too (U.38)")
    func hostQueue() throws {
        let rig = try Rig()
        try rig.peer.connect(0, to: 5001, now: rig.now)
        for _ in 0..<20 {
            rig.run(20)
            try rig.restart(0, during: rig.traffic)
        }
        #expect(rig.applications[0].linear > 10_000)
        finish(rig)
    }

    @Test("after a reset by somebody else bindings, rules and streams go on, and applications are told (U.21, S3.07)")
    func reestablished() throws {
        let rig = try Rig(queues: 2, applications: 2, slots: 200, perFlow: 32)
        let wait: (Interval) -> Void = { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        for owner in 0..<2 {
            let number = try rig.bind([owner + 1], owner: owner) { $0.steering = .rules }
            try rig.addRule(SteeringRule(localPort: UInt16(5001 + owner)), binding: number, wait: wait)
            for i in 0..<2 { try rig.peer.connect(owner + 2 * i, to: UInt16(5001 + owner), now: rig.now) }
        }
        #expect(rig.run { rig.applications.allSatisfy { $0.device > 50_000 } })
        for round in 1...5 {
            rig.nic.reset()
            rig.run(10)
            #expect(!rig.isDeviceIntact)
            let isBack = rig.engine.reestablish(now: rig.now, wait: wait)
            #expect(isBack && rig.isDeviceIntact)
            let before = rig.applications.map(\.device)
            // Retransmission timers first.
            #expect(rig.run(100_000) { (0..<2).allSatisfy { rig.applications[$0].device > before[$0] + 50_000 } })
            #expect(rig.applications.allSatisfy { $0.events.filter { $0 == .deviceReset }.count == round })
        }
        #expect(rig.report().binding.reestablished == 5)
        finish(rig)
    }

    @Test("a device that does not come back is told of, and may be tried again (U.21)")
    func notBack() throws {
        let rig = try Rig()
        _ = try rig.bind([1])
        rig.nic.defects.unpluggedAt = rig.now
        rig.run(2)
        let isBack = rig.engine.reestablish(now: rig.now) { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        #expect(!isBack)
        rig.run(2)
        #expect(rig.applications[0].events.contains(.deviceGone))
        #expect(rig.report().binding.reestablished == 0 && rig.faults.isEmpty)
    }

    /// Lets what is under way arrive, and settles accounts.
    private func finish(_ rig: Rig, sourceLocation: SourceLocation = #_sourceLocation) {
        for i in rig.peer.flows.indices { rig.peer.flows[i].limit = rig.peer.flows[i].sent }
        for application in rig.applications { application.keeps = 0 }
        let isDone = rig.run(100_000) { rig.applications.indices.allSatisfy { rig.isComplete($0) } }
        #expect(isDone, sourceLocation: sourceLocation)
        rig.run(100)
        let report = rig.report()
        #expect(
            report.tokensOut == 0 && report.ledger.application == 0 && report.ledger.stack == 0
                && report.ledger.isBalanced && report.binding.leaked == 0, sourceLocation: sourceLocation)
        #expect(report.delivery.lostRecords == 0, sourceLocation: sourceLocation)
        #expect(rig.faults == [], sourceLocation: sourceLocation)
        #expect(rig.nic.iommuFaultCount == 0, sourceLocation: sourceLocation)
        #expect(
            rig.applications.allSatisfy { !$0.streams.values.contains { $0.isClosed } }, sourceLocation: sourceLocation)
    }
}
