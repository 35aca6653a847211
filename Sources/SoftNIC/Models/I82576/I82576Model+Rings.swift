internal import DeviceMemory
internal import NICRegisters

/// What receive and transmit rings have in common: where they are, and the registers that say so.
extension I82576Model {
    /// A write to a ring's base (blocks 0x00 and 0x04) or length (0x08).
    mutating func writeRingRegister(_ block: UInt32, _ offset: UInt32, _ value: UInt32, enabled: Bool) {
        if enabled { flag(.ringWrittenWhileEnabled, UInt64(offset)) }
        if block == 0x00 && value & 0x7F != 0 { flag(.ringMisaligned, UInt64(value)) }
        if block == 0x08 && value & 0x7F != 0 { flag(.ringLengthUneven, UInt64(value)) }
        registers[offset] = block == 0x04 ? value : value & ringMask(block)
    }

    /// Which bits a ring's base or length keeps: QEMU keeps more than the datasheet gives.
    private func ringMask(_ block: UInt32) -> UInt32 {
        if block == 0x00 { return behaviour.hasFilters ? ~0x7F : ~0x1F }
        return behaviour.hasFilters ? 0xF_FF80 : 0xF_FFF0
    }
}
