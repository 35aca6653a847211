extension I82576 {
    /// MRQC: multiple receive queues.
    @frozen public struct MultipleQueues: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    }

    /// ETQF: an EtherType filter.
    @frozen public struct EtherTypeFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    }
}

extension Flag<I82576.MultipleQueues> {
    /// Bit 16: hash TCP over IPv4.
    @inlinable public static var tcpIPv4: Self { Flag(16) }
    /// Bit 17: hash IPv4 addresses.
    @inlinable public static var ipv4: Self { Flag(17) }
    /// Bit 18: hash TCP over IPv6 with extension headers.
    @inlinable public static var tcpIPv6Ex: Self { Flag(18) }
    /// Bit 19: hash IPv6 addresses with extension headers.
    @inlinable public static var ipv6Ex: Self { Flag(19) }
    /// Bit 20: hash IPv6 addresses.
    @inlinable public static var ipv6: Self { Flag(20) }
    /// Bit 21: hash TCP over IPv6.
    @inlinable public static var tcpIPv6: Self { Flag(21) }
    /// Bit 22: hash UDP over IPv4.
    @inlinable public static var udpIPv4: Self { Flag(22) }
    /// Bit 23: hash UDP over IPv6.
    @inlinable public static var udpIPv6: Self { Flag(23) }
    /// Bit 24: hash UDP over IPv6 with extension headers.
    @inlinable public static var udpIPv6Ex: Self { Flag(24) }
}

extension Field<I82576.MultipleQueues> {
    /// MRQE, bits 2:0: 0 is off, 2 is RSS.
    @inlinable public static var mode: Self { Field(low: 0, width: 3) }
    /// DEF_Q, bits 5:3: where frames without a hash go.
    @inlinable public static var defaultQueue: Self { Field(low: 3, width: 3) }
}

extension Flag<I82576.EtherTypeFilter> {
    /// Filter enable, bit 26.
    @inlinable public static var enable: Self { Flag(26) }
    /// Queue enable, bit 31.
    @inlinable public static var queueEnable: Self { Flag(31) }
}

extension Field<I82576.EtherTypeFilter> {
    /// ETYPE, bits 15:0.
    @inlinable public static var etherType: Self { Field(low: 0, width: 16) }
    /// Bits 18:16.
    @inlinable public static var queue: Self { Field(low: 16, width: 3) }
}

extension I82576 {
    /// SYNQF: TCP SYN filter.
    @inlinable public static func synqf(_ index: Int) -> Register<PlainValue> {
        Register(0x55FC + 0x4 * UInt32(truncatingIfNeeded: index), "SYNQF")
    }
    /// MRQC
    @inlinable public static var mrqc: Register<MultipleQueues> { Register(0x5818, "MRQC") }
    /// VT_CTL: virtualization control.
    @inlinable public static var vtCtl: Register<PlainValue> { Register(0x581C, "VT_CTL") }
    /// SAQF: source address of a 5-tuple filter.
    @inlinable public static func saqf(_ index: Int) -> Register<PlainValue> {
        Register(0x5980 + 0x4 * UInt32(truncatingIfNeeded: index), "SAQF")
    }
    /// DAQF: destination address of a 5-tuple filter.
    @inlinable public static func daqf(_ index: Int) -> Register<PlainValue> {
        Register(0x59A0 + 0x4 * UInt32(truncatingIfNeeded: index), "DAQF")
    }
    /// SPQF: source port of a 5-tuple filter.
    @inlinable public static func spqf(_ index: Int) -> Register<PlainValue> {
        Register(0x59C0 + 0x4 * UInt32(truncatingIfNeeded: index), "SPQF")
    }
    /// FTQF: protocol, queue and mask of a 5-tuple filter.
    @inlinable public static func ftqf(_ index: Int) -> Register<PlainValue> {
        Register(0x59E0 + 0x4 * UInt32(truncatingIfNeeded: index), "FTQF")
    }
    /// IMIR: destination port of a 5-tuple filter.
    @inlinable public static func imir(_ index: Int) -> Register<PlainValue> {
        Register(0x5A80 + 0x4 * UInt32(truncatingIfNeeded: index), "IMIR")
    }
    /// IMIREXT: size and TCP flags of a 5-tuple filter.
    @inlinable public static func imirext(_ index: Int) -> Register<PlainValue> {
        Register(0x5AA0 + 0x4 * UInt32(truncatingIfNeeded: index), "IMIREXT")
    }
    /// IMIRVP: VLAN priority filter.
    @inlinable public static var imirvp: Register<PlainValue> { Register(0x5AC0, "IMIRVP") }
    /// VMOLR: offload control of a pool.
    @inlinable public static func vmolr(_ pool: Int) -> Register<PlainValue> {
        Register(0x5AD0 + 0x4 * UInt32(truncatingIfNeeded: pool), "VMOLR")
    }
    /// RPLOLR: offload control of replicated frames.
    @inlinable public static var rplolr: Register<PlainValue> { Register(0x5AF0, "RPLOLR") }
    /// ETQF
    @inlinable public static func etqf(_ index: Int) -> Register<EtherTypeFilter> {
        Register(0x5CB0 + 0x4 * UInt32(truncatingIfNeeded: index), "ETQF")
    }
    /// VLVF: VLAN pool filter.
    @inlinable public static func vlvf(_ index: Int) -> Register<PlainValue> {
        Register(0x5D00 + 0x4 * UInt32(truncatingIfNeeded: index), "VLVF")
    }
    /// FHFT: flexible host filters 0 to 3, 64 words each.
    @inlinable public static func fhft(_ word: Int) -> Register<PlainValue> {
        Register(0x9000 + 0x4 * UInt32(truncatingIfNeeded: word), "FHFT")
    }
    /// FHFT_EXT: flexible host filters 4 to 7.
    @inlinable public static func fhftExt(_ word: Int) -> Register<PlainValue> {
        Register(0x9A00 + 0x4 * UInt32(truncatingIfNeeded: word), "FHFT_EXT")
    }
    /// UTA: unicast table.
    @inlinable public static func uta(_ index: Int) -> Register<PlainValue> {
        Register(0xA000 + 0x4 * UInt32(truncatingIfNeeded: index), "UTA")
    }

    static var filterRegisters: [RegisterDescription] {
        [
            .init(128, mta), .init(16, ral), .init(8, from: 16, ral), .init(16, rah), .init(8, from: 16, rah),
            .init(1, synqf), .init(128, vfta), .init(mrqc), .init(vtCtl), .init(8, saqf), .init(8, daqf),
            .init(8, spqf), .init(8, ftqf), .init(8, imir), .init(8, imirext), .init(imirvp), .init(8, vmolr),
            .init(rplolr), .init(32, reta), .init(10, rssrk), .init(8, etqf), .init(32, vlvf), .init(256, fhft),
            .init(256, fhftExt), .init(128, uta),
        ]
    }
}
