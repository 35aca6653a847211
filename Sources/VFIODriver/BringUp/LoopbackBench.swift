internal import DeviceMemory
internal import HeaderSplit
internal import Logging
internal import NICRegisters
internal import PagePool
internal import Rings
internal import Timeline

/// What came back of a frame.
struct LoopbackArrival {
    /// The receive queue.
    var queue: Int
    /// Bytes in host memory, link header first.
    var header: [UInt8]
    /// Bytes in the region, as the region shows them after its flush read; `nil` where none were announced.
    var payload: [UInt8]?
    /// Where in the region they begin.
    var regionOffset: Int?
    /// Bytes of the slot outside the payload that are no longer what they were before the frame was sent, by their offset.
    var strayOffset: Int?
    /// What the device says.
    var split: SplitVerdict
    var checksum: ChecksumVerdict
    /// The descriptor as the device wrote it.
    var writeBack: [UInt64]
}

/// A port whose receiver is fed by its own transmitter or by a peer, with queues, a region that can be looked into, and all host memory that the
/// receiver can reach kept apart from what it sends from.
struct LoopbackBench<Driver: NICDriver & ~Copyable>: ~Copyable {
    var driver: Driver
    var queues: Slab<Driver.ReceiveQueue>
    var transmit: Driver.TransmitRing
    var hostPool: PagePool
    var pool: PagePool
    let receiveMemory: HostMemory
    let hostPages: HostMemory
    private let transmitMemory: HostMemory
    private let regionView: MappedView
    let regionIOVA: IOVA
    let slotSize: Int
    private let flushWindow: Driver.Device.BusType
    /// Who sends instead of the port itself.
    private let sender: (any FrameSender)?
    let wait: (Interval) -> Void

    /// Longest wait for a frame: a device on the bus answers within microseconds, one behind a socket within milliseconds.
    static var patience: Interval { .milliseconds(200) }
    private static var step: Interval { .microseconds(20) }

    /// Brings the device up and, without a sender, turns its transmitter round; shuts it down again where a step fails.
    static func make(
        _ device: Driver.Device, configuration: NICConfiguration, region: borrowing DeviceRegion,
        flushWindow: Driver.Device.BusType, sender: (any FrameSender)?, recorder: RegisterRecorder,
        log: Logger, wait: @escaping (Interval) -> Void
    ) throws(DriverError) -> LoopbackBench {
        var driver = try Driver(device: device, configuration: configuration, slotSize: region.slotSize)
        do {
            recorder.isOn = true
            try driver.bringUp(wait: wait)
            recorder.isOn = false
            let parts = try Parts(driver, region, flushWindow, log, wait)
            if let sender {
                try awaitLink(of: sender, wait)
            } else {
                // After the queues: the 82574's driver writes RCTL with the last of them.
                try MACLoopback.enable(device)
            }
            return LoopbackBench(driver, parts, region, flushWindow, sender, wait)
        } catch {
            driver.shutDown(wait: wait)
            throw error
        }
    }

    /// The reset of one end takes the other's link away, for as long as the ends need to agree on a speed.
    private static func awaitLink(of sender: any FrameSender, _ wait: (Interval) -> Void) throws(DriverError) {
        for _ in 0..<500 where !sender.isLinkUp { wait(.milliseconds(10)) }
        guard sender.isLinkUp else { throw .linkDown(waitedMilliseconds: 5000) }
    }

    private struct Parts: ~Copyable {
        var queues: Slab<Driver.ReceiveQueue>
        let transmit: Driver.TransmitRing
        let hostPool: PagePool
        let pool: PagePool
        let receiveMemory: HostMemory
        let hostPages: HostMemory
        let transmitMemory: HostMemory
        let view: MappedView
        let iova: IOVA

        init(
            _ driver: borrowing Driver, _ region: borrowing DeviceRegion, _ flushWindow: Driver.Device.BusType,
            _ log: Logger, _ wait: (Interval) -> Void
        ) throws(DriverError) {
            let device = driver.device
            let bytes = driver.hostBytes
            let slotBytes = driver.hostSlotBytes
            let slots = driver.configuration.receiveDescriptors * 2
            var receiveMemory = try memory { () throws(DeviceMemoryError) in
                try device.hostMemory(name: "rings and headers", size: bytes, node: nil, log: log)
            }
            var hostPages = try memory { () throws(DeviceMemoryError) in
                try device.hostMemory(name: "host pages", size: slots * slotBytes, node: nil, log: log)
            }
            var transmitMemory = try memory { () throws(DeviceMemoryError) in
                try device.hostMemory(name: "transmit", size: bytes, node: nil, log: log)
            }
            let block = try driver.block(&hostPages, slots * slotBytes)
            let view = try memory { () throws(DeviceMemoryError) in
                try region.object.view(length: region.slotBytes, rights: .readWrite)
            }
            let iova = try memory { () throws(DeviceMemoryError) in try device.mapRegion(region) }
            var hostPool = PagePool(
                identifier: 0, provider: MemoryProvider(hostPages: block, slotSize: slotBytes))
            var pool = PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: iova, slotSize: region.slotSize, slotCount: region.slotCount))
            let count = driver.configuration.splitQueues + 1
            var queues = Slab<Driver.ReceiveQueue>(capacity: count)
            queues.append(
                try driver.makeReceiveQueue(
                    0, memory: &receiveMemory, pool: &hostPool, flushWindow: flushWindow, visibility: .coherent,
                    wait: wait))
            for index in 1..<count {
                queues.append(
                    try driver.makeReceiveQueue(
                        index, memory: &receiveMemory, pool: &pool, flushWindow: flushWindow,
                        visibility: region.visibility, wait: wait))
            }
            let transmit = try driver.makeTransmitQueue(memory: &transmitMemory, wait: wait)
            self.queues = queues
            self.transmit = transmit
            self.view = view
            self.iova = iova
            self.hostPool = hostPool
            self.pool = pool
            self.receiveMemory = receiveMemory
            self.hostPages = hostPages
            self.transmitMemory = transmitMemory
        }
    }

    private init(
        _ driver: consuming Driver, _ parts: consuming Parts, _ region: borrowing DeviceRegion,
        _ flushWindow: Driver.Device.BusType, _ sender: (any FrameSender)?,
        _ wait: @escaping (Interval) -> Void
    ) {
        self.driver = driver
        queues = parts.queues
        transmit = parts.transmit
        hostPool = parts.hostPool
        pool = parts.pool
        receiveMemory = parts.receiveMemory
        hostPages = parts.hostPages
        transmitMemory = parts.transmitMemory
        regionView = parts.view
        regionIOVA = parts.iova
        slotSize = region.slotSize
        self.flushWindow = flushWindow
        self.sender = sender
        self.wait = wait
    }

    /// Bytes of the region, which this process may look into: it stands for the region's owner here.
    var regionBytes: MutableByteView { regionView.bytes }

    /// What a frame is on the wire.
    func bytes(of frame: LoopbackFrame) -> [UInt8] {
        frame.bytes(to: driver.macAddress, from: sender?.macAddress ?? driver.macAddress)
    }

    /// Sends one frame and waits for what comes back; `nil` when nothing does.
    mutating func exchange(_ frame: LoopbackFrame, patience: Interval = patience) throws(DriverError)
        -> LoopbackArrival?
    {
        let bytes = HeapBytes(count: 16384)
        let content = self.bytes(of: frame)
        bytes.bytes.store(content)
        // What the last burst posted is posted before the region is filled: a model may write to buffers when they are.
        wait(Self.step)
        regionBytes.fill(SelfTest.canary)
        let sent = send(bytes.bytes.readOnly.slice(0, content.count), frame.offload)
        extendLifetime(bytes)
        guard sent else { return nil }
        var waited = Interval.zero
        while waited <= patience {
            for index in 0..<queues.count {
                if let arrival = take(index) { return arrival }
            }
            if driver.device.readConfig32(PCIConfig.identity) == .max { throw .deviceGone(during: "the self-test") }
            wait(Self.step)
            waited = waited + Self.step
        }
        return nil
    }

    private mutating func send(_ frame: ByteView, _ offload: TransmitOffload?) -> Bool {
        if let sender { return sender.send(frame, offload) }
        transmit.reclaim()
        guard transmit.send(frame, offload) else { return false }
        transmit.flush()
        return true
    }

    /// The next frame of a queue, with the region looked at before anything of it is posted anew.
    private mutating func take(_ index: Int) -> LoopbackArrival? {
        guard let writeBack = queues[index].nextWriteBack() else { return nil }
        if index == 0 {
            guard let frame = queues[0].nextFrame(&hostPool) else { return nil }
            let arrival = LoopbackArrival(
                queue: 0, header: frame.header.array(), split: frame.split, checksum: frame.checksum,
                writeBack: writeBack)
            queues[0].endBurst()
            return arrival
        }
        guard var frame = queues[index].nextFrame(&pool) else {
            queues[index].endBurst()
            return nil
        }
        _ = flushWindow.read32(0)
        var arrival = LoopbackArrival(
            queue: index, header: frame.header.array(), split: frame.split, checksum: frame.checksum,
            writeBack: writeBack)
        if let fragment = frame.fragment.take() {
            let slot = Int(fragment.netmem.index) * slotSize
            let start = slot + Int(fragment.offset)
            let length = Int(fragment.length)
            arrival.payload = regionBytes.readOnly.slice(start, length).array()
            arrival.regionOffset = start
            arrival.strayOffset = stray(except: start, length)
            queues[index].endBurst()
            pool.recycle(fragment)
        } else {
            arrival.strayOffset = stray(except: 0, 0)
            queues[index].endBurst()
        }
        return arrival
    }

    /// Where the region was written outside of `length` bytes at `start`.
    private func stray(except start: Int, _ length: Int) -> Int? {
        let bytes = regionBytes.readOnly
        for (from, count) in [(0, start), (start + length, bytes.count - start - length)]
        where !bytes.slice(from, count).isAll(SelfTest.canary) {
            return (from..<(from + count)).first { bytes[$0] != SelfTest.canary }
        }
        return nil
    }

    /// Where `pattern` is in memory that the receiver can write to and the CPU reads: an offset for people.
    func hostOffset(of pattern: [UInt8]) -> Int? {
        receiveMemory.contents.firstOffset(of: pattern) ?? hostPages.contents.firstOffset(of: pattern)
    }

    /// Stops the device and takes every slot back; true when none is missing.
    mutating func shutDown() -> Bool {
        if sender == nil { MACLoopback.disable(driver.device) }
        driver.shutDown(wait: wait)
        queues[0].stop(&hostPool)
        for index in 1..<queues.count { queues[index].stop(&pool) }
        return hostPool.ledger().isBalanced && hostPool.freeCount == hostPool.slotCount
            && pool.freeCount == pool.slotCount
    }
}

/// MAC loopback: the transmitter feeds the receiver, filters included. RCTL.LBM does it (82576 datasheet, section 3.5.6.3), on
/// the 82599 HLREG0.LPBK.
enum MACLoopback {
    static func enable<Device: PCIDevice>(_ device: Device) throws(DriverError) {
        guard let registers = device.bar(0) else { throw .noRegisters }
        set(registers, device, true)
    }

    static func disable<Device: PCIDevice>(_ device: Device) {
        guard let registers = device.bar(0) else { return }
        set(registers, device, false)
    }

    private static func set<Device: PCIDevice>(_ registers: Device.BusType, _ device: Device, _ on: Bool) {
        let identity = device.readConfig32(PCIConfig.identity)
        let family = NICFamily(
            vendor: UInt16(truncatingIfNeeded: identity), device: UInt16(truncatingIfNeeded: identity >> 16))
        if family == .ixgbe {
            registers.modify(I82599.hlreg0) { $0[.loopback] = on }
        } else {
            // RCTL and LBM are in the same place on the 82574.
            registers.modify(I82576.rctl) { $0[.loopback] = on ? 1 : 0 }
        }
    }
}

/// An error of memory, as the driver's.
private func memory<T: ~Copyable>(_ body: () throws(DeviceMemoryError) -> T) throws(DriverError) -> T {
    do {
        return try body()
    } catch {
        throw .memory(error)
    }
}
