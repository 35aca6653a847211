extension I82576 {
    /// TXDCTL: descriptor control of a transmit queue.
    @frozen public struct TransmitDescriptorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .flush], fields: [.prefetchThreshold, .hostThreshold, .writeBackThreshold])
        }
    }

    /// TDWBAL: head write-back address low.
    @frozen public struct HeadWriteBack: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable])
        }
    }
}

extension Flag<I82576.TransmitDescriptorControl> {
    /// ENABLE, bit 25: reads 1 once the queue runs.
    @inlinable public static var enable: Self { Flag(25, "ENABLE") }
    /// SWFLSH, bit 26: write back now; clears itself.
    @inlinable public static var flush: Self { Flag(26, "SWFLSH") }
}

extension Field<I82576.TransmitDescriptorControl> {
    /// PTHRESH, bits 4:0.
    @inlinable public static var prefetchThreshold: Self { Field(low: 0, width: 5, "PTHRESH") }
    /// HTHRESH, bits 12:8.
    @inlinable public static var hostThreshold: Self { Field(low: 8, width: 5, "HTHRESH") }
    /// WTHRESH, bits 20:16.
    @inlinable public static var writeBackThreshold: Self { Field(low: 16, width: 5, "WTHRESH") }
}

extension Flag<I82576.HeadWriteBack> {
    /// Head_WB_En, bit 0: write the head there instead of done bits.
    @inlinable public static var enable: Self { Flag(0, "Head_WB_En") }
}

extension I82576 {
    /// TXPBS
    @inlinable public static var txpbs: Register<PacketBuffer> { Register(0x3404, "TXPBS") }
    /// DTXCTL: DMA transmit control.
    @inlinable public static var dtxctl: Register<PlainValue> { Register(0x3590, "DTXCTL") }
    /// DTXTCPFLGL: TCP flags of the first and middle segments.
    @inlinable public static var dtxtcpflgl: Register<PlainValue> { Register(0x359C, "DTXTCPFLGL") }
    /// DTXTCPFLGH: TCP flags of the last segment.
    @inlinable public static var dtxtcpflgh: Register<PlainValue> { Register(0x35A0, "DTXTCPFLGH") }
    /// TDBAL: ring address low, 128-byte aligned.
    @inlinable public static func tdbal(_ queue: Int) -> Register<PlainValue> {
        Register(0xE000 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDBAL")
    }
    /// TDBAH: ring address high.
    @inlinable public static func tdbah(_ queue: Int) -> Register<PlainValue> {
        Register(0xE004 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDBAH")
    }
    /// TDLEN: ring length in bytes, a multiple of 128.
    @inlinable public static func tdlen(_ queue: Int) -> Register<PlainValue> {
        Register(0xE008 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDLEN")
    }
    /// TDH: ring head: may pass a descriptor before its done bit.
    @inlinable public static func tdh(_ queue: Int) -> Register<PlainValue> {
        Register(0xE010 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDH")
    }
    /// DCA_TXCTRL: direct cache access and relaxed ordering of a transmit queue.
    @inlinable public static func dcaTxctrl(_ queue: Int) -> Register<PlainValue> {
        Register(0xE014 + 0x40 * UInt32(truncatingIfNeeded: queue), "DCA_TXCTRL")
    }
    /// TDT: ring tail.
    @inlinable public static func tdt(_ queue: Int) -> Register<PlainValue> {
        Register(0xE018 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDT")
    }
    /// TXDCTL
    @inlinable public static func txdctl(_ queue: Int) -> Register<TransmitDescriptorControl> {
        Register(0xE028 + 0x40 * UInt32(truncatingIfNeeded: queue), "TXDCTL")
    }
    /// TDWBAL
    @inlinable public static func tdwbal(_ queue: Int) -> Register<HeadWriteBack> {
        Register(0xE038 + 0x40 * UInt32(truncatingIfNeeded: queue), "TDWBAL")
    }
    /// TDWBAH: head write-back address high.
    @inlinable public static func tdwbah(_ queue: Int) -> Register<PlainValue> {
        Register(0xE03C + 0x40 * UInt32(truncatingIfNeeded: queue), "TDWBAH")
    }

    static var transmitRegisters: [RegisterDescription] {
        [
            .init(tctl), .init(tctlExt), .init(tipg), .init(txpbs), .init(dtxctl), .init(dtxtcpflgl),
            .init(dtxtcpflgh), .init(16, tdbal), .init(16, tdbah), .init(16, tdlen), .init(16, tdh),
            .init(16, dcaTxctrl), .init(16, tdt), .init(16, txdctl), .init(16, tdwbal), .init(16, tdwbah),
        ]
    }
}
