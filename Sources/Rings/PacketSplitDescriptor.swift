public import DeviceMemory

/// The write-back of the 82574's packet-split receive descriptor: 32 bytes, four 64-bit words.
///
/// Read format: addresses of buffers 0 to 3, buffer 0 being the header's. The status dword of the write-back overlays the
/// low half of buffer 1's address, so that address must be even. Source: 82574 facts in `hw-notes/82574.md`.
@frozen public struct PacketSplitWriteBack: BitwiseCopyable, Sendable {
    /// Bytes 0 to 7: RSS type and queue, hash.
    public let information: UInt64
    /// Bytes 8 to 15: extended status and errors, length of buffer 0, VLAN tag.
    public let status: UInt64
    /// Bytes 16 to 23: header status, lengths of buffers 1 to 3.
    public let lengths: UInt64

    /// Wraps the words as the device wrote them; the fourth is reserved.
    @inlinable public init(information: UInt64, status: UInt64, lengths: UInt64) {
        self.information = information
        self.status = status
        self.lengths = lengths
    }

    /// RSS type, bits 3:0 of dword 0.
    @inlinable public var rssType: UInt8 { UInt8(truncatingIfNeeded: information & 0xF) }
    /// Receive queue, bits 12:8 of dword 0.
    @inlinable public var queue: UInt8 { UInt8(truncatingIfNeeded: (information &>> 8) & 0x1F) }
    /// RSS hash, dword 1 (with RXCSUM.PCSD set).
    @inlinable public var hash: UInt32 { UInt32(truncatingIfNeeded: information &>> 32) }

    /// DD: the device is done with the descriptor.
    @inlinable public var done: Bool { status & 1 != 0 }
    /// EOP: last descriptor of its frame; the other fields but the lengths hold only here.
    @inlinable public var endOfPacket: Bool { status & (1 << 1) != 0 }
    /// IXSM: what the checksum bits say is to be ignored.
    @inlinable public var ignoreChecksum: Bool { status & (1 << 2) != 0 }
    /// VP: a VLAN tag was taken out.
    @inlinable public var vlanPresent: Bool { status & (1 << 3) != 0 }
    /// UDPCS: a UDP checksum was checked.
    @inlinable public var udpChecked: Bool { status & (1 << 4) != 0 }
    /// TCPCS: a TCP or UDP checksum was checked.
    @inlinable public var transportChecked: Bool { status & (1 << 5) != 0 }
    /// IPCS: the IPv4 header checksum was checked.
    @inlinable public var headerChecked: Bool { status & (1 << 6) != 0 }
    /// ACK: a TCP acknowledgement.
    @inlinable public var acknowledgement: Bool { status & (1 << 15) != 0 }
    /// Packet type, bits 19:16.
    @inlinable public var packetType: PacketSplitType {
        PacketSplitType(rawValue: UInt8(truncatingIfNeeded: (status &>> 16) & 0xF))
    }
    /// CE, SE, SEQ, CXE or RXE: the frame was damaged on its way.
    @inlinable public var frameError: Bool {
        status & (1 << 24 | 1 << 25 | 1 << 26 | 1 << 28 | 1 << 31) != 0
    }
    /// TCPE: the TCP or UDP checksum was bad.
    @inlinable public var transportBad: Bool { status & (1 << 29) != 0 }
    /// IPE: the IPv4 header checksum was bad.
    @inlinable public var headerBad: Bool { status & (1 << 30) != 0 }
    /// Bytes in buffer 0.
    @inlinable public var length0: UInt32 { UInt32(truncatingIfNeeded: (status &>> 32) & 0xFFFF) }
    /// VLAN tag.
    @inlinable public var vlanTag: UInt16 { UInt16(truncatingIfNeeded: status &>> 48) }

    /// HLEN, bits 9:0 of the header status: where the header ends; QEMU repeats it in later descriptors of a frame.
    @inlinable public var headerLength: UInt32 { UInt32(truncatingIfNeeded: lengths & 0x3FF) }
    /// HDRSP, bit 15 of the header status: buffer 0 holds the header and nothing else.
    @inlinable public var splitHeader: Bool { lengths & (1 << 15) != 0 }
    /// Bytes in buffer 1.
    @inlinable public var length1: UInt32 { UInt32(truncatingIfNeeded: (lengths &>> 16) & 0xFFFF) }
    /// Bytes in buffer 2.
    @inlinable public var length2: UInt32 { UInt32(truncatingIfNeeded: (lengths &>> 32) & 0xFFFF) }
    /// Bytes in buffer 3.
    @inlinable public var length3: UInt32 { UInt32(truncatingIfNeeded: lengths &>> 48) }
}

/// Packet type of an extended status, bits 19:16.
@frozen public struct PacketSplitType: RawRepresentable, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// No IP.
    @inlinable public static var mac: PacketSplitType { .init(rawValue: 0) }
    /// IPv4, fragments included.
    @inlinable public static var ipv4: PacketSplitType { .init(rawValue: 1) }
    /// TCP or UDP over IPv4.
    @inlinable public static var ipv4Transport: PacketSplitType { .init(rawValue: 2) }
    /// IPv6.
    @inlinable public static var ipv6: PacketSplitType { .init(rawValue: 5) }
    /// TCP or UDP over IPv6.
    @inlinable public static var ipv6Transport: PacketSplitType { .init(rawValue: 6) }
}

/// The 82574's packet-split descriptors (RFCTL.EXTEN with RCTL.DTYP 1), of which buffers 0 and 1 are used.
public enum PacketSplitFormat: SplitDescriptorFormat {
    @inlinable public static var stride: Int { 32 }
    /// RDH and RDT count 16 bytes whatever a descriptor's size.
    @inlinable public static var tailUnit: UInt32 { 2 }
    /// RDLEN is a multiple of 128.
    @inlinable public static var ringAlignment: Int { 128 }

    @inlinable public static func post(_ ring: DescriptorWords, index: Int, payload: IOVA, header: IOVA) {
        ring.store(index &* 4, header.rawValue)
        // Overwrites the status: DD reads 0 from here on, because addresses are even.
        ring.store(index &* 4 &+ 1, payload.rawValue)
        // Unused buffers: all ones, with size 0 in PSRCTL.
        ring.store(index &* 4 &+ 2, .max)
        ring.store(index &* 4 &+ 3, .max)
    }

    @inlinable public static func completion(_ ring: DescriptorWords, index: Int) -> ReceiveCompletion? {
        let status = ring.loadAcquiring(index &* 4 &+ 1)
        guard status & 1 != 0 else { return nil }
        let wb = PacketSplitWriteBack(
            information: ring.load(index &* 4), status: status, lengths: ring.load(index &* 4 &+ 2))
        // A good transport sum without a checked IPv4 header would leave the addresses unproven.
        let networkChecked = wb.headerChecked || wb.packetType == .ipv6 || wb.packetType == .ipv6Transport
        let bad = (wb.transportChecked || wb.udpChecked) && wb.transportBad || wb.headerChecked && wb.headerBad
        return ReceiveCompletion(
            buffer: UInt32(truncatingIfNeeded: index), headerLength: wb.length0,
            // Buffers 2 and 3 do not exist: bytes said to be there make the lengths impossible.
            payloadLength: wb.length2 | wb.length3 == 0 ? wb.length1 : .max,
            split: wb.splitHeader, headerOverflow: false, endOfFrame: wb.endOfPacket, frameError: wb.frameError,
            checksumChecked: !wb.ignoreChecksum && wb.transportChecked && networkChecked,
            checksumBad: !wb.ignoreChecksum && bad, hash: wb.hash)
    }
}
