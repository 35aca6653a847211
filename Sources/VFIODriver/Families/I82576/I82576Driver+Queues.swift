internal import NICRegisters
public import DeviceMemory
public import HeaderSplit
public import PagePool
internal import Rings
public import Timeline

extension I82576Driver {
    public var hostSlotBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 16384 }
    /// Size of a transmit buffer in bytes.
    private var transmitBufferBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 10240 }

    public var hostBytes: Int {
        let rings = (configuration.splitQueues + 1) * configuration.receiveDescriptors * AdvancedSplitFormat.stride
        let headers =
            configuration.splitQueues * configuration.receiveDescriptors
            * ReceiveQueue.headerStride(headerBytes)
        let transmit =
            configuration.transmitDescriptors * (AdvancedTransmitFormat.stride + transmitBufferBytes)
        // Each block may start on a fresh page.
        return rings + headers + transmit + 4096 * (2 * configuration.splitQueues + 8)
    }

    /// Sets up receive queue `index`, fills it from `pool` and starts it (4.5.9.1).
    ///
    /// Queue 0 takes whole frames into host pages; the others split, with DESCTYPE 5: a frame that fits the header buffer
    /// stays in host memory whole, so ARP, ICMP and pure ACKs never touch the region.
    public func makeReceiveQueue(
        _ index: Int, memory: inout HostMemory, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility, wait: (Interval) -> Void
    ) throws(DriverError) -> ReceiveQueue {
        registers.modify(I82576.rxdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82576.rxdctl(index))[.enable]
        }
        let ring = try block(&memory, configuration.receiveDescriptors * AdvancedSplitFormat.stride)
        let placement: HeaderPlacement = index == 0 ? .slot : .headerBuffer(headerBytes)
        let stride = ReceiveQueue.headerStride(headerBytes)
        let headers = index == 0 ? ring : try block(&memory, configuration.receiveDescriptors * stride)
        registers.write(I82576.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82576.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82576.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82576.rdh(index), PlainValue(0))
        registers.write(I82576.rdt(index), PlainValue(0))
        // BSIZEPKT counts KiB and is kept at or under 16: larger slots are filled by one frame all the same.
        let packetKiB = UInt32(min(pool.slotSize / 1024, 16))
        // DROP_EN: without it one full queue stops all (7.1.2, head-of-line blocking).
        registers.write(
            I82576.srrctl(index),
            .init().setting(.packetBufferSize, packetKiB)
                .setting(.headerBufferSize, UInt32(headerBytes / 64))
                .setting(.descriptorType, index == 0 ? 1 : 5).setting(.dropEnable))
        if index < 8 {
            // Boundaries after TCP and UDP over both IPs, and after IP for fragments (0x38E).
            registers.write(
                I82576.psrtype(index),
                .init().setting(.ipv4).setting(.ipv4TCP).setting(.ipv4UDP).setting(.ipv6).setting(.ipv6TCP)
                    .setting(.ipv6UDP))
        }
        // Payload must not overtake: relaxed ordering off for data writes (DCA_RXCTRL bit 13) and descriptors.
        registers.write(I82576.dcaRxctrl(index), PlainValue(0))
        registers.write(I82576.rxdctl(index), .init().setting(.writeBackThreshold, 1).setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index)) {
            registers.read(I82576.rxdctl(index))[.enable]
        }
        do {
            var queue = try ReceiveQueue(
                ring: ring, headers: headers, placement: placement,
                doorbell: Doorbell(offset: I82576.rdt(index).offset), bus: registers, flushWindow: flushWindow,
                visibility: index == 0 ? .coherent : visibility, pool: &pool)
            queue.start()
            return queue
        } catch {
            registers.modify(I82576.rxdctl(index)) { $0[.enable] = false }
            throw .split(error)
        }
    }

    /// Sets up the transmit queue (4.5.10).
    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        let index = 0
        registers.modify(I82576.txdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82576.txdctl(index))[.enable]
        }
        let count = configuration.transmitDescriptors
        let ring = try block(&memory, count * AdvancedTransmitFormat.stride)
        let buffers = try block(&memory, count * transmitBufferBytes)
        registers.write(I82576.tdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82576.tdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82576.tdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82576.tdh(index), PlainValue(0))
        registers.write(I82576.tdt(index), PlainValue(0))
        registers.write(I82576.txdctl(index), .init().setting(.writeBackThreshold, 1).setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index)) {
            registers.read(I82576.txdctl(index))[.enable]
        }
        do {
            return try TransmitRing(
                ring: ring, buffers: buffers, bufferSize: transmitBufferBytes,
                doorbell: Doorbell(offset: I82576.tdt(index).offset), bus: registers)
        } catch {
            throw .split(error)
        }
    }

    /// Stops every queue, waits for descriptors in flight, and resets the device: afterwards it writes nowhere, and
    /// posted slots may be taken back and memory unmapped.
    public func shutDown(wait: (Interval) -> Void) {
        registers.modify(I82576.rctl) { $0[.enable] = false }
        registers.modify(I82576.tctl) { $0[.enable] = false }
        for index in 0...configuration.splitQueues {
            registers.modify(I82576.rxdctl(index)) { $0[.enable] = false }
        }
        registers.modify(I82576.txdctl(0)) { $0[.enable] = false }
        for _ in 0..<200 {
            var running = registers.read(I82576.txdctl(0))[.enable]
            for index in 0...configuration.splitQueues where registers.read(I82576.rxdctl(index))[.enable] {
                running = true
            }
            if !running { break }
            wait(.microseconds(100))
        }
        // Descriptors already fetched may still complete (ixgbe's practice is the same 100 us).
        wait(.microseconds(100))
        registers.modify(I82576.ctrl) { $0[.reset] = true }
        wait(.milliseconds(1))
        device.writeConfig32(
            PCIConfig.command, device.readConfig32(PCIConfig.command) & 0xFFFF & ~PCIConfig.commandBusMaster)
    }
}
