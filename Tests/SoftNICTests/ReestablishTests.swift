import DeviceMemory
import HeaderSplit
import NICRegisters
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// Somebody else resets the device under the driver, or a family can do no less: everything comes back, with the same driver
/// and the same queues.
@Suite struct ReestablishTests {
    private func isIntact<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>) -> Bool { run.driver.isIntact }

    private func reset<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ model: SoftNICModel, splitQueues: Int, hasRules: Bool,
        by resetting: (RestartRun<Driver>) -> Void
    ) throws where Driver.Device == SoftPCIDevice {
        let settings = SoftNICConfiguration(model: model, preset: .strict)
        let run = try RestartRun(Driver.self, settings, splitQueues: splitQueues, ports: nil)
        let steered = FrameRecipe { recipe in
            recipe.destinationPort = 6001
            recipe.payload = 300
        }.bytes
        if hasRules {
            try run.driver.setSpread(over: [1, 2])
            try run.driver.addRule(SteeringRule(localPort: 6001), queue: 3, wait: run.bed.wait)
        }
        try run.learnPorts(40000...40127, of: hasRules ? [1, 2] : [1])
        for round in 0..<4 {
            try #require(isIntact(run))
            try run.driver.checkBinding(of: 1, slotSize: 2048)
            run.traffic(.microseconds(200))
            run.settle()
            let lost = run.boxes.map(\.lost)
            if round == 3 { run.sendRound() }
            resetting(run)
            run.bed.wait(.microseconds(2))
            try #require(!isIntact(run))
            #expect(throws: DriverError.self) { try run.driver.checkBinding(of: 1, slotSize: 2048) }
            // PCI Express gives a function 100 ms after a reset of its own (section 6.6.2).
            run.bed.wait(.milliseconds(100))
            try run.reestablish()
            try #require(isIntact(run))
            run.expectBooksInOrder("round \(round)")
            if hasRules { #expect(run.home(of: steered) == 3, "the rule is back") }
            run.traffic(.microseconds(500))
            run.settle()
            let more = zip(run.boxes, lost).map { $0.lost - $1 }
            #expect(more.allSatisfy { $0 <= (round == 3 ? 1 : 0) }, "frames flow again")
        }
        if hasRules {
            let reached = Set((0..<40).map { run.home(of: run.frame(45000 + $0)) })
            #expect(reached == [1, 2], "the spread is back")
        }
        run.stop()
    }

    @Test("a function level reset by somebody else is noticed and everything comes back (82576, C.01)")
    func functionI82576() throws {
        try reset(I82576Driver<SoftPCIDevice>.self, .i82576, splitQueues: 3, hasRules: true) { $0.bed.nic.reset() }
    }

    @Test("a function level reset by somebody else is noticed and everything comes back (82599, C.01)")
    func functionI82599() throws {
        try reset(I82599Driver<SoftPCIDevice>.self, .i82599, splitQueues: 3, hasRules: true) { $0.bed.nic.reset() }
    }

    @Test("a function level reset by somebody else is noticed and everything comes back (82574, C.01)")
    func functionI82574() throws {
        try reset(I82574Driver<SoftPCIDevice>.self, .i82574, splitQueues: 1, hasRules: false) { $0.bed.nic.reset() }
    }

    @Test("a reset by the device's own register is noticed as well")
    func ownRegister() throws {
        try reset(I82576Driver<SoftPCIDevice>.self, .i82576, splitQueues: 3, hasRules: true) { run in
            run.bed.device.bar(0)?.modify(I82576.ctrl) { $0[.reset] = true }
            run.bed.wait(.milliseconds(1))
        }
    }

    @Test("shutting down and bringing up is the restart of a family that cannot stop one queue (S3.07, S3.38)")
    func wholeDevice() throws {
        #expect(I82574Driver<SoftPCIDevice>.queueRestart == .wholeDevice)
        #expect(I82576Driver<SoftPCIDevice>.queueRestart == .perQueue)
        #expect(I82599Driver<SoftPCIDevice>.queueRestart == .perQueue)
        let settings = SoftNICConfiguration(model: .i82574, preset: .strict)
        let run = try RestartRun(I82574Driver<SoftPCIDevice>.self, settings, splitQueues: 1)
        let box = run.boxes[1]
        for round in 0..<6 {
            run.traffic(.microseconds(300))
            run.settle()
            #expect(throws: DriverError.noQueueStop(controller: "82574")) {
                try run.driver.stopReceiveQueue(1, &box.queue, wait: run.bed.wait)
            }
            let lost = box.lost
            let target = 1 + round % 2
            var fresh = try run.driver.prepareReceiveQueue(
                1, memory: run.spare, pool: &run.pools[target].pool, flushWindow: run.bed.flushWindow,
                visibility: .flushRead)
            #expect(throws: DriverError.noQueueStop(controller: "82574")) {
                try run.driver.startReceiveQueue(1, &fresh, wait: run.bed.wait)
            }
            run.driver.shutDown(wait: run.bed.wait)
            box.queue.halt()
            run.poll(1)
            swap(&box.queue, &fresh)
            run.spare = fresh.memory
            fresh.stop(&run.pools[box.pool].pool)
            box.pool = target
            try run.reestablish()
            run.expectBooksInOrder("round \(round)")
            run.traffic(.microseconds(300))
            run.settle()
            #expect(box.lost == lost, "the very first packet lands in the new region")
        }
        run.stop()
    }
}
