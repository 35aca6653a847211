internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Causes, their mask, and the delays before them.
extension I82574Model {
    /// Causes that share a vector: LSC, RXO, MDAC, SRPD, ACK, MNG.
    private static var otherCauses: UInt32 { 1 << 2 | 1 << 6 | 1 << 9 | 1 << 16 | 1 << 17 | 1 << 18 }

    /// MSI-X is on: queues have causes of their own.
    var usesVectors: Bool { configuration.vectorsEnabled }

    /// Raises causes; messages follow from those that are enabled and were not pending before.
    mutating func raise(_ causes: I82574.InterruptCause) {
        var icr = core.registers[I82574.icr]
        let mask = core.registers[I82574.ims].rawValue
        let before = icr.rawValue & mask
        icr.rawValue |= causes.rawValue
        if usesVectors && icr.rawValue & Self.otherCauses != 0 { icr[.other] = true }
        let isWanted = icr.rawValue & mask != 0
        if isWanted || (behaviour.assertsMaskedCauses && causes.rawValue != 0) { icr[.asserted] = true }
        core.registers[I82574.icr] = icr
        signal(icr.rawValue & mask & ~before & 0x7FFF_FFFF)
    }

    /// Sends the messages of newly enabled `causes`.
    private mutating func signal(_ causes: UInt32) {
        guard causes != 0 else { return }
        guard usesVectors else {
            guard core.configuration.messageEnabled else { return flag(.interruptUnrouted, UInt64(causes)) }
            if throttle.admits(0, now: core.now) { sendSingle() }
            return
        }
        // RXQ0, RXQ1, TXQ0, TXQ1 and OTHER are bits 20 to 24, and nibbles 0 to 4 of IVAR: 3 is "valid".
        let allocation = core.registers[I82574.ivar].rawValue
        for cause in 0..<UInt32(5) where causes &>> (20 &+ cause) & 1 != 0 {
            let entry = allocation &>> (4 &* cause)
            guard entry & 8 != 0 else { continue }
            if throttle.admits(entry & 7, now: core.now) { sendMessage(entry & 7) }
        }
    }

    /// An interval of ITR or EITR: units of 256 ns; QEMU throttles by at least 500 of them.
    private func interval(_ register: Register<PlainValue>) -> Interval {
        var units = UInt64(core.registers[register].rawValue & 0xFFFF)
        if behaviour.parsesLikeQEMU && units != 0 { units = max(units, 500) }
        return .nanoseconds(units &* 256)
    }

    private mutating func sendSingle() {
        throttle.fired(0, now: core.now, interval: interval(I82574.itr))
        core.registers.count(I82574.iac)
        if core.configuration.mastersBus { core.vectors.sendSingle() }
    }

    /// The message of a vector leaves: EIAC clears its causes, and their mask bits unless CTRL_EXT.IAME; with EIAME those of IAM too.
    private mutating func sendMessage(_ vector: UInt32) {
        guard vector < 5 else { return flag(.vectorBeyondTable, UInt64(vector)) }
        throttle.fired(vector, now: core.now, interval: interval(I82574.eitr(Int(vector))))
        core.registers.count(I82574.iac)
        if !core.vectors.send(Int(vector), isHeld: core.configuration.holdsVectors) {
            flag(.vectorBeyondTable, UInt64(vector))
        }
        var causes: UInt32 = 0
        let allocation = core.registers[I82574.ivar].rawValue
        for cause in 0..<UInt32(5) where allocation &>> (4 &* cause) & 0xF == vector | 8 {
            causes |= 1 &<< (20 &+ cause)
        }
        causes &= core.registers[I82574.icr].rawValue
        let extended = core.registers[I82574.ctrlExt]
        if extended[.autoMaskEnable] {
            core.registers[I82574.ims].rawValue &= ~(core.registers[I82574.iam].rawValue & causes)
        }
        let cleared = core.registers[I82574.eiac].rawValue & causes
        core.registers[I82574.icr].rawValue &= ~cleared
        if core.registers[I82574.icr].rawValue & 0x7FFF_FFFF == 0 { core.registers[I82574.icr] = .init() }
        if !extended[.autoMaskOnRead] { core.registers[I82574.ims].rawValue &= ~cleared }
    }

    /// Sends what the throttle held back until now; true if there was something.
    mutating func sendThrottled() -> Bool {
        guard throttle.waiting != 0 else { return false }
        var worked = false
        while let vector = throttle.due(now: core.now) {
            worked = true
            if usesVectors { sendMessage(vector) } else { sendSingle() }
        }
        return worked
    }

    /// Raises causes after the done bits that are still on their way.
    private mutating func raiseBehind(_ causes: I82574.InterruptCause) {
        if pendingDone.isEmpty { return raise(causes) }
        lateCauses.rawValue |= causes.rawValue
    }

    /// A frame was delivered to `queue`.
    mutating func announce(_ queue: Int, _ frame: ByteView, _ parsed: ParsedFrame) {
        var causes = I82574.InterruptCause()
        if usesVectors {
            causes[queue == 0 ? .receiveQueue0 : .receiveQueue1] = true
        } else {
            causes[.receiveTimer] = true
            let threshold = receiveRings[queue].count &>> Int(registers[I82574.rctl][.minimumThreshold] &+ 1)
            if receiveRings[queue].free <= threshold { causes[.receiveThreshold] = true }
        }
        let filters = registers[I82574.rfctl]
        if !filters[.ackInterruptDisable] && acknowledges(frame, parsed) { causes[.acknowledgement] = true }
        if frame.count <= Int(registers[I82574.rsrpd].rawValue & 0xFFF) { causes[.smallPacket] = true }
        let delay = registers[I82574.rdtr][.delay]
        // A cause that no timer may hold back takes the others along.
        let held: UInt32 = 1 << 7 | 1 << 20 | 1 << 21
        guard delay != 0, causes.rawValue & ~held == 0 else {
            causes.rawValue |= receiveDelay.take()
            return raiseBehind(causes)
        }
        receiveDelay.add(
            causes.rawValue, now: now, packetUnits: delay, absoluteUnits: registers[I82574.radv].rawValue & 0xFFFF)
    }

    /// A transmit descriptor of `queue` was written back; `mayWait`: its IDE was set.
    mutating func announceTransmitted(_ queue: Int, mayWait: Bool) {
        var causes = I82574.InterruptCause()
        causes[usesVectors ? (queue == 0 ? .transmitQueue0 : .transmitQueue1) : .transmitDone] = true
        let delay = registers[I82574.tidv].rawValue & 0xFFFF
        guard mayWait, delay != 0 else {
            causes.rawValue |= transmitDelay.take()
            return raiseBehind(causes)
        }
        transmitDelay.add(
            causes.rawValue, now: now, packetUnits: delay, absoluteUnits: registers[I82574.tadv].rawValue & 0xFFFF)
    }

    /// RDTR.FPD: what waits is raised now.
    mutating func fireReceiveDelay() {
        let causes = receiveDelay.take()
        if causes != 0 { raise(.init(rawValue: causes)) }
    }

    /// Raises causes whose delay has ended; true if there were some.
    mutating func fireDelayed() -> Bool {
        var worked = false
        if receiveDelay.due <= now {
            fireReceiveDelay()
            worked = true
        }
        if transmitDelay.due <= now {
            raise(.init(rawValue: transmitDelay.take()))
            worked = true
        }
        return worked
    }

    // MARK: registers

    /// A read of a register that is not plain.
    mutating func readInterrupt(_ offset: UInt32) -> UInt32 {
        switch offset {
        case I82574.icr.offset: return readCause()
        case I82574.ics.offset: return registers[I82574.icr].rawValue
        case I82574.imc.offset: return 0
        default: return registers[offset]
        }
    }

    /// ICR: whether a read clears depends on mode and mask.
    private mutating func readCause() -> UInt32 {
        let value = registers[I82574.icr]
        let mask = registers[I82574.ims]
        let extended = registers[I82574.ctrlExt]
        let isEnabled = value[.asserted] && value.rawValue & mask.rawValue != 0
        if mask.rawValue == 0 || !usesVectors || isEnabled { registers[I82574.icr] = .init() }
        if extended[.autoMaskOnRead] && isEnabled {
            registers[I82574.ims].rawValue &= ~registers[I82574.iam].rawValue
        }
        return value.rawValue
    }

    /// A write of a register that is not plain.
    mutating func writeInterrupt(_ offset: UInt32, _ value: UInt32) {
        switch offset {
        case I82574.icr.offset: clearCauses(value)
        case I82574.ics.offset: raise(.init(rawValue: value & 0x7FFF_FFFF))
        case I82574.ims.offset:
            let enabled = core.registers[I82574.icr].rawValue & value & ~core.registers[offset] & 0x7FFF_FFFF
            core.registers[offset] |= value
            if enabled != 0 { core.registers[I82574.icr][.asserted] = true }
            signal(enabled)
        case I82574.imc.offset: registers[I82574.ims].rawValue &= ~value
        default: registers[offset] &= ~value
        }
    }

    private mutating func clearCauses(_ value: UInt32) {
        if registers[I82574.ctrlExt][.autoMaskOnRead] && registers[I82574.icr][.asserted] {
            registers[I82574.ims].rawValue &= ~registers[I82574.iam].rawValue
        }
        // OTHER stands for those it sums up.
        let cleared = value &>> 24 & 1 != 0 ? value | Self.otherCauses : value
        registers[I82574.icr].rawValue &= ~cleared
        if registers[I82574.icr].rawValue & 0x7FFF_FFFF == 0 { registers[I82574.icr] = .init() }
    }
}
