internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Causes, their mask, and the delays before them.
extension I82574Model {
    /// Causes that share a vector: LSC, RXO, MDAC, SRPD, ACK, MNG.
    private static var otherCauses: UInt32 { 1 << 2 | 1 << 6 | 1 << 9 | 1 << 16 | 1 << 17 | 1 << 18 }

    /// Raises causes.
    mutating func raise(_ causes: I82574.InterruptCause) {
        var icr = registers[I82574.icr]
        icr.rawValue |= causes.rawValue
        if usesVectors && icr.rawValue & Self.otherCauses != 0 { icr[.other] = true }
        let isWanted = icr.rawValue & registers[I82574.ims].rawValue != 0
        if isWanted || (behaviour.assertsMaskedCauses && causes.rawValue != 0) { icr[.asserted] = true }
        registers[I82574.icr] = icr
    }

    /// MSI-X is on: queues have causes of their own.
    var usesVectors: Bool { false }

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
            return raise(causes)
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
            return raise(causes)
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
            registers[offset] |= value
            raise(.init())
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
