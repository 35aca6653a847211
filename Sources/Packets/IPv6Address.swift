public import DeviceMemory

/// An IPv6 address (RFC 4291).
@frozen public struct IPv6Address: Hashable, Sendable, BitwiseCopyable {
    /// The first eight bytes in host order: of fe80::1, `0xFE80_0000_0000_0000`.
    public let high: UInt64
    /// The last eight.
    public let low: UInt64

    /// Both halves in host order.
    @inlinable public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Sixteen bytes as on the wire, at `offset`, which the caller has seen to be there.
    @inlinable @inline(__always) public init(_ bytes: ByteView, at offset: Int) {
        high = UInt64(bytes.be32(offset)) &<< 32 | UInt64(bytes.be32(offset &+ 4))
        low = UInt64(bytes.be32(offset &+ 8)) &<< 32 | UInt64(bytes.be32(offset &+ 12))
    }

    /// Writes the sixteen bytes at `offset`.
    @inlinable public func write(to bytes: MutableByteView, at offset: Int) {
        bytes.setBE32(offset, UInt32(truncatingIfNeeded: high &>> 32))
        bytes.setBE32(offset &+ 4, UInt32(truncatingIfNeeded: high))
        bytes.setBE32(offset &+ 8, UInt32(truncatingIfNeeded: low &>> 32))
        bytes.setBE32(offset &+ 12, UInt32(truncatingIfNeeded: low))
    }

    /// `::`, nobody's address.
    @inlinable public static var unspecified: IPv6Address { IPv6Address(high: 0, low: 0) }
    /// `ff02::1`, every node of the link (RFC 4291, section 2.7.1).
    @inlinable public static var allNodes: IPv6Address { IPv6Address(high: 0xFF02_0000_0000_0000, low: 1) }

    /// `ff00::/8`.
    @inlinable public var isMulticast: Bool { high &>> 56 == 0xFF }
    /// `fe80::/10`: only on its link.
    @inlinable public var isLinkLocal: Bool { high &>> 54 == 0x3FA }
    /// `::1`, never on a wire (RFC 4291, section 2.5.3).
    @inlinable public var isLoopback: Bool { high == 0 && low == 1 }
    /// `::ffff:0:0/96`: how programs write IPv4 addresses, and no address on a wire (RFC 4291, section 2.5.5.2).
    @inlinable public var isMappedIPv4: Bool { high == 0 && low &>> 32 == 0xFFFF }

    /// One node's, and possible on a wire.
    @inlinable public var isUnicast: Bool {
        !isMulticast && !isLoopback && !isMappedIPv4 && self != .unspecified
    }

    /// The address that an interface has on its link from the start: `fe80::` and the modified EUI-64 of its hardware
    /// address (RFC 4291, appendix A).
    public static func linkLocal(_ mac: MACAddress) -> IPv6Address {
        let upper = (mac.rawValue &>> 24) ^ 0x02_0000
        return IPv6Address(
            high: 0xFE80_0000_0000_0000, low: upper &<< 40 | 0xFF_FE00_0000 | mac.rawValue & 0xFF_FFFF)
    }

    /// The group that those who have this address listen to for solicitations (RFC 4291, section 2.7.1).
    @inlinable public var solicitedNode: IPv6Address {
        IPv6Address(high: 0xFF02_0000_0000_0000, low: 0x1_FF00_0000 | low & 0xFF_FFFF)
    }

    /// The hardware address of a group (RFC 2464, section 7).
    @inlinable public var groupMAC: MACAddress { MACAddress(rawValue: 0x3333_0000_0000 | low & 0xFFFF_FFFF) }

    /// Whether the first `length` bits, clamped to `0...128`, are those of `other`.
    public func shares(prefixLength length: Int, with other: IPv6Address) -> Bool {
        // `>>` of a whole word leaves nothing, as comparing no bits has to.
        let upper = UInt64(64 - min(max(length, 0), 64))
        let lower = UInt64(64 - min(max(length - 64, 0), 64))
        return (high ^ other.high) >> upper == 0 && (low ^ other.low) >> lower == 0
    }
}
