public import DeviceMemory
public import HeaderSplit
internal import NICRegisters
public import PagePool
internal import Rings
public import Timeline

extension I82574Driver {
    private var takesLongFrames: Bool { configuration.mtu > 1500 }
    /// Header buffer and buffer 1, one behind the other.
    public var hostSlotBytes: Int { takesLongFrames ? 32768 : 4096 }
    /// Size of a transmit buffer in bytes.
    private var transmitBufferBytes: Int { takesLongFrames ? 10240 : 2048 }

    public var hostBytes: Int {
        let queues = configuration.splitQueues + 1
        let rings = queues * configuration.receiveDescriptors * PacketSplitFormat.stride
        let headers =
            configuration.splitQueues * configuration.receiveDescriptors * ReceiveQueue.headerStride(headerBytes)
        let transmit = configuration.transmitDescriptors * (ExtendedTransmitFormat.stride + transmitBufferBytes)
        // Each block may start on a fresh page.
        return rings + headers + transmit + 4096 * (2 * queues + 4)
    }

    /// Sets up receive queue `index` and fills it from `pool`. The last one starts the receiver and hands both queues'
    /// descriptors over: descriptor type and buffer sizes are latched by RCTL.EN, for both.
    ///
    /// Queue 0 takes whole frames into host pages. The device splits those too, so a slot begins with the header buffer.
    public func makeReceiveQueue(
        _ index: Int, memory: inout HostMemory, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility, wait: (Interval) -> Void
    ) throws(DriverError) -> ReceiveQueue {
        let ring = try block(&memory, configuration.receiveDescriptors * PacketSplitFormat.stride)
        let slab = configuration.receiveDescriptors * ReceiveQueue.headerStride(headerBytes)
        let headers = index == 0 ? ring : try block(&memory, slab)
        registers.write(I82574.rdbal(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue)))
        registers.write(I82574.rdbah(index), PlainValue(UInt32(truncatingIfNeeded: ring.iova.rawValue >> 32)))
        registers.write(I82574.rdlen(index), PlainValue(UInt32(ring.bytes.count)))
        registers.write(I82574.rdh(index), PlainValue(0))
        registers.write(I82574.rdt(index), PlainValue(0))
        // Every descriptor is written back by itself and at once. QEMU copies either queue's value to the other.
        registers.write(I82574.rdtr, .init())
        registers.write(I82574.radv, PlainValue(0))
        registers.write(I82574.rxdctl(index), .init().setting(.countsDescriptors).setting(.writeBackThreshold, 1))
        do {
            var queue = try ReceiveQueue(
                ring: ring, headers: headers,
                placement: index == 0 ? .slotBehindHeader(room: headerBytes) : .headerBuffer(headerBytes),
                doorbell: doorbell(index), bus: registers, flushWindow: flushWindow,
                visibility: index == 0 ? .coherent : visibility, pool: &pool)
            if index == configuration.splitQueues {
                startReceiver()
                queue.start()
            }
            return queue
        } catch {
            throw .split(error)
        }
    }

    private func doorbell(_ index: Int) -> Doorbell { Doorbell(offset: I82574.rdt(index).offset) }

    /// Enables reception and hands over the descriptors of the queues before the last, which were armed when they were made.
    private func startReceiver() {
        // Without the check sequence: kept, its 4 bytes may need a buffer that is not there (QEMU ends then).
        registers.write(
            I82574.rctl,
            .init().setting(.enable).setting(.broadcastAccept).setting(.stripCRC).setting(.descriptorType, 1)
                .setting(.longPackets, takesLongFrames))
        let last = UInt32(configuration.receiveDescriptors - 1) * PacketSplitFormat.tailUnit
        for index in 0..<configuration.splitQueues { doorbell(index).ring(last, on: registers) }
    }

    /// Sets up the transmit queue and starts the transmitter.
    public func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitRing {
        let count = configuration.transmitDescriptors
        let ring = try block(&memory, count * ExtendedTransmitFormat.stride)
        let buffers = try block(&memory, count * transmitBufferBytes)
        registers.modify(I82574.tctl) { $0[.enable] = false }
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
        do {
            return try TransmitRing(
                ring: ring, buffers: buffers, bufferSize: transmitBufferBytes,
                doorbell: Doorbell(offset: I82574.tdt(0).offset), bus: registers)
        } catch {
            throw .split(error)
        }
    }
}
