extension I82576 {
    /// SW_FW_SYNC: which resources software (bits 15:0) and firmware (bits 31:16) own.
    @frozen public struct ResourceOwnership: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.softwareEEPROM, .softwarePHY, .firmwareEEPROM, .firmwarePHY])
        }
    }

}

extension Flag<I82576.ResourceOwnership> {
    /// SW_EEP_SM, bit 0.
    @inlinable public static var softwareEEPROM: Self { Flag(0, "SW_EEP_SM") }
    /// SW_PHY_SM0, bit 1.
    @inlinable public static var softwarePHY: Self { Flag(1, "SW_PHY_SM0") }
    /// FW_EEP_SM, bit 16.
    @inlinable public static var firmwareEEPROM: Self { Flag(16, "FW_EEP_SM") }
    /// FW_PHY_SM0, bit 17.
    @inlinable public static var firmwarePHY: Self { Flag(17, "FW_PHY_SM0") }
}

extension I82576 {
    /// SCTL: SerDes control.
    @inlinable public static var sctl: Register<PlainValue> { Register(0x0024, "SCTL") }
    /// CONNSW: copper and fiber switch control.
    @inlinable public static var connsw: Register<PlainValue> { Register(0x0034, "CONNSW") }
    /// VET: VLAN ether type in bits 15:0, outer type in bits 31:16.
    @inlinable public static var vet: Register<PlainValue> { Register(0x0038, "VET") }
    /// EEARBC: EEPROM auto read bus control.
    @inlinable public static var eearbc: Register<PlainValue> { Register(0x1024, "EEARBC") }
    /// I2CCMD: SFP module access.
    @inlinable public static var i2ccmd: Register<PlainValue> { Register(0x1028, "I2CCMD") }
    /// TCPTIMER: TCP timer.
    @inlinable public static var tcptimer: Register<PlainValue> { Register(0x104C, "TCPTIMER") }
    /// PCS_LCTL: link control of the physical coding sublayer.
    @inlinable public static var pcsLctl: Register<PlainValue> { Register(0x4208, "PCS_LCTL") }
    /// PCS_LSTAT: link status of the physical coding sublayer.
    @inlinable public static var pcsLstat: Register<PlainValue> { Register(0x420C, "PCS_LSTAT", .readOnly) }
    /// GCR: PCIe control.
    @inlinable public static var gcr: Register<PlainValue> { Register(0x5B00, "GCR") }
    /// SW_FW_SYNC
    @inlinable public static var swFwSync: Register<ResourceOwnership> { Register(0x5B5C, "SW_FW_SYNC") }
    /// DCA_ID: requester id for direct cache access.
    @inlinable public static var dcaId: Register<PlainValue> { Register(0x5B70, "DCA_ID", .readOnly) }
    /// DCA_CTRL: direct cache access.
    @inlinable public static var dcaCtrl: Register<PlainValue> { Register(0x5B74, "DCA_CTRL") }

    static var generalRegisters: [RegisterDescription] {
        [
            .init(ctrl), .init(ctrlDup), .init(status), .init(eecd), .init(eerd), .init(ctrlExt), .init(fla),
            .init(mdic), .init(sctl), .init(fcal), .init(fcah), .init(fct), .init(connsw), .init(vet), .init(fcttv),
            .init(ledctl), .init(eemngctl), .init(eearbc), .init(i2ccmd), .init(tcptimer), .init(pcsLctl),
            .init(pcsLstat), .init(wuc), .init(wufc), .init(wus), .init(manc), .init(gcr), .init(factps), .init(swsm),
            .init(fwsm), .init(swFwSync), .init(dcaId), .init(dcaCtrl),
        ]
    }
}
