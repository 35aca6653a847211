public import DeviceMemory

/// Why bytes are no IPv4 header that can be used.
@frozen public enum IPv4Fault: UInt8, Error, Sendable, Hashable {
    /// Fewer bytes in host memory than the header needs.
    case truncated
    /// Not version 4.
    case version
    /// A header length under 20 bytes, or a total length under the header length.
    case length
}

/// The IPv4 header (RFC 791); options are skipped on input and never sent.
@frozen public struct IPv4Header: BitwiseCopyable, Sendable, Hashable {
    @inlinable public static var protocolICMP: UInt8 { 1 }
    @inlinable public static var protocolTCP: UInt8 { 6 }
    @inlinable public static var protocolUDP: UInt8 { 17 }
    /// Length of a header without options, in bytes.
    @inlinable public static var minimumLength: Int { 20 }

    /// Header length in bytes, options included.
    public var headerLength: Int
    /// Length of header and payload in bytes: what decides, whatever the frame's length.
    public var totalLength: Int
    public var trafficClass: UInt8
    public var identification: UInt16
    /// Flags and fragment offset as they stand on the wire.
    public var fragmentation: UInt16
    public var timeToLive: UInt8
    public var transport: UInt8
    public var source: IPv4Address
    public var destination: IPv4Address

    /// A header without options and with "don't fragment" set, which makes the datagram atomic (RFC 6864).
    @inlinable public init(
        source: IPv4Address, destination: IPv4Address, transport: UInt8, payloadLength: Int, timeToLive: UInt8 = 64
    ) {
        headerLength = IPv4Header.minimumLength
        totalLength = IPv4Header.minimumLength &+ payloadLength
        trafficClass = 0
        identification = 0
        fragmentation = 0x4000
        self.timeToLive = timeToLive
        self.transport = transport
        self.source = source
        self.destination = destination
    }

    /// Parses what follows the Ethernet header. The checksum is not verified, see ``checksumIsGood(_:)``.
    @inlinable @inline(__always) public init(_ bytes: ByteView) throws(IPv4Fault) {
        guard bytes.count >= IPv4Header.minimumLength else { throw .truncated }
        let first = bytes.be32(0)
        guard first &>> 28 == 4 else { throw .version }
        headerLength = Int(first &>> 24 & 15) &* 4
        totalLength = Int(first & 0xFFFF)
        guard headerLength >= IPv4Header.minimumLength, totalLength >= headerLength else { throw .length }
        guard bytes.count >= headerLength else { throw .truncated }
        trafficClass = UInt8(truncatingIfNeeded: first &>> 16)
        let second = bytes.be32(4)
        identification = UInt16(truncatingIfNeeded: second &>> 16)
        fragmentation = UInt16(truncatingIfNeeded: second)
        let third = bytes.be16(8)
        timeToLive = UInt8(truncatingIfNeeded: third &>> 8)
        transport = UInt8(truncatingIfNeeded: third)
        source = IPv4Address(rawValue: bytes.be32(12))
        destination = IPv4Address(rawValue: bytes.be32(16))
    }

    /// Whether the datagram is a part of a larger one: an offset, or more to follow.
    @inlinable public var isFragment: Bool { fragmentation & 0x3FFF != 0 }

    /// Whether the header's own checksum is right; `bytes` begins with the header that was parsed.
    public func checksumIsGood(_ bytes: ByteView) -> Bool {
        var sum = InternetChecksum()
        sum.add(bytes.slice(0, headerLength))
        return sum.folded == 0xFFFF
    }

    /// The pseudo-header's sum (RFC 9293, section 3.1) for `length` bytes of transport header and payload.
    @inlinable @inline(__always) public func pseudoHeader(length: Int) -> InternetChecksum {
        var sum = InternetChecksum()
        sum.add(source.rawValue)
        sum.add(destination.rawValue)
        sum.add(UInt16(transport))
        sum.add(UInt16(truncatingIfNeeded: length))
        return sum
    }

    /// Writes a header of 20 bytes with its checksum to the front of `bytes`.
    @inlinable public func write(to bytes: MutableByteView) {
        let first = UInt32(0x4500_0000) | UInt32(trafficClass) &<< 16 | UInt32(truncatingIfNeeded: totalLength) & 0xFFFF
        let second = UInt32(identification) &<< 16 | UInt32(fragmentation)
        let third = UInt16(timeToLive) &<< 8 | UInt16(transport)
        var sum = InternetChecksum()
        sum.add(first)
        sum.add(second)
        sum.add(third)
        sum.add(source.rawValue)
        sum.add(destination.rawValue)
        bytes.setBE32(0, first)
        bytes.setBE32(4, second)
        bytes.setBE16(8, third)
        bytes.setBE16(10, sum.complement)
        bytes.setBE32(12, source.rawValue)
        bytes.setBE32(16, destination.rawValue)
    }
}
