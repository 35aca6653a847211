internal import DeviceMemory
internal import NICRegisters
internal import Timeline

extension I82576Model {
    /// A register read by the driver.
    mutating func read32(_ address: UInt32) -> UInt32 {
        guard core.configuration.decodesMemory else { return .max }
        guard let offset = admit(address) else { return address % 4 == 0 ? 0 : .max }
        let value = readAdmitted(offset)
        trace.record(.registerRead, at: now, UInt64(offset), UInt64(value))
        return value
    }

    /// A register write by the driver.
    mutating func write32(_ address: UInt32, _ value: UInt32) {
        guard core.configuration.decodesMemory, let offset = admit(address) else { return }
        trace.record(.registerWrite, at: now, UInt64(offset), UInt64(value))
        if offset >= 0xC000 && offset < 0xC400 {
            writeReceiveQueue(Int((offset &- 0xC000) / 0x40), offset & 0x3F, offset, value)
        } else if offset >= 0xE000 && offset < 0xE400 {
            writeTransmitQueue(Int((offset &- 0xE000) / 0x40), offset & 0x3F, offset, value)
        } else {
            writeGeneral(offset, value)
        }
    }

    /// Checks an access and resolves aliases; `nil` when there is nothing there.
    private mutating func admit(_ address: UInt32) -> UInt32? {
        if now < core.resetUntil { flag(.accessDuringReset, UInt64(address)) }
        guard address % 4 == 0, address < UInt32(I82576.registerWindow) else {
            flag(.misalignedAccess, UInt64(address))
            return nil
        }
        // Queues 0 to 3 also answer where the 82575 had them.
        var offset = address
        if address >= 0x2800 && address < 0x2C00 && address & 0xFF < 0x40 {
            offset = 0xC000 &+ ((address &- 0x2800) &>> 8) &* 0x40 &+ (address & 0x3F)
        } else if address >= 0x3800 && address < 0x3C00 && address & 0xFF < 0x40 {
            offset = 0xE000 &+ ((address &- 0x3800) &>> 8) &* 0x40 &+ (address & 0x3F)
        }
        switch registers.presence(offset) {
        case .unknown:
            flag(.unknownRegister, UInt64(offset))
            return nil
        case .absent: return nil
        default: return offset
        }
    }

    private mutating func readAdmitted(_ offset: UInt32) -> UInt32 {
        switch registers.presence(offset) {
        case .readClear: return readCounter(offset)
        case .special: return readInterrupt(offset)
        case .unknown, .absent, .readOnly, .readWrite: break
        }
        switch offset {
        case I82576.status.offset: return core.status
        case I82576.ctrlDup.offset: return registers[I82576.ctrl].rawValue
        case I82576.mdic.offset: return core.readPHYAccess()
        case I82576.swsm.offset: return core.readSemaphore()
        case I82576.swFwSync.offset:
            var owners = registers[I82576.swFwSync]
            if core.faults.heldSemaphores.contains(.phy) { owners[.firmwarePHY] = true }
            if core.faults.heldSemaphores.contains(.eeprom) { owners[.firmwareEEPROM] = true }
            return owners.rawValue
        default: break
        }
        return registers[offset]
    }

    private mutating func writeGeneral(_ offset: UInt32, _ value: UInt32) {
        switch registers.presence(offset) {
        case .special: return writeInterrupt(offset, value)
        case .readOnly, .readClear, .unknown, .absent: return
        case .readWrite: break
        }
        switch offset {
        case I82576.ctrl.offset, I82576.ctrlDup.offset: writeControl(.init(rawValue: value))
        case I82576.status.offset:
            if !I82576.Status(rawValue: value)[.phyResetAsserted] {
                registers[I82576.status][.phyResetAsserted] = false
            }
        case I82576.eecd.offset: core.writeEEPROMControl(.init(rawValue: value))
        case I82576.eerd.offset: core.writeEEPROMRead(.init(rawValue: value))
        case I82576.ctrlExt.offset: registers[I82576.ctrlExt] = .init(rawValue: value).setting(.eepromReset, false)
        case I82576.mdic.offset:
            if core.writePHYAccess(.init(rawValue: value)) { linkChanged() }
        case I82576.gpie.offset: writeInterruptMode(.init(rawValue: value))
        case 0x1680..<0x16E4: writeThrottle(offset, .init(rawValue: value))
        case 0x1700..<0x1720, I82576.ivarMisc.offset: writeVectorAllocation(offset, value)
        case I82576.swsm.offset: core.writeSemaphore(.init(rawValue: value))
        case I82576.rxcsum.offset: registers[I82576.rxcsum] = checksumControl(.init(rawValue: value))
        case I82576.qde.offset:
            registers[offset] = value
            for queue in 0..<I82576.queueCount { reloadReceiveQueue(queue) }
        case I82576.rctl.offset: writeReceiveControl(.init(rawValue: value))
        case I82576.tctl.offset:
            registers[offset] = value
            for queue in 0..<I82576.queueCount { considerTransmit(queue) }
        default:
            registers[offset] = value
            if offset >= 0x5C80 && offset < 0x5CA8 { hashing.keyChanged() }
            if SteeringFilters.concerns(offset) { steeringChanged() }
        }
    }

    /// What of a written RXCSUM sticks.
    private func checksumControl(_ value: I82576.ReceiveChecksum) -> I82576.ReceiveChecksum {
        guard !core.capabilities.receiveChecksum else { return value }
        return value.setting(.ipOffload, false).setting(.transportOffload, false).setting(.sctpOffload, false)
    }

    private mutating func writeControl(_ value: I82576.Control) {
        if value[.phyReset] && !registers[I82576.ctrl][.phyReset] {
            phy.reset(now: now)
            registers[I82576.status][.phyResetAsserted] = true
        }
        if value[.reset] { return resetDevice() }
        registers[I82576.ctrl] = value
    }

    private mutating func writeReceiveControl(_ value: I82576.ReceiveControl) {
        // DTYP exists on relatives of this family only.
        if value.rawValue & 0xC00 != 0 { flag(.descriptorTypeInRCTL) }
        registers[I82576.rctl] = value
        core.receiveBlocked = false
        for queue in 0..<I82576.queueCount { reloadReceiveQueue(queue) }
        checkReceiveSetUp()
    }
}
