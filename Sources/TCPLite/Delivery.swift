public import DeviceMemory
public import Packets
public import PagePool

/// Why a connection ended.
@frozen public enum CloseReason: UInt8, Sendable, Hashable {
    /// Both directions were closed in order.
    case finished
    /// The peer sent a reset.
    case reset
    /// The peer refused to open: a reset, or a hard ICMP error, in answer to the SYN.
    case refused
    /// The peer stopped answering for as long as the configuration's `giveUp` or `giveUpOpening`.
    case timedOut
    /// This side aborted it.
    case aborted
}

/// One event or one piece of data of a connection.
///
/// Data comes in stream order; `opened` comes before all data of its connection, `endOfStream` after it and `closed` last.
/// A delivery with a fragment owns it: pass the fragment to ``PagePool/PoolTable/deliver(_:)`` or
/// ``PagePool/PoolTable/recycle(_:)``.
public struct Delivery: ~Copyable {
    /// What is delivered.
    @frozen public enum Kind: Sendable, Hashable {
        /// The connection is established; `passive` when the peer opened it.
        case opened(peer: InternetAddress, port: UInt16, localPort: UInt16, passive: Bool)
        /// Bytes of the stream: ``Delivery/linear`` or ``Delivery/fragment``.
        case data
        /// The peer has closed its direction.
        case endOfStream
        /// There is room in the send buffer again, after ``TCPStack/send(_:_:)`` could not take everything.
        case sendSpaceAvailable
        /// As many segments in a row were dropped because nobody could verify their checksums.
        case untrusted(segments: Int)
        /// The connection is over; its id means nothing from now on. Fragments that the application holds stay valid.
        case closed(CloseReason)
    }

    /// What this is.
    public let kind: Kind
    /// Whose it is.
    public let connection: ConnectionID
    /// Stream bytes in a slot.
    public var fragment: Fragment?
    /// Stream bytes in host memory, valid until the next ``TCPStack/nextDelivery()``.
    public let linear: ByteView?
    /// The one's-complement sum that the bytes of this record must have (RFC 1071; zero and 0xFFFF are the same sum), derived
    /// from the segment's verified TCP checksum and, where a segment is in several pieces, the host bytes before this one.
    /// `nil` for trimmed pieces.
    public let payloadSum: UInt16?

    init(
        kind: Kind, connection: ConnectionID, fragment: consuming Fragment? = nil, linear: ByteView? = nil,
        payloadSum: UInt16? = nil
    ) {
        self.kind = kind
        self.connection = connection
        self.fragment = fragment
        self.linear = linear
        self.payloadSum = payloadSum
    }
}
