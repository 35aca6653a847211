public import DeviceMemory
public import HeaderSplit
internal import NICRegisters
public import PagePool
internal import Rings
public import Timeline

extension I82599Driver {
    public var hostSlotBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 16384 }
    private var transmitBufferBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 10240 }

    public var hostBytes: Int {
        let rings = (configuration.splitQueues + 1) * configuration.receiveDescriptors * TenGigabitSplitFormat.stride
        let headers =
            configuration.splitQueues * configuration.receiveDescriptors * ReceiveQueue.headerStride(headerBytes)
        let transmit = configuration.transmitDescriptors * (AdvancedTransmitFormat.stride + transmitBufferBytes)
        // Each block may start on a fresh page.
        return rings + headers + transmit + 4096 * (2 * configuration.splitQueues + 8)
    }

    /// Sets up receive queue `index`: base and split control only while it is disabled, the tail only once it is enabled.
    ///
    /// Queue 0 takes whole frames into host pages; the others split with DESCTYPE 5, as on the 82576.
    public func makeReceiveQueue(
        _ index: Int, memory: inout HostMemory, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility, wait: (Interval) -> Void
    ) throws(DriverError) -> ReceiveQueue {
        registers.modify(I82599.rxdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82599.rxdctl(index))[.enable]
        }
        let ring = try block(&memory, configuration.receiveDescriptors * TenGigabitSplitFormat.stride)
        let stride = ReceiveQueue.headerStride(headerBytes)
        let headers = index == 0 ? ring : try block(&memory, configuration.receiveDescriptors * stride)
        registers.write(I82599.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82599.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82599.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82599.rdh(index), PlainValue(0))
        registers.write(I82599.rdt(index), PlainValue(0))
        // DROP_EN: a queue without descriptors must not block the packet buffer that all share.
        registers.write(
            I82599.srrctl(index),
            .init().setting(.packetBufferSize, UInt32(min(pool.slotSize / 1024, 16)))
                .setting(.headerBufferSize, UInt32(headerBytes / 64))
                .setting(.descriptorType, index == 0 ? 1 : 5).setting(.dropEnable))
        if index < 16 {
            // Every depth that is known: public drivers write them all, and the deepest header found is the boundary.
            registers.write(
                I82599.psrtype(index),
                .init().setting(.tcp).setting(.udp).setting(.ipv4).setting(.ipv6).setting(.link))
        }
        // Bit 12 must be cleared; relaxed ordering off, so that payload does not overtake its descriptor on a common path.
        registers.write(I82599.dcaRxctrl(index), .init())
        registers.write(I82599.rscctl(index), PlainValue(0))
        registers.write(I82599.rxdctl(index), .init().setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index)) {
            registers.read(I82599.rxdctl(index))[.enable]
        }
        do {
            var queue = try ReceiveQueue(
                ring: ring, headers: headers, placement: index == 0 ? .slot : .headerBuffer(headerBytes),
                doorbell: Doorbell(offset: I82599.rdt(index).offset), bus: registers, flushWindow: flushWindow,
                visibility: index == 0 ? .coherent : visibility, pool: &pool)
            queue.start()
            return queue
        } catch {
            registers.modify(I82599.rxdctl(index)) { $0[.enable] = false }
            throw .split(error)
        }
    }

    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        let queue = 0
        registers.write(I82599.txdctl(queue), .init())
        let count = configuration.transmitDescriptors
        let ring = try block(&memory, count * AdvancedTransmitFormat.stride)
        let buffers = try block(&memory, count * transmitBufferBytes)
        registers.write(I82599.tdbal(queue), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82599.tdbah(queue), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82599.tdlen(queue), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82599.tdh(queue), PlainValue(0))
        registers.write(I82599.tdt(queue), PlainValue(0))
        // PTHRESH + WTHRESH at most 40 (public drivers); write-back of each descriptor by itself.
        registers.write(
            I82599.txdctl(queue),
            .init().setting(.prefetchThreshold, 32).setting(.hostThreshold, 1).setting(.writeBackThreshold, 1)
                .setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: queue)) {
            registers.read(I82599.txdctl(queue))[.enable]
        }
        do {
            return try TransmitRing(
                ring: ring, buffers: buffers, bufferSize: transmitBufferBytes,
                doorbell: Doorbell(offset: I82599.tdt(queue).offset), bus: registers)
        } catch {
            throw .split(error)
        }
    }

    public func shutDown(wait: (Interval) -> Void) {
        registers.modify(I82599.rxctrl) { $0[.enable] = false }
        for index in 0...configuration.splitQueues {
            registers.modify(I82599.rxdctl(index)) { $0[.enable] = false }
        }
        registers.modify(I82599.txdctl(0)) { $0[.enable] = false }
        for _ in 0..<200 {
            var running = registers.read(I82599.txdctl(0))[.enable]
            for index in 0...configuration.splitQueues where registers.read(I82599.rxdctl(index))[.enable] {
                running = true
            }
            if !running { break }
            wait(.microseconds(100))
        }
        // Descriptors already fetched may still complete: public drivers wait as long.
        wait(.microseconds(100))
        registers.modify(I82599.ctrl) { $0[.reset] = true }
        wait(.milliseconds(1))
        device.writeConfig32(
            PCIConfig.command, device.readConfig32(PCIConfig.command) & 0xFFFF & ~PCIConfig.commandBusMaster)
    }
}
