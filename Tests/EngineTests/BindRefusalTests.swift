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

/// Every precondition of a binding, one by one: a typed refusal, and nothing is changed.
@Suite struct BindRefusalTests {
    /// Demands that `attempt` is refused with `expected`, and that everything stands where it stood.
    private func refuses(
        _ rig: Rig, _ expected: BindingError, _ attempt: (Rig) throws -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let before = rig.state
        #expect(throws: expected, sourceLocation: sourceLocation) { try attempt(rig) }
        #expect(rig.state == before, sourceLocation: sourceLocation)
        #expect(!"\(expected)".isEmpty, sourceLocation: sourceLocation)
    }

    @Test("queues that are none, not there, the host's, named twice or taken are refused (U.17, U.41)")
    func queues() throws {
        let rig = try Rig(queues: 2)
        refuses(rig, .noQueues) { _ = try $0.bind([]) }
        refuses(rig, .noSuchQueue(queue: 3, limit: 2)) { _ = try $0.bind([1, 3]) }
        refuses(rig, .noSuchQueue(queue: 0, limit: 2)) { _ = try $0.bind([0]) }
        refuses(rig, .noSuchQueue(queue: -1, limit: 2)) { _ = try $0.bind([-1]) }
        refuses(rig, .queueNamedTwice(queue: 2)) { _ = try $0.bind([2, 2]) }
        let number = try rig.bind([1])
        refuses(rig, .queueTaken(queue: 1, binding: number)) { _ = try $0.bind([2, 1]) }
    }

    @Test("half of the queues can be bound, and a number of queues below a bound one is refused (U.41, U.18)")
    func half() throws {
        let rig = try Rig(queues: 4)
        let number = try rig.bind([3, 4])
        refuses(rig, .locked(knob: "the number of queues", binding: number)) { try $0.set(.queues(3)) }
        rig.unbind(number)
        try rig.set(.queues(2))
        refuses(rig, .noSuchQueue(queue: 3, limit: 2)) { _ = try $0.bind([3]) }
        refuses(rig, .noSuchQueue(queue: 0, limit: 4)) { try $0.set(.queues(0)) }
        refuses(rig, .noSuchQueue(queue: 5, limit: 4)) { try $0.set(.queues(5)) }
    }

    @Test("an owner that is not there, and a port that is taken, are refused (U.17)")
    func owners() throws {
        let rig = try Rig(applications: 2)
        _ = rig.close(1)
        refuses(rig, .noSuchOwner(owner: 1)) { _ = try $0.bind([1], owner: 1) }
        refuses(rig, .noSuchOwner(owner: 7)) { rig in
            _ = try rig.bind([1]) { $0.owner = 7 }
        }
        let taken = Application()
        #expect(throws: EngineError.self) {
            try rig.engine.openPort(0, taken.channel, PortConfiguration(tokenLimit: 16), flows: nil)
        }
    }

    @Test("a binding needs split on, threshold 0 and checksums; none can be undone while bound (U.17, U.18, U.39)")
    func knobs() throws {
        let rig = try Rig()
        try rig.set(.headerSplit(false))
        refuses(rig, .splitIsOff) { _ = try $0.bind([1]) }
        try rig.set(.headerSplit(true))
        for threshold in [1, 256, 1023] {
            try rig.set(.splitThreshold(threshold))
            refuses(rig, .thresholdNotZero(bytes: threshold)) { _ = try $0.bind([1]) }
        }
        try rig.set(.splitThreshold(0))
        try rig.set(.checksums(false))
        refuses(rig, .noChecksumVerdicts) { _ = try $0.bind([1]) }
        try rig.set(.checksums(true))
        let number = try rig.bind([1])
        refuses(rig, .locked(knob: "header split", binding: number)) { try $0.set(.headerSplit(false)) }
        refuses(rig, .locked(knob: "the split threshold", binding: number)) { try $0.set(.splitThreshold(1)) }
        refuses(rig, .locked(knob: "checksum verdicts", binding: number)) { try $0.set(.checksums(false)) }
        // What changes nothing is no change.
        try rig.set(.headerSplit(true))
        try rig.set(.splitThreshold(0))
        try rig.set(.queues(1))
        rig.unbind(number)
        try rig.set(.headerSplit(false))
    }

    @Test("knobs stay locked while data flows, and the stream goes on (U.18)")
    func lockedUnderLoad() throws {
        let rig = try Rig()
        let number = try rig.bind([1])
        try rig.peer.connect(0, to: 5001, limit: 300_000, now: rig.now)
        for _ in 0..<200 {
            rig.turn()
            for change in [KnobChange.headerSplit(false), .splitThreshold(9), .checksums(false)] {
                #expect(throws: BindingError.locked(knob: change.name, binding: number)) { try rig.set(change) }
            }
        }
        #expect(rig.run { rig.applications[0].bytes == 300_000 } && rig.isComplete())
    }

    @Test("slots that are too small, and regions with too few of them, are refused (U.17)")
    func slots() throws {
        let rig = try Rig(queues: 2)
        refuses(rig, .tooFewSlots(slots: 64, needed: 64)) { _ = try $0.bind([1], slots: 64) }
        refuses(rig, .tooFewSlots(slots: 128, needed: 128)) { _ = try $0.bind([1, 2], slots: 128) }
        let number = try rig.bind([1], slots: 65)
        #expect(number != 0)
    }

    @Test("slots that cannot hold an unsplit frame are refused (U.17, U.33)")
    func smallSlots() throws {
        let rig = try Rig(mtu: 4000)
        refuses(rig, .slotSmallerThanFrame(slotSize: 2048, frame: 4022)) { _ = try $0.bind([1], slotSize: 2048) }
        _ = try rig.bind([1], slotSize: 4096)
    }

    @Test("rules where there are none, and more than there are, are refused; a rule needs a binding (U.17)")
    func rules() throws {
        let rig = try Rig()
        let wait: (Interval) -> Void = { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        refuses(rig, .noSuchBinding(1)) { try $0.addRule(SteeringRule(localPort: 1), binding: 1, wait: wait) }
        let number = try rig.bind([1]) { $0.steering = .rules }
        let limit = rig.ruleCount.limit
        for port in 0..<limit {
            try rig.addRule(SteeringRule(localPort: UInt16(port + 1)), binding: number, wait: wait)
        }
        refuses(rig, .tooManyRules(limit: limit)) {
            try $0.engine.addRule(SteeringRule(localPort: 999), binding: number, wait: wait)
        }
        rig.unbind(number)
        #expect(rig.ruleCount.used == 0)
    }

    @Test("as many regions as there are places, and no more (U.17)")
    func regions() throws {
        let rig = try Rig(queues: 3, regions: 2)
        _ = try rig.bind([1])
        let last = try rig.bind([2])
        refuses(rig, .tooManyRegions(limit: 2)) { _ = try $0.bind([3]) }
        rig.unbind(last)
        _ = try rig.bind([3])
    }

    @Test("a device that is gone is said to be gone (U.17)")
    func gone() throws {
        let rig = try Rig()
        rig.nic.defects.unpluggedAt = rig.now
        rig.run(2)
        #expect(throws: BindingError.deviceGone) { _ = try rig.bind([1]) }
        #expect(rig.bindings(now: rig.now).isEmpty && rig.device.mappings.regions.isEmpty)
    }

    @Test("what is not bound cannot be given another region, and unbinding it changes nothing")
    func unbound() throws {
        let rig = try Rig()
        for number in [0, 1, 16, 17, 65535] as [UInt16] {
            refuses(rig, .noSuchBinding(number)) { _ = try $0.rehome(number) }
            let before = rig.state
            rig.unbind(number)
            #expect(rig.state == before)
        }
        refuses(rig, .noSuchQueue(queue: 9, limit: 1)) { try $0.restart(9) }
    }
}
