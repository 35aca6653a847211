internal import NICRegisters
internal import Timeline

extension I82576Model {
    /// Registers that are not zero after a reset, as read from QEMU 10's igb model, which agree with the datasheet's defaults
    /// where both are known.
    static var resetValues: [(UInt32, UInt32)] {
        [
            (I82576.ctrl.offset, 0x0010_0209),
            // Without GIO Master Enable and LU, which are derived.
            (I82576.status.offset, 0x8000_0481),
            (I82576.eecd.offset, 0x0000_1110),
            (I82576.tctl.offset, 0xA404_00F8),
            (I82576.rxpbs.offset, 0x40),
            (I82576.txpbs.offset, 0x28),
            (I82576.rxcsum.offset, 0x300),
            (I82576.rlpml.offset, 0x2600),
            (I82576.rplolr.offset, 0x8000_0000),
            (I82576.dtxctl.offset, 0x44),
            (I82576.eemngctl.offset, 0x8000_0000),
            (I82576.gcr.offset, 0x0685_0200),
            (I82576.ledctl.offset, 0x0706_8302),
            (I82576.tipg.offset, 0x0060_1008),
            (I82576.vet.offset, 0x8100_8100),
            (I82576.txdctl(0).offset, 0x0200_0000),
        ]
    }

    /// Brings all registers to their state after CTRL.RST; `powerUp` is the first time.
    mutating func resetRegisters(powerUp: Bool) {
        let undefined: [Range<UInt32>] =
            behaviour.fillsUndefined && !powerUp
            ? [0x5200..<0x5400, 0x5408..<0x5480, 0x54E0..<0x5520, 0x5600..<0x5800, 0xA000..<0xA200] : []
        registers.clear(except: undefined)
        for (offset, value) in Self.resetValues { registers[offset] = value }
        for pool in 0..<8 { registers[I82576.vmolr(pool)] = PlainValue(0x8000_2600) }
        for queue in 0..<I82576.queueCount {
            registers[I82576.rxdctl(queue)] = .init(rawValue: queue == 0 ? 0x0201_0000 : 0x0001_0000)
        }
        if behaviour.hasFilters {
            // All types split by default (I210 datasheet, PSRTYPE initial value).
            for group in 0..<8 { registers[I82576.psrtype(group)] = .init(rawValue: 0x0007_FFFE) }
        }
        if behaviour.reportsConfigurationDone {
            registers[I82576.eecd][.autoReadDone] = true
            registers[I82576.eemngctl][.configurationDone] = true
        }
        if !core.capabilities.receiveChecksum { registers[I82576.rxcsum] = .init() }
        let mac = core.nvm.macAddress
        registers[I82576.ral(0)] = PlainValue(mac.low)
        registers[I82576.rah(0)] = .init(rawValue: mac.high | 1 << 31)
        if powerUp && behaviour.fillsUndefined { fillUndefined() }
    }

    /// What drivers must initialise themselves holds a pattern: a driver that forgets then misbehaves visibly.
    private mutating func fillUndefined() {
        var draw = SeededGenerator(seed: core.seed, stream: 0x7570)
        for i in 0..<128 {
            registers[I82576.mta(i)] = PlainValue(UInt32(truncatingIfNeeded: draw.next()))
            registers[I82576.vfta(i)] = PlainValue(UInt32(truncatingIfNeeded: draw.next()))
            registers[I82576.uta(i)] = PlainValue(UInt32(truncatingIfNeeded: draw.next()))
        }
        for i in 1..<I82576.receiveAddressCount {
            registers[I82576.ral(i)] = PlainValue(UInt32(truncatingIfNeeded: draw.next()))
            registers[I82576.rah(i)] = .init(rawValue: UInt32(truncatingIfNeeded: draw.next()))
        }
        for line in I82576.registers where line.access == .readClear {
            for i in 0..<line.count { registers[line.offset + UInt32(i) * line.stride] = draw.below(1 << 16) }
        }
    }
}
