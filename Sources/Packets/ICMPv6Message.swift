public import DeviceMemory

/// The fixed part of an ICMPv6 message (RFC 4443; neighbour discovery: RFC 4861).
@frozen public struct ICMPv6Message: BitwiseCopyable, Sendable, Hashable {
    /// Length of the fixed part in bytes.
    @inlinable public static var headerLength: Int { 8 }
    @inlinable public static var unreachable: UInt8 { 1 }
    @inlinable public static var packetTooBig: UInt8 { 2 }
    @inlinable public static var timeExceeded: UInt8 { 3 }
    @inlinable public static var parameterProblem: UInt8 { 4 }
    @inlinable public static var echoRequest: UInt8 { 128 }
    @inlinable public static var echoReply: UInt8 { 129 }
    @inlinable public static var neighbourSolicitation: UInt8 { 135 }
    @inlinable public static var neighbourAdvertisement: UInt8 { 136 }

    public var type: UInt8
    public var code: UInt8
    /// Bytes 4 to 7: identifier and number of an echo, the MTU of "packet too big", the flags of an advertisement.
    public var rest: UInt32

    @inlinable public init(type: UInt8, code: UInt8 = 0, rest: UInt32 = 0) {
        self.type = type
        self.code = code
        self.rest = rest
    }

    /// Parses the front of a message; `nil` when it is shorter than the fixed part.
    @inlinable public init?(_ bytes: ByteView) {
        guard bytes.count >= ICMPv6Message.headerLength else { return nil }
        type = bytes[0]
        code = bytes[1]
        rest = bytes.be32(4)
    }

    /// Whether the message is an error that quotes a datagram (RFC 4443, section 2.1): those that are unknown as well.
    @inlinable public var isError: Bool { type < 128 }

    /// Whether the checksum over the whole message and the pseudo-header is right.
    public static func checksumIsGood(_ message: ByteView, _ ip: IPv6Header) -> Bool {
        var sum = ip.pseudoHeader(transport: IPv6Header.protocolICMP, length: message.count)
        sum.add(message)
        return sum.folded == 0xFFFF
    }

    /// Writes the fixed part and then the checksum over all of `message`, whose data is there already, and the pseudo-header.
    public func write(to message: MutableByteView, _ ip: IPv6Header) {
        message[0] = type
        message[1] = code
        message.setBE16(2, 0)
        message.setBE32(4, rest)
        var sum = ip.pseudoHeader(transport: IPv6Header.protocolICMP, length: message.count)
        sum.add(message.readOnly)
        message.setBE16(2, sum.complement)
    }
}

/// A neighbour solicitation or advertisement (RFC 4861, sections 4.3 and 4.4) with the one option that matters here.
@frozen public struct NeighbourMessage: BitwiseCopyable, Sendable, Hashable {
    /// Length without options, and with the option of an Ethernet address, in bytes.
    @inlinable public static var minimumLength: Int { 24 }
    @inlinable public static var length: Int { 32 }
    /// Hop limit of a message that no router has forwarded (RFC 4861, section 7.1).
    @inlinable public static var hopLimit: UInt8 { 255 }
    /// Flags of an advertisement: in answer to a solicitation, and better than what is known.
    @inlinable public static var solicited: UInt32 { 0x4000_0000 }
    @inlinable public static var override: UInt32 { 0x2000_0000 }

    /// Who is looked for, or who says where it is.
    public var target: IPv6Address
    /// The option with a hardware address: the source's of a solicitation, the target's of an advertisement.
    public var mac: MACAddress?

    @inlinable public init(target: IPv6Address, mac: MACAddress?) {
        self.target = target
        self.mac = mac
    }

    /// Parses a message whose fixed part and checksum are good, as RFC 4861, section 7.1 validates one; `nil` when it is too
    /// short, is about a group, or has an option of no length or beyond the end.
    ///
    /// - Parameter option: 1 for the source's address (solicitations), 2 for the target's (advertisements).
    public init?(_ bytes: ByteView, option: UInt8) {
        guard bytes.count >= NeighbourMessage.minimumLength else { return nil }
        target = IPv6Address(bytes, at: 8)
        guard !target.isMulticast else { return nil }
        mac = nil
        var at = NeighbourMessage.minimumLength
        while at < bytes.count {
            guard at + 8 <= bytes.count else { return nil }
            let length = 8 * Int(bytes[at + 1])
            guard length > 0, at + length <= bytes.count else { return nil }
            if bytes[at] == option && length == 8 {
                mac = MACAddress(rawValue: UInt64(bytes.be16(at + 2)) << 32 | UInt64(bytes.be32(at + 4)))
            }
            at += length
        }
    }

    /// Writes everything after the fixed part into `message`, with the option if there is an address for it; returns the length
    /// of the whole message, ``length`` at most.
    public func write(to message: MutableByteView, option: UInt8) -> Int {
        target.write(to: message, at: 8)
        guard let mac else { return NeighbourMessage.minimumLength }
        message[24] = option
        message[25] = 1
        message.setBE16(26, UInt16(truncatingIfNeeded: mac.rawValue >> 32))
        message.setBE32(28, UInt32(truncatingIfNeeded: mac.rawValue))
        return NeighbourMessage.length
    }
}

/// The start of the TCP segment that an ICMPv6 error quotes.
@frozen public struct QuotedSegment6: BitwiseCopyable, Sendable, Hashable {
    public let source: IPv6Address
    public let destination: IPv6Address
    public let sourcePort: UInt16
    public let destinationPort: UInt16
    public let sequence: UInt32

    /// Parses what follows the ICMPv6 message's fixed part; `nil` for anything but the front of a TCP segment. A fragment cannot
    /// be one of ours.
    public init?(_ bytes: ByteView) {
        guard let ip = try? IPv6Header(bytes), let payload = try? IPv6Payload(ip, bytes),
            payload.transport == IPv4Header.protocolTCP, bytes.count >= payload.offset + 8
        else { return nil }
        source = ip.source
        destination = ip.destination
        sourcePort = bytes.be16(payload.offset)
        destinationPort = bytes.be16(payload.offset + 2)
        sequence = bytes.be32(payload.offset + 4)
    }
}
