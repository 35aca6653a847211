extension I82599 {
    /// DMATXCTL: transmit DMA control.
    @frozen public struct TransmitDMA: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable])
        }
    }

    /// TXDCTL: descriptor control of a transmit queue.
    @frozen public struct TransmitDescriptorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .flush], fields: [.prefetchThreshold, .hostThreshold, .writeBackThreshold])
        }
    }

    /// RTTDCS: transmit descriptor arbiter.
    @frozen public struct TransmitArbiter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.disable])
        }
    }
}

extension Flag<I82599.TransmitDMA> {
    /// TE, bit 0: before any queue is enabled.
    @inlinable public static var enable: Self { Flag(0, "TE") }
}

extension Flag<I82599.TransmitDescriptorControl> {
    /// ENABLE, bit 25.
    @inlinable public static var enable: Self { Flag(25, "ENABLE") }
    /// SWFLSH, bit 26.
    @inlinable public static var flush: Self { Flag(26, "SWFLSH") }
}

extension Field<I82599.TransmitDescriptorControl> {
    /// PTHRESH, bits 6:0.
    @inlinable public static var prefetchThreshold: Self { Field(low: 0, width: 7, "PTHRESH") }
    /// HTHRESH, bits 14:8.
    @inlinable public static var hostThreshold: Self { Field(low: 8, width: 7, "HTHRESH") }
    /// WTHRESH, bits 22:16.
    @inlinable public static var writeBackThreshold: Self { Field(low: 16, width: 7, "WTHRESH") }
}

extension Flag<I82599.TransmitArbiter> {
    /// ARBDIS, bit 6: while MTQC changes.
    @inlinable public static var disable: Self { Flag(6, "ARBDIS") }
}

extension I82599 {
    /// TDBAL: ring base, low half.
    @inlinable public static func tdbal(_ queue: Int) -> Register<PlainValue> {
        Register(0x6000 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDBAL")
    }
    /// TDBAH: ring base, high half.
    @inlinable public static func tdbah(_ queue: Int) -> Register<PlainValue> {
        Register(0x6004 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDBAH")
    }
    /// TDLEN: ring length in bytes.
    @inlinable public static func tdlen(_ queue: Int) -> Register<PlainValue> {
        Register(0x6008 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDLEN")
    }
    /// DCA_TXCTRL: what DMA of a transmit queue may do on the bus.
    @inlinable public static func dcaTxctrl(_ queue: Int) -> Register<PlainValue> {
        Register(0x600C + 0x40 * UInt32(truncatingIfNeeded: queue), "DCA_TXCTRL")
    }
    /// TDH: ring head.
    @inlinable public static func tdh(_ queue: Int) -> Register<PlainValue> {
        Register(0x6010 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDH")
    }
    /// TDT: ring tail.
    @inlinable public static func tdt(_ queue: Int) -> Register<PlainValue> {
        Register(0x6018 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDT")
    }
    /// TXDCTL
    @inlinable public static func txdctl(_ queue: Int) -> Register<TransmitDescriptorControl> {
        Register(0x6028 + 0x40 * UInt32(truncatingIfNeeded: queue), "TXDCTL")
    }
    /// DMATXCTL
    @inlinable public static var dmatxctl: Register<TransmitDMA> { Register(0x4A80, "DMATXCTL") }
    /// RTTDCS
    @inlinable public static var rttdcs: Register<TransmitArbiter> { Register(0x4900, "RTTDCS") }
    /// MTQC: multiple transmit queues; 0 is one group.
    @inlinable public static var mtqc: Register<PlainValue> { Register(0x8120, "MTQC") }
    /// DTXMXSZRQ: bytes of transmit data requested at once.
    @inlinable public static var dtxmxszrq: Register<PlainValue> { Register(0x8100, "DTXMXSZRQ") }
    /// TXPBSIZE: bytes of a transmit packet buffer.
    @inlinable public static func txpbsize(_ index: Int) -> Register<PlainValue> {
        Register(0xCC00 + 0x4 * UInt32(truncatingIfNeeded: index), "TXPBSIZE")
    }
    /// TXPBTHRESH: KiB of a transmit packet buffer that are kept free.
    @inlinable public static func txpbthresh(_ index: Int) -> Register<PlainValue> {
        Register(0x4950 + 0x4 * UInt32(truncatingIfNeeded: index), "TXPBTHRESH")
    }

    static var transmitRegisters: [RegisterDescription] {
        [
            .init(128, tdbal), .init(128, tdbah), .init(128, tdlen), .init(128, dcaTxctrl), .init(128, tdh),
            .init(128, tdt), .init(128, txdctl), .init(dmatxctl), .init(rttdcs), .init(mtqc), .init(dtxmxszrq),
            .init(8, txpbsize), .init(8, txpbthresh),
        ]
    }
}
