extension I82574 {
    /// TXDCTL: descriptor control of a transmit queue; this part has no enable bit here.
    @frozen public struct TransmitDescriptorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.countDescriptors, .granularity],
                fields: [.prefetchThreshold, .hostThreshold, .writeBackThreshold])
        }
    }

    /// TARC: arbitration between the transmit queues.
    @frozen public struct TransmitArbitration: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .workaround26], fields: [.count, .workaround30])
        }
    }
}

extension Flag<I82574.TransmitDescriptorControl> {
    /// Bit 22: must be set; drivers of the family call it COUNT_DESC.
    @inlinable public static var countDescriptors: Self { Flag(22, "COUNT_DESCRIPTORS") }
    /// GRAN, bit 24: thresholds count descriptors, not cache lines.
    @inlinable public static var granularity: Self { Flag(24, "GRAN") }
}

extension Field<I82574.TransmitDescriptorControl> {
    /// PTHRESH, bits 5:0.
    @inlinable public static var prefetchThreshold: Self { Field(low: 0, width: 6, "PTHRESH") }
    /// HTHRESH, bits 13:8.
    @inlinable public static var hostThreshold: Self { Field(low: 8, width: 6, "HTHRESH") }
    /// WTHRESH, bits 21:16.
    @inlinable public static var writeBackThreshold: Self { Field(low: 16, width: 6, "WTHRESH") }
}

extension Flag<I82574.TransmitArbitration> {
    /// ENABLE, bit 10: the queue may send; set after a reset.
    @inlinable public static var enable: Self { Flag(10, "ENABLE") }
    /// Bit 26: to be set in TARC0 of this part.
    @inlinable public static var workaround26: Self { Flag(26, "WORKAROUND26") }
}

extension Field<I82574.TransmitArbitration> {
    /// COUNT, bits 6:0.
    @inlinable public static var count: Self { Field(low: 0, width: 7, "COUNT") }
    /// Bits 30:27: to be cleared in TARC0 of this part.
    @inlinable public static var workaround30: Self { Field(low: 27, width: 4, "WORKAROUND30") }
}

extension I82574 {
    /// TDBAL: ring address low, 128-byte aligned.
    @inlinable public static func tdbal(_ queue: Int) -> Register<PlainValue> {
        Register(0x3800 + 0x100 * UInt32(truncatingIfNeeded: queue), "TDBAL")
    }
    /// TDBAH: ring address high.
    @inlinable public static func tdbah(_ queue: Int) -> Register<PlainValue> {
        Register(0x3804 + 0x100 * UInt32(truncatingIfNeeded: queue), "TDBAH")
    }
    /// TDLEN: ring length in bytes, a multiple of 128.
    @inlinable public static func tdlen(_ queue: Int) -> Register<PlainValue> {
        Register(0x3808 + 0x100 * UInt32(truncatingIfNeeded: queue), "TDLEN")
    }
    /// TDH: ring head: may pass a descriptor before its done bit.
    @inlinable public static func tdh(_ queue: Int) -> Register<PlainValue> {
        Register(0x3810 + 0x100 * UInt32(truncatingIfNeeded: queue), "TDH")
    }
    /// TDT: ring tail.
    @inlinable public static func tdt(_ queue: Int) -> Register<PlainValue> {
        Register(0x3818 + 0x100 * UInt32(truncatingIfNeeded: queue), "TDT")
    }
    /// TIDV: transmit interrupt delay, in units of 1.024 us.
    @inlinable public static var tidv: Register<PlainValue> { Register(0x3820, "TIDV") }
    /// TXDCTL
    @inlinable public static func txdctl(_ queue: Int) -> Register<TransmitDescriptorControl> {
        Register(0x3828 + 0x100 * UInt32(truncatingIfNeeded: queue), "TXDCTL")
    }
    /// TADV: absolute transmit interrupt delay, in units of 1.024 us.
    @inlinable public static var tadv: Register<PlainValue> { Register(0x382C, "TADV") }
    /// TARC
    @inlinable public static func tarc(_ queue: Int) -> Register<TransmitArbitration> {
        Register(0x3840 + 0x100 * UInt32(truncatingIfNeeded: queue), "TARC")
    }

    static var transmitRegisters: [RegisterDescription] {
        [
            .init(tctl), .init(tctlExt), .init(tipg), .init(2, tdbal), .init(2, tdbah), .init(2, tdlen), .init(2, tdh),
            .init(2, tdt), .init(tidv), .init(2, txdctl), .init(tadv), .init(2, tarc),
        ]
    }
}
