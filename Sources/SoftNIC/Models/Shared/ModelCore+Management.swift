internal import NICRegisters
internal import Timeline

/// EEPROM and PHY as the 82574 and the 82576 reach them: same registers, same protocols.
extension ModelCore {
    /// A write of EECD: SK, CS, DI and REQ are software's; presence, size and Auto_RD are not.
    mutating func writeEEPROMControl(_ value: Intel8257x.EEPROMControl) {
        var control = Intel8257x.EEPROMControl(
            rawValue: (registers[Intel8257x.eecd].rawValue & ~0x47) | (value.rawValue & 0x47))
        control[.grant] = behaviour.grantsEEPROM && control[.request]
        registers[Intel8257x.eecd] = control
    }

    /// A write of EERD; beyond the image DONE never comes.
    mutating func writeEEPROMRead(_ request: Intel8257x.EEPROMRead) {
        guard request[.start] else { return }
        var answer = Intel8257x.EEPROMRead().setting(.address, request[.address])
        if !faults.eepromIsSilent, let word = nvm.word(request[.address]) {
            answer = answer.setting(.data, UInt32(word)).setting(.done)
        }
        registers[Intel8257x.eerd] = answer
    }

    /// A write of MDIC; true when the link changed.
    mutating func writePHYAccess(_ request: Intel8257x.PHYAccess) -> Bool {
        var answer = request
        let had = phy.linkUp
        if request[.phy] != PHYRegister.address {
            // Nobody answers: the register keeps what it held.
            answer = Intel8257x.PHYAccess(rawValue: phyAnswer).setting(.error)
        } else if faults.phyReportsErrors {
            answer[.error] = true
        } else if request[.operation] == 2 {
            if let value = phy.read(request[.register]) {
                answer[.data] = UInt32(value)
            } else {
                answer[.error] = true
            }
        } else if request[.operation] == 1 {
            let data = UInt16(truncatingIfNeeded: request[.data])
            if !phy.write(request[.register], data, now: now) { answer[.error] = true }
        }
        answer[.ready] = true
        phyAnswer = answer.rawValue
        phyReadyAt = faults.phyIsSilent ? .never : now + behaviour.phyLatency
        return had != phy.linkUp
    }

    /// A read of MDIC: READY and MDI_ERR (bit 30) show after ``Behaviour/phyLatency``.
    func readPHYAccess() -> UInt32 { now >= phyReadyAt ? phyAnswer : phyAnswer & ~(3 << 28 | 1 << 30) }

    /// A read of SWSM: it takes the semaphore.
    mutating func readSemaphore() -> UInt32 {
        let value = registers[Intel8257x.swsm]
        registers[Intel8257x.swsm] = value.setting(.software)
        return faults.heldSemaphores.contains(.software) ? value.setting(.software).rawValue : value.rawValue
    }

    /// A write of SWSM: SWESMBI sticks only when firmware does not hold it.
    mutating func writeSemaphore(_ value: Intel8257x.SoftwareSemaphore) {
        let isHeld = faults.heldSemaphores.contains(.softwareFirmware)
        registers[Intel8257x.swsm] = isHeld ? value.setting(.softwareFirmware, false) : value
    }

    /// STATUS as it reads: LU and GIO Master Enable are derived.
    var status: UInt32 {
        var status = registers[Intel8257x.status]
        status[.linkUp] = phy.linkUp
        status[.masterEnabled] = !registers[Intel8257x.ctrl][.masterDisable] || faults.mastersStayBusy
        return status.rawValue
    }
}
