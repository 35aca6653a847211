internal import NICRegisters
internal import Timeline

extension I82574Model {
    /// Registers that are not zero after a reset, as read from QEMU 10's e1000e model, which agree with the datasheets of the
    /// family where both are known.
    static var resetValues: [(UInt32, UInt32)] {
        [
            (I82574.ctrl.offset, 0x0014_0241),
            // Without GIO Master Enable and LU, which are derived.
            (I82574.status.offset, 0x0000_0281),
            (I82574.eecd.offset, 0x0000_0300),
            (I82574.eerd.offset, 0x0000_0002),
            (I82574.psrctl.offset, 0x0004_0402),
            (I82574.rxdctl(0).offset, 0x0001_0000),
            (I82574.rxdctl(1).offset, 0x0001_0000),
            (I82574.tarc(0).offset, 0x403),
            (I82574.tarc(1).offset, 0x403),
            (I82574.rxcsum.offset, 0x300),
            (I82574.swsm.offset, 1),
            (I82574.extcnfCtrl.offset, 8),
            (I82574.eemngctl.offset, 0x8000_0000),
            (I82574.manc.offset, 0x1000_0000),
            (I82574.factps.offset, 0x2000_0004),
            (I82574.gcr.offset, 0x0680_0200),
            (I82574.ledctl.offset, 0x0006_8302),
            (I82574.tipg.offset, 0x0060_2008),
            (I82574.vet.offset, 0x8100),
        ]
    }

    /// Tables that no reset clears on silicon: MTA, RAR 1 to 15, VFTA.
    private static var undefinedTables: [Range<UInt32>] { [0x5200..<0x5400, 0x5408..<0x5480, 0x5600..<0x5800] }

    /// Brings all registers to their state after CTRL.RST; `powerUp` is the first time.
    mutating func resetRegisters(powerUp: Bool) {
        var kept = behaviour.fillsUndefined && !powerUp ? Self.undefinedTables : []
        if !powerUp { kept += [I82574.pba.offset..<I82574.pba.offset + 4, I82574.pbs.offset..<I82574.pbs.offset + 4] }
        registers.clear(except: kept)
        for (offset, value) in Self.resetValues { registers[offset] = value }
        if !core.capabilities.receiveChecksum { registers[I82574.rxcsum] = .init() }
        if powerUp { registers[I82574.pba] = .init(rawValue: 0x0014_0014) }
        if behaviour.reportsConfigurationDone { registers[I82574.eemngctl][.configurationDone] = true }
        let mac = core.nvm.macAddress
        registers[I82574.ral(0)] = PlainValue(mac.low)
        registers[I82574.rah(0)] = .init(rawValue: mac.high | 1 << 31)
        if powerUp && behaviour.fillsUndefined { fillUndefined() }
    }

    /// What drivers must initialise themselves holds a pattern: a driver that forgets then misbehaves visibly.
    private mutating func fillUndefined() {
        var draw = SeededGenerator(seed: core.seed, stream: 0x7570)
        for range in Self.undefinedTables {
            for offset in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
                registers[offset] = UInt32(truncatingIfNeeded: draw.next())
            }
        }
        for line in I82574.registers where line.access == .readClear {
            for i in 0..<line.count { registers[line.offset + UInt32(i) * line.stride] = draw.below(1 << 16) }
        }
    }
}
