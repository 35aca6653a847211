internal import DeviceMemory
internal import NICRegisters

/// What the 82576 has of its own on the way of a frame to the wire.
extension I82576Model: AdvancedTransmitter {
    mutating func showTransmitHead(_ queue: Int, _ index: Int) {
        registers[I82576.tdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: index))
    }

    func transmitHeadAddress(_ queue: Int) -> UInt64? {
        let low = registers[I82576.tdwbal(queue)]
        guard low[.enable] else { return nil }
        return UInt64(low.rawValue & ~3) | UInt64(registers[I82576.tdwbah(queue)].rawValue) &<< 32
    }

    /// TXDW, and the queue's vector; QEMU's model raises neither unless the vector is valid.
    mutating func announceSent(_ queue: Int) {
        let vector = transmitVector(queue)
        if behaviour.reportsSentByVector && vector == 0 { return }
        announce(.init().setting(.transmitDone), vector)
    }

    var sendsToItself: Bool { registers[I82576.rctl][.loopback] == 1 }

    var transmitTagType: UInt16 { UInt16(truncatingIfNeeded: registers[I82576.vet].rawValue) }

    var padsTransmitted: Bool { registers[I82576.tctl][.padShortPackets] }

    mutating func countSegmented() { registers.count(I82576.tsctc) }
}
