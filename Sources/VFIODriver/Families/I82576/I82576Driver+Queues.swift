internal import NICRegisters
public import DeviceMemory
public import HeaderSplit
public import PagePool
internal import Rings
public import Timeline

extension I82576Driver {
    public static var queueRestart: QueueRestart { .perQueue }
    public var hostSlotBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 16384 }
    public var transmitBufferBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 10240 }

    /// A queue that is bound to nothing takes whole frames into host pages; the others split, with DESCTYPE 5: a frame that fits
    /// the header buffer stays in host memory whole, so ARP, ICMP and pure ACKs never touch the region.
    public func prepareReceiveQueue(
        _ index: Int, memory: QueueMemory, splits: Bool, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility
    ) throws(DriverError) -> ReceiveQueue {
        try arm(
            index, memory, splits ? .headerBuffer(headerBytes) : .slot, registers,
            doorbell: I82576.rdt(index).offset,
            pool: &pool, flushWindow: flushWindow, visibility: visibility)
    }

    public func stopReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        do {
            try disable(index, wait: wait)
        } catch {
            // It still runs: the request is taken back, so that it goes on doing so.
            registers.modify(I82576.rxdctl(index)) { $0[.enable] = true }
            throw error
        }
        // Descriptors already fetched may still complete (ixgbe's practice is the same 100 us).
        wait(.microseconds(100))
        queue.halt()
    }

    private func disable(_ index: Int, wait: (Interval) -> Void) throws(DriverError) {
        try checkQueue(index)
        registers.modify(I82576.rxdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82576.rxdctl(index))[.enable]
        }
    }

    /// Base, length and split control while disabled, then ENABLE, then the tail (4.5.9.1).
    public func startReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        guard queue.isArmed else { throw .queueNotArmed(queue: index) }
        // Queue 0 is enabled by a reset.
        try disable(index, wait: wait)
        let ring = queue.memory.ring
        registers.write(I82576.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82576.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82576.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82576.rdh(index), PlainValue(0))
        registers.write(I82576.rdt(index), PlainValue(0))
        try setUpSplit(index, splits: queue.splits, payloadBytes: queue.payloadBytes)
        // Payload must not overtake: relaxed ordering off for data writes (DCA_RXCTRL bit 13) and descriptors.
        registers.write(I82576.dcaRxctrl(index), PlainValue(0))
        registers.write(I82576.rxdctl(index), .init().setting(.writeBackThreshold, 1).setting(.enable))
        do {
            try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index))
            {
                registers.read(I82576.rxdctl(index))[.enable]
            }
        } catch {
            // Late is as bad as never: memory that is given back must not be written.
            try disable(index, wait: wait)
            throw error
        }
        queue.start()
    }

    private func setUpSplit(_ index: Int, splits: Bool, payloadBytes: Int) throws(DriverError) {
        let type: UInt32 = splits ? 5 : 1
        // BSIZEPKT counts KiB and is kept at or under 16: larger slots are filled by one frame all the same.
        // DROP_EN: without it one full queue stops all (7.1.2, head-of-line blocking).
        registers.write(
            I82576.srrctl(index),
            .init().setting(.packetBufferSize, UInt32(min(payloadBytes / 1024, 16)))
                .setting(.headerBufferSize, UInt32(headerBytes / 64))
                .setting(.descriptorType, type).setting(.dropEnable))
        guard registers.read(I82576.srrctl(index))[.descriptorType] == type else { throw .splitNotKept(queue: index) }
        guard index < 8 else { return }
        // Boundaries after TCP and UDP over both IPs, and after IP for fragments (0x38E).
        registers.write(
            I82576.psrtype(index),
            .init().setting(.ipv4).setting(.ipv4TCP).setting(.ipv4UDP).setting(.ipv6).setting(.ipv6TCP)
                .setting(.ipv6UDP))
    }

    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        var queue = try makeTransmitRing(&memory, registers, doorbell: I82576.tdt(0).offset)
        try startTransmitQueue(&queue, wait: wait)
        return queue
    }

    /// While disabled, then ENABLE (4.5.10).
    public func startTransmitQueue(_ queue: inout TransmitRing, wait: (Interval) -> Void) throws(DriverError) {
        let index = 0
        registers.modify(I82576.txdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82576.txdctl(index))[.enable]
        }
        queue.rearm()
        let ring = queue.ringMemory
        registers.write(I82576.tdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82576.tdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82576.tdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82576.tdh(index), PlainValue(0))
        registers.write(I82576.tdt(index), PlainValue(0))
        registers.write(I82576.txdctl(index), .init().setting(.writeBackThreshold, 1).setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index)) {
            registers.read(I82576.txdctl(index))[.enable]
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
