public import DeviceMemory

/// The VLAN tags of a frame: none, one (802.1Q) or two (802.1ad), outer first.
@frozen public struct LinkTags: BitwiseCopyable, Sendable, Hashable {
    /// Type and control information of the outer tag; zero when there is none.
    public var outer: UInt32
    /// Type and control information of the inner tag; zero when there is none.
    public var inner: UInt32

    /// No tags.
    @inlinable public static var none: LinkTags { LinkTags(outer: 0, inner: 0) }

    /// Tags as they stand on the wire: type in the upper, control information in the lower half.
    @inlinable public init(outer: UInt32, inner: UInt32) {
        self.outer = outer
        self.inner = inner
    }

    /// Length on the wire in bytes.
    @inlinable public var length: Int { outer == 0 ? 0 : inner == 0 ? 4 : 8 }

    /// Whether `type` announces a tag: 802.1Q, 802.1ad, or the older stacking type that some switches still send.
    @inlinable static func isTag(_ type: UInt16) -> Bool { type == 0x8100 || type == 0x88A8 || type == 0x9100 }
}

/// The Ethernet II header with up to two VLAN tags.
@frozen public struct EthernetHeader: BitwiseCopyable, Sendable, Hashable {
    /// Types that this project speaks.
    @inlinable public static var typeIPv4: UInt16 { 0x0800 }
    @inlinable public static var typeARP: UInt16 { 0x0806 }
    @inlinable public static var typeIPv6: UInt16 { 0x86DD }

    public var destination: MACAddress
    public var source: MACAddress
    public var tags: LinkTags
    /// The type after the tags.
    public var type: UInt16

    @inlinable public init(
        destination: MACAddress, source: MACAddress, tags: LinkTags = .none, type: UInt16
    ) {
        self.destination = destination
        self.source = source
        self.tags = tags
        self.type = type
    }

    /// Parses the front of a frame; `nil` when it is too short for the header that it announces.
    @inlinable @inline(__always) public init?(_ frame: ByteView) {
        guard frame.count >= 14 else { return nil }
        destination = MACAddress(rawValue: UInt64(frame.be32(0)) &<< 16 | UInt64(frame.be16(4)))
        source = MACAddress(rawValue: UInt64(frame.be16(6)) &<< 32 | UInt64(frame.be32(8)))
        tags = .none
        type = frame.be16(12)
        if LinkTags.isTag(type) {
            guard frame.count >= 18 else { return nil }
            tags.outer = frame.be32(12)
            type = frame.be16(16)
            if LinkTags.isTag(type) {
                guard frame.count >= 22 else { return nil }
                tags.inner = frame.be32(16)
                type = frame.be16(20)
            }
        }
    }

    /// Length on the wire in bytes.
    @inlinable public var length: Int { 14 &+ tags.length }

    /// Writes the header to the front of `frame`, which has room for ``length`` bytes.
    @inlinable public func write(to frame: MutableByteView) {
        frame.setBE32(0, UInt32(truncatingIfNeeded: destination.rawValue &>> 16))
        frame.setBE16(4, UInt16(truncatingIfNeeded: destination.rawValue))
        frame.setBE16(6, UInt16(truncatingIfNeeded: source.rawValue &>> 32))
        frame.setBE32(8, UInt32(truncatingIfNeeded: source.rawValue))
        var at = 12
        if tags.outer != 0 {
            frame.setBE32(at, tags.outer)
            at &+= 4
            if tags.inner != 0 {
                frame.setBE32(at, tags.inner)
                at &+= 4
            }
        }
        frame.setBE16(at, type)
    }
}
