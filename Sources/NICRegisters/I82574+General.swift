extension I82574 {
    /// EXTCNF_CTRL: extended configuration.
    @frozen public struct ExtendedConfiguration: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.softwareOwnsMDIO, .hardwareOwnsMDIO])
        }
    }

    /// PBA: how the packet buffer of 40 KiB is divided.
    @frozen public struct PacketBufferAllocation: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.receive, .transmit])
        }
    }

    /// GCR and GCR2: PCIe control.
    @frozen public struct PCIeControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.completionFix2, .completionFix, .l1WithoutL0s])
        }
    }
}

extension Flag<I82574.Control> {
    /// Bit 29: to be clear on this part; the family's drivers name no reason.
    @inlinable public static var workaround29: Self { Flag(29, "WORKAROUND29") }
}

extension Flag<I82574.ExtendedControl> {
    /// Bit 22: to be set on this part; the family's drivers name no reason.
    @inlinable public static var workaround22: Self { Flag(22, "WORKAROUND22") }
    /// Bit 23: to be clear on this part.
    @inlinable public static var workaround23: Self { Flag(23, "WORKAROUND23") }
}

extension Flag<I82574.ExtendedConfiguration> {
    /// MDIO/NVM software ownership, bit 5: reads 1 once software owns the PHY's bus.
    @inlinable public static var softwareOwnsMDIO: Self { Flag(5, "SOFTWARE_OWNS_MDIO") }
    /// MDIO/NVM hardware ownership, bit 6.
    @inlinable public static var hardwareOwnsMDIO: Self { Flag(6, "HARDWARE_OWNS_MDIO") }
}

extension Field<I82574.PacketBufferAllocation> {
    /// RXA, bits 15:0: receive share in KiB.
    @inlinable public static var receive: Self { Field(low: 0, width: 16, "RXA") }
    /// TXA, bits 31:16: transmit share in KiB.
    @inlinable public static var transmit: Self { Field(low: 16, width: 16, "TXA") }
}

extension Flag<I82574.PCIeControl> {
    /// GCR2 bit 0: with GCR bit 22 the workaround for bad completions while the link saves power.
    @inlinable public static var completionFix2: Self { Flag(0, "COMPLETION_FIX2") }
    /// GCR bit 22: see ``completionFix2``.
    @inlinable public static var completionFix: Self { Flag(22, "COMPLETION_FIX") }
    /// GCR bit 27: L1 is entered without going through L0s.
    @inlinable public static var l1WithoutL0s: Self { Flag(27, "L1_WITHOUT_L0S") }
}

extension I82574 {
    /// VET: VLAN ether type, bits 15:0.
    @inlinable public static var vet: Register<PlainValue> { Register(0x0038, "VET") }
    /// EXTCNF_CTRL
    @inlinable public static var extcnfCtrl: Register<ExtendedConfiguration> { Register(0x0F00, "EXTCNF_CTRL") }
    /// EXTCNF_SIZE: size of the extended configuration in the NVM.
    @inlinable public static var extcnfSize: Register<PlainValue> { Register(0x0F08, "EXTCNF_SIZE") }
    /// PBA: takes effect with CTRL.RST, which does not change it.
    @inlinable public static var pba: Register<PacketBufferAllocation> { Register(0x1000, "PBA") }
    /// PBS: packet buffer size.
    @inlinable public static var pbs: Register<PlainValue> { Register(0x1008, "PBS") }
    /// FLASHT: flash timer.
    @inlinable public static var flasht: Register<PlainValue> { Register(0x1028, "FLASHT") }
    /// EEWR: EEPROM write.
    @inlinable public static var eewr: Register<PlainValue> { Register(0x102C, "EEWR") }
    /// FLOP: flash opcode.
    @inlinable public static var flop: Register<PlainValue> { Register(0x103C, "FLOP") }
    /// MANC2H: which management frames also go to the host.
    @inlinable public static var manc2h: Register<PlainValue> { Register(0x5860, "MANC2H") }
    /// GCR
    @inlinable public static var gcr: Register<PCIeControl> { Register(0x5B00, "GCR") }
    /// GCR2
    @inlinable public static var gcr2: Register<PCIeControl> { Register(0x5B64, "GCR2") }

    static var generalRegisters: [RegisterDescription] {
        [
            .init(ctrl), .init(ctrlDup), .init(status), .init(eecd), .init(eerd), .init(ctrlExt), .init(fla),
            .init(mdic), .init(fcal), .init(fcah), .init(fct), .init(vet), .init(fcttv), .init(ledctl),
            .init(extcnfCtrl), .init(extcnfSize), .init(pba), .init(pbs), .init(eemngctl), .init(flasht), .init(eewr),
            .init(flop), .init(wuc), .init(wufc), .init(wus), .init(manc), .init(manc2h), .init(gcr), .init(factps),
            .init(swsm), .init(fwsm), .init(gcr2),
        ]
    }
}
