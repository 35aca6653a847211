internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Causes, vectors, and the messages that follow from them.
///
/// EICR has a bit for each of vectors 0 to 15, and other causes above; messages of these vectors are modelled.
extension I82599Model {
    /// Raises causes: bits of EICR.
    mutating func raise(_ causes: UInt32) {
        guard causes != 0 else { return }
        let mask = core.registers[I82599.eims].rawValue
        let before = core.registers[I82599.eicr].rawValue & mask
        core.registers[I82599.eicr].rawValue |= causes
        signal(core.registers[I82599.eicr].rawValue & mask & ~before)
    }

    /// Raises causes after the done bits that are still on their way.
    mutating func announce(_ causes: UInt32) {
        if pendingDone.isEmpty { return raise(causes) }
        lateCauses |= causes
    }

    /// Sends the messages of newly enabled `causes`.
    private mutating func signal(_ causes: UInt32) {
        guard causes != 0 else { return }
        guard core.configuration.vectorsEnabled && core.registers[I82599.gpie][.multipleMSIX] else {
            guard core.configuration.vectorsEnabled || core.configuration.messageEnabled else {
                return flag(.interruptUnrouted, UInt64(causes))
            }
            if throttle.admits(0, now: core.now) { sendMessage(0) }
            return
        }
        var due = causes & 0xFFFF
        // Other causes have the vector that IVAR_MISC names in its second byte.
        if causes &>> 16 != 0 { due |= Self.vector(core.registers[I82599.ivarMisc].rawValue &>> 8) }
        while due != 0 {
            let vector = UInt32(due.trailingZeroBitCount)
            due &= due &- 1
            if throttle.admits(vector, now: core.now) { sendMessage(vector) }
        }
    }

    /// The message of a vector leaves: EIAC clears its bit, EIAM masks it.
    private mutating func sendMessage(_ vector: UInt32) {
        // Bits 11:3, in units of 2 us.
        let interval = UInt64(core.registers[I82599.eitr(Int(vector))].rawValue &>> 3 & 0x1FF) &* 2
        throttle.fired(vector, now: core.now, interval: .microseconds(interval))
        if core.configuration.vectorsEnabled {
            if !core.vectors.send(Int(vector), isHeld: core.configuration.holdsVectors) {
                flag(.vectorBeyondTable, UInt64(vector))
            }
        } else if core.configuration.mastersBus {
            core.vectors.sendSingle()
        }
        let bit = UInt32(1) &<< vector
        core.registers[I82599.eicr].rawValue &= ~(core.registers[I82599.eiac].rawValue & bit)
        if core.registers[I82599.gpie][.autoMaskEnable] {
            core.registers[I82599.eims].rawValue &= ~(core.registers[I82599.eiam].rawValue & bit)
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

    /// The bit of the vector that an IVAR entry names; 0 when the entry is not valid, or names one that has no bit.
    private static func vector(_ entry: UInt32) -> UInt32 {
        entry & 0x80 == 0 || entry & 0x7F > 15 ? 0 : 1 &<< (entry & 0x7F)
    }

    /// The vector of a receive queue as a bit of EICR; 0 is none.
    func receiveVector(_ queue: Int) -> UInt32 {
        Self.vector(core.registers[I82599.ivar(queue / 2)].rawValue &>> (queue & 1 == 0 ? 0 : 16))
    }

    /// The vector of a transmit queue as a bit of EICR; 0 is none.
    func transmitVector(_ queue: Int) -> UInt32 {
        Self.vector(core.registers[I82599.ivar(queue / 2)].rawValue &>> (queue & 1 == 0 ? 8 : 24))
    }

    // MARK: registers

    /// A read of a register that is not plain.
    mutating func readInterrupt(_ offset: UInt32) -> UInt32 {
        switch offset {
        case I82599.eicr.offset:
            let value = core.registers[offset]
            core.registers[offset] = 0
            return value
        case I82599.eics.offset, I82599.eimc.offset: return 0
        case I82599.eimsEx(0).offset: return core.registers[I82599.eims].rawValue & 0xFFFF
        default: return core.registers[offset]
        }
    }

    /// A write of a register that is not plain.
    mutating func writeInterrupt(_ offset: UInt32, _ value: UInt32) {
        let pending = core.registers[I82599.eicr].rawValue
        let mask = core.registers[I82599.eims].rawValue
        switch offset {
        case I82599.eicr.offset: core.registers[I82599.eicr].rawValue = pending & ~value
        case I82599.eics.offset: raise(value & 0x7FFF_FFFF)
        case I82599.eims.offset, I82599.eimsEx(0).offset:
            core.registers[I82599.eims].rawValue = mask | value
            signal(pending & value & ~mask)
        case I82599.eimc.offset, I82599.eimcEx(0).offset: core.registers[I82599.eims].rawValue = mask & ~value
        default: break
        }
    }
}
