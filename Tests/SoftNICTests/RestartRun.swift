import DeviceMemory
import HeaderSplit
import Logging
import PagePool
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// A driver with several split queues under traffic, whose queues are restarted, moved to other pools and re-established while
/// every frame is accounted for: a frame is known by its source port, which also decides its queue.
final class RestartRun<Driver: NICDriver & ~Copyable> where Driver.Device == SoftPCIDevice {
    /// One queue, apart from the others so that they can be polled while the driver works on it.
    final class QueueBox {
        var queue: Driver.ReceiveQueue
        /// Number of its pool.
        var pool: Int
        /// Source ports of its frames, in the order in which they are sent, over and over.
        var ports: [Int] = []
        var sent = 0
        var taken = 0
        var lost = 0
        /// Frames that were on the wire while the queue was stopped or being stopped.
        var sentWhileDown = 0
        /// Frames of the present such time, which its ring has to hold if it was not stopped after all.
        var sentInWindow = 0
        var isDown = false {
            didSet { sentInWindow = 0 }
        }
        /// Index into `ports` of the next frame that has to come.
        var expected = 0

        init(_ queue: consuming Driver.ReceiveQueue, pool: Int) {
            self.queue = queue
            self.pool = pool
        }
    }

    /// A pool and the memory behind it.
    final class PoolBox {
        var pool: PagePool
        let view: MappedView?

        init(_ pool: consuming PagePool, _ view: consuming MappedView?) {
            self.pool = pool
            self.view = view
        }

        func payload(_ offset: Int, _ length: Int) -> [UInt8] {
            switch view {
            case .some(let view): view.bytes.readOnly.slice(offset, length).array()
            case .none: []
            }
        }
    }

    static var descriptors: Int { 32 }
    static var payloadBytes: Int { 300 }

    let bed: SoftBed
    var driver: Driver
    private var memory: HostMemory
    private let pageMemory: HostMemory
    private var transmit: Driver.TransmitRing
    private let otherRegion: DeviceRegion
    /// Ring and header memory that no queue uses.
    var spare: QueueMemory
    /// 0 is the host's; 1 and 2 are regions, the latter with slots twice as large.
    let pools: [PoolBox]
    let boxes: [QueueBox]
    /// Frames by source port, made once.
    private var frames: [Int: [UInt8]] = [:]

    init(
        _: Driver.Type, _ settings: SoftNICConfiguration, splitQueues: Int = 3, slots: Int = 256,
        ports: ClosedRange<Int>? = 40000...40127
    ) throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let bed = try SoftBed(settings, slotSize: 2048, slots: slots)
        var configuration = NICConfiguration()
        configuration.splitQueues = splitQueues
        configuration.receiveDescriptors = Self.descriptors
        configuration.transmitDescriptors = Self.descriptors
        let device = bed.device
        var driver = try Driver(device: device, configuration: configuration, slotSize: 2048)
        try driver.bringUp(wait: bed.wait)
        var memory = try device.hostMemory(name: "rings", size: driver.hostBytes, node: nil, log: log)
        var pageMemory = try device.hostMemory(name: "pages", size: 128 * driver.hostSlotBytes, node: nil, log: log)
        let other = try DeviceRegion(size: 4096 * 128, slotSize: 4096, visibility: .flushRead)
        let base = try bed.withRegion { try device.mapRegion($0) }
        let otherBase = try device.mapRegion(other)
        let pages = try pageMemory.allocate(bytes: 128 * driver.hostSlotBytes)
        pools = [
            PoolBox(
                PagePool(
                    identifier: 0, provider: MemoryProvider(hostPages: pages, slotSize: driver.hostSlotBytes)), nil),
            PoolBox(
                PagePool(
                    identifier: 1,
                    provider: MemoryProvider(deviceRegionAt: base, slotSize: 2048, slotCount: slots)),
                try bed.withRegion { try $0.object.view(rights: .read) }),
            PoolBox(
                PagePool(
                    identifier: 2, provider: MemoryProvider(deviceRegionAt: otherBase, slotSize: 4096, slotCount: 128)),
                try other.object.view(rights: .read)),
        ]
        var boxes: [QueueBox] = []
        for index in 0...splitQueues {
            let pool = min(index, 1)
            boxes.append(
                QueueBox(
                    try driver.makeReceiveQueue(
                        index, memory: &memory, pool: &pools[pool].pool, flushWindow: bed.flushWindow,
                        visibility: .flushRead, wait: bed.wait), pool: pool))
        }
        self.boxes = boxes
        transmit = try driver.makeTransmitQueue(memory: &memory, wait: bed.wait)
        spare = try driver.makeQueueMemory(&memory)
        self.bed = bed
        self.driver = driver
        self.memory = memory
        self.pageMemory = pageMemory
        otherRegion = other
        if let ports { try learnPorts(ports, of: Array(1...splitQueues)) }
    }

    // MARK: frames

    /// The frame that is known by `port`.
    func frame(_ port: Int) -> [UInt8] {
        if let frame = frames[port] { return frame }
        let made = FrameRecipe { recipe in
            recipe.sourcePort = port
            recipe.salt = port
            recipe.payload = Self.payloadBytes
        }.bytes
        frames[port] = made
        return made
    }

    /// The queue at which a frame arrives; `nil` when it comes nowhere. Looks at all queues.
    func home(of frame: [UInt8]) -> Int? {
        bed.deliver(frame)
        var found: Int?
        _ = bed.work(rounds: 400) {
            for index in boxes.indices where found == nil && takeOne(index) != nil { found = index }
            return found != nil
        }
        for box in boxes { box.queue.endBurst() }
        return found
    }

    /// Finds out which source ports the hash sends to which split queue, and keeps sixteen of each.
    func learnPorts(_ ports: ClosedRange<Int>, of queues: [Int]) throws {
        for port in ports {
            guard let queue = home(of: frame(port)), queue != 0 else { continue }
            if boxes[queue].ports.count < 16 { boxes[queue].ports.append(port) }
        }
        try #require(queues.allSatisfy { boxes[$0].ports.count == 16 })
    }

    /// One frame to each split queue, now.
    func sendRound() {
        for box in boxes.dropFirst() where !box.ports.isEmpty && box.sentInWindow < 20 {
            let frame = frame(box.ports[box.sent % box.ports.count])
            guard withView(frame, { bed.nic.receive($0) }) else { continue }
            box.sent += 1
            guard box.isDown else { continue }
            box.sentWhileDown += 1
            box.sentInWindow += 1
        }
    }

    private struct Taken {
        var port: Int
        var offset = 0
        var length = 0
        /// What followed the headers of a frame that came whole.
        var inHost: [UInt8]?
    }

    private func takeOne(_ index: Int) -> Taken? {
        let box = boxes[index]
        let pool = pools[box.pool]
        guard var frame = box.queue.nextFrame(&pool.pool) else { return nil }
        let header = frame.header
        var taken = Taken(port: header.count >= 36 ? Int(header.be16(34)) : 0)
        if let fragment = frame.fragment.take() {
            taken.offset = Int(fragment.netmem.index) * pool.pool.slotSize
            taken.length = Int(fragment.length)
            pool.pool.recycle(fragment)
        } else if box.pool == 0, header.count > 54 {
            taken.inHost = header.from(54).array()
        }
        return taken
    }

    /// Takes what a queue has, holds the payload against what was sent, and counts the frames that were passed over.
    func poll(_ index: Int) {
        let box = boxes[index]
        var burst: [Taken] = []
        while let taken = takeOne(index) { burst.append(taken) }
        box.queue.endBurst()
        for taken in burst {
            guard let place = box.ports.firstIndex(of: taken.port) else {
                Issue.record("queue \(index) got a frame of another's: port \(taken.port)")
                continue
            }
            box.lost += (place - box.expected + box.ports.count) % box.ports.count
            box.expected = (place + 1) % box.ports.count
            box.taken += 1
            let arrived = taken.inHost ?? pools[box.pool].payload(taken.offset, taken.length)
            #expect(arrived == Array(frame(taken.port).dropFirst(54)), "queue \(index), port \(taken.port)")
        }
    }

    /// Time passes with a frame to each queue every 50 us; queues that are not being worked on are polled.
    func traffic(_ interval: Interval, except working: Int? = nil) {
        let end = bed.nic.now + interval
        while bed.nic.now < end {
            let step = min(end - bed.nic.now, .microseconds(50))
            sendRound()
            bed.wait(step)
            for index in boxes.indices.dropFirst() where index != working { poll(index) }
        }
    }

    /// Lets everything that was sent arrive, and counts what never did.
    func settle() {
        bed.wait(.milliseconds(1))
        for index in boxes.indices.dropFirst() {
            poll(index)
            let box = boxes[index]
            box.lost += ((box.sent - box.taken - box.lost) % 16 + 16) % 16
            box.expected = box.ports.isEmpty ? 0 : box.sent % box.ports.count
        }
    }

    // MARK: end

    /// Gives the transmit queue to a device that was reset.
    func restartTransmit() throws(DriverError) { try driver.startTransmitQueue(&transmit, wait: bed.wait) }

    /// Every slot is in a ring or free.
    func expectBooksInOrder(_ context: String = "") {
        for (number, box) in pools.enumerated() {
            let ledger = box.pool.ledger()
            let queues = boxes.count { $0.pool == number }
            #expect(ledger.isBalanced && ledger.ring == queues * Self.descriptors && ledger.stack == 0, "\(context)")
        }
    }

    /// Stops the device and takes every slot back.
    func stop() {
        driver.shutDown(wait: bed.wait)
        for box in boxes { box.queue.stop(&pools[box.pool].pool) }
        for box in pools {
            let ledger = box.pool.ledger()
            #expect(ledger.pool == ledger.total)
        }
        #expect(bed.nic.flags.total == 0, "\(bed.nic.flags)")
        #expect(bed.nic.iommuFaultCount == 0)
    }
}
