internal import Packets
internal import Timeline

/// RFC 9293's states. LISTEN is a property of a port here, and `closed` is a place that is free or about to be.
@frozen public enum ConnectionState: UInt8, Sendable, Hashable {
    case closed, synSent, synReceived, established, finWait1, finWait2, closeWait, closing, lastACK, timeWait
}

/// What an application has yet to be told of a connection, besides its data.
struct PendingEvents: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    static var opened: PendingEvents { PendingEvents(rawValue: 1) }
    static var endOfStream: PendingEvents { PendingEvents(rawValue: 2) }
    static var sendSpace: PendingEvents { PendingEvents(rawValue: 4) }
    static var untrusted: PendingEvents { PendingEvents(rawValue: 8) }
    static var closed: PendingEvents { PendingEvents(rawValue: 16) }
}

/// Everything about one connection.
struct Connection: BitwiseCopyable {
    var rcv = ReceiveSide()
    var snd = SendSide()

    var state = ConnectionState.closed
    var events = PendingEvents()
    var reason = CloseReason.finished
    /// Both sides sent the option.
    var usesTimestamps = false
    var usesSACK = false
    /// Peer and next hop are IPv6, and in ``IPv6Path``.
    var isIPv6 = false
    /// The peer's SYN had the window scale option.
    var offersScale = false
    var isPassive = false
    /// The application knows of the connection.
    var wasOpened = false
    /// The application has left: nobody takes data or events.
    var isOrphan = false
    /// The last event has been delivered.
    var isForgotten = false
    /// A RST is all that is left to send.
    var resetOwed = false
    /// Established, and its owner has not been told.
    var isWaiting = false
    /// Keep-alive: whether silence is watched, questions without an answer, and one that is to be sent.
    var keepsAlive = false
    var keepAliveOwed = false
    var keepAliveProbes: UInt8 = 0
    /// SYNs sent beyond the first.
    var synRetransmissions: UInt8 = 0
    /// Whose backlog counts it; its place among the listeners.
    var listener: UInt16 = 0
    /// RCV.NXT plus SND.UNA when silence was last looked at: the same sum means that nothing has moved.
    var keepAliveMark: UInt32 = 0
    /// R2 in milliseconds; zero for the configuration's.
    var userTimeout: UInt32 = 0

    /// TS.Recent, and when it was stored.
    var tsRecent: UInt32 = 0
    var tsRecentAt = Instant.zero
    var tsOffset: UInt32 = 0

    var key = FlowKey.none
    var remote = IPv4Address.any
    var remotePort: UInt16 = 0
    var localPort: UInt16 = 0
    /// Names it, as long as it is there; the next connection's in its place while the place is free.
    var id: UInt32 = 0
    var tags = LinkTags.none
    var nextHop = IPv4Address.any
    var neighbour: Int32 = -1

    /// End of TIME-WAIT, of an orphan's patience, or when a silent peer is looked after.
    var lifeDeadline = Instant.never
    var challenges: Int32 = 0
    var challengesSince = Instant.zero
    /// Segments in a row that nobody could verify, and how many there were when the application was to be told.
    var untrusted: Int32 = 0
    var untrustedReported: Int32 = 0

    /// Whether both SYNs have been exchanged.
    var isSynchronized: Bool { state.rawValue >= ConnectionState.established.rawValue }
    /// The earliest of all deadlines.
    @inline(__always) var deadline: Instant {
        min(min(rcv.ackDeadline, snd.retransmitDeadline), lifeDeadline)
    }
}
