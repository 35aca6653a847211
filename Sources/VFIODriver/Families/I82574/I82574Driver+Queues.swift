public import DeviceMemory
public import HeaderSplit
internal import NICRegisters
public import PagePool
internal import Rings
public import Timeline

extension I82574Driver {
    /// RCTL.EN is not toggled on this part to set a queue up anew (a quirk flag of the family's drivers): a restart is a reset.
    public static var queueRestart: QueueRestart { .wholeDevice }
    private var takesLongFrames: Bool { configuration.mtu > 1500 }
    /// Header buffer and buffer 1, one behind the other.
    public var hostSlotBytes: Int { takesLongFrames ? 32768 : 4096 }
    public var transmitBufferBytes: Int { takesLongFrames ? 10240 : 2048 }

    public func checkSlots(splits: Bool, slotSize: Int) throws(DriverError) {
        try Self.checkSlot(slotSize, mtu: configuration.mtu)
        let needed = (Self.bufferKiB(mtu: configuration.mtu) << 10) + (splits ? 0 : headerBytes)
        guard slotSize >= needed else { throw .slotUnderBuffer(slotSize: slotSize, needed: needed) }
    }

    /// A queue that is bound to nothing takes whole frames into host pages. The device splits those too, so a slot begins with
    /// the header buffer.
    public func prepareReceiveQueue(
        _ index: Int, memory: QueueMemory, splits: Bool, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility
    ) throws(DriverError) -> ReceiveQueue {
        try arm(
            index, memory, splits ? .headerBuffer(headerBytes) : .slotBehindHeader(room: headerBytes), registers,
            doorbell: I82574.rdt(index).offset, pool: &pool, flushWindow: flushWindow, visibility: visibility)
    }

    public func stopReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        throw .noQueueStop(controller: "82574")
    }

    /// The last queue starts the receiver and hands both queues' descriptors over: descriptor type and buffer sizes are latched
    /// by RCTL.EN, for both.
    public func startReceiveQueue(
        _ index: Int, _ queue: inout ReceiveQueue, wait: (Interval) -> Void
    ) throws(DriverError) {
        try checkQueue(index)
        guard queue.isArmed else { throw .queueNotArmed(queue: index) }
        // While the receiver is on a ring must not change: only a reset gives it back.
        guard !registers.read(I82574.rctl)[.enable] else { throw .noQueueStop(controller: "82574") }
        let ring = queue.memory.ring
        registers.write(I82574.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82574.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82574.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82574.rdh(index), PlainValue(0))
        registers.write(I82574.rdt(index), PlainValue(0))
        // Every descriptor is written back by itself and at once. QEMU copies either queue's value to the other.
        registers.write(I82574.rdtr, .init())
        registers.write(I82574.radv, PlainValue(0))
        registers.write(I82574.rxdctl(index), .init().setting(.countsDescriptors).setting(.writeBackThreshold, 1))
        let isLast = index == configuration.splitQueues
        if isLast { try startReceiver() }
        queue.start(ringsTail: isLast)
    }

    /// Enables reception and hands over the descriptors of the queues before the last, which were programmed before.
    private func startReceiver() throws(DriverError) {
        // Without the check sequence: kept, its 4 bytes may need a buffer that is not there (QEMU ends then).
        let control = I82574.ReceiveControl().setting(.broadcastAccept).setting(.stripCRC).setting(.descriptorType, 1)
            .setting(.longPackets, takesLongFrames)
        registers.write(I82574.rctl, control)
        guard registers.read(I82574.rctl)[.descriptorType] == 1 else {
            throw .splitNotKept(queue: configuration.splitQueues)
        }
        registers.write(I82574.rctl, control.setting(.enable))
        let last = UInt32(configuration.receiveDescriptors - 1) * PacketSplitFormat.tailUnit
        for index in 0..<configuration.splitQueues {
            Doorbell(offset: I82574.rdt(index).offset).ring(last, on: registers)
        }
    }

    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        var queue = try makeTransmitRing(&memory, registers, doorbell: I82574.tdt(0).offset)
        try startTransmitQueue(&queue, wait: wait)
        return queue
    }

    /// Gives an armed transmit queue to the device and starts the transmitter.
    public func startTransmitQueue(_ queue: inout TransmitRing, wait: (Interval) -> Void) throws(DriverError) {
        registers.modify(I82574.tctl) { $0[.enable] = false }
        queue.rearm()
        let ring = queue.ringMemory
        registers.write(I82574.tdbal(0), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82574.tdbah(0), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82574.tdlen(0), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82574.tdh(0), PlainValue(0))
        registers.write(I82574.tdt(0), PlainValue(0))
        registers.write(I82574.tidv, PlainValue(0))
        registers.write(I82574.tadv, PlainValue(0))
        // Both queues alike although one is used, and bit 22 set: errata.
        for index in 0..<I82574.queueCount {
            registers.write(
                I82574.txdctl(index),
                .init().setting(.granularity).setting(.writeBackThreshold, 1).setting(.countDescriptors))
        }
        // Read, changed and written: bit 10, set by the reset, lets the queue send.
        registers.modify(I82574.tarc(0)) {
            $0[.workaround30] = 0
            $0[.workaround26] = true
        }
        // 8, 8 and 6 byte times: what copper needs.
        registers.write(I82574.tipg, PlainValue(8 | 8 << 10 | 6 << 20))
        registers.write(
            I82574.tctl,
            .init().setting(.enable).setting(.padShortPackets).setting(.collisionThreshold, 0xF)
                .setting(.collisionDistance, 0x3F))
    }
}
