public import DeviceMemory
public import HeaderSplit
internal import NICRegisters
public import PagePool
internal import Rings
public import Timeline

extension I82599Driver {
    public static var queueRestart: QueueRestart { .perQueue }
    public var hostSlotBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 16384 }
    public var transmitBufferBytes: Int { configuration.mtu + 22 <= 2048 ? 2048 : 10240 }

    /// A queue that is bound to nothing takes whole frames into host pages; the others split with DESCTYPE 5, as on the 82576.
    public func prepareReceiveQueue(
        _ index: Int, memory: QueueMemory, splits: Bool, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility
    ) throws(DriverError) -> ReceiveQueue {
        try arm(
            index, memory, splits ? .headerBuffer(headerBytes) : .slot, registers,
            doorbell: I82599.rdt(index).offset,
            pool: &pool, flushWindow: flushWindow, visibility: visibility)
    }

    public func stopReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        do {
            try disable(index, wait: wait)
        } catch {
            // It still runs: the request is taken back, so that it goes on doing so.
            registers.modify(I82599.rxdctl(index)) { $0[.enable] = true }
            throw error
        }
        // Descriptors already fetched may still complete: public drivers wait as long.
        wait(.microseconds(100))
        queue.halt()
    }

    private func disable(_ index: Int, wait: (Interval) -> Void) throws(DriverError) {
        try checkQueue(index)
        registers.modify(I82599.rxdctl(index)) { $0[.enable] = false }
        try poll(.milliseconds(20), step: .microseconds(100), wait: wait, orElse: .queueDidNotStop(queue: index)) {
            !registers.read(I82599.rxdctl(index))[.enable]
        }
    }

    /// Base and split control only while the queue is disabled, the tail only once it is enabled.
    public func startReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        guard queue.isArmed else { throw .queueNotArmed(queue: index) }
        try disable(index, wait: wait)
        let ring = queue.memory.ring
        registers.write(I82599.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82599.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82599.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82599.rdh(index), PlainValue(0))
        registers.write(I82599.rdt(index), PlainValue(0))
        try setUpSplit(index, splits: queue.splits, payloadBytes: queue.payloadBytes)
        // Bit 12 must be cleared; relaxed ordering off, so that payload does not overtake its descriptor on a common path.
        registers.write(I82599.dcaRxctrl(index), .init())
        registers.write(I82599.rscctl(index), PlainValue(0))
        registers.write(I82599.rxdctl(index), .init().setting(.enable))
        do {
            try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index))
            {
                registers.read(I82599.rxdctl(index))[.enable]
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
        // DROP_EN: a queue without descriptors must not block the packet buffer that all share.
        registers.write(
            I82599.srrctl(index),
            .init().setting(.packetBufferSize, UInt32(min(payloadBytes / 1024, 16)))
                .setting(.headerBufferSize, UInt32(headerBytes / 64))
                .setting(.descriptorType, type).setting(.dropEnable))
        guard registers.read(I82599.srrctl(index))[.descriptorType] == type else { throw .splitNotKept(queue: index) }
        guard index < 16 else { return }
        // Every depth that is known: public drivers write them all, and the deepest header found is the boundary.
        registers.write(
            I82599.psrtype(index),
            .init().setting(.tcp).setting(.udp).setting(.ipv4).setting(.ipv6).setting(.link))
    }

    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        var queue = try makeTransmitRing(&memory, registers, doorbell: I82599.tdt(0).offset)
        try startTransmitQueue(&queue, wait: wait)
        return queue
    }

    public func startTransmitQueue(_ queue: inout TransmitRing, wait: (Interval) -> Void) throws(DriverError) {
        let index = 0
        registers.write(I82599.txdctl(index), .init())
        queue.rearm()
        let ring = queue.ringMemory
        registers.write(I82599.tdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82599.tdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82599.tdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82599.tdh(index), PlainValue(0))
        registers.write(I82599.tdt(index), PlainValue(0))
        // PTHRESH + WTHRESH at most 40 (public drivers); write-back of each descriptor by itself.
        registers.write(
            I82599.txdctl(index),
            .init().setting(.prefetchThreshold, 32).setting(.hostThreshold, 1).setting(.writeBackThreshold, 1)
                .setting(.enable))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .queueDidNotEnable(queue: index)) {
            registers.read(I82599.txdctl(index))[.enable]
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
