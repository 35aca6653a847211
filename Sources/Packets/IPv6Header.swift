public import DeviceMemory

/// Why bytes are no IPv6 datagram that can be used.
@frozen public enum IPv6Fault: UInt8, Error, Sendable, Hashable {
    /// Fewer bytes in host memory than the headers need.
    case truncated
    /// Not version 6.
    case version
    /// An extension header that goes beyond the datagram, or options that go beyond their header.
    case length
    /// A part of a larger datagram.
    case fragment
    /// An option that its sender would rather see dropped than skipped (RFC 8200, section 4.2), or a route to be followed.
    case notForUs
}

/// The IPv6 header (RFC 8200, section 3).
@frozen public struct IPv6Header: BitwiseCopyable, Sendable, Hashable {
    @inlinable public static var protocolICMP: UInt8 { 58 }
    /// Length in bytes; extension headers count as payload.
    @inlinable public static var length: Int { 40 }
    /// What every link must carry (RFC 8200, section 5), in bytes.
    @inlinable public static var minimumMTU: Int { 1280 }

    /// Bytes after this header: what decides, whatever the frame's length.
    public var payloadLength: Int
    public var trafficClass: UInt8
    /// 20 bits.
    public var flowLabel: UInt32
    public var nextHeader: UInt8
    public var hopLimit: UInt8
    public var source: IPv6Address
    public var destination: IPv6Address

    @inlinable public init(
        source: IPv6Address, destination: IPv6Address, nextHeader: UInt8, payloadLength: Int, hopLimit: UInt8 = 64,
        flowLabel: UInt32 = 0
    ) {
        self.payloadLength = payloadLength
        trafficClass = 0
        self.flowLabel = flowLabel & 0xF_FFFF
        self.nextHeader = nextHeader
        self.hopLimit = hopLimit
        self.source = source
        self.destination = destination
    }

    /// Parses what follows the Ethernet header.
    @inlinable @inline(__always) public init(_ bytes: ByteView) throws(IPv6Fault) {
        guard bytes.count >= IPv6Header.length else { throw .truncated }
        let first = bytes.be32(0)
        guard first &>> 28 == 6 else { throw .version }
        trafficClass = UInt8(truncatingIfNeeded: first &>> 20)
        flowLabel = first & 0xF_FFFF
        let second = bytes.be32(4)
        payloadLength = Int(second &>> 16)
        nextHeader = UInt8(truncatingIfNeeded: second &>> 8)
        hopLimit = UInt8(truncatingIfNeeded: second)
        source = IPv6Address(bytes, at: 8)
        destination = IPv6Address(bytes, at: 24)
    }

    /// The pseudo-header's sum (RFC 8200, section 8.1) for `length` bytes of transport header and payload.
    @inlinable @inline(__always) public func pseudoHeader(transport: UInt8, length: Int) -> InternetChecksum {
        IPv6Header.pseudoHeader(source, destination, transport: transport, length: length)
    }

    /// The same, of addresses alone.
    @inlinable @inline(__always) public static func pseudoHeader(
        _ source: IPv6Address, _ destination: IPv6Address, transport: UInt8, length: Int
    ) -> InternetChecksum {
        var sum = InternetChecksum()
        // 32-bit words: their sum modulo 2^16 - 1 is the one of the 16-bit words (RFC 1071, section 2.B).
        sum.add(source.high)
        sum.add(source.low)
        sum.add(destination.high)
        sum.add(destination.low)
        sum.add(UInt32(truncatingIfNeeded: length))
        sum.add(UInt16(transport))
        return sum
    }

    /// Writes the header to the front of `bytes`.
    @inlinable public func write(to bytes: MutableByteView) {
        bytes.setBE32(0, UInt32(0x6000_0000) | UInt32(trafficClass) &<< 20 | flowLabel)
        let length = UInt32(truncatingIfNeeded: payloadLength) &<< 16
        bytes.setBE32(4, length | UInt32(nextHeader) &<< 8 | UInt32(hopLimit))
        source.write(to: bytes, at: 8)
        destination.write(to: bytes, at: 24)
    }
}

/// What an IPv6 datagram carries, behind its extension headers.
@frozen public struct IPv6Payload: BitwiseCopyable, Sendable, Hashable {
    /// The protocol.
    public let transport: UInt8
    /// Where it begins, in bytes from the start of the IPv6 header.
    public let offset: Int

    /// Walks the extension headers, each of which must be in host memory and within the datagram as a whole: hop-by-hop options,
    /// destination options and routing headers without anywhere left to go are skipped (RFC 8200, section 4).
    @inlinable @inline(__always) public init(_ header: IPv6Header, _ bytes: ByteView) throws(IPv6Fault) {
        guard IPv6Payload.isExtension(header.nextHeader) else {
            transport = header.nextHeader
            offset = IPv6Header.length
            return
        }
        self = try IPv6Payload(walking: header, bytes)
    }

    @usableFromInline init(walking header: IPv6Header, _ bytes: ByteView) throws(IPv6Fault) {
        let end = IPv6Header.length + header.payloadLength
        var next = header.nextHeader
        var at = IPv6Header.length
        while IPv6Payload.isExtension(next) {
            guard at + 8 <= end else { throw .length }
            guard at + 8 <= bytes.count else { throw .truncated }
            // Before its length is looked at: a fragment header has none.
            if next == 44 { throw .fragment }
            // Hop-by-hop options come first or not at all (RFC 8200, section 4.1).
            if next == 0 && at != IPv6Header.length { throw .length }
            let length = 8 * (Int(bytes[at + 1]) + 1)
            guard at + length <= end else { throw .length }
            guard at + length <= bytes.count else { throw .truncated }
            if next == 43 {
                guard bytes[at + 3] == 0 else { throw .notForUs }
            } else {
                try IPv6Payload.check(options: bytes.slice(at + 2, length - 2))
            }
            next = bytes[at]
            at += length
        }
        transport = next
        offset = at
    }

    /// Hop-by-hop options, routing, fragment, destination options.
    @inlinable static func isExtension(_ type: UInt8) -> Bool { type == 0 || type == 43 || type == 44 || type == 60 }

    /// Options that may be skipped, each within its header. None is known here but padding.
    private static func check(options: ByteView) throws(IPv6Fault) {
        var at = 0
        while at < options.count {
            if options[at] == 0 {
                at += 1
                continue
            }
            guard at + 2 <= options.count, at + 2 + Int(options[at + 1]) <= options.count else { throw .length }
            // The two upper bits say what those do who do not know the option.
            guard options[at] & 0xC0 == 0 else { throw .notForUs }
            at += 2 + Int(options[at + 1])
        }
    }
}
