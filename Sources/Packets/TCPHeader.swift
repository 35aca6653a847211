public import DeviceMemory

/// The control bits of a TCP header (RFC 9293, section 3.1).
@frozen public struct TCPFlags: OptionSet, BitwiseCopyable, Sendable, Hashable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x01) }
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x02) }
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x04) }
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x08) }
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x10) }
    @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 0x20) }
    @inlinable public static var ece: TCPFlags { TCPFlags(rawValue: 0x40) }
    @inlinable public static var cwr: TCPFlags { TCPFlags(rawValue: 0x80) }
}

/// The fixed part of a TCP header.
@frozen public struct TCPHeader: BitwiseCopyable, Sendable, Hashable {
    /// Length of a header without options, in bytes.
    @inlinable public static var minimumLength: Int { 20 }

    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var sequence: UInt32
    public var acknowledgement: UInt32
    /// Length of the header with its options, in bytes.
    public var headerLength: Int
    public var flags: TCPFlags
    /// As on the wire, not scaled.
    public var window: UInt16
    public var checksum: UInt16
    public var urgentPointer: UInt16

    @inlinable public init(
        sourcePort: UInt16, destinationPort: UInt16, sequence: UInt32, acknowledgement: UInt32, headerLength: Int = 20,
        flags: TCPFlags, window: UInt16
    ) {
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.sequence = sequence
        self.acknowledgement = acknowledgement
        self.headerLength = headerLength
        self.flags = flags
        self.window = window
        checksum = 0
        urgentPointer = 0
    }

    /// Parses the front of a segment; `nil` when the data offset is under 5 or beyond the bytes given (the header must be
    /// in host memory as a whole). Reserved bits are ignored (RFC 9293, section 3.1).
    @inlinable @inline(__always) public init?(_ segment: ByteView) {
        guard segment.count >= TCPHeader.minimumLength else { return nil }
        let ports = segment.be32(0)
        sourcePort = UInt16(truncatingIfNeeded: ports &>> 16)
        destinationPort = UInt16(truncatingIfNeeded: ports)
        sequence = segment.be32(4)
        acknowledgement = segment.be32(8)
        let control = segment.be32(12)
        headerLength = Int(control &>> 28) &* 4
        flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: control &>> 16))
        window = UInt16(truncatingIfNeeded: control)
        let last = segment.be32(16)
        checksum = UInt16(truncatingIfNeeded: last &>> 16)
        urgentPointer = UInt16(truncatingIfNeeded: last)
        guard headerLength >= TCPHeader.minimumLength, headerLength <= segment.count else { return nil }
    }

    /// Writes the fixed part to the front of `segment`, the reserved bits zero.
    @inlinable public func write(to segment: MutableByteView) {
        segment.setBE16(0, sourcePort)
        segment.setBE16(2, destinationPort)
        segment.setBE32(4, sequence)
        segment.setBE32(8, acknowledgement)
        let offset = UInt32(truncatingIfNeeded: headerLength &>> 2) &<< 28
        segment.setBE32(12, offset | UInt32(flags.rawValue) &<< 16 | UInt32(window))
        segment.setBE32(16, UInt32(checksum) &<< 16 | UInt32(urgentPointer))
    }
}
