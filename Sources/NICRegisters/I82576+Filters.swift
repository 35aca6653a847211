extension I82576 {
    /// MRQC: multiple receive queues.
    @frozen public struct MultipleQueues: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.tcpIPv4, .ipv4, .tcpIPv6Ex, .ipv6Ex, .ipv6, .tcpIPv6, .udpIPv4, .udpIPv6, .udpIPv6Ex],
                fields: [.mode, .defaultQueue])
        }
    }
}

extension Flag<I82576.MultipleQueues> {
    /// Bit 16: hash TCP over IPv4.
    @inlinable public static var tcpIPv4: Self { Flag(16, "TCP_IPV4") }
    /// Bit 17: hash IPv4 addresses.
    @inlinable public static var ipv4: Self { Flag(17, "IPV4") }
    /// Bit 18: hash TCP over IPv6 with extension headers.
    @inlinable public static var tcpIPv6Ex: Self { Flag(18, "TCP_IPV6_EX") }
    /// Bit 19: hash IPv6 addresses with extension headers.
    @inlinable public static var ipv6Ex: Self { Flag(19, "IPV6_EX") }
    /// Bit 20: hash IPv6 addresses.
    @inlinable public static var ipv6: Self { Flag(20, "IPV6") }
    /// Bit 21: hash TCP over IPv6.
    @inlinable public static var tcpIPv6: Self { Flag(21, "TCP_IPV6") }
    /// Bit 22: hash UDP over IPv4.
    @inlinable public static var udpIPv4: Self { Flag(22, "UDP_IPV4") }
    /// Bit 23: hash UDP over IPv6.
    @inlinable public static var udpIPv6: Self { Flag(23, "UDP_IPV6") }
    /// Bit 24: hash UDP over IPv6 with extension headers.
    @inlinable public static var udpIPv6Ex: Self { Flag(24, "UDP_IPV6_EX") }
}

extension Field<I82576.MultipleQueues> {
    /// MRQE, bits 2:0: 0 is off, 2 is RSS.
    @inlinable public static var mode: Self { Field(low: 0, width: 3, "MRQE") }
    /// DEF_Q, bits 5:3: where frames without a hash go.
    @inlinable public static var defaultQueue: Self { Field(low: 3, width: 3, "DEF_Q") }
}

extension I82576 {
    /// MRQC
    @inlinable public static var mrqc: Register<MultipleQueues> { Register(0x5818, "MRQC") }
    /// VT_CTL: virtualization control.
    @inlinable public static var vtCtl: Register<PlainValue> { Register(0x581C, "VT_CTL") }
    /// VMOLR: offload control of a pool.
    @inlinable public static func vmolr(_ pool: Int) -> Register<PlainValue> {
        Register(0x5AD0 + 0x4 * UInt32(truncatingIfNeeded: pool), "VMOLR")
    }
    /// RPLOLR: offload control of replicated frames.
    @inlinable public static var rplolr: Register<PlainValue> { Register(0x5AF0, "RPLOLR") }
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
            .init(128, vfta), .init(mrqc), .init(vtCtl), .init(8, vmolr), .init(rplolr), .init(32, reta),
            .init(10, rssrk), .init(32, vlvf), .init(256, fhft), .init(256, fhftExt), .init(128, uta),
        ]
    }
}
