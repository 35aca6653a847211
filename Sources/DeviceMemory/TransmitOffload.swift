/// What the sender of a frame asks of the device that carries it.
@frozen public struct TransmitOffload: BitwiseCopyable, Sendable, Hashable {
    /// The device completes the TCP checksum: its field holds the pseudo-header's sum, of a frame that is cut without the length.
    public var tcpChecksum: Bool
    /// The IP header is IPv6's: it has no checksum, and its length counts what follows it.
    public var isIPv6: Bool
    /// Bytes before the IP header.
    public var linkLength: UInt8
    /// Bytes of the IP header.
    public var networkLength: UInt8
    /// Bytes of the TCP header.
    public var transportLength: UInt8
    /// Payload of each segment that the device is to cut the frame into; 0: the frame is one segment.
    public var segmentSize: UInt16

    /// Nothing: the frame is complete.
    @inlinable public static var none: TransmitOffload {
        TransmitOffload(tcpChecksum: false, linkLength: 0, networkLength: 0, transportLength: 0)
    }

    /// Names every field.
    @inlinable public init(
        tcpChecksum: Bool, linkLength: UInt8, networkLength: UInt8, transportLength: UInt8, segmentSize: UInt16 = 0,
        isIPv6: Bool = false
    ) {
        self.tcpChecksum = tcpChecksum
        self.linkLength = linkLength
        self.networkLength = networkLength
        self.transportLength = transportLength
        self.segmentSize = segmentSize
        self.isIPv6 = isIPv6
    }

    /// Bytes of all headers.
    @inlinable public var headerLength: Int { Int(linkLength) &+ Int(networkLength) &+ Int(transportLength) }
}
