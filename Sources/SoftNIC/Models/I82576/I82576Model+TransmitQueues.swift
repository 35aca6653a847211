internal import DeviceMemory
internal import NICRegisters

/// Registers of the transmit queues.
extension I82576Model {
    /// Takes over ring and tail.
    mutating func reloadTransmitQueue(_ queue: Int) {
        transmitter.queues[queue].count = Int(registers[I82576.tdlen(queue)].rawValue) / 16
        transmitter.queues[queue].head = Int(registers[I82576.tdh(queue)].rawValue)
        transmitter.queues[queue].tail = Int(registers[I82576.tdt(queue)].rawValue)
    }

    /// The ring of a queue through the IOMMU.
    mutating func translateTransmitRing(_ queue: Int) -> DescriptorWords? {
        if let words = transmitter.queues[queue].words { return words }
        let base = registers.address(I82576.tdbal(queue), I82576.tdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: transmitter.queues[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        transmitter.queues[queue].words = words
        transmitter.queues[queue].bytes = bytes
        return words
    }

    mutating func writeTransmitQueue(_ queue: Int, _ block: UInt32, _ offset: UInt32, _ value: UInt32) {
        let enabled = transmitter.queues[queue].enabled
        switch block {
        case 0x00, 0x04, 0x08:
            writeRingRegister(block, offset, value, enabled: enabled)
            transmitter.queues[queue].forgetTranslation()
            reloadTransmitQueue(queue)
            considerTransmit(queue)
        case 0x10:
            if enabled { flag(.headWrittenWhileEnabled, UInt64(queue)) }
            registers[offset] = value & 0xFFFF
            transmitter.queues[queue].head = Int(value & 0xFFFF)
            transmitter.queues[queue].startFrame()
            considerTransmit(queue)
        case 0x18: writeTransmitTail(queue, value & 0xFFFF)
        case 0x28: writeTransmitDescriptorControl(queue, .init(rawValue: value))
        default: registers[offset] = value
        }
    }

    private mutating func writeTransmitTail(_ queue: Int, _ tail: UInt32) {
        if !transmitter.queues[queue].enabled {
            if tail != 0 { flag(.tailWhileDisabled, UInt64(queue)) }
            if tail != 0 && !behaviour.keepsTailOfDisabledQueue { return }
        } else if Int(tail) >= transmitter.queues[queue].count && tail != 0 {
            flag(.tailBeyondRing, UInt64(tail))
        }
        registers[I82576.tdt(queue)] = PlainValue(tail)
        transmitter.queues[queue].tail = Int(tail)
        considerTransmit(queue)
    }

    /// Notes that a queue may have something to send.
    mutating func considerTransmit(_ queue: Int) {
        transmitter.consider(queue, isOn: registers[I82576.tctl][.enable])
    }
}
