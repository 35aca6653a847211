extension I82599 {
    /// CTRL: device control.
    @frozen public struct Control: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.masterDisable, .linkReset, .reset])
        }
    }

    /// STATUS: device status.
    @frozen public struct Status: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.masterEnabled])
        }
    }

    /// CTRL_EXT: extended device control.
    @frozen public struct ExtendedControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.noSnoopDisable, .driverLoaded])
        }
    }

    /// EEC: EEPROM and flash control.
    @frozen public struct EEPROMControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.autoReadDone])
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

    /// AUTOC: link mode and auto-negotiation.
    @frozen public struct AutoNegotiation: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.restart], fields: [.linkMode])
        }
    }

    /// LINKS: state of the link.
    @frozen public struct Links: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.up], fields: [.speed])
        }
    }

    /// HLREG0: MAC core control.
    @frozen public struct HighLevel: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.transmitCRC, .stripCRC, .jumbo, .pad, .loopback])
        }
    }

    /// MAXFRS: longest frame.
    @frozen public struct MaximumFrame: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.size])
        }
    }
}

extension Flag<I82599.Control> {
    /// PCIe Master Disable, bit 2.
    @inlinable public static var masterDisable: Self { Flag(2, "PCIe_Master_Disable") }
    /// LRST, bit 3: link and function reset; clears itself.
    @inlinable public static var linkReset: Self { Flag(3, "LRST") }
    /// RST, bit 26: device reset; clears itself.
    @inlinable public static var reset: Self { Flag(26, "RST") }
}

extension Flag<I82599.Status> {
    /// PCIe Master Enable Status, bit 19.
    @inlinable public static var masterEnabled: Self { Flag(19, "PCIe_Master_Enable_Status") }
}

extension Flag<I82599.ExtendedControl> {
    /// NS_DIS, bit 16: no bypass of caches.
    @inlinable public static var noSnoopDisable: Self { Flag(16, "NS_DIS") }
    /// DRV_LOAD, bit 28: tells firmware that a driver is in charge.
    @inlinable public static var driverLoaded: Self { Flag(28, "DRV_LOAD") }
}

extension Flag<I82599.EEPROMControl> {
    /// AUTO_RD, bit 9: the NVM was read after reset.
    @inlinable public static var autoReadDone: Self { Flag(9, "AUTO_RD") }
}

extension Flag<I82599.EEPROMRead> {
    /// START, bit 0.
    @inlinable public static var start: Self { Flag(0, "START") }
    /// DONE, bit 1.
    @inlinable public static var done: Self { Flag(1, "DONE") }
}

extension Field<I82599.EEPROMRead> {
    /// ADDR, bits 15:2: the word.
    @inlinable public static var address: Self { Field(low: 2, width: 14, "ADDR") }
    /// DATA, bits 31:16.
    @inlinable public static var data: Self { Field(low: 16, width: 16, "DATA") }
}

extension Flag<I82599.AutoNegotiation> {
    /// Restart_AN, bit 12: clears itself.
    @inlinable public static var restart: Self { Flag(12, "Restart_AN") }
}

extension Field<I82599.AutoNegotiation> {
    /// LMS, bits 15:13.
    @inlinable public static var linkMode: Self { Field(low: 13, width: 3, "LMS") }
}

extension Flag<I82599.Links> {
    /// Link Up, bit 30.
    @inlinable public static var up: Self { Flag(30, "Link_Up") }
}

extension Field<I82599.Links> {
    /// LINK_SPEED, bits 29:28: 1 is 100 Mbit/s, 2 is 1 Gbit/s, 3 is 10 Gbit/s.
    @inlinable public static var speed: Self { Field(low: 28, width: 2, "LINK_SPEED") }
}

extension Flag<I82599.HighLevel> {
    /// TXCRCEN, bit 0.
    @inlinable public static var transmitCRC: Self { Flag(0, "TXCRCEN") }
    /// RXCRCSTRP, bit 1; RDRXCTL.CRCSTRIP must be the same.
    @inlinable public static var stripCRC: Self { Flag(1, "RXCRCSTRP") }
    /// JUMBOEN, bit 2: frames up to MAXFRS.
    @inlinable public static var jumbo: Self { Flag(2, "JUMBOEN") }
    /// TXPADEN, bit 10.
    @inlinable public static var pad: Self { Flag(10, "TXPADEN") }
    /// LPBK, bit 15: what is sent comes back.
    @inlinable public static var loopback: Self { Flag(15, "LPBK") }
}

extension Field<I82599.MaximumFrame> {
    /// MFS, bits 31:16: in bytes, check sequence included.
    @inlinable public static var size: Self { Field(low: 16, width: 16, "MFS") }
}

extension I82599 {
    /// CTRL
    @inlinable public static var ctrl: Register<Control> { Register(0x0000, "CTRL") }
    /// STATUS
    @inlinable public static var status: Register<Status> { Register(0x0008, "STATUS", .readOnly) }
    /// CTRL_EXT
    @inlinable public static var ctrlExt: Register<ExtendedControl> { Register(0x0018, "CTRL_EXT") }
    /// EEC
    @inlinable public static var eec: Register<EEPROMControl> { Register(0x10010, "EEC") }
    /// EERD
    @inlinable public static var eerd: Register<EEPROMRead> { Register(0x10014, "EERD") }
    /// AUTOC
    @inlinable public static var autoc: Register<AutoNegotiation> { Register(0x42A0, "AUTOC") }
    /// LINKS
    @inlinable public static var links: Register<Links> { Register(0x42A4, "LINKS", .readOnly) }
    /// HLREG0
    @inlinable public static var hlreg0: Register<HighLevel> { Register(0x4240, "HLREG0") }
    /// MAXFRS
    @inlinable public static var maxfrs: Register<MaximumFrame> { Register(0x4268, "MAXFRS") }

    static var generalRegisters: [RegisterDescription] {
        [
            .init(ctrl), .init(status), .init(ctrlExt), .init(eec), .init(eerd), .init(autoc), .init(links),
            .init(hlreg0), .init(maxfrs),
        ]
    }
}
