extension I82599 {
    /// RXCTRL: receive control.
    @frozen public struct ReceiveControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable])
        }
    }

    /// SRRCTL: split and replication of a receive queue; its fields are not where the 82576 has them.
    @frozen public struct SplitReceiveControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.dropEnable],
                fields: [.packetBufferSize, .headerBufferSize, .minimumThreshold, .descriptorType])
        }
    }

    /// RXDCTL: descriptor control of a receive queue.
    @frozen public struct ReceiveDescriptorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .flush, .stripTag])
        }
    }

    /// PSRTYPE: how deep headers are looked for.
    @frozen public struct SplitTypes: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.tcp, .udp, .ipv4, .ipv6, .link], fields: [.queues])
        }
    }

    /// RDRXCTL: receive DMA control.
    @frozen public struct ReceiveDMA: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.stripCRC, .initDone], fields: [.coalesceFirst])
        }
    }

    /// RXCSUM: receive checksum control.
    @frozen public struct ReceiveChecksum: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.ipPayload, .packetChecksumDisable])
        }
    }

    /// DCA_RXCTRL: what DMA of a receive queue may do on the bus.
    @frozen public struct CacheControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.mustBeClear, .dataRelaxed, .headerRelaxed])
        }
    }

    /// SECRXCTRL: receive security path.
    @frozen public struct SecurityControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.disable])
        }
    }

    /// SECRXSTAT
    @frozen public struct SecurityStatus: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.ready])
        }
    }
}

extension Flag<I82599.ReceiveControl> {
    /// RXEN, bit 0.
    @inlinable public static var enable: Self { Flag(0, "RXEN") }
}

extension Flag<I82599.SplitReceiveControl> {
    /// Drop_En, bit 28: drop frames when the queue has no descriptors.
    @inlinable public static var dropEnable: Self { Flag(28, "Drop_En") }
}

extension Field<I82599.SplitReceiveControl> {
    /// BSIZEPACKET, bits 4:0: in units of 1 KiB, 1 to 16.
    @inlinable public static var packetBufferSize: Self { Field(low: 0, width: 5, "BSIZEPACKET") }
    /// BSIZEHEADER, bits 13:8: in units of 64 bytes, up to 1024.
    @inlinable public static var headerBufferSize: Self { Field(low: 8, width: 6, "BSIZEHEADER") }
    /// RDMTS, bits 24:22.
    @inlinable public static var minimumThreshold: Self { Field(low: 22, width: 3, "RDMTS") }
    /// DESCTYPE, bits 27:25: 1 is one buffer, 2 splits, 5 splits and always uses the header buffer.
    @inlinable public static var descriptorType: Self { Field(low: 25, width: 3, "DESCTYPE") }
}

extension Flag<I82599.ReceiveDescriptorControl> {
    /// ENABLE, bit 25: reads back late.
    @inlinable public static var enable: Self { Flag(25, "ENABLE") }
    /// SWFLSH, bit 26: write back what is done.
    @inlinable public static var flush: Self { Flag(26, "SWFLSH") }
    /// VME, bit 30: take VLAN tags out.
    @inlinable public static var stripTag: Self { Flag(30, "VME") }
}

extension Flag<I82599.SplitTypes> {
    /// TCP, bit 4.
    @inlinable public static var tcp: Self { Flag(4, "TCP") }
    /// UDP, bit 5.
    @inlinable public static var udp: Self { Flag(5, "UDP") }
    /// IPv4, bit 8.
    @inlinable public static var ipv4: Self { Flag(8, "IPv4") }
    /// IPv6, bit 9.
    @inlinable public static var ipv6: Self { Flag(9, "IPv6") }
    /// L2, bit 12.
    @inlinable public static var link: Self { Flag(12, "L2") }
}

extension Field<I82599.SplitTypes> {
    /// RQPL, bits 31:29: log2 of the RSS queues of a pool.
    @inlinable public static var queues: Self { Field(low: 29, width: 3, "RQPL") }
}

extension Flag<I82599.ReceiveDMA> {
    /// CRCSTRIP, bit 1; HLREG0.RXCRCSTRP must be the same.
    @inlinable public static var stripCRC: Self { Flag(1, "CRCSTRIP") }
    /// DMAIDONE, bit 3.
    @inlinable public static var initDone: Self { Flag(3, "DMAIDONE") }
}

extension Field<I82599.ReceiveDMA> {
    /// RSCFRSTSIZE, bits 21:17: keep 0.
    @inlinable public static var coalesceFirst: Self { Field(low: 17, width: 5, "RSCFRSTSIZE") }
}

extension Flag<I82599.ReceiveChecksum> {
    /// IPPCSE, bit 12.
    @inlinable public static var ipPayload: Self { Flag(12, "IPPCSE") }
    /// PCSD, bit 13: descriptors carry the RSS hash.
    @inlinable public static var packetChecksumDisable: Self { Flag(13, "PCSD") }
}

extension Flag<I82599.CacheControl> {
    /// Bit 12 reads 1 after reset and must be cleared (public drivers agree).
    @inlinable public static var mustBeClear: Self { Flag(12, "MUST_BE_CLEAR") }
    /// RXdataWriteROEn, bit 13: payload writes may be reordered.
    @inlinable public static var dataRelaxed: Self { Flag(13, "RXdataWriteROEn") }
    /// RXrepHeaderROEn, bit 15.
    @inlinable public static var headerRelaxed: Self { Flag(15, "RXrepHeaderROEn") }
}

extension Flag<I82599.SecurityControl> {
    /// RX_DIS, bit 1: stop before RXCTRL changes.
    @inlinable public static var disable: Self { Flag(1, "RX_DIS") }
}

extension Flag<I82599.SecurityStatus> {
    /// SECRX_RDY, bit 0: the path is empty.
    @inlinable public static var ready: Self { Flag(0, "SECRX_RDY") }
}

extension I82599 {
    /// RDBAL: ring base, low half; 128-byte aligned.
    @inlinable public static func rdbal(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x1000 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD000 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RDBAL")
    }
    /// RDBAH: ring base, high half.
    @inlinable public static func rdbah(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x1004 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD004 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RDBAH")
    }
    /// RDLEN: ring length in bytes, a multiple of 128.
    @inlinable public static func rdlen(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x1008 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD008 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RDLEN")
    }
    /// RDH: ring head.
    @inlinable public static func rdh(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x1010 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD010 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RDH")
    }
    /// RDT: ring tail.
    @inlinable public static func rdt(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x1018 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD018 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RDT")
    }
    /// RXDCTL
    @inlinable public static func rxdctl(_ queue: Int) -> Register<ReceiveDescriptorControl> {
        Register(
            queue < 64
                ? 0x1028 + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD028 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RXDCTL")
    }
    /// RSCCTL: receive side coalescing; keep 0 for split queues.
    @inlinable public static func rscctl(_ queue: Int) -> Register<PlainValue> {
        Register(
            queue < 64
                ? 0x102C + 0x40 * UInt32(truncatingIfNeeded: queue)
                : 0xD02C + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "RSCCTL")
    }
    /// SRRCTL: the first 16 stand in a table of their own.
    @inlinable public static func srrctl(_ queue: Int) -> Register<SplitReceiveControl> {
        Register(
            queue < 16
                ? 0x2100 + 0x4 * UInt32(truncatingIfNeeded: queue)
                : queue < 64
                    ? 0x1014 + 0x40 * UInt32(truncatingIfNeeded: queue)
                    : 0xD014 + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "SRRCTL")
    }
    /// DCA_RXCTRL: the first 16 stand in a table of their own.
    @inlinable public static func dcaRxctrl(_ queue: Int) -> Register<CacheControl> {
        Register(
            queue < 16
                ? 0x2200 + 0x4 * UInt32(truncatingIfNeeded: queue)
                : queue < 64
                    ? 0x100C + 0x40 * UInt32(truncatingIfNeeded: queue)
                    : 0xD00C + 0x40 * UInt32(truncatingIfNeeded: queue &- 64), "DCA_RXCTRL")
    }
    /// QPRDC: frames that the queue dropped.
    @inlinable public static func qprdc(_ queue: Int) -> Register<PlainValue> {
        Register(0x1430 + 0x40 * UInt32(truncatingIfNeeded: queue), "QPRDC", .readClear)
    }
    /// RXCTRL
    @inlinable public static var rxctrl: Register<ReceiveControl> { Register(0x3000, "RXCTRL") }
    /// RDRXCTL
    @inlinable public static var rdrxctl: Register<ReceiveDMA> { Register(0x2F00, "RDRXCTL") }
    /// RXPBSIZE: bytes of a receive packet buffer, in units of 1 KiB in bits 19:10.
    @inlinable public static func rxpbsize(_ index: Int) -> Register<PlainValue> {
        Register(0x3C00 + 0x4 * UInt32(truncatingIfNeeded: index), "RXPBSIZE")
    }
    /// PSRTYPE: by pool; 0 rules without pools.
    @inlinable public static func psrtype(_ pool: Int) -> Register<SplitTypes> {
        Register(0x5480 + 0x4 * UInt32(truncatingIfNeeded: pool), "PSRTYPE")
    }
    /// RXCSUM
    @inlinable public static var rxcsum: Register<ReceiveChecksum> { Register(0x5000, "RXCSUM") }
    /// SECRXCTRL
    @inlinable public static var secrxctrl: Register<SecurityControl> { Register(0x8D00, "SECRXCTRL") }
    /// SECRXSTAT
    @inlinable public static var secrxstat: Register<SecurityStatus> { Register(0x8D04, "SECRXSTAT", .readOnly) }

    static var receiveRegisters: [RegisterDescription] {
        [
            .init(64, rdbal), .init(64, from: 64, rdbal), .init(64, rdbah), .init(64, from: 64, rdbah),
            .init(64, rdlen), .init(64, from: 64, rdlen), .init(64, rdh), .init(64, from: 64, rdh), .init(64, rdt),
            .init(64, from: 64, rdt), .init(64, rxdctl), .init(64, from: 64, rxdctl), .init(64, rscctl),
            .init(64, from: 64, rscctl), .init(16, srrctl), .init(48, from: 16, srrctl), .init(64, from: 64, srrctl),
            .init(16, dcaRxctrl),
            .init(48, from: 16, dcaRxctrl), .init(64, from: 64, dcaRxctrl), .init(16, qprdc), .init(rxctrl),
            .init(rdrxctl), .init(8, rxpbsize),
            .init(16, psrtype), .init(rxcsum), .init(secrxctrl), .init(secrxstat),
        ]
    }
}
