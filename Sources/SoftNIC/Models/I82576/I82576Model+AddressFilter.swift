internal import DeviceMemory
internal import NICRegisters

/// Which frames pass the MAC.
extension I82576Model {
    /// Whether address and tag let a frame of at least 14 bytes in.
    func accepts(_ frame: ByteView) -> Bool {
        let control = registers[I82576.rctl]
        var filter = AddressFilter()
        filter.unicastPromiscuous = control[.unicastPromiscuous]
        filter.multicastPromiscuous = control[.multicastPromiscuous]
        filter.broadcastAccept = control[.broadcastAccept]
        filter.multicastOffset = control[.multicastOffset]
        filter.vlanFilter = control[.vlanFilter]
        if control[.canonicalEnable] { filter.canonical = control[.canonicalValue] }
        filter.moreAddresses = I82576.ral(16).offset
        filter.moreCount = UInt32(I82576.receiveAddressCount - 16)
        return filter.accepts(frame, core.registers)
    }

    /// Whether a frame is longer than the MAC takes; its length is without check sequence.
    func isOversized(_ length: Int, tags: Int) -> Bool {
        if registers[I82576.rctl][.longPackets] { return length &+ 4 > Int(registers[I82576.rlpml].rawValue & 0x3FFF) }
        return length > 1514 &+ tags &* 4
    }
}
