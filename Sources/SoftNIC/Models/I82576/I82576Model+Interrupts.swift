internal import NICRegisters
internal import Timeline

/// Causes, vectors, and the messages that follow from them (82576 datasheet, section 7.3).
extension I82576Model {
    /// How interrupts leave the function.
    private enum Delivery {
        /// MSI-X with GPIE.Multiple_MSIX: vectors by IVAR.
        case vectors
        /// MSI, or MSI-X without the mode: one message for every enabled cause.
        case single
        /// Neither: nobody hears.
        case nowhere
    }

    private var delivery: Delivery {
        if core.configuration.vectorsEnabled {
            return core.registers[I82576.gpie][.multipleMSIX] ? .vectors : .single
        }
        return core.configuration.messageEnabled ? .single : .nowhere
    }

    /// Vectors exist in hardware beyond those that MSI-X shows.
    private var vectorMask: UInt32 { (1 << VectorThrottle.vectors) - 1 }

    /// Raises causes and vectors; `isImmediate`: the throttle does not apply.
    mutating func raise(_ causes: I82576.InterruptCause, vectors: UInt32 = 0, isImmediate: Bool = false) {
        let mask = core.registers[I82576.ims].rawValue
        let enabled = core.registers[I82576.eims].rawValue
        var icr = core.registers[I82576.icr]
        let oldCauses = icr.rawValue & mask
        icr.rawValue |= causes.rawValue
        // An immediate vector fires although it is pending behind its throttle.
        let oldVectors = core.registers[I82576.eicr].rawValue & enabled & ~(isImmediate ? vectors : 0)
        if vectors != 0 { core.registers[I82576.eicr].rawValue |= vectors & vectorMask }
        // With vectors of its own the cause register says nothing about messages (observed on QEMU 10's igb).
        let isWanted = behaviour.assertsMaskedCauses || icr.rawValue & mask != 0
        if isWanted && delivery != .vectors { icr[.asserted] = true }
        core.registers[I82576.icr] = icr
        if mask | enabled != 0 { signal(since: oldCauses, oldVectors, isImmediate: isImmediate) }
    }

    /// Sends messages for what is pending and enabled now and was not before.
    private mutating func signal(since oldCauses: UInt32, _ oldVectors: UInt32, isImmediate: Bool = false) {
        let causes =
            core.registers[I82576.icr].rawValue & core.registers[I82576.ims].rawValue & ~oldCauses & 0x7FFF_FFFF
        switch delivery {
        case .vectors:
            if causes != 0, let vector = Self.vector(core.registers[I82576.ivarMisc].rawValue &>> 8) {
                core.registers[I82576.eicr].rawValue |= vector
            }
            var due = core.registers[I82576.eicr].rawValue & core.registers[I82576.eims].rawValue & ~oldVectors
            while due != 0 {
                let vector = UInt32(due.trailingZeroBitCount)
                due &= due &- 1
                if isImmediate || throttle.admits(vector, now: core.now) { sendMessage(vector) }
            }
        case .single:
            if causes != 0 && (isImmediate || throttle.admits(0, now: core.now)) { sendMessage(0) }
        case .nowhere:
            if causes != 0 { flag(.interruptUnrouted, UInt64(causes)) }
        }
    }

    /// The message of a vector leaves: EIAC clears its bit, EIAM masks vectors.
    private mutating func sendMessage(_ vector: UInt32) {
        // In steps of 1 us (QEMU's igb, and Linux igb's use of it).
        let interval = UInt64(core.registers[I82576.eitr(Int(vector))][.interval])
        throttle.fired(vector, now: core.now, interval: .microseconds(interval))
        core.registers.count(I82576.iac)
        if core.configuration.mastersBus {
            if core.configuration.vectorsEnabled {
                if !core.vectors.send(Int(vector), isHeld: core.configuration.holdsVectors) {
                    flag(.vectorBeyondTable, UInt64(vector))
                }
            } else {
                core.vectors.sendSingle()
            }
        }
        guard delivery == .vectors else { return }
        let bit = UInt32(1) &<< vector
        core.registers[I82576.eicr].rawValue &= ~(core.registers[I82576.eiac].rawValue & bit)
        if behaviour.masksVectorsItself && core.registers[I82576.gpie][.autoMaskEnable] {
            core.registers[I82576.eims].rawValue &= ~(core.registers[I82576.eiam].rawValue & bit)
        }
    }

    /// Sends what the throttle held back until now; true if there was something.
    mutating func sendThrottled() -> Bool {
        guard throttle.waiting != 0 else { return false }
        var worked = false
        while let vector = throttle.due(now: core.now) {
            worked = true
            sendMessage(vector)
        }
        return worked
    }

    /// The bit of the vector that an IVAR entry names; `nil` when the entry is not valid.
    private static func vector(_ entry: UInt32) -> UInt32? {
        entry & 0x80 == 0 ? nil : 1 &<< (entry & 0x1F)
    }

    /// The vector of a receive queue as a bit; 0 is none.
    func receiveVector(_ queue: Int) -> UInt32 {
        let entries = core.registers[I82576.ivar(queue & 7)]
        return Self.vector(queue < 8 ? entries[.receiveLow] : entries[.receiveHigh]) ?? 0
    }

    /// The vector of a transmit queue as a bit; 0 is none.
    func transmitVector(_ queue: Int) -> UInt32 {
        let entries = core.registers[I82576.ivar(queue & 7)]
        return Self.vector(queue < 8 ? entries[.transmitLow] : entries[.transmitHigh]) ?? 0
    }

    // MARK: registers

    /// A read of a register that is not plain.
    mutating func readInterrupt(_ offset: UInt32) -> UInt32 {
        switch offset {
        case I82576.icr.offset: return readCause()
        case I82576.ics.offset: return core.registers[I82576.icr].rawValue
        case I82576.imc.offset, I82576.eimc.offset, I82576.eics.offset: return 0
        case I82576.eicr.offset:
            let value = core.registers[offset]
            core.registers[offset] = 0
            return value
        default: return core.registers[offset]
        }
    }

    /// ICR: whether a read clears depends on mode and mask (datasheet section 8.8.1, interrupt cause read).
    private mutating func readCause() -> UInt32 {
        let value = core.registers[I82576.icr]
        let mask = core.registers[I82576.ims]
        let mode = core.registers[I82576.gpie]
        let always = mode[.clearOnRead]
        if always || mask.rawValue == 0 || value[.asserted] || !mode[.multipleMSIX] {
            core.registers[I82576.icr] = .init()
        }
        if always || (mask.rawValue != 0 && value[.asserted]) {
            core.registers[I82576.ims] = .init(rawValue: mask.rawValue & ~core.registers[I82576.iam].rawValue)
        }
        return value.rawValue
    }

    /// A write of a register that is not plain.
    mutating func writeInterrupt(_ offset: UInt32, _ value: UInt32) {
        let oldCauses = core.registers[I82576.icr].rawValue & core.registers[I82576.ims].rawValue
        let oldVectors = core.registers[I82576.eicr].rawValue & core.registers[I82576.eims].rawValue
        switch offset {
        case I82576.icr.offset:
            core.registers[offset] &= ~value
            if core.registers[offset] & 0x7FFF_FFFF == 0 { core.registers[offset] = 0 }
        case I82576.ics.offset: raise(.init(rawValue: value & 0x7FFF_FFFF))
        case I82576.ims.offset:
            core.registers[offset] |= value
            signal(since: oldCauses, oldVectors)
        case I82576.imc.offset: core.registers[I82576.ims].rawValue &= ~value
        case I82576.eicr.offset: core.registers[offset] &= ~value
        case I82576.eics.offset: raise(.init(), vectors: value)
        case I82576.eims.offset:
            core.registers[offset] |= value
            signal(since: oldCauses, oldVectors)
        case I82576.eimc.offset: core.registers[I82576.eims].rawValue &= ~value
        default: core.registers[offset] &= ~value
        }
    }

    /// GPIE: vectors set up before the mode do not stick (Linux igb sets the mode first for that reason).
    mutating func writeInterruptMode(_ value: I82576.InterruptMode) {
        if value[.multipleMSIX] && !core.registers[I82576.gpie][.multipleMSIX] {
            var early = core.registers[I82576.eims].rawValue | core.registers[I82576.ivarMisc].rawValue
            for i in 0..<8 { early |= core.registers[I82576.ivar(i)].rawValue }
            if early != 0 { flag(.modeAfterVectors) }
        }
        core.registers[I82576.gpie] = value
    }

    /// IVAR and IVAR_MISC: an entry that names a vector which MSI-X does not have.
    mutating func writeVectorAllocation(_ offset: UInt32, _ value: UInt32) {
        core.registers[offset] = value
        guard core.vectors.count > 0 else { return }
        for byte in 0..<UInt32(4) {
            let entry = value &>> (byte * 8) & 0xFF
            if entry & 0x80 != 0 && Int(entry & 0x1F) >= core.vectors.count {
                flag(.vectorBeyondTable, UInt64(entry & 0x1F))
            }
        }
    }

    /// EITR: the counter starts over unless CNT_INGR is set.
    mutating func writeThrottle(_ offset: UInt32, _ value: I82576.InterruptThrottle) {
        core.registers[offset] = value.setting(.keepCounter, false).rawValue
        if !value[.keepCounter] { throttle.restart((offset &- 0x1680) / 4, now: core.now) }
    }
}
