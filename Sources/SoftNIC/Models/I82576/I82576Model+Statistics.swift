internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Counting of frames, and the registers that tell of it (82576 datasheet, section 8.19).
///
/// Not counted, because this device never sees them: collisions and deferrals, symbol and alignment errors, fragments and
/// jabber with bad check sequences, management frames, and pause frames sent.
extension I82576Model {
    /// A statistics register: a read clears it, and the upper half of a pair clears both.
    mutating func readCounter(_ offset: UInt32) -> UInt32 {
        noteStatisticsRead()
        let value = registers[offset]
        switch offset {
        case I82576.gorcl.offset, I82576.gotcl.offset, I82576.torl.offset, I82576.totl.offset, I82576.hgorcl.offset,
            I82576.hgotcl.offset:
            break
        case I82576.gorch.offset, I82576.gotch.offset, I82576.torh.offset, I82576.toth.offset, I82576.hgorch.offset,
            I82576.hgotch.offset:
            registers[offset] = 0
            registers[offset &- 4] = 0
        default: registers[offset] = 0
        }
        return value
    }

    /// A driver that reads counters between packets: more than three full sets within a millisecond.
    private mutating func noteStatisticsRead() {
        if now - statisticsFrom > .milliseconds(1) {
            statisticsFrom = now
            statisticsReads = 0
        }
        statisticsReads &+= 1
        if statisticsReads == 257 { flag(.statisticsPolled) }
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

    mutating func countReceived(_ frame: ByteView) {
        let length = UInt32(truncatingIfNeeded: frame.count) &+ 4
        registers.count(I82576.gprc)
        registers.count(I82576.rpthc)
        registers.count64(I82576.gorcl, length)
        registers.count64(I82576.hgorcl, length)
        if frame[0] & 1 != 0 {
            let isBroadcast = frame.be32(0) == 0xFFFF_FFFF && frame.be16(4) == 0xFFFF
            registers.count(isBroadcast ? I82576.bprc : I82576.mprc)
        }
        registers.count(sizeClass(length, from: I82576.prc64))
        // A length field (IEEE 802.3, up to 1500) that says more than there is.
        let type = frame.be16(12)
        if behaviour.countsDrops && type <= 1500 && Int(type) &+ 14 > frame.count { registers.count(I82576.rlec) }
    }

    /// The counter for frames of `length` bytes among six that follow `first`.
    func sizeClass(_ length: UInt32, from first: Register<PlainValue>) -> Register<PlainValue> {
        let index: UInt32
        switch length {
        case ...64: index = 0
        case ...127: index = 1
        case ...255: index = 2
        case ...511: index = 3
        case ...1023: index = 4
        default: index = 5
        }
        return Register(first.offset &+ index &* 4, first.name, first.access)
    }
}
