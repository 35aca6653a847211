import DeviceMemory
import HeaderSplit
import Logging
import PagePool
import Rings
import Testing
import Timeline
import VFIODriver

/// What a driver must make of a frame: which queue, and what the stack sees.
struct Arrival {
    var name: String
    var frame: [UInt8]
    /// Header bytes of a split frame; `nil` for a frame that belongs into host memory, whole.
    var header: Int?
    var checksum: ChecksumVerdict
}

/// A driver with all its queues and the transmitter running, on whoever plays the device.
final class ControllerRun<Driver: NICDriver & ~Copyable, Bed: ControllerBed> where Driver.Device == Bed.Device {
    let bed: Bed
    var driver: Driver
    private var memory: HostMemory
    private var pageMemory: HostMemory
    private var slots: PagePool
    private var host: PagePool
    /// By their numbers: 0 takes whole frames.
    private var queues: Slab<Driver.ReceiveQueue>
    private var transmit: Driver.TransmitRing
    private let consumer: MappedView

    static var descriptors: Int { 32 }

    init(
        _: Driver.Type, _ bed: Bed, slotSize: Int, slots slotCount: Int,
        _ change: (inout NICConfiguration) -> Void = { _ in }
    ) throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = NICConfiguration()
        configuration.splitQueues = 1
        configuration.receiveDescriptors = Self.descriptors
        configuration.transmitDescriptors = Self.descriptors
        change(&configuration)
        let device = bed.device
        var driver = try Driver(device: device, configuration: configuration, slotSize: slotSize)
        try driver.bringUp(wait: bed.wait)
        var memory = try device.hostMemory(name: "rings", size: driver.hostBytes, node: nil, log: log)
        var pageMemory = try device.hostMemory(name: "pages", size: 64 * driver.hostSlotBytes, node: nil, log: log)
        let base = try bed.withRegion { try device.mapRegion($0) }
        let consumer = try bed.withRegion { try $0.object.view(rights: .read) }
        var slots = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: base, slotSize: slotSize, slotCount: slotCount))
        let pages = try pageMemory.allocate(bytes: 64 * driver.hostSlotBytes)
        var host = PagePool(
            identifier: 2, provider: MemoryProvider(hostPages: pages, slotSize: driver.hostSlotBytes))
        var queues = Slab<Driver.ReceiveQueue>(capacity: configuration.splitQueues + 1)
        queues.append(
            try driver.makeReceiveQueue(
                0, memory: &memory, pool: &host, flushWindow: bed.flushWindow, visibility: .coherent, wait: bed.wait))
        for index in 1...configuration.splitQueues {
            queues.append(
                try driver.makeReceiveQueue(
                    index, memory: &memory, pool: &slots, flushWindow: bed.flushWindow, visibility: .flushRead,
                    wait: bed.wait))
        }
        let transmit = try driver.makeTransmitQueue(memory: &memory, wait: bed.wait)
        self.bed = bed
        self.driver = driver
        self.memory = memory
        self.pageMemory = pageMemory
        self.slots = slots
        self.host = host
        self.queues = queues
        self.transmit = transmit
        self.consumer = consumer
    }

    /// What a queue gave.
    private struct Whole {
        var bytes: [UInt8]
        var checksum: ChecksumVerdict
    }

    private struct Parts {
        var queue: Int
        var header: [UInt8]
        var checksum: ChecksumVerdict
        var offset = 0
        var length = 0
    }

    private func takeWhole() -> Whole? {
        guard let frame = queues[0].nextFrame(&host) else { return nil }
        return Whole(bytes: frame.header.array(), checksum: frame.checksum)
    }

    private func takeParts() -> Parts? {
        for queue in 1..<queues.count {
            if let parts = takeParts(of: queue) { return parts }
        }
        return nil
    }

    private func takeParts(of queue: Int) -> Parts? {
        guard var frame = queues[queue].nextFrame(&slots) else { return nil }
        var parts = Parts(queue: queue, header: frame.header.array(), checksum: frame.checksum)
        if let fragment = frame.fragment.take() {
            parts.offset = Int(fragment.netmem.index) * slots.slotSize
            parts.length = Int(fragment.length)
            slots.recycle(fragment)
        }
        return parts
    }

    /// Sends one frame to the device and holds what arrives against what must; returns the queue.
    @discardableResult func receive(_ arrival: Arrival) throws -> Int {
        bed.deliver(arrival.frame)
        var whole: Whole?
        var parts: Parts?
        let came = bed.work(rounds: 200_000) {
            whole = takeWhole()
            parts = takeParts()
            return whole != nil || parts != nil
        }
        for queue in 0..<queues.count { queues[queue].endBurst() }
        try #require(came, "\(arrival.name): nothing came")
        let padded = arrival.frame + [UInt8](repeating: 0, count: max(0, 60 - arrival.frame.count))
        if let header = headerLength(arrival, padded) {
            let parts = try #require(parts, "\(arrival.name): came to the host's queue")
            #expect(parts.header == Array(padded[..<header]), "\(arrival.name)")
            #expect(parts.checksum == arrival.checksum, "\(arrival.name)")
            // The padding of a short frame may be dropped, or delivered as if it were payload.
            let payload = consumer.bytes.readOnly.slice(parts.offset, parts.length).array()
            let isRight = payload == Array(padded[header...]) || payload == Array(arrival.frame[header...])
            #expect(isRight, "\(arrival.name)")
            return parts.queue
        } else {
            let whole = try #require(whole, "\(arrival.name): came to the split queue")
            #expect(whole.bytes == padded && whole.checksum == arrival.checksum, "\(arrival.name)")
            return 0
        }
    }

    /// Bytes in front of the region's: of a frame that fits the header buffer, all, where the family keeps it whole.
    private func headerLength(_ arrival: Arrival, _ padded: [UInt8]) -> Int? {
        guard let header = arrival.header else { return nil }
        return Driver.keepsSmallFramesWhole && padded.count <= 192 ? padded.count : header
    }

    /// Hands a frame to the transmitter and holds what leaves the device against `expected`.
    func send(_ frame: [UInt8], _ offload: TransmitOffload?, expecting expected: [UInt8]) throws {
        let queued = withView(frame) { transmit.send($0, offload) }
        #expect(queued)
        transmit.flush()
        var sent: [UInt8]?
        let left = bed.work(rounds: 200_000) {
            sent = sent ?? bed.nextTransmitted()
            transmit.reclaim()
            return sent != nil && transmit.inFlight == 0
        }
        try #require(left, "nothing was sent, or the descriptor did not come back")
        #expect(sent == expected)
    }

    /// Every slot is in a ring or free, while it runs.
    func expectBooksInOrder() {
        let (region, pages) = (slots.ledger(), host.ledger())
        #expect(region.ring == (queues.count - 1) * Self.descriptors && region.stack == 0)
        #expect(pages.ring == Self.descriptors)
    }

    /// Stops the device; it must not touch a ring any more, and every slot comes back.
    func stop() {
        driver.shutDown(wait: bed.wait)
        bed.deliver(FrameRecipe().bytes)
        let moved = bed.work(rounds: 2000) { takeParts() != nil }
        #expect(!moved)
        queues[0].stop(&host)
        for queue in 1..<queues.count { queues[queue].stop(&slots) }
        let (region, pages) = (slots.ledger(), host.ledger())
        #expect(region.pool == region.total && pages.pool == pages.total)
    }
}
