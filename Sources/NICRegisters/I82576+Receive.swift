extension I82576 {
    /// RCTL: receive control.
    @frozen public struct ReceiveControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [
                    .enable, .storeBadPackets, .unicastPromiscuous, .multicastPromiscuous, .longPackets,
                    .broadcastAccept, .vlanFilter, .canonicalEnable, .canonicalValue, .padStrip, .discardPause,
                    .passMACControl, .stripCRC,
                ], fields: [.loopback, .multicastOffset, .bufferSize])
        }
    }

    /// SRRCTL: split and replication of a receive queue.
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
            list(flags: [.enable, .flush], fields: [.prefetchThreshold, .hostThreshold, .writeBackThreshold])
        }
    }

    /// PSRTYPE: which frames are split after which header.
    @frozen public struct SplitTypes: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.ipv4, .ipv4TCP, .ipv4UDP, .ipv6, .ipv6TCP, .ipv6UDP])
        }
    }

    /// RXPBS and TXPBS: packet buffer size.
    @frozen public struct PacketBuffer: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.size])
        }
    }
}

extension Flag<I82576.ReceiveControl> {
    /// RXEN, bit 1: receiver enable.
    @inlinable public static var enable: Self { Flag(1, "RXEN") }
    /// SBP, bit 2: keep frames with errors.
    @inlinable public static var storeBadPackets: Self { Flag(2, "SBP") }
    /// UPE, bit 3.
    @inlinable public static var unicastPromiscuous: Self { Flag(3, "UPE") }
    /// MPE, bit 4.
    @inlinable public static var multicastPromiscuous: Self { Flag(4, "MPE") }
    /// LPE, bit 5: frames up to RLPML instead of 1518 bytes (plus tags).
    @inlinable public static var longPackets: Self { Flag(5, "LPE") }
    /// BAM, bit 15.
    @inlinable public static var broadcastAccept: Self { Flag(15, "BAM") }
    /// VFE, bit 18: tags must be in VFTA.
    @inlinable public static var vlanFilter: Self { Flag(18, "VFE") }
    /// CFIEN, bit 19: drop tags whose CFI differs from CFI.
    @inlinable public static var canonicalEnable: Self { Flag(19, "CFIEN") }
    /// CFI, bit 20.
    @inlinable public static var canonicalValue: Self { Flag(20, "CFI") }
    /// PSP, bit 21: strip padding of small frames.
    @inlinable public static var padStrip: Self { Flag(21, "PSP") }
    /// DPF, bit 22: discard pause frames.
    @inlinable public static var discardPause: Self { Flag(22, "DPF") }
    /// PMCF, bit 23: pass MAC control frames.
    @inlinable public static var passMACControl: Self { Flag(23, "PMCF") }
    /// SECRC, bit 26: do not store the frame check sequence.
    @inlinable public static var stripCRC: Self { Flag(26, "SECRC") }
}

extension Field<I82576.ReceiveControl> {
    /// LBM, bits 7:6: 1 is MAC loopback.
    @inlinable public static var loopback: Self { Field(low: 6, width: 2, "LBM") }
    /// MO, bits 13:12: which bits of the address index the multicast table.
    @inlinable public static var multicastOffset: Self { Field(low: 12, width: 2, "MO") }
    /// BSIZE, bits 17:16: 2048, 1024, 512, 256 bytes; used when SRRCTL has 0.
    @inlinable public static var bufferSize: Self { Field(low: 16, width: 2, "BSIZE") }
}

extension Flag<I82576.SplitReceiveControl> {
    /// Drop_En, bit 31: drop frames when the queue has no descriptors.
    @inlinable public static var dropEnable: Self { Flag(31, "Drop_En") }
}

extension Field<I82576.SplitReceiveControl> {
    /// BSIZEPACKET, bits 6:0: packet buffer in units of 1 KiB.
    @inlinable public static var packetBufferSize: Self { Field(low: 0, width: 7, "BSIZEPACKET") }
    /// BSIZEHEADER, bits 13:8: header buffer in units of 64 bytes.
    @inlinable public static var headerBufferSize: Self { Field(low: 8, width: 6, "BSIZEHEADER") }
    /// RDMTS, bits 24:20: low-descriptor threshold in units of 16.
    @inlinable public static var minimumThreshold: Self { Field(low: 20, width: 5, "RDMTS") }
    /// DESCTYPE, bits 27:25: see ``DescriptorType``.
    @inlinable public static var descriptorType: Self { Field(low: 25, width: 3, "DESCTYPE") }
}

extension Flag<I82576.ReceiveDescriptorControl> {
    /// ENABLE, bit 25: reads 1 once the queue runs.
    @inlinable public static var enable: Self { Flag(25, "ENABLE") }
    /// SWFLUSH, bit 26: write back now; clears itself.
    @inlinable public static var flush: Self { Flag(26, "SWFLUSH") }
}

extension Field<I82576.ReceiveDescriptorControl> {
    /// PTHRESH, bits 4:0.
    @inlinable public static var prefetchThreshold: Self { Field(low: 0, width: 5, "PTHRESH") }
    /// HTHRESH, bits 12:8.
    @inlinable public static var hostThreshold: Self { Field(low: 8, width: 5, "HTHRESH") }
    /// WTHRESH, bits 20:16.
    @inlinable public static var writeBackThreshold: Self { Field(low: 16, width: 5, "WTHRESH") }
}

extension Flag<I82576.SplitTypes> {
    /// Bit 1: IPv4 fragments after the IP header.
    @inlinable public static var ipv4: Self { Flag(1, "IPV4") }
    /// Bit 2.
    @inlinable public static var ipv4TCP: Self { Flag(2, "IPV4_TCP") }
    /// Bit 3.
    @inlinable public static var ipv4UDP: Self { Flag(3, "IPV4_UDP") }
    /// Bit 7: IPv6 fragments before the fragment header.
    @inlinable public static var ipv6: Self { Flag(7, "IPV6") }
    /// Bit 8.
    @inlinable public static var ipv6TCP: Self { Flag(8, "IPV6_TCP") }
    /// Bit 9.
    @inlinable public static var ipv6UDP: Self { Flag(9, "IPV6_UDP") }
}

extension Field<I82576.PacketBuffer> {
    /// Bits 6:0, in KiB.
    @inlinable public static var size: Self { Field(low: 0, width: 7, "SIZE") }
}

/// SRRCTL.DESCTYPE: what a receive descriptor and its buffers are.
@frozen public enum DescriptorType: UInt32, Sendable {
    /// Legacy descriptors.
    case legacy = 0
    /// Advanced descriptors, one buffer.
    case oneBuffer = 1
    /// Header split.
    case split = 2
    /// Header replication, always.
    case replicate = 3
    /// Header replication for frames that exceed the header buffer.
    case replicateLarge = 4
    /// Header split, always using the header buffer.
    case splitAlways = 5
}

extension I82576 {
    /// RCTL
    @inlinable public static var rctl: Register<ReceiveControl> { Register(0x0100, "RCTL") }
    /// RXPBS
    @inlinable public static var rxpbs: Register<PacketBuffer> { Register(0x2404, "RXPBS") }
    /// QDE: queue drop enable, a bit a queue.
    @inlinable public static var qde: Register<PlainValue> { Register(0x2408, "QDE") }
    /// FCRTV: flow control refresh time.
    @inlinable public static var fcrtv: Register<PlainValue> { Register(0x2460, "FCRTV") }
    /// RLPML: longest frame with LPE, with its check sequence, in bytes.
    @inlinable public static var rlpml: Register<PlainValue> { Register(0x5004, "RLPML") }
    /// PSRTYPE
    @inlinable public static func psrtype(_ group: Int) -> Register<SplitTypes> {
        Register(0x5480 + 0x4 * UInt32(truncatingIfNeeded: group), "PSRTYPE")
    }
    /// RDBAL: ring address low, 128-byte aligned.
    @inlinable public static func rdbal(_ queue: Int) -> Register<PlainValue> {
        Register(0xC000 + 0x40 * UInt32(truncatingIfNeeded: queue), "RDBAL")
    }
    /// RDBAH: ring address high.
    @inlinable public static func rdbah(_ queue: Int) -> Register<PlainValue> {
        Register(0xC004 + 0x40 * UInt32(truncatingIfNeeded: queue), "RDBAH")
    }
    /// RDLEN: ring length in bytes, a multiple of 128.
    @inlinable public static func rdlen(_ queue: Int) -> Register<PlainValue> {
        Register(0xC008 + 0x40 * UInt32(truncatingIfNeeded: queue), "RDLEN")
    }
    /// SRRCTL
    @inlinable public static func srrctl(_ queue: Int) -> Register<SplitReceiveControl> {
        Register(0xC00C + 0x40 * UInt32(truncatingIfNeeded: queue), "SRRCTL")
    }
    /// RDH: ring head.
    @inlinable public static func rdh(_ queue: Int) -> Register<PlainValue> {
        Register(0xC010 + 0x40 * UInt32(truncatingIfNeeded: queue), "RDH")
    }
    /// DCA_RXCTRL: direct cache access and relaxed ordering of a receive queue.
    @inlinable public static func dcaRxctrl(_ queue: Int) -> Register<PlainValue> {
        Register(0xC014 + 0x40 * UInt32(truncatingIfNeeded: queue), "DCA_RXCTRL")
    }
    /// RDT: ring tail; ignored while the queue is disabled.
    @inlinable public static func rdt(_ queue: Int) -> Register<PlainValue> {
        Register(0xC018 + 0x40 * UInt32(truncatingIfNeeded: queue), "RDT")
    }
    /// RXDCTL
    @inlinable public static func rxdctl(_ queue: Int) -> Register<ReceiveDescriptorControl> {
        Register(0xC028 + 0x40 * UInt32(truncatingIfNeeded: queue), "RXDCTL")
    }
    /// RQDPC: frames that the queue dropped.
    @inlinable public static func rqdpc(_ queue: Int) -> Register<PlainValue> {
        Register(0xC030 + 0x40 * UInt32(truncatingIfNeeded: queue), "RQDPC", .readClear)
    }

    static var receiveRegisters: [RegisterDescription] {
        [
            .init(rctl), .init(fcrtl), .init(fcrth), .init(rxpbs), .init(qde), .init(fcrtv), .init(rxcsum),
            .init(rlpml), .init(rfctl), .init(8, psrtype), .init(16, rdbal), .init(16, rdbah), .init(16, rdlen),
            .init(16, srrctl), .init(16, rdh), .init(16, dcaRxctrl), .init(16, rdt), .init(16, rxdctl),
            .init(16, rqdpc),
        ]
    }
}
