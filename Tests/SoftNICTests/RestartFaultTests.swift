import DeviceMemory
import HeaderSplit
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// A restart that fails at any of its steps: the old queue runs again, nothing is lost, nobody else notices (S3.08).
@Suite struct RestartFaultTests {
    /// A family that can restart one queue.
    enum Family: CaseIterable { case i82576, i82599 }

    /// Restarts queue 2 with faults, twice, and without at last.
    private func restart<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ model: SoftNICModel, _ expected: DriverError, pool: Int? = nil,
        losesNothing: Bool = false, break fault: (RestartRun<Driver>) -> Void,
        at step: RestartRun<Driver>.Step?, mend: (RestartRun<Driver>) -> Void,
        mendAt: RestartRun<Driver>.Step? = nil
    ) throws where Driver.Device == SoftPCIDevice {
        let run = try RestartRun(Driver.self, SoftNICConfiguration(model: model, preset: .strict))
        for round in 0..<3 {
            run.traffic(.microseconds(100))
            run.settle()
            let (lost, taken) = (run.boxes.map(\.lost), run.boxes[2].taken)
            if step == nil { fault(run) }
            let error = run.restart(2, pool: pool) {
                if $0 == step { fault(run) }
                if $0 == mendAt { mend(run) }
            }
            mend(run)
            #expect(error == expected, "round \(round)")
            run.traffic(.microseconds(300))
            run.settle()
            run.expectBooksInOrder("after the failure")
            #expect(run.boxes[1].lost == lost[1] && run.boxes[3].lost == lost[3], "the others lose nothing")
            #expect(run.boxes[2].taken > taken + 3 && run.boxes[2].pool == 1, "the old queue runs again")
            if losesNothing { #expect(run.boxes[2].lost == lost[2], "the old queue was never stopped") }
        }
        #expect(run.restart(2, pool: 2) == nil, "mended, it can be restarted")
        run.traffic(.microseconds(300))
        run.expectBooksInOrder()
        run.stop()
    }

    @Test("step 1, no slots: nothing was touched, every slot is back (S3.08)", arguments: Family.allCases)
    func noSlots(_ family: Family) throws {
        var held: [UInt32] = []
        func test<Driver: NICDriver & ~Copyable>(_ driver: Driver.Type, _ model: SoftNICModel) throws
        where Driver.Device == SoftPCIDevice {
            try restart(
                driver, model, .split(.poolTooSmall(slots: 20, descriptors: 32)), pool: 2, losesNothing: true,
                break: { run in
                    while run.pools[2].pool.freeCount > 20, let slot = run.pools[2].pool.lend() { held.append(slot) }
                }, at: nil,
                mend: { run in
                    for slot in held { run.pools[2].pool.reclaim(slot) }
                    held = []
                })
        }
        switch family {
        case .i82576: try test(I82576Driver<SoftPCIDevice>.self, .i82576)
        case .i82599: try test(I82599Driver<SoftPCIDevice>.self, .i82599)
        }
    }

    @Test("step 2, the queue does not stop: it runs on and loses nothing (S3.08)", arguments: Family.allCases)
    func doesNotStop(_ family: Family) throws {
        func test<Driver: NICDriver & ~Copyable>(_ driver: Driver.Type, _ model: SoftNICModel) throws
        where Driver.Device == SoftPCIDevice {
            try restart(
                driver, model, .queueDidNotStop(queue: 2), pool: 2, losesNothing: true,
                break: { $0.bed.nic.defects.neverDisabled = 1 << 2 }, at: .prepared,
                mend: { $0.bed.nic.defects.neverDisabled = 0 })
        }
        // The queue is not polled while it is being stopped, so its ring must hold what comes in 20 ms.
        switch family {
        case .i82576: try test(I82576Driver<SoftPCIDevice>.self, .i82576)
        case .i82599: try test(I82599Driver<SoftPCIDevice>.self, .i82599)
        }
    }

    @Test(
        "step 2, the queue would stop too late: the request is taken back and it runs on (S3.08)",
        arguments: Family.allCases)
    func stopsLate(_ family: Family) throws {
        func test<Driver: NICDriver & ~Copyable>(_ driver: Driver.Type, _ model: SoftNICModel) throws
        where Driver.Device == SoftPCIDevice {
            try restart(
                driver, model, .queueDidNotStop(queue: 2), pool: 2, losesNothing: true,
                break: { $0.bed.nic.defects.slowlyChanged = 1 << 2 }, at: .prepared,
                mend: { run in
                    run.bed.nic.defects.slowlyChanged = 0
                    run.traffic(.milliseconds(15))
                })
        }
        switch family {
        case .i82576: try test(I82576Driver<SoftPCIDevice>.self, .i82576)
        case .i82599: try test(I82599Driver<SoftPCIDevice>.self, .i82599)
        }
    }

    @Test("step 3, the new queue does not start: the old one does, once it can (S3.08)", arguments: Family.allCases)
    func doesNotStart(_ family: Family) throws {
        func test<Driver: NICDriver & ~Copyable>(_ driver: Driver.Type, _ model: SoftNICModel) throws
        where Driver.Device == SoftPCIDevice {
            try restart(
                driver, model, .queueDidNotEnable(queue: 2), pool: 2,
                break: { $0.bed.nic.defects.neverEnabled = 1 << 2 }, at: .stopped,
                mend: { $0.bed.nic.defects.neverEnabled = 0 }, mendAt: .startFailed)
        }
        switch family {
        case .i82576: try test(I82576Driver<SoftPCIDevice>.self, .i82576)
        case .i82599: try test(I82599Driver<SoftPCIDevice>.self, .i82599)
        }
    }

    @Test("step 4, a queue that enables too late is disabled again: what it would have used is free (S3.08)")
    func enablesLate() throws {
        var settings = SoftNICConfiguration(preset: .strict)
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, settings)
        run.traffic(.microseconds(100))
        let error = run.restart(2, pool: 2) {
            if $0 == .stopped { run.bed.nic.defects.slowlyChanged = 1 << 2 }
            if $0 == .startFailed { run.bed.nic.defects.slowlyChanged = 0 }
        }
        #expect(error == .queueDidNotEnable(queue: 2))
        run.traffic(.milliseconds(30))
        // The memory of the queue that did not come about serves the next one.
        for _ in 0..<4 { #expect(run.restart(2) == nil) }
        run.traffic(.microseconds(300))
        run.expectBooksInOrder()
        run.stop()
        settings.faults.neverEnabled = 1 << 1
        #expect(throws: DriverError.queueDidNotEnable(queue: 1)) {
            try RestartRun(I82576Driver<SoftPCIDevice>.self, settings)
        }
    }

    @Test("both queues fail to start: the second error is told, and no slot is lost (S3.08)")
    func neitherStarts() throws {
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict))
        run.bed.nic.defects.neverEnabled = 1 << 2
        #expect(run.restart(2, pool: 2) == .queueDidNotEnable(queue: 2))
        run.expectBooksInOrder()
        run.bed.nic.defects.neverEnabled = 0
        let box = run.boxes[2]
        try run.driver.startReceiveQueue(2, &box.queue, wait: run.bed.wait)
        run.traffic(.microseconds(200))
        run.settle()
        #expect(box.taken > 3)
        run.stop()
    }

    @Test("the device dies in the middle of a restart: an error, in bounded time, and every slot is back")
    func dies() throws {
        for delay in [0, 100, 250] as [UInt64] {
            let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict))
            run.bed.nic.defects.unpluggedAt = run.bed.nic.now + .microseconds(delay)
            let start = run.bed.nic.now
            _ = run.restart(2, pool: 2)
            run.traffic(.microseconds(300))
            #expect(!run.driver.isIntact && run.bed.nic.now - start < .milliseconds(100))
            run.stop()
        }
    }
}
