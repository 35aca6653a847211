import DeviceMemory
import HeaderSplit
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// Restarts of single queues under traffic, on the models of the families that can do it.
@Suite struct RestartTests {
    private func restartMany<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ settings: SoftNICConfiguration, times: Int
    ) throws where Driver.Device == SoftPCIDevice {
        let run = try RestartRun(Driver.self, settings)
        for round in 0..<times {
            let index = 1 + round % 3
            let (others, before) = (run.boxes.map(\.lost), run.boxes[index].sentWhileDown)
            // Back and forth between regions whose slots are not of the same size.
            let error = run.restart(index, pool: round % 4 < 2 ? 1 : 2)
            #expect(error == nil, "round \(round)")
            run.traffic(.microseconds(200))
            run.expectBooksInOrder("round \(round)")
            let window = run.boxes[index].sentWhileDown - before
            for other in 1...3 {
                let lost = run.boxes[other].lost - others[other]
                #expect(other == index ? lost <= window : lost == 0, "round \(round), queue \(other) lost \(lost)")
            }
        }
        run.settle()
        for box in run.boxes.dropFirst() {
            #expect(box.taken + box.lost == box.sent && box.taken > times)
            let (frames, unusable) = (box.queue.statistics.frames, box.queue.statistics.badLength)
            #expect(frames >= UInt64(box.taken) && unusable == 0, "counters go on from queue to queue")
        }
        #expect(run.boxes.reduce(0) { $0 + $1.lost } > 0, "a queue that is stopped loses what comes meanwhile")
        run.stop()
    }

    @Test("1000 restarts of 82576 queues under traffic: the others lose nothing, no slot is lost (S3.08, S2.23, U.38)")
    func thousandI82576() throws {
        try restartMany(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict), times: 1000)
    }

    @Test("1000 restarts of 82599 queues under traffic: the others lose nothing, no slot is lost (S3.08, S2.23, U.38)")
    func thousandI82599() throws {
        try restartMany(
            I82599Driver<SoftPCIDevice>.self, SoftNICConfiguration(model: .i82599, preset: .strict), times: 1000)
    }

    @Test(
        "restarts work on QEMU's behaviour and on mixtures with the documented one", arguments: 0..<8 as Range<UInt64>)
    func mixtures(_ seed: UInt64) throws {
        var settings = SoftNICConfiguration(preset: .strict, seed: seed)
        settings.behaviour = seed == 0 ? Behaviour(.qemu) : Behaviour.random(seed: seed)
        settings.payloadDelay = .between(.microseconds(20), .microseconds(40))
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, settings)
        for round in 0..<30 {
            #expect(run.restart(1 + round % 3, pool: 1 + round % 2) == nil)
            run.traffic(.microseconds(300))
            run.expectBooksInOrder()
        }
        run.stop()
    }

    @Test("what was completed before a stop is taken after it, and no tail is rung then")
    func drains() throws {
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict))
        for _ in 0..<10 { run.sendRound() }
        run.bed.wait(.microseconds(50))
        #expect(run.restart(2) == nil)
        run.settle()
        #expect(run.boxes[2].taken >= 10 && run.boxes[2].taken + run.boxes[2].lost == run.boxes[2].sent)
        let abandoned = run.boxes[2].queue.statistics.abandoned
        #expect(abandoned == 0)
        run.stop()
    }

    @Test(
        "a queue restarted in another pool fills that pool's slots and gives the old one's back (S2.09, S3.06, S3.07)")
    func anotherPool() throws {
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict))
        #expect(run.restart(1, pool: 2) == nil && run.restart(3, pool: 2) == nil)
        let rings = run.pools.map { $0.pool.ledger().ring }
        #expect(rings == [32, 32, 64])
        let before = run.boxes[1].taken
        run.traffic(.microseconds(100))
        run.settle()
        // ``RestartRun/poll(_:)`` looked for the payload in the region that the queue belongs to: in the first frame's too.
        let bytes = run.boxes[1].queue.payloadBytes
        #expect(run.boxes[1].taken > before && bytes == 4096)
        run.stop()
    }

    private func unbound<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ model: SoftNICModel
    ) throws where Driver.Device == SoftPCIDevice {
        let run = try RestartRun(Driver.self, SoftNICConfiguration(model: model, preset: .strict))
        for round in 0..<12 {
            let before = run.boxes[2].taken
            // ``RestartRun/poll(_:)`` finds the payload where the queue's pool says.
            #expect(run.restart(2, pool: round % 3) == nil)
            let splits = run.boxes[2].queue.splits
            #expect(splits == (round % 3 != 0))
            run.traffic(.microseconds(300))
            #expect(run.boxes[2].taken > before)
            run.expectBooksInOrder("round \(round)")
        }
        #expect(run.boxes[1].lost == 0 && run.boxes[3].lost == 0)
        run.stop()
    }

    @Test("a queue goes from host pages to a region and back, and the others lose nothing (S2.09, S2.25, S3.07)")
    func boundAndUnbound() throws {
        try unbound(I82576Driver<SoftPCIDevice>.self, .i82576)
        try unbound(I82599Driver<SoftPCIDevice>.self, .i82599)
    }

    @Test("the time of a restart does not depend on the size of the pool (A.18)")
    func time() throws {
        var waited: [Interval] = []
        for slots in [160, 4096] {
            let run = try RestartRun(
                I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict), slots: slots)
            let start = run.bed.nic.now
            #expect(run.restart(1) == nil)
            waited.append(run.bed.nic.now - start)
            run.stop()
        }
        #expect(waited == [.microseconds(300), .microseconds(300)])
    }

    @Test("a queue that was used is not started before it is armed again")
    func notArmed() throws {
        let run = try RestartRun(I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict))
        let box = run.boxes[1]
        #expect(throws: DriverError.queueNotArmed(queue: 1)) {
            try run.driver.startReceiveQueue(1, &box.queue, wait: run.bed.wait)
        }
        run.traffic(.microseconds(100))
        run.stop()
    }
}
