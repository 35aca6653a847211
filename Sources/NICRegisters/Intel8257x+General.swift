extension Intel8257x {
    /// CTRL: device control.
    @frozen public struct Control: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [
                    .fullDuplex, .masterDisable, .autoSpeedDetection, .setLinkUp, .forceSpeed, .forceDuplex, .reset,
                    .receiveFlowControl, .transmitFlowControl, .vlanMode, .phyReset,
                ], fields: [.speed])
        }
    }

    /// STATUS: device status.
    @frozen public struct Status: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.fullDuplex, .linkUp, .phyResetAsserted, .masterEnabled], fields: [.port, .speed])
        }
    }

    /// EECD: EEPROM control and data.
    @frozen public struct EEPROMControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.request, .grant, .present, .autoReadDone], fields: [.size, .type])
        }
    }

    /// EERD: EEPROM read.
    @frozen public struct EEPROMRead: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.start, .done], fields: [.address, .data])
        }
    }

    /// CTRL_EXT: extended device control.
    @frozen public struct ExtendedControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [
                    .eepromReset, .relaxedOrderingDisable, .autoMaskEnable, .autoMaskOnRead, .driverLoaded,
                    .pendingBitClear,
                ], fields: [.linkMode])
        }
    }

    /// MDIC: access to the PHY's registers.
    @frozen public struct PHYAccess: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.ready, .error], fields: [.data, .register, .phy, .operation])
        }
    }

    /// SWSM: software semaphore.
    @frozen public struct SoftwareSemaphore: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.software, .softwareFirmware])
        }
    }

    /// EEMNGCTL: management EEPROM control.
    @frozen public struct ManagementEEPROM: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.configurationDone])
        }
    }
}

extension Flag<Intel8257x.Control> {
    /// FD, bit 0: full duplex.
    @inlinable public static var fullDuplex: Self { Flag(0, "FD") }
    /// GIO Master Disable, bit 2: start no new requests on the bus; STATUS tells when none is left.
    @inlinable public static var masterDisable: Self { Flag(2, "GIO_Master_Disable") }
    /// ASDE, bit 5: detect the speed automatically (82574).
    @inlinable public static var autoSpeedDetection: Self { Flag(5, "ASDE") }
    /// SLU, bit 6: set link up.
    @inlinable public static var setLinkUp: Self { Flag(6, "SLU") }
    /// FRCSPD, bit 11: take the speed from this register.
    @inlinable public static var forceSpeed: Self { Flag(11, "FRCSPD") }
    /// FRCDPLX, bit 12: take the duplex from this register.
    @inlinable public static var forceDuplex: Self { Flag(12, "FRCDPLX") }
    /// RST, bit 26: resets the function; clears itself.
    @inlinable public static var reset: Self { Flag(26, "RST") }
    /// RFCE, bit 27: obey received pause frames.
    @inlinable public static var receiveFlowControl: Self { Flag(27, "RFCE") }
    /// TFCE, bit 28: send pause frames.
    @inlinable public static var transmitFlowControl: Self { Flag(28, "TFCE") }
    /// VME, bit 30: strip VLAN tags of received frames and insert those of transmit descriptors.
    @inlinable public static var vlanMode: Self { Flag(30, "VME") }
    /// PHY_RST, bit 31: holds the PHY in reset; does not clear itself.
    @inlinable public static var phyReset: Self { Flag(31, "PHY_RST") }
}

extension Field<Intel8257x.Control> {
    /// SPEED, bits 9:8: 0 is 10 Mbit/s, 1 is 100, 2 is 1000.
    @inlinable public static var speed: Self { Field(low: 8, width: 2, "SPEED") }
}

extension Flag<Intel8257x.Status> {
    /// FD, bit 0: full duplex.
    @inlinable public static var fullDuplex: Self { Flag(0, "FD") }
    /// LU, bit 1: link up.
    @inlinable public static var linkUp: Self { Flag(1, "LU") }
    /// PHYRA, bit 10: the PHY was reset; writing 0 clears it.
    @inlinable public static var phyResetAsserted: Self { Flag(10, "PHYRA") }
    /// GIO Master Enable Status, bit 19: requests on the bus may still be out.
    @inlinable public static var masterEnabled: Self { Flag(19, "GIO_Master_Enable_Status") }
}

extension Field<Intel8257x.Status> {
    /// LAN ID, bits 3:2: the port's number.
    @inlinable public static var port: Self { Field(low: 2, width: 2, "LAN_ID") }
    /// SPEED, bits 7:6: 0 is 10 Mbit/s, 1 is 100, 2 and 3 are 1000.
    @inlinable public static var speed: Self { Field(low: 6, width: 2, "SPEED") }
}

extension Flag<Intel8257x.EEPROMControl> {
    /// EE_REQ, bit 6: software asks for the bit-banged interface.
    @inlinable public static var request: Self { Flag(6, "EE_REQ") }
    /// EE_GNT, bit 7: and has it.
    @inlinable public static var grant: Self { Flag(7, "EE_GNT") }
    /// EE_PRES, bit 8: an EEPROM is present.
    @inlinable public static var present: Self { Flag(8, "EE_PRES") }
    /// Auto_RD, bit 9: the automatic read after reset is done.
    @inlinable public static var autoReadDone: Self { Flag(9, "Auto_RD") }
}

extension Field<Intel8257x.EEPROMControl> {
    /// EE_SIZE, bits 14:11: log2 of the size in words, minus 6.
    @inlinable public static var size: Self { Field(low: 11, width: 4, "EE_SIZE") }
    /// NVTYPE, bits 16:15: 3 is flash, everything else an SPI EEPROM (82574).
    @inlinable public static var type: Self { Field(low: 15, width: 2, "NVTYPE") }
}

extension Flag<Intel8257x.EEPROMRead> {
    /// START, bit 0: starts a read.
    @inlinable public static var start: Self { Flag(0, "START") }
    /// DONE, bit 1: the data field holds the word.
    @inlinable public static var done: Self { Flag(1, "DONE") }
}

extension Field<Intel8257x.EEPROMRead> {
    /// ADDR, bits 15:2: word address.
    @inlinable public static var address: Self { Field(low: 2, width: 14, "ADDR") }
    /// DATA, bits 31:16.
    @inlinable public static var data: Self { Field(low: 16, width: 16, "DATA") }
}

extension Flag<Intel8257x.ExtendedControl> {
    /// EE_RST, bit 13: reads the EEPROM again; clears itself.
    @inlinable public static var eepromReset: Self { Flag(13, "EE_RST") }
    /// RO_DIS, bit 17: no relaxed ordering.
    @inlinable public static var relaxedOrderingDisable: Self { Flag(17, "RO_DIS") }
    /// EIAME, bit 24: IAM applies when a vector fires (82574).
    @inlinable public static var autoMaskEnable: Self { Flag(24, "EIAME") }
    /// IAME, bit 27: IAM applies when ICR is read (82574).
    @inlinable public static var autoMaskOnRead: Self { Flag(27, "IAME") }
    /// DRV_LOAD, bit 28: tells firmware that a driver is in charge.
    @inlinable public static var driverLoaded: Self { Flag(28, "DRV_LOAD") }
    /// PBA_CLR, bit 31: pending bits of MSI-X are cleared by their register (82574).
    @inlinable public static var pendingBitClear: Self { Flag(31, "PBA_CLR") }
}

extension Field<Intel8257x.ExtendedControl> {
    /// LINK_MODE, bits 23:22: 0 is copper.
    @inlinable public static var linkMode: Self { Field(low: 22, width: 2, "LINK_MODE") }
}

extension Flag<Intel8257x.PHYAccess> {
    /// R, bit 28: the access is complete.
    @inlinable public static var ready: Self { Flag(28, "R") }
    /// MDI_ERR, bit 30: the PHY did not answer.
    @inlinable public static var error: Self { Flag(30, "MDI_ERR") }
}

extension Field<Intel8257x.PHYAccess> {
    /// DATA, bits 15:0.
    @inlinable public static var data: Self { Field(low: 0, width: 16, "DATA") }
    /// REGADD, bits 20:16: see ``PHYRegister``.
    @inlinable public static var register: Self { Field(low: 16, width: 5, "REGADD") }
    /// PHYADD, bits 25:21: see ``PHYRegister/address``.
    @inlinable public static var phy: Self { Field(low: 21, width: 5, "PHYADD") }
    /// OP, bits 27:26: 1 writes, 2 reads.
    @inlinable public static var operation: Self { Field(low: 26, width: 2, "OP") }
}

extension Flag<Intel8257x.SoftwareSemaphore> {
    /// SMBI, bit 0: reads 0 to the one who gets it, and is set by that read.
    @inlinable public static var software: Self { Flag(0, "SMBI") }
    /// SWESMBI, bit 1: sticks only when firmware does not hold the semaphore.
    @inlinable public static var softwareFirmware: Self { Flag(1, "SWESMBI") }
}

extension Flag<Intel8257x.ManagementEEPROM> {
    /// CFG_DONE0, bit 18: port 0 is configured from the EEPROM.
    @inlinable public static var configurationDone: Self { Flag(18, "CFG_DONE0") }
}

extension Intel8257xRegisters {
    /// CTRL
    @inlinable public static var ctrl: Register<Control> { Register(0x0000, "CTRL") }
    /// CTRL_DUP: CTRL again.
    @inlinable public static var ctrlDup: Register<Control> { Register(0x0004, "CTRL_DUP") }
    /// STATUS
    @inlinable public static var status: Register<Status> { Register(0x0008, "STATUS") }
    /// EECD
    @inlinable public static var eecd: Register<EEPROMControl> { Register(0x0010, "EECD") }
    /// EERD
    @inlinable public static var eerd: Register<EEPROMRead> { Register(0x0014, "EERD") }
    /// CTRL_EXT
    @inlinable public static var ctrlExt: Register<ExtendedControl> { Register(0x0018, "CTRL_EXT") }
    /// FLA: flash access.
    @inlinable public static var fla: Register<PlainValue> { Register(0x001C, "FLA") }
    /// MDIC
    @inlinable public static var mdic: Register<PHYAccess> { Register(0x0020, "MDIC") }
    /// FCAL: flow control address low.
    @inlinable public static var fcal: Register<PlainValue> { Register(0x0028, "FCAL") }
    /// FCAH: flow control address high.
    @inlinable public static var fcah: Register<PlainValue> { Register(0x002C, "FCAH") }
    /// FCT: flow control type.
    @inlinable public static var fct: Register<PlainValue> { Register(0x0030, "FCT") }
    /// FCTTV: pause time.
    @inlinable public static var fcttv: Register<PlainValue> { Register(0x0170, "FCTTV") }
    /// LEDCTL: LED control.
    @inlinable public static var ledctl: Register<PlainValue> { Register(0x0E00, "LEDCTL") }
    /// EEMNGCTL
    @inlinable public static var eemngctl: Register<ManagementEEPROM> { Register(0x1010, "EEMNGCTL") }
    /// WUC: wake-up control.
    @inlinable public static var wuc: Register<PlainValue> { Register(0x5800, "WUC") }
    /// WUFC: wake-up filter control.
    @inlinable public static var wufc: Register<PlainValue> { Register(0x5808, "WUFC") }
    /// WUS: wake-up status.
    @inlinable public static var wus: Register<PlainValue> { Register(0x5810, "WUS", .writeOneClear) }
    /// MANC: management control.
    @inlinable public static var manc: Register<PlainValue> { Register(0x5820, "MANC") }
    /// FACTPS: function active and power state.
    @inlinable public static var factps: Register<PlainValue> { Register(0x5B30, "FACTPS") }
    /// SWSM
    @inlinable public static var swsm: Register<SoftwareSemaphore> { Register(0x5B50, "SWSM") }
    /// FWSM: firmware semaphore.
    @inlinable public static var fwsm: Register<PlainValue> { Register(0x5B54, "FWSM", .readOnly) }
}
