import DeviceMemory
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// The real driver on broken devices: every wait ends, in bounded time, with the error that names what is broken.
@Suite struct FaultTests {
    /// Brings a device up and opens two queues, in time that passes only when the driver waits.
    private struct Run {
        var error: DriverError?
        var waited = Interval.zero
        var nic: SoftNIC?
        var flags: [DriverErrorKind] { nic?.flags.kinds ?? [] }
    }

    private func run(_ change: (inout SoftNICConfiguration) -> Void) throws -> Run {
        var settings = SoftNICConfiguration(preset: .strict)
        change(&settings)
        let nic = SoftNIC(configuration: settings)
        var run = Run()
        let start = nic.now
        let wait: (Interval) -> Void = {
            nic.now = nic.now + $0
            while nic.step(now: nic.now) {}
        }
        do {
            try use(nic, wait)
        } catch let error as DriverError {
            run.error = error
        }
        run.waited = nic.now - start
        run.nic = nic
        return run
    }

    private func use(_ nic: SoftNIC, _ wait: (Interval) -> Void) throws {
        let device = SoftPCIDevice(nic)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = NICConfiguration()
        configuration.receiveDescriptors = 64
        configuration.transmitDescriptors = 64
        var driver = try I82576Driver(device: device, configuration: configuration, slotSize: 2048)
        try driver.bringUp(wait: wait)
        var memory = try HostMemory(name: "rings", size: driver.hostBytes + (1 << 20), log: log)
        try memory.map(for: device)
        let pages = try memory.allocate(bytes: 256 * 2048)
        var pool = PagePool(identifier: 2, provider: MemoryProvider(hostPages: pages, slotSize: 2048))
        var queues: [Int] = []
        do {
            for index in 0..<2 {
                var queue = try driver.makeReceiveQueue(
                    index, memory: &memory, pool: &pool, flushWindow: device.flushWindow,
                    visibility: .coherent, wait: wait)
                queues.append(index)
                receive(nic, &queue, &pool, wait)
                driver.shutDown(wait: wait)
                queue.stop(&pool)
                try driver.bringUp(wait: wait)
            }
        } catch {
            let ledger = pool.ledger()
            #expect(ledger.isBalanced && ledger.pool == 256, "no slot is lost")
            throw error
        }
        let ledger = pool.ledger()
        #expect(ledger.isBalanced && ledger.pool == 256)
        driver.shutDown(wait: wait)
    }

    /// Frames until nothing comes any more; what is delivered is given back.
    private func receive<Format, Window>(
        _ nic: SoftNIC, _ queue: inout SplitReceiveQueue<Format, Window>, _ pool: inout PagePool,
        _ wait: (Interval) -> Void
    ) {
        for round in 0..<40 {
            withView(FrameRecipe { $0.payload = 100 + round * 40 }.bytes) { _ = nic.receive($0) }
            wait(.microseconds(20))
            while let frame = queue.nextFrame(&pool) {
                var frame = frame
                if let fragment = frame.fragment.take() { pool.recycle(fragment) }
            }
            queue.endBurst()
        }
    }

    @Test func aSoundDeviceIsUsable() throws {
        let run = try run { _ in }
        #expect(run.error == nil && run.flags.isEmpty, "\(run.flags)")
    }

    @Test(arguments: [
        (HeldSemaphores.software, DriverError.semaphoreHeld(name: "SWSM.SMBI")),
        (.softwareFirmware, .semaphoreHeld(name: "SWSM.SWESMBI")),
        (.phy, .semaphoreHeld(name: "the PHY (SW_FW_SYNC)")),
    ])
    func firmwareHolds(_ held: HeldSemaphores, _ error: DriverError) throws {
        let run = try run { $0.faults.heldSemaphores = held }
        #expect(run.error == error && run.waited < .seconds(2))
    }

    @Test func thePHYNeverAnswers() throws {
        let silent = try run { $0.faults.phyIsSilent = true }
        #expect(silent.error == .phyNotResponding(register: 0) && silent.waited < .seconds(1))
        let failing = try run { $0.faults.phyReportsErrors = true }
        #expect(failing.error == .phyNotResponding(register: 0) && failing.waited < .seconds(1))
    }

    @Test func requestsNeverEnd() throws {
        let run = try run { $0.faults.mastersStayBusy = true }
        #expect(run.error == .mastersStillBusy && run.waited < .milliseconds(200))
    }

    @Test func noLinkComes() throws {
        let run = try run { $0.faults.linkLostAt = .zero }
        #expect(run.error == .linkDown(waitedMilliseconds: 5000) && run.waited < .seconds(6))
    }

    @Test func queuesThatDoNotObey() throws {
        #expect(try run { $0.faults.neverEnabled = 2 }.error == .queueDidNotEnable(queue: 1))
        #expect(try run { $0.faults.neverDisabled = 1 }.error == .queueDidNotStop(queue: 0))
    }

    /// Gone at any moment: an error or a clean end, never a hang, and never a slot lost.
    @Test func unplugged() throws {
        let sound = try run { _ in }
        for i in 0..<40 as Range<UInt64> {
            let moment = Instant(nanoseconds: sound.waited.nanoseconds / 40 * i)
            let run = try run { $0.faults.unpluggedAt = moment }
            #expect(run.waited < .seconds(20), "at \(moment)")
            #expect(run.error != nil || i == 39, "at \(moment)")
        }
        #expect(try run { $0.faults.unpluggedAt = .zero }.error == .deviceGone(during: "identification"))
    }

    @Test func theLinkGoesWhileFramesCome() throws {
        let sound = try run { _ in }
        let run = try run { $0.faults.linkLostAt = Instant(nanoseconds: sound.waited.nanoseconds / 2) }
        #expect(run.error == .linkDown(waitedMilliseconds: 5000), "the second bring-up says so")
    }

    /// After 25 descriptors nothing more is written back: the queue stops all the same, and its slots come back.
    @Test func theReceiverHangs() throws {
        let run = try run { $0.faults.receiveHangsAfter = 25 }
        #expect(run.error == nil && run.flags.isEmpty, "\(run.flags)")
    }

    @Test func aFrameIsDoneWithoutItsBytes() throws {
        let run = try run { $0.faults.losesDataEvery = 3 }
        #expect(run.error == nil && run.flags.isEmpty, "\(run.flags)")
    }

    /// DD ahead of the rest: what the driver reads is wrong, and stays within its buffers.
    @Test func descriptorsThatLie() throws {
        let run = try run { $0.behaviour.descriptorPieces = .doneFirst }
        #expect(run.error == nil && run.flags.isEmpty, "\(run.flags)")
    }

    @Test(
        arguments: [
            { $0.receiveSideScaling = false }, { $0.receiveChecksum = false },
            { $0.vectors = 0 },
            { $0.transmitOffload = false },
        ] as [@Sendable (inout SoftNICCapabilities) -> Void])
    func partsThatAreMissing(_ change: @Sendable (inout SoftNICCapabilities) -> Void) throws {
        // Today's driver does not probe: it must come through, with less.
        let run = try run { change(&$0.capabilities) }
        #expect(run.error == nil)
    }

    @Test("a queue that does not keep header split is refused: headers would land in the region (S2.25)")
    func noHeaderSplit() throws {
        let run = try run { $0.capabilities.headerSplit = false }
        #expect(run.error == .splitNotKept(queue: 1) && run.flags.isEmpty, "\(run.flags)")
    }

    // MARK: the faults themselves

    @Test func anUnpluggedDeviceReadsAllOnes() throws {
        let bench = try Bench(.strict) { $0.faults.unpluggedAt = Instant.zero + .seconds(2) }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        #expect(bench.nic.nextDeadline == Instant.zero + .seconds(2), "an event of its own")
        bench.run(.seconds(2))
        #expect(bench.bus.read(I82576.status).rawValue == .max && bench.nic.readConfig32(0) == .max)
        #expect(bench.nic.read32(bar: 3, offset: 0) == .max)
        #expect(bench.nic.nextDeadline == .never)
        bench.send(FrameRecipe())
        #expect(!bench.completion(0, 0).isDone)
        bench.bus.write(I82576.eics, PlainValue(1))
        #expect(bench.nic.takeInterrupts() == 0)
    }

    @Test func theHangIsInTheMiddleOfAFrame() throws {
        let bench = try Bench(.strict) { $0.faults.receiveHangsAfter = 3 }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        for _ in 0..<3 { bench.send(FrameRecipe { $0.payload = 3500 }) }
        #expect((0..<4).map { bench.completion(0, $0).isDone } == [true, true, true, false])
        #expect(!bench.completion(0, 2).isLast)
    }

    @Test func lostDataLeavesTheBuffersAlone() throws {
        let bench = try Bench(.strict) { $0.faults.losesDataEvery = 2 }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        for _ in 0..<2 { bench.send(FrameRecipe()) }
        #expect(bench.completion(0, 1).isDone && bench.completion(0, 1).length == 1000)
        #expect(bench.header(0, 0)[0] == 0x52 && bench.header(0, 1)[0] == Bench.fill)
        #expect(bench.payload(0, 1)[0] == SoftNIC.poison)
    }

    @Test func theEEPROM() throws {
        let silent = try Bench(.strict) { $0.faults.eepromIsSilent = true }
        silent.bus.write(I82576.eerd, .init().setting(.start))
        silent.run(.seconds(1))
        #expect(!silent.bus.read(I82576.eerd)[.done])
        let held = try Bench(.strict) { $0.faults.heldSemaphores = .eeprom }
        held.bus.write(I82576.swFwSync, .init())
        #expect(held.bus.read(I82576.swFwSync)[.firmwareEEPROM])
    }
}
