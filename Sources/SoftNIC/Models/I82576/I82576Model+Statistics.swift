internal import DeviceMemory
internal import NICRegisters

/// Counting of frames, and the registers that tell of it (82576 datasheet, section 8.19).
///
/// Not counted, because this device never sees them: collisions and deferrals, symbol and alignment errors, fragments and
/// jabber with bad check sequences, management frames, and pause frames sent.
extension I82576Model {
    /// A statistics register: a read clears it, and the upper half of a pair clears both.
    mutating func readCounter(_ offset: UInt32) -> UInt32 {
        let value = core.registers[offset]
        switch offset {
        // The pairs that the 82574 does not have.
        case I82576.hgorcl.offset, I82576.hgotcl.offset: return value
        case I82576.hgorch.offset, I82576.hgotch.offset: core.registers[offset &- 4] = 0
        default: break
        }
        return core.readCounter(offset)
    }

    /// Counts a MAC control frame, and says whether it ends here (RCTL.PMCF).
    mutating func endsInMAC(_ frame: ByteView) -> Bool {
        // 01-80-C2-00-00-01 and the type of MAC control (IEEE 802.3, annex 31B).
        guard frame[0] & 1 != 0, frame.be16(12) == 0x8808, frame.be32(0) == 0x0180_C200, frame.be16(4) == 1 else {
            return false
        }
        if frame.be16(14) != 1 {
            registers.count(I82576.fcruc)
        } else {
            registers.count(frame.be16(16) == 0 ? I82576.xonrxc : I82576.xoffrxc)
        }
        return !registers[I82576.rctl][.passMACControl]
    }

    /// A frame was delivered.
    mutating func countDelivered(_ frame: ByteView) {
        core.countReceived(frame)
        registers.count(I82576.rpthc)
        registers.count64(I82576.hgorcl, UInt32(truncatingIfNeeded: frame.count) &+ 4)
        // A length field (IEEE 802.3, up to 1500) that says more than there is.
        let type = frame.be16(12)
        if behaviour.countsDrops && type <= 1500 && Int(type) &+ 14 > frame.count { registers.count(I82576.rlec) }
    }

    /// A frame left; with the link down it was thrown away.
    mutating func countTransmitted(_ frame: ByteView) {
        if !phy.linkUp && behaviour.countsDrops { return registers.count(I82576.htdpmc) }
        core.countSent(frame)
        registers.count(I82576.hgptc)
        registers.count64(I82576.hgotcl, UInt32(truncatingIfNeeded: frame.count) &+ 4)
    }
}
