internal import DeviceMemory
internal import NICRegisters

/// Which frames pass the MAC.
extension I82576Model {
    /// Whether address and tag let a frame of at least 14 bytes in.
    func accepts(_ frame: ByteView) -> Bool {
        let control = registers[I82576.rctl]
        if control[.vlanFilter] && frame.count >= 16 && frame.be16(12) == 0x8100 {
            let tag = frame.be16(14)
            let identifier = Int(tag & 0xFFF)
            guard registers[I82576.vfta(identifier &>> 5)].rawValue &>> UInt32(identifier & 31) & 1 != 0 else {
                return false
            }
            if control[.canonicalEnable] && (tag & 0x1000 != 0) != control[.canonicalValue] { return false }
        }
        if frame[0] & 1 == 0 {
            if control[.unicastPromiscuous] { return true }
        } else {
            if control[.multicastPromiscuous] { return true }
            if control[.broadcastAccept] && frame.be32(0) == 0xFFFF_FFFF && frame.be16(4) == 0xFFFF { return true }
        }
        if matchesReceiveAddress(frame) { return true }
        return frame[0] & 1 != 0 && matchesMulticastTable(frame, offset: control[.multicastOffset])
    }

    private func matchesReceiveAddress(_ frame: ByteView) -> Bool {
        let low = frame.le32(0)
        let high = UInt32(frame.le16(4)) | 1 << 31
        for i in 0..<I82576.receiveAddressCount
        where registers[I82576.ral(i)].rawValue == low && registers[I82576.rah(i)].rawValue & 0x8000_FFFF == high {
            return true
        }
        return false
    }

    private func matchesMulticastTable(_ frame: ByteView, offset: UInt32) -> Bool {
        // MO selects 12 of the upper 16 bits of the address: 47:36, 46:35, 45:34 or 43:32 (datasheet, RCTL).
        let upper = UInt32(frame.le16(4))
        let shift: UInt32
        switch offset {
        case 0: shift = 4
        case 1: shift = 3
        case 2: shift = 2
        default: shift = 0
        }
        let hash = (upper &>> shift) & 0xFFF
        return registers[I82576.mta(Int(hash &>> 5))].rawValue &>> (hash & 31) & 1 != 0
    }

    /// Whether a frame is longer than the MAC takes; its length is without check sequence.
    func isOversized(_ length: Int, tags: Int) -> Bool {
        if registers[I82576.rctl][.longPackets] { return length &+ 4 > Int(registers[I82576.rlpml].rawValue & 0x3FFF) }
        return length > 1514 &+ tags &* 4
    }
}
