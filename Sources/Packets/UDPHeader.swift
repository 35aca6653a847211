public import DeviceMemory

/// The UDP header (RFC 768).
@frozen public struct UDPHeader: BitwiseCopyable, Sendable, Hashable {
    /// Length of the header in bytes.
    @inlinable public static var length: Int { 8 }

    public var sourcePort: UInt16
    public var destinationPort: UInt16
    /// Bytes of header and data.
    public var length: Int
    /// As it stands on the wire; 0 is "the sender computed none".
    public var checksum: UInt16

    /// Parses the front of a datagram; `nil` when it is too short, or says that it is shorter than its header.
    @inlinable public init?(_ bytes: ByteView) {
        guard bytes.count >= UDPHeader.length else { return nil }
        sourcePort = bytes.be16(0)
        destinationPort = bytes.be16(2)
        length = Int(bytes.be16(4))
        checksum = bytes.be16(6)
        guard length >= UDPHeader.length else { return nil }
    }
}
