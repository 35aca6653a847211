import DeviceMemory
import HeaderSplit
import NICRegisters
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// Rules and spread as an engine uses them: what is steered arrives at its queue, and nothing else does (S3.04).
@Suite struct SteeringRuleTests {
    private static let remote: UInt32 = 0x0A00_0001
    private static let local: UInt32 = 0x0A00_0002

    private func run<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ model: SoftNICModel, _ preset: SoftNICPreset = .strict, splitQueues: Int = 3
    ) throws -> RestartRun<Driver> where Driver.Device == SoftPCIDevice {
        try RestartRun(
            Driver.self, SoftNICConfiguration(model: model, preset: preset), splitQueues: splitQueues, ports: nil)
    }

    private func frame(_ source: Int, to port: Int, _ change: (inout FrameRecipe) -> Void = { _ in }) -> [UInt8] {
        FrameRecipe { recipe in
            recipe.sourcePort = source
            recipe.destinationPort = port
            recipe.payload = 300
            change(&recipe)
        }.bytes
    }

    /// Where flows from 40 source ports to `port` arrive.
    private func homes<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>, to port: Int) -> Set<Int?> {
        Set((0..<40).map { run.home(of: frame(41000 + $0, to: port)) })
    }

    private func steer<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>) throws {
        let rule = SteeringRule(localPort: 6001)
        // Queue 3 is for the rule alone: the spread leaves it out.
        try run.driver.setSpread(over: [1, 2])
        #expect(homes(run, to: 6001) == [1, 2] && homes(run, to: 6002) == [1, 2], "no rule yet")
        try run.driver.addRule(rule, queue: 3, wait: run.bed.wait)
        #expect(homes(run, to: 6001) == [3] && homes(run, to: 6002) == [1, 2])
        // The same rule again moves it.
        try run.driver.addRule(rule, queue: 1, wait: run.bed.wait)
        let rules = run.driver.rules
        #expect(homes(run, to: 6001) == [1] && rules == [rule])
        try run.driver.addRule(rule, queue: 3, wait: run.bed.wait)
        // It survives a restart of its queue, and of others.
        #expect(run.restart(3) == nil && run.restart(1, pool: 2) == nil)
        #expect(homes(run, to: 6001) == [3] && homes(run, to: 6002) == [1, 2])
        // UDP to the same port is nobody's: it is not hashed either.
        #expect(run.home(of: frame(41000, to: 6001) { $0.transport = .udp }) == 0)
        try run.driver.setSpread(over: [])
        #expect(homes(run, to: 6002) == [0] && homes(run, to: 6001) == [3], "host queue only, and the rule")
        let removed = try run.driver.removeRule(rule, wait: run.bed.wait)
        let again = try run.driver.removeRule(rule, wait: run.bed.wait)
        let left = run.driver.rules
        #expect(removed && !again && homes(run, to: 6001) == [0] && left.isEmpty)
        run.stop()
    }

    @Test("steered flows always arrive at their queue, others never, through restarts and changes (82576, S3.04)")
    func steersI82576() throws { try steer(run(I82576Driver<SoftPCIDevice>.self, .i82576)) }

    @Test("steered flows always arrive at their queue, others never, through restarts and changes (82599, S3.04)")
    func steersI82599() throws { try steer(run(I82599Driver<SoftPCIDevice>.self, .i82599)) }

    private func precise<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>) throws {
        try run.driver.setSpread(over: [])
        let all = SteeringRule(
            localPort: 6001, localAddress: Self.local, remotePort: 41005, remoteAddress: Self.remote)
        try run.driver.addRule(SteeringRule(localPort: 6001), queue: 1, wait: run.bed.wait)
        try run.driver.addRule(all, queue: 2, wait: run.bed.wait)
        // Later and lower: what says more still wins.
        try run.driver.addRule(
            SteeringRule(localPort: 6001, remoteAddress: 0x0A00_0009), queue: 3, wait: run.bed.wait)
        #expect(run.home(of: frame(41005, to: 6001)) == 2)
        #expect(run.home(of: frame(41006, to: 6001)) == 1)
        #expect(run.home(of: frame(41005, to: 6001) { $0.sourceAddress = [10, 0, 0, 9] }) == 3)
        #expect(run.home(of: frame(41005, to: 6001) { $0.destinationAddress = [10, 0, 0, 3] }) == 1)
        #expect(run.home(of: frame(41005, to: 6002)) == 0)
        run.stop()
    }

    @Test("a rule may name addresses and the remote port, each of which counts; what says more wins (C.01)")
    func names() throws {
        try precise(run(I82576Driver<SoftPCIDevice>.self, .i82576))
        try precise(run(I82599Driver<SoftPCIDevice>.self, .i82599))
    }

    private func fill<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>, _ registers: SoftBus, _ base: UInt32)
        throws
    {
        try run.driver.setSpread(over: [])
        let capacity = Driver.ruleCapacity
        for i in 0..<capacity {
            try run.driver.addRule(SteeringRule(localPort: UInt16(6000 + i)), queue: 1 + i % 3, wait: run.bed.wait)
        }
        func filters() -> [UInt32] { (0..<capacity).map { registers.read32(base + 4 * UInt32($0)) } }
        let before = filters()
        #expect(throws: DriverError.tooManyRules(limit: capacity)) {
            try run.driver.addRule(SteeringRule(localPort: 7000), queue: 1, wait: run.bed.wait)
        }
        #expect(throws: DriverError.noSuchQueue(queue: 4, limit: 3)) {
            try run.driver.addRule(SteeringRule(localPort: 6000), queue: 4, wait: run.bed.wait)
        }
        #expect(throws: DriverError.noSuchQueue(queue: 4, limit: 3)) { try run.driver.setSpread(over: [1, 4]) }
        let count = run.driver.rules.count
        #expect(filters() == before && count == capacity)
        for i in stride(from: 0, to: capacity, by: 5) {
            #expect(run.home(of: frame(41000, to: 6000 + i)) == 1 + i % 3)
        }
        #expect(run.home(of: frame(41000, to: 7000)) == 0)
        // A place that is free again is used again.
        try run.driver.removeRule(SteeringRule(localPort: 6002), wait: run.bed.wait)
        #expect(run.home(of: frame(41000, to: 6002)) == 0)
        try run.driver.addRule(SteeringRule(localPort: 7000), queue: 2, wait: run.bed.wait)
        #expect(run.home(of: frame(41000, to: 7000)) == 2)
        run.stop()
    }

    @Test("as many rules as there are filters, all of them work, and one more changes nothing (S3.04)")
    func capacity() throws {
        let small = try run(I82576Driver<SoftPCIDevice>.self, .i82576)
        try fill(small, try #require(small.bed.device.bar(0)), I82576.ftqf(0).offset)
        let large = try run(I82599Driver<SoftPCIDevice>.self, .i82599)
        try fill(large, try #require(large.bed.device.bar(0)), I82599.ftqf(0).offset)
    }

    @Test("a device without filters says so and nothing changes; the spread works there too (S3.04)")
    func withoutFilters() throws {
        // QEMU's igb drops what is written to its filters.
        let igb = try run(I82576Driver<SoftPCIDevice>.self, .i82576, .qemu)
        #expect(throws: DriverError.filterNotKept(filter: 0)) {
            try igb.driver.addRule(SteeringRule(localPort: 6001), queue: 3, wait: igb.bed.wait)
        }
        #expect(igb.driver.rules.isEmpty && homes(igb, to: 6001) == [1, 2, 3])
        try igb.driver.setSpread(over: [2])
        #expect(homes(igb, to: 6001) == [2])
        igb.stop()
        let e1000e = try run(I82574Driver<SoftPCIDevice>.self, .i82574, splitQueues: 1)
        #expect(throws: DriverError.noFilters(controller: "82574")) {
            try e1000e.driver.addRule(SteeringRule(localPort: 6001), queue: 1, wait: e1000e.bed.wait)
        }
        #expect(homes(e1000e, to: 6001) == [1])
        try e1000e.driver.setSpread(over: [])
        #expect(homes(e1000e, to: 6001) == [0])
        try e1000e.driver.setSpread(over: [0, 1])
        #expect(homes(e1000e, to: 6001) == [0, 1])
        e1000e.stop()
    }
}
