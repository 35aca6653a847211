internal import DeviceMemory
internal import NICRegisters
internal import Timeline

extension I82574Model {
    /// A register read by the driver.
    mutating func read32(_ address: UInt32) -> UInt32 {
        guard core.configuration.decodesMemory else { return .max }
        guard admit(address) else { return address % 4 == 0 ? 0 : .max }
        let value = readAdmitted(address)
        trace.record(.registerRead, at: now, UInt64(address), UInt64(value))
        return value
    }

    /// A register write by the driver.
    mutating func write32(_ address: UInt32, _ value: UInt32) {
        guard core.configuration.decodesMemory, admit(address) else { return }
        trace.record(.registerWrite, at: now, UInt64(address), UInt64(value))
        switch address {
        case 0x2800..<0x2A00: writeReceiveQueue(address, value)
        case 0x3800..<0x3A00: writeTransmitQueue(address, value)
        default: writeGeneral(address, value)
        }
    }

    /// Checks an access; false when there is nothing there.
    private mutating func admit(_ address: UInt32) -> Bool {
        if now < core.resetUntil { flag(.accessDuringReset, UInt64(address)) }
        guard address % 4 == 0, address < UInt32(I82574.registerWindow) else {
            flag(.misalignedAccess, UInt64(address))
            return false
        }
        switch registers.presence(address) {
        case .unknown:
            flag(.unknownRegister, UInt64(address))
            return false
        case .absent: return false
        default: return true
        }
    }

    private mutating func readAdmitted(_ offset: UInt32) -> UInt32 {
        switch registers.presence(offset) {
        case .readClear: return core.readCounter(offset)
        case .special: return readInterrupt(offset)
        case .unknown, .absent, .readOnly, .readWrite: break
        }
        switch offset {
        case I82574.status.offset: return core.status
        case I82574.ctrlDup.offset: return registers[I82574.ctrl].rawValue
        case I82574.mdic.offset: return core.readPHYAccess()
        case I82574.swsm.offset: return core.readSemaphore()
        default: return registers[offset]
        }
    }

    private mutating func writeGeneral(_ offset: UInt32, _ value: UInt32) {
        switch registers.presence(offset) {
        case .special: return writeInterrupt(offset, value)
        case .readOnly, .readClear, .unknown, .absent: return
        case .readWrite: break
        }
        switch offset {
        case I82574.ctrl.offset, I82574.ctrlDup.offset: writeControl(.init(rawValue: value))
        case I82574.status.offset:
            if !I82574.Status(rawValue: value)[.phyResetAsserted] {
                registers[I82574.status][.phyResetAsserted] = false
            }
        case I82574.eecd.offset: core.writeEEPROMControl(.init(rawValue: value))
        case I82574.eerd.offset: core.writeEEPROMRead(.init(rawValue: value))
        case I82574.swsm.offset: core.writeSemaphore(.init(rawValue: value))
        case I82574.ctrlExt.offset: writeExtendedControl(value)
        case I82574.mdic.offset: writePHYAccess(.init(rawValue: value))
        case I82574.rctl.offset: writeReceiveControl(.init(rawValue: value))
        case I82574.psrctl.offset: writePacketSplitControl(.init(rawValue: value))
        case I82574.rfctl.offset: writeFilterControl(.init(rawValue: value))
        case I82574.rxcsum.offset:
            // IPOFLD and TUOFLD.
            registers[offset] = core.capabilities.receiveChecksum ? value : value & ~0x300
        case 0xE8..<0xFC:
            registers[offset] = value
            throttle.restart((offset &- 0xE8) / 4, now: now)
        case I82574.tctl.offset:
            registers[offset] = value
            for queue in 0..<I82574.queueCount { considerTransmit(queue) }
        default:
            registers[offset] = value
            if offset >= 0x5C80 && offset < 0x5CA8 { hashing.keyChanged() }
        }
    }

    private mutating func writeControl(_ value: I82574.Control) {
        if value[.phyReset] && !registers[I82574.ctrl][.phyReset] {
            core.phy.reset(now: now)
            registers[I82574.status][.phyResetAsserted] = true
        }
        if value[.reset] { return resetDevice() }
        registers[I82574.ctrl] = value
    }

    private mutating func writeExtendedControl(_ value: UInt32) {
        // ASDCHK, bit 12, clears itself too.
        let kept = I82574.ExtendedControl(rawValue: value & ~(1 << 12)).setting(.eepromReset, false)
        registers[I82574.ctrlExt] = kept
    }

    private mutating func writePHYAccess(_ request: I82574.PHYAccess) {
        if core.writePHYAccess(request) { linkChanged() }
        // INT_EN, bit 29.
        if request.rawValue &>> 29 & 1 != 0 { raise(.init().setting(.phyAccessDone)) }
    }
}
