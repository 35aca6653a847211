public import DeviceMemory

/// The advanced receive descriptor of 82576, I350, I210 and 82599: 16 bytes, two 64-bit words.
///
/// Read format: packet buffer address, header buffer address (bit 0 clear: it is DD after write-back). Write-back format:
/// the fields below. Source: 82575 manual tables 33 and 34, I210 datasheet section 7.1.4.
@frozen public struct AdvancedReceiveWriteBack: BitwiseCopyable, Sendable {
    /// Bytes 0 to 7: packet information and RSS hash.
    public let information: UInt64
    /// Bytes 8 to 15: status, errors, length, VLAN tag.
    public let status: UInt64

    /// Wraps the two words as the device wrote them.
    @inlinable public init(information: UInt64, status: UInt64) {
        self.information = information
        self.status = status
    }

    /// RSS type, bits 3:0.
    @inlinable public var rssType: UInt8 { UInt8(truncatingIfNeeded: information & 0xF) }
    /// Packet type, bits 15:4.
    @inlinable public var packetType: AdvancedPacketType {
        AdvancedPacketType(rawValue: UInt16(truncatingIfNeeded: (information &>> 4) & 0xFFF))
    }
    /// HDR_LEN, bits 30:21: bytes of the parsed header, or of what went to the header buffer.
    @inlinable public var headerLength: UInt32 { UInt32(truncatingIfNeeded: (information &>> 21) & 0x3FF) }
    /// SPH, bit 31.
    @inlinable public var splitHeader: Bool { information & (1 << 31) != 0 }
    /// RSS hash, bits 63:32 (with RXCSUM.PCSD set).
    @inlinable public var hash: UInt32 { UInt32(truncatingIfNeeded: information &>> 32) }

    /// DD: the device is done with the descriptor.
    @inlinable public var done: Bool { status & 1 != 0 }
    /// EOP: last descriptor of its frame.
    @inlinable public var endOfPacket: Bool { status & (1 << 1) != 0 }
    /// VP: an 802.1Q tag was found.
    @inlinable public var vlanPresent: Bool { status & (1 << 3) != 0 }
    /// UDPCS: a UDP checksum was checked.
    @inlinable public var udpChecked: Bool { status & (1 << 4) != 0 }
    /// L4CS: a transport checksum was checked.
    @inlinable public var transportChecked: Bool { status & (1 << 5) != 0 }
    /// IPCS: the IPv4 header checksum was checked.
    @inlinable public var headerChecked: Bool { status & (1 << 6) != 0 }
    /// HBO: the header did not fit the header buffer.
    @inlinable public var headerOverflow: Bool { status & (1 << 23) != 0 }
    /// L4E: the transport checksum was bad.
    @inlinable public var transportBad: Bool { status & (1 << 29) != 0 }
    /// IPE: the IPv4 header checksum was bad.
    @inlinable public var headerBad: Bool { status & (1 << 30) != 0 }
    /// RXE: CRC, symbol or sequence error.
    @inlinable public var receiveError: Bool { status & (1 << 31) != 0 }
    /// Bytes in the packet buffer (not in the header buffer), bits 47:32.
    @inlinable public var length: UInt32 { UInt32(truncatingIfNeeded: (status &>> 32) & 0xFFFF) }
    /// VLAN tag, bits 63:48.
    @inlinable public var vlanTag: UInt16 { UInt16(truncatingIfNeeded: status &>> 48) }
}

/// Packet type of an advanced write-back, bits 15:4 of its first half word.
@frozen public struct AdvancedPacketType: OptionSet, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// IPv4 without options.
    public static let ipv4 = AdvancedPacketType(rawValue: 0x001)
    /// IPv4 with options.
    public static let ipv4Options = AdvancedPacketType(rawValue: 0x002)
    /// IPv6 without extension headers.
    public static let ipv6 = AdvancedPacketType(rawValue: 0x004)
    /// IPv6 with extension headers.
    public static let ipv6Extensions = AdvancedPacketType(rawValue: 0x008)
    /// TCP.
    public static let tcp = AdvancedPacketType(rawValue: 0x010)
    /// UDP.
    public static let udp = AdvancedPacketType(rawValue: 0x020)
    /// SCTP.
    public static let sctp = AdvancedPacketType(rawValue: 0x040)
    /// NFS (with its filters on).
    public static let nfs = AdvancedPacketType(rawValue: 0x080)
}

/// Advanced descriptors with DESCTYPE 5 (split, always use the header buffer) or 1 (one buffer).
public enum AdvancedSplitFormat: SplitDescriptorFormat {
    @inlinable public static var stride: Int { 16 }
    @inlinable public static var tailUnit: UInt32 { 1 }
    /// RDBAL is 128-byte aligned and RDLEN a multiple of 128 (82576 register descriptions).
    @inlinable public static var ringAlignment: Int { 128 }

    @inlinable public static func post(_ ring: DescriptorWords, index: Int, payload: IOVA, header: IOVA) {
        ring.store(index &* 2, payload.rawValue)
        // Overwrites the write-back word: DD reads 0 from here on, because addresses are even.
        ring.store(index &* 2 &+ 1, header.rawValue)
    }

    @inlinable public static func completion(_ ring: DescriptorWords, index: Int) -> ReceiveCompletion? {
        guard let wb = AdvancedReceiveWriteBack(doneIn: ring, index: index) else { return nil }
        return wb.completion(
            index, frameError: wb.receiveError, transportBad: wb.transportBad, headerBad: wb.headerBad)
    }
}

extension AdvancedReceiveWriteBack {
    /// Reads a write-back: the word with DD once, with acquire, then the other; `nil` while the device is not done.
    @inlinable init?(doneIn ring: DescriptorWords, index: Int) {
        let status = ring.loadAcquiring(index &* 2 &+ 1)
        guard status & 1 != 0 else { return nil }
        self.init(information: ring.load(index &* 2), status: status)
    }

    /// What the write-back says, error bits apart: those are not at the same places in every family.
    @inlinable func completion(
        _ index: Int, frameError: Bool, transportBad: Bool, headerBad: Bool
    ) -> ReceiveCompletion {
        // A good transport sum without a checked IPv4 header would leave the addresses unproven.
        let networkChecked = headerChecked || packetType.contains(.ipv6) || packetType.contains(.ipv6Extensions)
        return ReceiveCompletion(
            buffer: UInt32(truncatingIfNeeded: index), headerLength: headerLength, payloadLength: length,
            split: splitHeader, headerOverflow: headerOverflow, endOfFrame: endOfPacket, frameError: frameError,
            checksumChecked: transportChecked && networkChecked,
            checksumBad: (transportChecked && transportBad) || (headerChecked && headerBad), hash: hash)
    }
}
