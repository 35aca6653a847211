internal import NICRegisters

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
        if let word = nvm.word(request[.address]) { answer = answer.setting(.data, UInt32(word)).setting(.done) }
        registers[Intel8257x.eerd] = answer
    }

    /// A write of MDIC; true when the link changed.
    mutating func writePHYAccess(_ request: Intel8257x.PHYAccess) -> Bool {
        var answer = request
        let had = phy.linkUp
        if request[.phy] != PHYRegister.address {
            // Nobody answers: the register keeps what it held.
            answer = registers[Intel8257x.mdic].setting(.error)
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
        phyReadsLeft = behaviour.phyReads
        if phyReadsLeft == 0 { registers[Intel8257x.mdic] = answer }
        return had != phy.linkUp
    }

    /// A read of MDIC: READY and ERROR show after ``Behaviour/phyReads``.
    mutating func readPHYAccess() -> UInt32 {
        guard phyReadsLeft > 0 else { return registers[Intel8257x.mdic].rawValue }
        phyReadsLeft -= 1
        if phyReadsLeft == 0 { registers[Intel8257x.mdic] = .init(rawValue: phyAnswer) }
        return phyAnswer & ~(3 << 28 | 1 << 30)
    }

    /// A read of SWSM: it takes the semaphore.
    mutating func readSemaphore() -> UInt32 {
        let value = registers[Intel8257x.swsm]
        registers[Intel8257x.swsm] = value.setting(.software)
        return value.rawValue
    }
}
