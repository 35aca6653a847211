extension I82574 {
    /// RCTL: receive control.
    @frozen public struct ReceiveControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [
                    .enable, .storeBadPackets, .unicastPromiscuous, .multicastPromiscuous, .longPackets,
                    .broadcastAccept, .vlanFilter, .canonicalEnable, .canonicalValue, .discardPause, .passMACControl,
                    .bufferSizeExtension, .stripCRC,
                ],
                fields: [.loopback, .minimumThreshold, .descriptorType, .multicastOffset, .bufferSize, .flexibleBuffer])
        }
    }

    /// PSRCTL: buffer sizes of packet split, of all queues.
    @frozen public struct PacketSplitControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.headerBufferSize, .bufferSize1, .bufferSize2, .bufferSize3])
        }
    }

    /// RXDCTL: descriptor control of a receive queue; this part has no enable bit here.
    @frozen public struct ReceiveDescriptorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.countsDescriptors], fields: [.prefetchThreshold, .hostThreshold, .writeBackThreshold])
        }
    }

    /// MRQC: multiple receive queues.
    @frozen public struct MultipleQueues: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.tcpIPv4, .ipv4, .tcpIPv6Ex, .ipv6Ex, .ipv6, .tcpIPv6], fields: [.mode])
        }
    }

    /// RDTR: receive interrupt delay.
    @frozen public struct ReceiveDelay: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.flush], fields: [.delay])
        }
    }
}

extension Flag<I82574.ReceiveControl> {
    /// EN, bit 1: receiver enable.
    @inlinable public static var enable: Self { Flag(1, "EN") }
    /// SBP, bit 2: keep frames with errors.
    @inlinable public static var storeBadPackets: Self { Flag(2, "SBP") }
    /// UPE, bit 3.
    @inlinable public static var unicastPromiscuous: Self { Flag(3, "UPE") }
    /// MPE, bit 4.
    @inlinable public static var multicastPromiscuous: Self { Flag(4, "MPE") }
    /// LPE, bit 5: frames up to 16 KiB instead of 1522 bytes; there is no register for a limit between.
    @inlinable public static var longPackets: Self { Flag(5, "LPE") }
    /// BAM, bit 15.
    @inlinable public static var broadcastAccept: Self { Flag(15, "BAM") }
    /// VFE, bit 18: tags must be in VFTA.
    @inlinable public static var vlanFilter: Self { Flag(18, "VFE") }
    /// CFIEN, bit 19: drop tags whose CFI differs from CFI.
    @inlinable public static var canonicalEnable: Self { Flag(19, "CFIEN") }
    /// CFI, bit 20.
    @inlinable public static var canonicalValue: Self { Flag(20, "CFI") }
    /// DPF, bit 22: discard pause frames.
    @inlinable public static var discardPause: Self { Flag(22, "DPF") }
    /// PMCF, bit 23: pass MAC control frames.
    @inlinable public static var passMACControl: Self { Flag(23, "PMCF") }
    /// BSEX, bit 25: BSIZE counts 16 times as much.
    @inlinable public static var bufferSizeExtension: Self { Flag(25, "BSEX") }
    /// SECRC, bit 26: do not store the frame check sequence.
    @inlinable public static var stripCRC: Self { Flag(26, "SECRC") }
}

extension Field<I82574.ReceiveControl> {
    /// LBM, bits 7:6: 1 is MAC loopback.
    @inlinable public static var loopback: Self { Field(low: 6, width: 2, "LBM") }
    /// RDMTS, bits 9:8: low-descriptor threshold: a half, a quarter, an eighth of the ring.
    @inlinable public static var minimumThreshold: Self { Field(low: 8, width: 2, "RDMTS") }
    /// DTYP, bits 11:10: 0 is one buffer, 1 packet split, in all queues.
    @inlinable public static var descriptorType: Self { Field(low: 10, width: 2, "DTYP") }
    /// MO, bits 13:12: which bits of the address index the multicast table.
    @inlinable public static var multicastOffset: Self { Field(low: 12, width: 2, "MO") }
    /// BSIZE, bits 17:16: 2048, 1024, 512, 256 bytes; with BSEX reserved, 16384, 8192, 4096. Not for packet split.
    @inlinable public static var bufferSize: Self { Field(low: 16, width: 2, "BSIZE") }
    /// FLXBUF, bits 30:27: buffer size in KiB; 0 leaves it to BSIZE. Not for packet split.
    @inlinable public static var flexibleBuffer: Self { Field(low: 27, width: 4, "FLXBUF") }
}

extension Field<I82574.PacketSplitControl> {
    /// BSIZE0, bits 6:0: header buffer in units of 128 bytes; never 0 with packet split.
    @inlinable public static var headerBufferSize: Self { Field(low: 0, width: 7, "BSIZE0") }
    /// BSIZE1, bits 13:8: buffer 1 in KiB; never 0 with packet split.
    @inlinable public static var bufferSize1: Self { Field(low: 8, width: 6, "BSIZE1") }
    /// BSIZE2, bits 21:16: buffer 2 in KiB; 0 is unused.
    @inlinable public static var bufferSize2: Self { Field(low: 16, width: 6, "BSIZE2") }
    /// BSIZE3, bits 29:24: buffer 3 in KiB; 0 is unused.
    @inlinable public static var bufferSize3: Self { Field(low: 24, width: 6, "BSIZE3") }
}

extension Flag<I82574.ReceiveDescriptorControl> {
    /// GRAN, bit 24: thresholds count descriptors, not cache lines.
    @inlinable public static var countsDescriptors: Self { Flag(24, "GRAN") }
}

extension Field<I82574.ReceiveDescriptorControl> {
    /// PTHRESH, bits 5:0.
    @inlinable public static var prefetchThreshold: Self { Field(low: 0, width: 6, "PTHRESH") }
    /// HTHRESH, bits 13:8.
    @inlinable public static var hostThreshold: Self { Field(low: 8, width: 6, "HTHRESH") }
    /// WTHRESH, bits 21:16.
    @inlinable public static var writeBackThreshold: Self { Field(low: 16, width: 6, "WTHRESH") }
}

extension Flag<I82574.MultipleQueues> {
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
}

extension Field<I82574.MultipleQueues> {
    /// Multiple receive queues enable, bits 1:0: 0 is off, 1 is RSS over both queues.
    @inlinable public static var mode: Self { Field(low: 0, width: 2, "Multiple_receive_queues_enable") }
}

extension Flag<I82574.ReceiveDelay> {
    /// FPD, bit 31: write back now; clears itself.
    @inlinable public static var flush: Self { Flag(31, "FPD") }
}

extension Field<I82574.ReceiveDelay> {
    /// Delay, bits 15:0, in units of 1.024 us.
    @inlinable public static var delay: Self { Field(low: 0, width: 16, "Delay") }
}

extension I82574 {
    /// RCTL: latches descriptor type and buffer sizes when written with EN.
    @inlinable public static var rctl: Register<ReceiveControl> { Register(0x0100, "RCTL") }
    /// PSRCTL
    @inlinable public static var psrctl: Register<PacketSplitControl> { Register(0x2170, "PSRCTL") }
    /// RDBAL: ring address low, 128-byte aligned.
    @inlinable public static func rdbal(_ queue: Int) -> Register<PlainValue> {
        Register(0x2800 + 0x100 * UInt32(truncatingIfNeeded: queue), "RDBAL")
    }
    /// RDBAH: ring address high.
    @inlinable public static func rdbah(_ queue: Int) -> Register<PlainValue> {
        Register(0x2804 + 0x100 * UInt32(truncatingIfNeeded: queue), "RDBAH")
    }
    /// RDLEN: ring length in bytes, a multiple of 128.
    @inlinable public static func rdlen(_ queue: Int) -> Register<PlainValue> {
        Register(0x2808 + 0x100 * UInt32(truncatingIfNeeded: queue), "RDLEN")
    }
    /// RDH: ring head, in units of 16 bytes whatever the descriptors' size.
    @inlinable public static func rdh(_ queue: Int) -> Register<PlainValue> {
        Register(0x2810 + 0x100 * UInt32(truncatingIfNeeded: queue), "RDH")
    }
    /// RDT: ring tail, in the units of RDH.
    @inlinable public static func rdt(_ queue: Int) -> Register<PlainValue> {
        Register(0x2818 + 0x100 * UInt32(truncatingIfNeeded: queue), "RDT")
    }
    /// RDTR
    @inlinable public static var rdtr: Register<ReceiveDelay> { Register(0x2820, "RDTR") }
    /// RXDCTL
    @inlinable public static func rxdctl(_ queue: Int) -> Register<ReceiveDescriptorControl> {
        Register(0x2828 + 0x100 * UInt32(truncatingIfNeeded: queue), "RXDCTL")
    }
    /// RADV: absolute receive interrupt delay, in units of 1.024 us.
    @inlinable public static var radv: Register<PlainValue> { Register(0x282C, "RADV") }
    /// RSRPD: small-frame detect threshold.
    @inlinable public static var rsrpd: Register<PlainValue> { Register(0x2C00, "RSRPD") }
    /// RAID: delay of the acknowledgement interrupt.
    @inlinable public static var raid: Register<PlainValue> { Register(0x2C08, "RAID") }
    /// MRQC
    @inlinable public static var mrqc: Register<MultipleQueues> { Register(0x5818, "MRQC") }

    static var receiveRegisters: [RegisterDescription] {
        [
            .init(rctl), .init(fcrtl), .init(fcrth), .init(psrctl), .init(2, rdbal), .init(2, rdbah), .init(2, rdlen),
            .init(2, rdh), .init(2, rdt), .init(rdtr), .init(2, rxdctl), .init(radv), .init(rsrpd), .init(raid),
            .init(rxcsum), .init(rfctl), .init(128, mta), .init(receiveAddressCount, ral),
            .init(receiveAddressCount, rah), .init(128, vfta), .init(mrqc), .init(32, reta), .init(10, rssrk),
        ]
    }
}
