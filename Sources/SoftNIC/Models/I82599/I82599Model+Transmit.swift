internal import DeviceMemory
internal import NICRegisters

/// What the 82599 has of its own on the way of a frame to the wire.
extension I82599Model: AdvancedTransmitter {
    mutating func translateTransmitRing(_ queue: Int) -> DescriptorWords? {
        if let words = transmitter.queues[queue].words { return words }
        let base = registers.address(I82599.tdbal(queue), I82599.tdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: transmitter.queues[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        transmitter.queues[queue].words = words
        transmitter.queues[queue].bytes = bytes
        return words
    }

    mutating func showTransmitHead(_ queue: Int, _ index: Int) {
        registers[I82599.tdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: index))
    }

    func transmitHeadAddress(_ queue: Int) -> UInt64? { nil }

    mutating func announceSent(_ queue: Int) { announce(transmitVector(queue)) }

    var sendsToItself: Bool { registers[I82599.hlreg0][.loopback] }

    var transmitTagType: UInt16 { UInt16(truncatingIfNeeded: registers[I82599.vlnctrl][.type]) }

    var padsTransmitted: Bool { registers[I82599.hlreg0][.pad] }

    mutating func countSegmented() {}

    mutating func countTransmitted(_ frame: ByteView) { core.countSent(frame) }
}
