internal import DeviceMemory
internal import NICRegisters
internal import Timeline

extension I82599Model {
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
        switch offset {
        case 0x1000..<0x2000: writeReceiveQueue(Int((offset &- 0x1000) / 0x40), offset & 0x3F, offset, value)
        case 0xD000..<0xE000: writeReceiveQueue(64 &+ Int((offset &- 0xD000) / 0x40), offset & 0x3F, offset, value)
        case 0x2100..<0x2140: writeReceiveQueue(Int((offset &- 0x2100) / 4), 0x14, offset, value)
        case 0x6000..<0x8000: writeTransmitQueue(Int((offset &- 0x6000) / 0x40), offset & 0x3F, offset, value)
        default: writeGeneral(offset, value)
        }
    }

    /// Checks an access and resolves aliases; `nil` when there is nothing there.
    private mutating func admit(_ address: UInt32) -> UInt32? {
        if now < core.resetUntil { flag(.accessDuringReset, UInt64(address)) }
        guard address % 4 == 0, address < UInt32(I82599.registerWindow) else {
            flag(.misalignedAccess, UInt64(address))
            return nil
        }
        // The first 16 addresses also answer where the 82598 had them.
        let offset = address >= 0x5400 && address < 0x5480 ? address &- 0x5400 &+ 0xA200 : address
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
        case .readClear: return core.readCounter(offset)
        case .special: return readInterrupt(offset)
        case .unknown, .absent, .readOnly, .readWrite: break
        }
        switch offset {
        case I82599.status.offset:
            let busy = !registers[I82599.ctrl][.masterDisable] || core.faults.mastersStayBusy
            return I82599.Status().setting(.masterEnabled, busy).rawValue
        case I82599.links.offset:
            return phy.linkUp ? I82599.Links().setting(.up).setting(.speed, 3).rawValue : 0
        case I82599.secrxstat.offset:
            return I82599.SecurityStatus().setting(.ready, registers[I82599.secrxctrl][.disable]).rawValue
        case I82599.fdircmd.offset: return readFlowCommand()
        case I82599.fdirctrl.offset:
            return registers[I82599.fdirctrl].setting(.initDone, now >= flowCommandDone).rawValue
        case I82599.fdirfree.offset: return UInt32(truncatingIfNeeded: flows.free)
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
        case I82599.ctrl.offset: writeControl(.init(rawValue: value))
        case I82599.eec.offset: break
        case I82599.eerd.offset: writeEEPROMRead(.init(rawValue: value))
        case I82599.autoc.offset: writeAutoNegotiation(.init(rawValue: value))
        case I82599.rxctrl.offset: writeReceiveControl(.init(rawValue: value))
        case I82599.dmatxctl.offset:
            registers[offset] = value
            for queue in 0..<I82599.queueCount { considerTransmit(queue) }
        case I82599.rdrxctl.offset:
            // DMAIDONE is the device's.
            registers[I82599.rdrxctl] = .init(rawValue: value).setting(.initDone)
        case I82599.fdirctrl.offset: writeFlowControl(.init(rawValue: value))
        case I82599.fdircmd.offset: writeFlowCommand(.init(rawValue: value))
        case 0x0820..<0x0880:
            registers[offset] = value
            throttle.restart((offset &- 0x0820) / 4, now: now)
        default:
            registers[offset] = value
            if offset >= 0x5C80 && offset < 0x5CA8 { hashing.keyChanged() }
            if I82599Steering.concerns(offset) { steering = I82599Steering(core.registers) }
        }
    }

    private mutating func writeControl(_ value: I82599.Control) {
        if value[.linkReset] { return resetDevice() }
        if value[.reset] { return resetFunctionBlocks() }
        registers[I82599.ctrl] = value
    }

    /// EERD; beyond the image DONE never comes.
    private mutating func writeEEPROMRead(_ request: I82599.EEPROMRead) {
        guard request[.start] else { return }
        var answer = I82599.EEPROMRead().setting(.address, request[.address])
        if !core.faults.eepromIsSilent, let word = core.nvm.word(request[.address]) {
            answer = answer.setting(.data, UInt32(word)).setting(.done)
        }
        registers[I82599.eerd] = answer
    }

    private mutating func writeAutoNegotiation(_ value: I82599.AutoNegotiation) {
        registers[I82599.autoc] = value.setting(.restart, false)
        guard value[.restart] else { return }
        let had = phy.linkUp
        core.phy.restart(now: now)
        if had { linkChanged() }
    }

    private mutating func writeReceiveControl(_ value: I82599.ReceiveControl) {
        let was = registers[I82599.rxctrl][.enable]
        registers[I82599.rxctrl] = value
        core.receiveBlocked = false
        guard value[.enable], !was else { return }
        // Public drivers agree: frames that arrive while RXEN is set can hang the DMA.
        if !registers[I82599.secrxctrl][.disable] { flag(.receiverEnabledUnderTraffic) }
        if registers[I82599.hlreg0][.stripCRC] != registers[I82599.rdrxctl][.stripCRC] { flag(.crcStripDisagrees) }
        checkReceiveSetUp()
    }
}
