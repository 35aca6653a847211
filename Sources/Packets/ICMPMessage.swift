public import DeviceMemory

/// The fixed part of an ICMP message (RFC 792).
@frozen public struct ICMPMessage: BitwiseCopyable, Sendable, Hashable {
    /// Length of the fixed part in bytes.
    @inlinable public static var headerLength: Int { 8 }
    @inlinable public static var echoReply: UInt8 { 0 }
    @inlinable public static var unreachable: UInt8 { 3 }
    @inlinable public static var sourceQuench: UInt8 { 4 }
    @inlinable public static var redirect: UInt8 { 5 }
    @inlinable public static var echoRequest: UInt8 { 8 }
    @inlinable public static var timeExceeded: UInt8 { 11 }
    @inlinable public static var parameterProblem: UInt8 { 12 }

    public var type: UInt8
    public var code: UInt8
    /// Bytes 4 to 7: identifier and number of an echo, the next hop's MTU in the lower half of "fragmentation needed".
    public var rest: UInt32

    @inlinable public init(type: UInt8, code: UInt8, rest: UInt32) {
        self.type = type
        self.code = code
        self.rest = rest
    }

    /// Parses the front of a message; `nil` when it is shorter than the fixed part.
    @inlinable public init?(_ bytes: ByteView) {
        guard bytes.count >= ICMPMessage.headerLength else { return nil }
        type = bytes[0]
        code = bytes[1]
        rest = bytes.be32(4)
    }

    /// Whether the message is an error that quotes a datagram.
    @inlinable public var isError: Bool {
        switch type {
        case ICMPMessage.unreachable, ICMPMessage.sourceQuench, ICMPMessage.redirect, ICMPMessage.timeExceeded,
            ICMPMessage.parameterProblem:
            true
        default: false
        }
    }

    /// Whether the checksum over the whole message is right.
    public static func checksumIsGood(_ message: ByteView) -> Bool {
        var sum = InternetChecksum()
        sum.add(message)
        return sum.folded == 0xFFFF
    }

    /// Writes the fixed part and then the checksum over all of `message`, whose data is there already.
    public func write(to message: MutableByteView) {
        message[0] = type
        message[1] = code
        message.setBE16(2, 0)
        message.setBE32(4, rest)
        var sum = InternetChecksum()
        sum.add(message.readOnly)
        message.setBE16(2, sum.complement)
    }
}

/// The start of the TCP segment that an ICMP error quotes (RFC 792: IP header and 64 bits).
@frozen public struct QuotedSegment: BitwiseCopyable, Sendable, Hashable {
    public let source: IPv4Address
    public let destination: IPv4Address
    public let sourcePort: UInt16
    public let destinationPort: UInt16
    public let sequence: UInt32

    /// Parses what follows the ICMP message's fixed part; `nil` for anything but the front of a TCP segment.
    public init?(_ bytes: ByteView) {
        guard let ip = try? IPv4Header(bytes), ip.transport == IPv4Header.protocolTCP,
            ip.fragmentation & 0x1FFF == 0, bytes.count >= ip.headerLength + 8
        else { return nil }
        source = ip.source
        destination = ip.destination
        sourcePort = bytes.be16(ip.headerLength)
        destinationPort = bytes.be16(ip.headerLength + 2)
        sequence = bytes.be32(ip.headerLength + 4)
    }
}
