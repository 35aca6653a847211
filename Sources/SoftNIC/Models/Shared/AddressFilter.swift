internal import DeviceMemory

/// Which frames pass the MAC by their addresses and tags: the rule is one for all families, bits and places of tables are not.
struct AddressFilter: BitwiseCopyable {
    /// UPE.
    var unicastPromiscuous = false
    /// MPE.
    var multicastPromiscuous = false
    /// BAM.
    var broadcastAccept = false
    /// MO: which 12 of the upper 16 bits of an address select a bit of the multicast table.
    var multicastOffset: UInt32 = 0
    /// The multicast table looks at unicast addresses too, as in QEMU's e1000e.
    var hashesUnicast = false
    /// The multicast table counts at all (82599: MFE).
    var hashesMulticast = true
    /// VFE: tags must have their bit in the VLAN table.
    var vlanFilter = false
    /// EtherType of a tag.
    var vlanType: UInt16 = 0x8100
    /// CFIEN and CFI: the canonical form bit a tag must have.
    var canonical: Bool?
    /// Byte offsets: of RAL 0 (pairs of words follow), of the multicast table, of the VLAN table.
    var receiveAddresses: UInt32 = 0x5400
    var multicastTable: UInt32 = 0x5200
    var vlanTable: UInt32 = 0x5600
    /// Pairs of RAL and RAH.
    var addressCount: UInt32 = 16
    /// Further pairs elsewhere, and how many.
    var moreAddresses: UInt32 = 0
    var moreCount: UInt32 = 0

    /// Whether address and tag let a frame of at least 14 bytes in.
    func accepts(_ frame: ByteView, _ registers: borrowing RegisterFile) -> Bool {
        if vlanFilter && frame.count >= 16 && frame.be16(12) == vlanType {
            let tag = frame.be16(14)
            let identifier = UInt32(tag & 0xFFF)
            guard registers[vlanTable &+ (identifier &>> 5) &* 4] &>> (identifier & 31) & 1 != 0 else { return false }
            if let canonical, (tag & 0x1000 != 0) != canonical { return false }
        }
        let isGroup = frame[0] & 1 != 0
        if isGroup {
            if multicastPromiscuous { return true }
            if broadcastAccept && frame.be32(0) == 0xFFFF_FFFF && frame.be16(4) == 0xFFFF { return true }
        } else if unicastPromiscuous {
            return true
        }
        if matchesReceiveAddress(frame, registers) { return true }
        return (isGroup ? hashesMulticast : hashesUnicast) && matchesMulticastTable(frame, registers)
    }

    private func matchesReceiveAddress(_ frame: ByteView, _ registers: borrowing RegisterFile) -> Bool {
        let low = frame.le32(0)
        // AV, bit 31.
        let high = UInt32(frame.le16(4)) | 1 << 31
        return Self.contains(low, high, registers, receiveAddresses, addressCount)
            || Self.contains(low, high, registers, moreAddresses, moreCount)
    }

    private static func contains(
        _ low: UInt32, _ high: UInt32, _ registers: borrowing RegisterFile, _ first: UInt32, _ count: UInt32
    ) -> Bool {
        for i in 0..<count {
            let offset = first &+ 8 &* i
            if registers[offset] == low && registers[offset &+ 4] & 0x8000_FFFF == high { return true }
        }
        return false
    }

    private func matchesMulticastTable(_ frame: ByteView, _ registers: borrowing RegisterFile) -> Bool {
        // Bits 47:36, 46:35, 45:34 or 43:32 of the address (datasheets, RCTL.MO and MCSTCTRL.MO).
        let upper = UInt32(frame.le16(4))
        let shift: UInt32
        switch multicastOffset {
        case 0: shift = 4
        case 1: shift = 3
        case 2: shift = 2
        default: shift = 0
        }
        let hash = (upper &>> shift) & 0xFFF
        return registers[multicastTable &+ (hash &>> 5) &* 4] &>> (hash & 31) & 1 != 0
    }
}
