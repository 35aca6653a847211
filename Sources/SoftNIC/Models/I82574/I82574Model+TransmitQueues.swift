internal import DeviceMemory
internal import NICRegisters

/// Registers of the transmit queues.
extension I82574Model {
    /// A write to the block of a transmit queue.
    mutating func writeTransmitQueue(_ offset: UInt32, _ value: UInt32) {
        let queue = Int(offset &>> 8 & 1)
        let isOn = registers[I82574.tctl][.enable]
        switch offset & 0xFF {
        case 0x00, 0x04, 0x08:
            if isOn && transmitRings[queue].count > 0 { flag(.ringWrittenWhileEnabled, UInt64(offset)) }
            writeRingRegister(offset, value)
            transmitRings[queue].forgetTranslation()
            transmitRings[queue].count = Int(registers[I82574.tdlen(queue)].rawValue) / 16
        case 0x10:
            if isOn { flag(.headWrittenWhileEnabled, UInt64(queue) | 0x1_0000) }
            registers[offset] = value & 0xFFFF
            transmitRings[queue].head = Int(value & 0xFFFF)
            transmitRings[queue].startFrame()
        case 0x18:
            let tail = Int(value & 0xFFFF)
            if tail >= transmitRings[queue].count && tail != 0 { flag(.tailBeyondRing, UInt64(tail)) }
            registers[offset] = value & 0xFFFF
            transmitRings[queue].tail = tail
            if isOn && !registers[I82574.tarc(queue)][.enable] { flag(.transmitArbitrationOff, UInt64(queue)) }
        default: registers[offset] = value
        }
        considerTransmit(queue)
    }

    /// The ring of a queue through the IOMMU.
    mutating func translateTransmitRing(_ queue: Int) -> DescriptorWords? {
        if let words = transmitRings[queue].words { return words }
        let base = registers.address(I82574.tdbal(queue), I82574.tdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: transmitRings[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        transmitRings[queue].words = words
        transmitRings[queue].bytes = bytes
        return words
    }

    /// Notes that a queue may have something to send.
    mutating func considerTransmit(_ queue: Int) {
        let ring = transmitRings[queue]
        let bit = UInt32(1) &<< UInt32(queue)
        let ready =
            registers[I82574.tctl][.enable] && registers[I82574.tarc(queue)][.enable] && ring.head != ring.tail
            && ring.head < ring.count && ring.tail < ring.count
        transmitPending = ready ? transmitPending | bit : transmitPending & ~bit
    }
}
