// Filters that choose a receive queue: by EtherType, TCP SYN, and 5-tuple (82576 datasheet, section 7.1.1).

extension I82576 {
    /// ETQF: an EtherType filter.
    @frozen public struct EtherTypeFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .immediateInterrupt, .queueEnable], fields: [.etherType, .queue])
        }
    }

    /// SYNQF: the filter for TCP segments that open connections.
    @frozen public struct SYNFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable], fields: [.queue])
        }
    }

    /// FTQF: protocol, queue and mask of a 5-tuple filter.
    @frozen public struct FiveTupleFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [
                    .queueEnable, .poolBypass, .protocolBypass, .sourceAddressBypass, .destinationAddressBypass,
                    .sourcePortBypass,
                ], fields: [.ipProtocol, .queue])
        }
    }

    /// IMIR: destination port and priority of a 5-tuple filter.
    @frozen public struct ImmediateFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.immediateInterrupt, .portBypass], fields: [.destinationPort, .priority])
        }
    }

    /// IMIREXT: frame size and TCP control bits of a 5-tuple filter.
    @frozen public struct ImmediateFilterExtension: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.sizeBypass, .controlBypass], fields: [.sizeThreshold, .controlBits])
        }
    }
}

extension Flag<I82576.EtherTypeFilter> {
    /// Filter enable, bit 26.
    @inlinable public static var enable: Self { Flag(26, "Filter_enable") }
    /// Immediate interrupt, bit 29.
    @inlinable public static var immediateInterrupt: Self { Flag(29, "Immediate_interrupt") }
    /// Queue enable, bit 31.
    @inlinable public static var queueEnable: Self { Flag(31, "Queue_enable") }
}

extension Field<I82576.EtherTypeFilter> {
    /// ETYPE, bits 15:0: not IPv4's and not IPv6's.
    @inlinable public static var etherType: Self { Field(low: 0, width: 16, "ETYPE") }
    /// Bits 18:16.
    @inlinable public static var queue: Self { Field(low: 16, width: 3, "QUEUE") }
}

extension Flag<I82576.SYNFilter> {
    /// Queue enable, bit 0.
    @inlinable public static var enable: Self { Flag(0, "Queue_enable") }
}

extension Field<I82576.SYNFilter> {
    /// Bits 3:1.
    @inlinable public static var queue: Self { Field(low: 1, width: 3, "QUEUE") }
}

extension Flag<I82576.FiveTupleFilter> {
    /// Queue enable, bit 8.
    @inlinable public static var queueEnable: Self { Flag(8, "Queue_enable") }
    /// VF_BP, bit 15: do not compare the pool; set it without virtualization.
    @inlinable public static var poolBypass: Self { Flag(15, "VF_BP") }
    /// Mask, bit 28: do not compare the protocol.
    @inlinable public static var protocolBypass: Self { Flag(28, "Mask_protocol") }
    /// Mask, bit 29: do not compare the source address.
    @inlinable public static var sourceAddressBypass: Self { Flag(29, "Mask_SAQF") }
    /// Mask, bit 30: do not compare the destination address.
    @inlinable public static var destinationAddressBypass: Self { Flag(30, "Mask_DAQF") }
    /// Mask, bit 31: do not compare the source port.
    @inlinable public static var sourcePortBypass: Self { Flag(31, "Mask_SPQF") }
}

extension Field<I82576.FiveTupleFilter> {
    /// Bits 7:0: the IP protocol number.
    @inlinable public static var ipProtocol: Self { Field(low: 0, width: 8, "IP_PROTOCOL") }
    /// Bits 25:16.
    @inlinable public static var queue: Self { Field(low: 16, width: 10, "QUEUE") }
}

extension Flag<I82576.ImmediateFilter> {
    /// PORT_IM_EN, bit 16: a match interrupts at once.
    @inlinable public static var immediateInterrupt: Self { Flag(16, "PORT_IM_EN") }
    /// PORT_BP, bit 17: do not compare the destination port.
    @inlinable public static var portBypass: Self { Flag(17, "PORT_BP") }
}

extension Field<I82576.ImmediateFilter> {
    /// Bits 15:0: the destination port as the two bytes of the frame lie in memory, first byte lowest.
    @inlinable public static var destinationPort: Self { Field(low: 0, width: 16, "DESTINATION_PORT") }
    /// Bits 31:29: the highest of several that match wins.
    @inlinable public static var priority: Self { Field(low: 29, width: 3, "PRIORITY") }
}

extension Flag<I82576.ImmediateFilterExtension> {
    /// SIZE_BP, bit 12: do not compare the size.
    @inlinable public static var sizeBypass: Self { Flag(12, "SIZE_BP") }
    /// CTRL_BP, bit 19: do not look at the control bits.
    @inlinable public static var controlBypass: Self { Flag(19, "CTRL_BP") }
}

extension Field<I82576.ImmediateFilterExtension> {
    /// SIZE_THRESH, bits 11:0: longer frames do not match.
    @inlinable public static var sizeThreshold: Self { Field(low: 0, width: 12, "SIZE_THRESH") }
    /// Bits 18:13: URG lowest, then ACK, PSH, RST, SYN, FIN; one of them must be set in the segment.
    @inlinable public static var controlBits: Self { Field(low: 13, width: 6, "CONTROL_BITS") }
}

extension I82576 {
    /// 5-tuple filters.
    public static let fiveTupleCount = 8
    /// EtherType filters.
    public static let etherTypeCount = 8

    /// ETQF
    @inlinable public static func etqf(_ index: Int) -> Register<EtherTypeFilter> {
        Register(0x5CB0 + 0x4 * UInt32(truncatingIfNeeded: index), "ETQF")
    }
    /// SYNQF
    @inlinable public static var synqf: Register<SYNFilter> { Register(0x55FC, "SYNQF") }
    /// SAQF: source address of a 5-tuple filter, its first byte lowest.
    @inlinable public static func saqf(_ index: Int) -> Register<PlainValue> {
        Register(0x5980 + 0x4 * UInt32(truncatingIfNeeded: index), "SAQF")
    }
    /// DAQF: destination address of a 5-tuple filter, its first byte lowest.
    @inlinable public static func daqf(_ index: Int) -> Register<PlainValue> {
        Register(0x59A0 + 0x4 * UInt32(truncatingIfNeeded: index), "DAQF")
    }
    /// SPQF: source port of a 5-tuple filter in bits 15:0, its first byte lowest.
    @inlinable public static func spqf(_ index: Int) -> Register<PlainValue> {
        Register(0x59C0 + 0x4 * UInt32(truncatingIfNeeded: index), "SPQF")
    }
    /// FTQF
    @inlinable public static func ftqf(_ index: Int) -> Register<FiveTupleFilter> {
        Register(0x59E0 + 0x4 * UInt32(truncatingIfNeeded: index), "FTQF")
    }
    /// IMIR
    @inlinable public static func imir(_ index: Int) -> Register<ImmediateFilter> {
        Register(0x5A80 + 0x4 * UInt32(truncatingIfNeeded: index), "IMIR")
    }
    /// IMIREXT
    @inlinable public static func imirext(_ index: Int) -> Register<ImmediateFilterExtension> {
        Register(0x5AA0 + 0x4 * UInt32(truncatingIfNeeded: index), "IMIREXT")
    }
    /// IMIRVP: immediate interrupts by VLAN priority.
    @inlinable public static var imirvp: Register<PlainValue> { Register(0x5AC0, "IMIRVP") }

    static var steeringRegisters: [RegisterDescription] {
        [
            .init(8, etqf), .init(synqf), .init(8, saqf), .init(8, daqf), .init(8, spqf), .init(8, ftqf),
            .init(8, imir), .init(8, imirext), .init(imirvp),
        ]
    }
}
