import DeviceMemory
import HeaderSplit
import Logging
import PagePool
import Testing
import Timeline

@testable import VFIODriver

/// Restarts on QEMU's controllers, where QEMU is installed: what the models say of them holds there too.
@Suite(.serialized) struct QEMURestartTests {
    private typealias IGB = I82576Driver<QTestDevice>
    private typealias E1000E = I82574Driver<QTestDevice>

    /// A driver on a bed with one split queue and two memories to run it in.
    private final class Run<Driver: NICDriver & ~Copyable, Bed: ControllerBed> where Driver.Device == Bed.Device {
        let bed: Bed
        var driver: Driver
        var memory: HostMemory
        let pageMemory: HostMemory
        var slots: PagePool
        var host: PagePool
        var plain: Driver.ReceiveQueue
        var split: Driver.ReceiveQueue
        var transmit: Driver.TransmitRing
        var spare: QueueMemory
        let consumer: MappedView

        init(_: Driver.Type, _ bed: Bed) throws {
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            var configuration = NICConfiguration()
            configuration.splitQueues = 1
            configuration.receiveDescriptors = 32
            configuration.transmitDescriptors = 32
            let device = bed.device
            var driver = try Driver(device: device, configuration: configuration, slotSize: 2048)
            try driver.bringUp(wait: bed.wait)
            var memory = try device.hostMemory(name: "rings", size: driver.hostBytes, node: nil, log: log)
            var pageMemory = try device.hostMemory(name: "pages", size: 64 * driver.hostSlotBytes, node: nil, log: log)
            let base = try bed.withRegion { try device.mapRegion($0) }
            consumer = try bed.withRegion { try $0.object.view(rights: .read) }
            slots = PagePool(
                identifier: 1, provider: MemoryProvider(deviceRegionAt: base, slotSize: 2048, slotCount: 128))
            let pages = try pageMemory.allocate(bytes: 64 * driver.hostSlotBytes)
            host = PagePool(identifier: 0, provider: MemoryProvider(hostPages: pages, slotSize: driver.hostSlotBytes))
            plain = try driver.makeReceiveQueue(
                0, memory: &memory, pool: &host, flushWindow: bed.flushWindow, visibility: .coherent, wait: bed.wait)
            split = try driver.makeReceiveQueue(
                1, memory: &memory, pool: &slots, flushWindow: bed.flushWindow, visibility: .flushRead, wait: bed.wait)
            transmit = try driver.makeTransmitQueue(memory: &memory, wait: bed.wait)
            spare = try driver.makeQueueMemory(&memory)
            self.bed = bed
            self.driver = driver
            self.memory = memory
            self.pageMemory = pageMemory
        }

        /// Sends so many frames, one by one, and holds the payload of each against what was sent.
        func receive(_ count: Int, salt: Int) throws {
            for number in 0..<count {
                let recipe = FrameRecipe { recipe in
                    recipe.payload = 400 + number
                    recipe.salt = salt
                    recipe.sourcePort = 40000 + number
                }
                bed.deliver(recipe.bytes)
                var payload: [UInt8]?
                let came = bed.work(rounds: 200_000) {
                    guard var frame = split.nextFrame(&slots) else { return false }
                    split.endBurst()
                    guard let fragment = frame.fragment.take() else { return true }
                    let offset = Int(fragment.netmem.index) * 2048
                    payload = consumer.bytes.readOnly.slice(offset, Int(fragment.length)).array()
                    slots.recycle(fragment)
                    return true
                }
                try #require(came && payload == FrameRecipe.pattern(400 + number, salt: salt), "frame \(number)")
            }
        }

        /// The frame arrives whole at the host's queue.
        func receiveWhole() throws {
            let bytes = FrameRecipe { $0.payload = 300 }.bytes
            bed.deliver(bytes)
            let came = bed.work(rounds: 200_000) {
                guard let frame = plain.nextFrame(&host) else { return false }
                return frame.header.array() == bytes
            }
            plain.endBurst()
            try #require(came)
        }

        func startAll() throws {
            plain.rearm(&host)
            try driver.startReceiveQueue(0, &plain, wait: bed.wait)
            split.rearm(&slots)
            try driver.startReceiveQueue(1, &split, wait: bed.wait)
            try driver.startTransmitQueue(&transmit, wait: bed.wait)
        }

        func exchange(_ fresh: inout Driver.ReceiveQueue) {
            swap(&split, &fresh)
            spare = fresh.memory
            fresh.stop(&slots)
        }

        func prepare() throws -> Driver.ReceiveQueue {
            try driver.prepareReceiveQueue(
                1, memory: spare, pool: &slots, flushWindow: bed.flushWindow, visibility: .flushRead)
        }

        func stop() {
            driver.shutDown(wait: bed.wait)
            plain.stop(&host)
            split.stop(&slots)
            let (region, pages) = (slots.ledger(), host.ledger())
            #expect(region.pool == region.total && pages.pool == pages.total)
        }
    }

    @Test(
        "QEMU's igb takes a queue back, with another base, as often as one likes (S3.08)", .enabled(if: QEMUBed.isThere)
    )
    func igb() throws {
        let run = try Run(IGB.self, QEMUBed(.igb, slotSize: 2048, slots: 128))
        try run.receive(5, salt: 0)
        for round in 1...20 {
            var fresh = try run.prepare()
            try run.driver.stopReceiveQueue(1, &run.split, wait: run.bed.wait)
            try run.driver.startReceiveQueue(1, &fresh, wait: run.bed.wait)
            run.exchange(&fresh)
            // More than the ring holds now and then.
            try run.receive(round % 10 == 0 ? 40 : 3, salt: round)
        }
        // The old queue again, as a rollback starts it.
        try run.driver.stopReceiveQueue(1, &run.split, wait: run.bed.wait)
        run.split.rearm(&run.slots)
        try run.driver.startReceiveQueue(1, &run.split, wait: run.bed.wait)
        try run.receive(40, salt: 30)
        #expect(throws: DriverError.filterNotKept(filter: 0)) {
            try run.driver.addRule(SteeringRule(localPort: 5001), queue: 0, wait: run.bed.wait)
        }
        try run.driver.setSpread(over: [])
        try run.receiveWhole()
        run.stop()
    }

    @Test(
        "QEMU's e1000e comes back after a reset, with another ring for one queue (S3.38)", .enabled(if: QEMUBed.isThere)
    )
    func e1000e() throws {
        let run = try Run(E1000E.self, QEMUBed(.e1000e, slotSize: 2048, slots: 128))
        try run.receive(5, salt: 0)
        for round in 1...3 {
            var fresh = try run.prepare()
            run.driver.shutDown(wait: run.bed.wait)
            run.split.halt()
            run.plain.halt()
            run.exchange(&fresh)
            try run.driver.bringUp(wait: run.bed.wait)
            try run.startAll()
            try run.receive(round == 3 ? 40 : 3, salt: round)
        }
        try run.driver.setSpread(over: [])
        try run.receiveWhole()
        run.stop()
    }

    @Test("a reset under the driver is seen and mended on QEMU's controllers (C.01)", .enabled(if: QEMUBed.isThere))
    func reset() throws {
        let run = try Run(IGB.self, QEMUBed(.igb, slotSize: 2048, slots: 128))
        try run.receive(3, salt: 0)
        for round in 1...2 {
            let before = run.driver.isIntact
            run.bed.device.reset()
            run.bed.wait(.milliseconds(100))
            let after = run.driver.isIntact
            #expect(before && !after)
            run.plain.halt()
            run.split.halt()
            try run.driver.bringUp(wait: run.bed.wait)
            try run.startAll()
            try run.receive(5, salt: round)
        }
        run.stop()
    }
}
