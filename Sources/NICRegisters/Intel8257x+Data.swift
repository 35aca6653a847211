extension Intel8257x {
    /// RXCSUM: receive checksum control.
    @frozen public struct ReceiveChecksum: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.ipOffload, .transportOffload, .sctpOffload, .ipPayload, .packetChecksumDisable],
                fields: [.start])
        }
    }

    /// RFCTL: receive filter control.
    @frozen public struct ReceiveFilterControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [
                .iscsiDisable, .nfsWriteDisable, .nfsReadDisable, .ipv6Disable, .ipv6ChecksumDisable,
                .ackInterruptDisable, .ackDataInterruptDisable, .fragmentSplitDisable, .extendedStatus,
                .ipv6ExtensionDisable, .newIPv6ExtensionDisable, .synFilterFirst,
            ])
        }
    }

    /// RAH: upper part of an exact-match address.
    @frozen public struct ReceiveAddressHigh: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.valid], fields: [.address, .pool])
        }
    }

    /// TCTL: transmit control.
    @frozen public struct TransmitControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.enable, .padShortPackets, .retransmitLateCollision, .multipleReads],
                fields: [.collisionThreshold, .collisionDistance])
        }
    }
}

extension Flag<Intel8257x.ReceiveChecksum> {
    /// IPOFLD, bit 8: check the IPv4 header checksum.
    @inlinable public static var ipOffload: Self { Flag(8, "IPOFLD") }
    /// TUOFLD, bit 9: check TCP and UDP checksums.
    @inlinable public static var transportOffload: Self { Flag(9, "TUOFLD") }
    /// CRCOFL, bit 11: check the SCTP CRC (82576).
    @inlinable public static var sctpOffload: Self { Flag(11, "CRCOFL") }
    /// IPPCSE, bit 12: fragment checksum.
    @inlinable public static var ipPayload: Self { Flag(12, "IPPCSE") }
    /// PCSD, bit 13: descriptors carry the RSS hash instead of the packet checksum.
    @inlinable public static var packetChecksumDisable: Self { Flag(13, "PCSD") }
}

extension Field<Intel8257x.ReceiveChecksum> {
    /// PCSS, bits 7:0: where the packet checksum starts.
    @inlinable public static var start: Self { Field(low: 0, width: 8, "PCSS") }
}

extension Flag<Intel8257x.ReceiveFilterControl> {
    /// ISCSI_DIS, bit 0: do not look for iSCSI.
    @inlinable public static var iscsiDisable: Self { Flag(0, "ISCSI_DIS") }
    /// NFSW_DIS, bit 6: do not look for NFS writes.
    @inlinable public static var nfsWriteDisable: Self { Flag(6, "NFSW_DIS") }
    /// NFSR_DIS, bit 7: do not look for NFS reads.
    @inlinable public static var nfsReadDisable: Self { Flag(7, "NFSR_DIS") }
    /// IPv6_DIS, bit 10.
    @inlinable public static var ipv6Disable: Self { Flag(10, "IPv6_DIS") }
    /// IPv6XSUM_DIS, bit 11.
    @inlinable public static var ipv6ChecksumDisable: Self { Flag(11, "IPv6XSUM_DIS") }
    /// ACK_DIS, bit 12: no interrupt for a pure acknowledgement (82574).
    @inlinable public static var ackInterruptDisable: Self { Flag(12, "ACK_DIS") }
    /// ACKD_DIS, bit 13: no accelerated interrupt for acknowledgements with data (82574).
    @inlinable public static var ackDataInterruptDisable: Self { Flag(13, "ACKD_DIS") }
    /// IPFRSP_DIS, bit 14: do not split IP fragments.
    @inlinable public static var fragmentSplitDisable: Self { Flag(14, "IPFRSP_DIS") }
    /// EXTEN, bit 15: receive descriptors report extended status (82574; packet split needs it).
    @inlinable public static var extendedStatus: Self { Flag(15, "EXTEN") }
    /// IPV6_EX_DIS, bit 16: no IPv6 extension header processing.
    @inlinable public static var ipv6ExtensionDisable: Self { Flag(16, "IPV6_EX_DIS") }
    /// NEW_IPV6_EXT_DIS, bit 17: nor that of the newer header types (82574).
    @inlinable public static var newIPv6ExtensionDisable: Self { Flag(17, "NEW_IPV6_EXT_DIS") }
    /// SYNQFP, bit 19: the SYN filter goes before the 5-tuple filters instead of after them (82576).
    @inlinable public static var synFilterFirst: Self { Flag(19, "SYNQFP") }
}

extension Flag<Intel8257x.ReceiveAddressHigh> {
    /// AV, bit 31: the entry is in use.
    @inlinable public static var valid: Self { Flag(31, "AV") }
}

extension Field<Intel8257x.ReceiveAddressHigh> {
    /// Bytes 4 and 5 of the address, byte 4 lowest.
    @inlinable public static var address: Self { Field(low: 0, width: 16, "ADDRESS") }
    /// POOLSEL, bits 25:18 (82576).
    @inlinable public static var pool: Self { Field(low: 18, width: 8, "POOLSEL") }
}

extension Flag<Intel8257x.TransmitControl> {
    /// EN, bit 1.
    @inlinable public static var enable: Self { Flag(1, "EN") }
    /// PSP, bit 3: pad to 64 bytes with the check sequence.
    @inlinable public static var padShortPackets: Self { Flag(3, "PSP") }
    /// RTLC, bit 24: send again after a late collision.
    @inlinable public static var retransmitLateCollision: Self { Flag(24, "RTLC") }
    /// MULR, bit 28: several read requests at once (82574).
    @inlinable public static var multipleReads: Self { Flag(28, "MULR") }
}

extension Field<Intel8257x.TransmitControl> {
    /// CT, bits 11:4.
    @inlinable public static var collisionThreshold: Self { Field(low: 4, width: 8, "CT") }
    /// COLD, bits 21:12.
    @inlinable public static var collisionDistance: Self { Field(low: 12, width: 10, "COLD") }
}

extension Intel8257xRegisters {
    /// FCRTL: flow control low threshold.
    @inlinable public static var fcrtl: Register<PlainValue> { Register(0x2160, "FCRTL") }
    /// FCRTH: flow control high threshold.
    @inlinable public static var fcrth: Register<PlainValue> { Register(0x2168, "FCRTH") }
    /// RXCSUM
    @inlinable public static var rxcsum: Register<ReceiveChecksum> { Register(0x5000, "RXCSUM") }
    /// RFCTL
    @inlinable public static var rfctl: Register<ReceiveFilterControl> { Register(0x5008, "RFCTL") }
    /// MTA: multicast table.
    @inlinable public static func mta(_ index: Int) -> Register<PlainValue> {
        Register(0x5200 + 0x4 * UInt32(truncatingIfNeeded: index), "MTA")
    }
    /// RAL: bytes 0 to 3 of an exact-match address, byte 0 lowest; entries 16 and up are the 82576's.
    @inlinable public static func ral(_ index: Int) -> Register<PlainValue> {
        Register(
            index < 16
                ? 0x5400 + 8 * UInt32(truncatingIfNeeded: index)
                : 0x54E0 + 8 * UInt32(truncatingIfNeeded: index - 16), "RAL")
    }
    /// RAH
    @inlinable public static func rah(_ index: Int) -> Register<ReceiveAddressHigh> {
        Register(
            index < 16
                ? 0x5404 + 8 * UInt32(truncatingIfNeeded: index)
                : 0x54E4 + 8 * UInt32(truncatingIfNeeded: index - 16), "RAH")
    }
    /// VFTA: VLAN filter table.
    @inlinable public static func vfta(_ index: Int) -> Register<PlainValue> {
        Register(0x5600 + 0x4 * UInt32(truncatingIfNeeded: index), "VFTA")
    }
    /// RETA: redirection table, an entry a byte: the queue on the 82576, bit 7 on the 82574.
    @inlinable public static func reta(_ index: Int) -> Register<PlainValue> {
        Register(0x5C00 + 0x4 * UInt32(truncatingIfNeeded: index), "RETA")
    }
    /// RSSRK: RSS key, its first byte lowest.
    @inlinable public static func rssrk(_ index: Int) -> Register<PlainValue> {
        Register(0x5C80 + 0x4 * UInt32(truncatingIfNeeded: index), "RSSRK")
    }
    /// TCTL
    @inlinable public static var tctl: Register<TransmitControl> { Register(0x0400, "TCTL") }
    /// TCTL_EXT: extended collision distance.
    @inlinable public static var tctlExt: Register<PlainValue> { Register(0x0404, "TCTL_EXT") }
    /// TIPG: inter-packet gap.
    @inlinable public static var tipg: Register<PlainValue> { Register(0x0410, "TIPG") }
}
