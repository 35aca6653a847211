import DeviceMemory
import HeaderSplit
import Rings
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// The real driver of the 82599 on its model, which nobody but its driver has ever spoken to: brings it up, receives, sends, is
/// woken, stops.
@Suite struct I82599DriverTests {
    private typealias Run = ControllerRun<I82599Driver<SoftPCIDevice>, SoftBed>

    private func start(
        _ configuration: SoftNICConfiguration = SoftNICConfiguration(model: .i82599, preset: .strict),
        slotSize: Int = 2048, _ change: (inout NICConfiguration) -> Void = { _ in }
    ) throws -> Run {
        let bed = try SoftBed(configuration, slotSize: slotSize, slots: 256)
        return try Run(I82599Driver<SoftPCIDevice>.self, bed, slotSize: slotSize, slots: 256, change)
    }

    private func end(_ run: Run) {
        run.stop()
        #expect(run.bed.nic.flags.total == 0, "\(run.bed.nic.flags)")
        #expect(run.bed.nic.iommuFaultCount == 0)
    }

    // MARK: frames

    @Test("driver and model agree, and the strict model has nothing to complain of", arguments: SoftNICPreset.allCases)
    func model(_ preset: SoftNICPreset) throws { try drive(Behaviour(preset), seed: 1) }

    @Test(
        "driver and model agree whatever the mixture of documented and observed behaviour",
        arguments: 0..<16 as Range<UInt64>)
    func random(_ seed: UInt64) throws { try drive(Behaviour.random(seed: seed), seed: seed) }

    private func drive(_ behaviour: Behaviour, seed: UInt64) throws {
        var configuration = SoftNICConfiguration(model: .i82599, preset: .strict, seed: seed)
        configuration.behaviour = behaviour
        // Later than any done bit: only the flush read makes payload visible.
        configuration.payloadDelay = .between(.microseconds(20), .microseconds(40))
        let run = try start(configuration) { $0.splitQueues = 3 }
        let facts = (run.driver.isLinkUp, run.driver.linkSpeed, run.driver.macAddress)
        #expect(facts == (true, 10_000, [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]))
        // More than each ring holds.
        for _ in 0..<8 {
            for arrival in Arrival.all { try run.receive(arrival) }
        }
        var reached: Set<Int> = []
        for port in 0..<32 { reached.insert(try run.receive(flow(port))) }
        #expect(reached == [1, 2, 3], "RSS spreads flows over the split queues, and over no other")
        run.expectBooksInOrder()
        for round in 0..<50 {
            let recipe = FrameRecipe {
                $0.payload = 400 + round
                $0.tcpOptions = round % 2 * 12
            }
            // The seed: the pseudo header's sum, length included, not complemented.
            var frame = recipe.bytes
            frame.set16(50, plainSum(frame[26..<34], 6 + frame.count - 34))
            let offload = TransmitOffload(
                tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: UInt8(20 + recipe.tcpOptions))
            try run.send(recipe.bytes, nil, expecting: recipe.bytes)
            try run.send(frame, offload, expecting: recipe.bytes)
        }
        let statistics = run.driver.statistics()
        #expect(statistics.framesReceived == UInt64(8 * Arrival.all.count + 32) && statistics.framesSent == 100)
        #expect(statistics.bytesSent > 100 * 400 && statistics.missed == 0 && statistics.queueDrops == 0)
        let again = run.driver.statistics()
        #expect(again == statistics, "the registers are cleared by the read, the sums are not")
        end(run)
    }

    @Test("frames of the largest MTU fit one slot, split or whole; a longer one is refused by the MAC and counted")
    func longFrames() throws {
        let run = try start(slotSize: 16384) { $0.mtu = 9702 }
        for payload in [1461, 4000, 9662] {
            let split = FrameRecipe { $0.payload = payload }
            try run.receive(Arrival(name: "TCP \(payload)", frame: split.bytes, header: 54, checksum: .good))
            let whole = FrameRecipe { recipe in
                recipe.network = .other(0x88B5)
                recipe.payload = payload
            }
            try run.receive(Arrival(name: "raw \(payload)", frame: whole.bytes, header: nil, checksum: .unknown))
        }
        run.bed.deliver(FrameRecipe { $0.payload = 9680 }.bytes)
        run.bed.wait(.microseconds(10))
        let statistics = run.driver.statistics()
        #expect(statistics.oversize == 1 && statistics.framesReceived == 6)
        end(run)
    }

    @Test("what no queue, buffer or frame of the family can hold is refused with its limit")
    func refusals() throws {
        #expect(throws: DriverError.tooManyQueues(asked: 16, limit: 15)) { try start { $0.splitQueues = 16 } }
        #expect(throws: DriverError.mtuOutOfRange(mtu: 9703, limit: 9702)) {
            try start(slotSize: 16384) { $0.mtu = 9703 }
        }
        #expect(throws: DriverError.mtuOverSlot(mtu: 9000, slotSize: 2048)) { try start { $0.mtu = 9000 } }
    }

    @Test("every wait of the bring-up ends, with the error that is named for it")
    func faults() throws {
        func error(_ damage: (inout SoftNICFaults) -> Void) -> DriverError? {
            var configuration = SoftNICConfiguration(model: .i82599, preset: .strict)
            damage(&configuration.faults)
            do throws(DriverError) {
                let bed = SoftNIC(configuration: configuration)
                let clock = Waiting(bed)
                var driver = try I82599Driver(
                    device: SoftPCIDevice(bed), configuration: NICConfiguration(), slotSize: 2048)
                try driver.bringUp(wait: clock.wait)
                return nil
            } catch {
                return error
            }
        }
        #expect(error { _ in } == nil)
        #expect(error { $0.mastersStayBusy = true } == .mastersStillBusy)
        #expect(error { $0.unpluggedAt = .zero + .milliseconds(1) } == .deviceGone(during: "reset"))
        #expect(error { $0.unpluggedAt = .zero } == .deviceGone(during: "identification"))
        #expect(throws: DriverError.queueDidNotEnable(queue: 1)) {
            var configuration = SoftNICConfiguration(model: .i82599, preset: .strict)
            configuration.faults.neverEnabled = 1 << 1
            _ = try start(configuration)
        }
    }

    // MARK: interrupts

    @Test("a frame for any queue fires vector 0 once an arming, and what came before it fires nothing")
    func interrupts() throws {
        let run = try start { $0.splitQueues = 3 }
        let bed = run.bed
        try bed.device.enableInterrupts(vectors: 1)
        run.driver.routeInterrupts()
        func fired() -> UInt64 {
            bed.wait(.milliseconds(1))
            return bed.device.takeInterrupts()
        }
        var reached: Set<Int> = []
        for arrival in (0..<16).map(flow) + [Arrival.all[11]] {
            try run.receive(arrival)
            #expect(fired() == 0, "masked")
            run.driver.armInterrupts()
            #expect(fired() == 0, "told of what was there before")
            reached.insert(try run.receive(arrival))
            #expect(fired() == 1)
            try run.receive(arrival)
            #expect(fired() == 0, "masked by itself")
            run.driver.armInterrupts()
            run.driver.maskInterrupts()
            try run.receive(arrival)
            #expect(fired() == 0, "masked by hand")
        }
        #expect(reached == [0, 1, 2, 3])
        end(run)
    }

    private func flow(_ number: Int) -> Arrival {
        let frame = FrameRecipe { $0.sourcePort = 40000 + number }.bytes
        return Arrival(name: "flow \(number)", frame: frame, header: 54, checksum: .good)
    }
}

/// A model whose time passes only when somebody waits.
final class Waiting {
    private let nic: SoftNIC
    init(_ nic: SoftNIC) { self.nic = nic }

    func wait(_ interval: Interval) {
        nic.now = nic.now + interval
        _ = nic.step(now: nic.now)
    }
}
