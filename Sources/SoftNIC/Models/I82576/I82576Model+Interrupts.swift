internal import NICRegisters

/// Interrupt registers as state: what a driver that polls, or masks everything, sees.
extension I82576Model {
    /// Raises causes.
    mutating func raise(_ causes: I82576.InterruptCause) {
        var icr = registers[I82576.icr]
        icr.rawValue |= causes.rawValue
        if behaviour.assertsMaskedCauses || icr.rawValue & registers[I82576.ims].rawValue != 0 { icr[.asserted] = true }
        registers[I82576.icr] = icr
    }

    /// A read of a register that is not plain.
    mutating func readInterrupt(_ offset: UInt32) -> UInt32 {
        switch offset {
        case I82576.icr.offset: return readCause()
        case I82576.ics.offset: return registers[I82576.icr].rawValue
        case I82576.imc.offset, I82576.eimc.offset: return 0
        case I82576.eics.offset: return registers[I82576.eicr].rawValue
        case I82576.eicr.offset:
            let value = registers[offset]
            registers[offset] = 0
            return value
        default: return registers[offset]
        }
    }

    /// ICR: whether a read clears depends on mode and mask (datasheet section 8.8.1, interrupt cause read).
    private mutating func readCause() -> UInt32 {
        let value = registers[I82576.icr]
        let mask = registers[I82576.ims]
        let mode = registers[I82576.gpie]
        let always = mode[.clearOnRead]
        if always || mask.rawValue == 0 || value[.asserted] || !mode[.multipleMSIX] {
            registers[I82576.icr] = .init()
        }
        if always || (mask.rawValue != 0 && value[.asserted]) {
            registers[I82576.ims] = .init(rawValue: mask.rawValue & ~registers[I82576.iam].rawValue)
        }
        return value.rawValue
    }

    /// A write of a register that is not plain.
    mutating func writeInterrupt(_ offset: UInt32, _ value: UInt32) {
        switch offset {
        case I82576.icr.offset:
            registers[offset] &= ~value
            if registers[offset] & 0x7FFF_FFFF == 0 { registers[offset] = 0 }
        case I82576.ics.offset: raise(.init(rawValue: value & 0x7FFF_FFFF))
        case I82576.ims.offset: registers[offset] |= value
        case I82576.imc.offset: registers[I82576.ims].rawValue &= ~value
        case I82576.eicr.offset: registers[offset] &= ~value
        case I82576.eics.offset: registers[I82576.eicr].rawValue |= value
        case I82576.eims.offset: registers[offset] |= value
        case I82576.eimc.offset: registers[I82576.eims].rawValue &= ~value
        default: registers[offset] &= ~value
        }
    }

    /// GPIE: vectors set up before the mode do not stick (Linux igb sets the mode first for that reason).
    mutating func writeInterruptMode(_ value: I82576.InterruptMode) {
        if value[.multipleMSIX] && !registers[I82576.gpie][.multipleMSIX] {
            var early = registers[I82576.eims].rawValue | registers[I82576.ivarMisc].rawValue
            for i in 0..<8 { early |= registers[I82576.ivar(i)].rawValue }
            if early != 0 { flag(.modeAfterVectors) }
        }
        registers[I82576.gpie] = value
    }
}
