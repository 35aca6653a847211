/// What a stack has done and what it has dropped, by reason.
public struct StackStatistics: Sendable, Hashable, BitwiseCopyable {
    // MARK: frames in
    public var framesReceived: UInt64 = 0
    /// The header did not fit the device's header buffer.
    public var headerOverflows: UInt64 = 0
    /// Too short for its own headers, or impossible lengths, at any layer below TCP.
    public var malformed: UInt64 = 0
    /// Another station's hardware or IP address.
    public var wrongDestination: UInt64 = 0
    /// A source that cannot be: our own, a group, loopback, or none.
    public var badSource: UInt64 = 0
    /// Neither ARP nor IP, or neither TCP nor ICMP, or IPv6 without an IPv6 address.
    public var unknownProtocol: UInt64 = 0
    /// IPv6 datagrams for one of our addresses or groups.
    public var ipv6Datagrams: UInt64 = 0
    /// IPv6 datagrams with an option that is not to be skipped, or a route to be followed.
    public var refusedExtensions: UInt64 = 0
    /// IP fragments.
    public var ipFragments: UInt64 = 0
    /// IP header, ICMP or TCP checksum wrong, as the device or the software found.
    public var badChecksums: UInt64 = 0
    /// Segments with device bytes that the device had not verified.
    public var unverified: UInt64 = 0
    public var arpRequests: UInt64 = 0
    public var arpReplies: UInt64 = 0
    /// Neighbour discovery (RFC 4861): valid solicitations of our addresses, valid advertisements, and messages that are not valid
    /// or come from beyond the link.
    public var neighbourSolicitations: UInt64 = 0
    public var neighbourAdvertisements: UInt64 = 0
    public var invalidNeighbourMessages: UInt64 = 0
    public var echoRequests: UInt64 = 0
    public var icmpErrors: UInt64 = 0
    /// ICMP messages that were ignored: unknown, partly in device memory, or about nothing that is in flight.
    public var icmpIgnored: UInt64 = 0

    // MARK: sent from regions
    /// Payload bytes that went out by reference, each time they did.
    public var placedBytesSent: UInt64 = 0
    /// Frames that the device was to cut into segments.
    public var framesToCut: UInt64 = 0

    // MARK: segments in
    public var segmentsReceived: UInt64 = 0
    /// Data offset under 5 or beyond the segment, or a port of zero.
    public var badHeaders: UInt64 = 0
    /// Options with an illegal length, which were ignored.
    public var badOptions: UInt64 = 0
    /// For no connection and no listener.
    public var noConnection: UInt64 = 0
    /// Outside the window.
    public var outOfWindow: UInt64 = 0
    /// Old by their timestamp (PAWS).
    public var oldTimestamps: UInt64 = 0
    /// Without the timestamp that was agreed on.
    public var missingTimestamps: UInt64 = 0
    /// Without ACK in a synchronized state.
    public var missingACK: UInt64 = 0
    /// ACKs of what was never sent, or of too long ago.
    public var badACKs: UInt64 = 0
    public var resetsReceived: UInt64 = 0
    /// SACK blocks that reported what had been acknowledged or reported already (RFC 2883).
    public var duplicateReports: UInt64 = 0
    public var challenges: UInt64 = 0
    /// Challenge ACKs that the limit held back.
    public var challengesHeldBack: UInt64 = 0
    /// SYNs dropped because the table, the backlog or the accept backlog was full.
    public var synsOverBacklog: UInt64 = 0
    /// Passive connections that made room for a newer SYN before they were established.
    public var openingsRecycled: UInt64 = 0
    /// Last steps of handshakes that were ignored because the accept backlog was full.
    public var opensOverBacklog: UInt64 = 0
    /// SYNs dropped because no slots could be promised.
    public var synsWithoutSlots: UInt64 = 0

    // MARK: payload
    public var bytesReceived: UInt64 = 0
    public var deviceBytes: UInt64 = 0
    public var linearBytes: UInt64 = 0
    /// Pieces that became part of the record before them, because they follow it in its slot or its block.
    public var deviceRecordsMerged: UInt64 = 0
    public var linearRecordsMerged: UInt64 = 0
    /// Bytes that had been received before.
    public var duplicateBytes: UInt64 = 0
    public var outOfOrderSegments: UInt64 = 0
    /// Payload bytes dropped because the flow had used up its slots with smaller segments than it was promised for.
    public var droppedWithoutSlots: UInt64 = 0
    /// Payload bytes of flows without a guarantee that were dropped because their owner had no slots for them, among them
    /// out-of-order bytes that had been kept before.
    public var droppedOverShare: UInt64 = 0
    /// Segments dropped because their payload was in a pool that the connection's owner has no part in.
    public var foreignFragments: UInt64 = 0
    /// Payload bytes dropped because their application asked for it.
    public var discardedBytes: UInt64 = 0
    /// Payload bytes dropped because no host block was left, among them out-of-order bytes that had been kept before.
    public var droppedWithoutBlocks: UInt64 = 0
    /// Payload bytes dropped because there were too many disjoint ranges.
    public var droppedOverRanges: UInt64 = 0
    /// Payload bytes that came for an application that had left.
    public var droppedAfterClose: UInt64 = 0

    // MARK: segments out
    public var segmentsSent: UInt64 = 0
    public var resetsSent: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var bytesRetransmitted: UInt64 = 0
    public var fastRecoveries: UInt64 = 0
    public var timeouts: UInt64 = 0
    public var windowProbes: UInt64 = 0
    public var windowUpdates: UInt64 = 0
    public var keepAliveProbes: UInt64 = 0
    public var duplicateReportsSent: UInt64 = 0
    /// Replies that are not owed to a connection (RST, echo, ARP) and found the output full.
    public var repliesDropped: UInt64 = 0

    // MARK: work
    /// Connections looked at because a time of theirs had come, and at the end of a burst because they had something to do.
    /// Those that are idle are in neither.
    public var timersDue: UInt64 = 0
    public var connectionsServed: UInt64 = 0

    // MARK: connections
    /// Connections that were not opened because the system granted no memory for more.
    public var growthsRefused: UInt64 = 0
    /// Calls of ``TCPStack/send(_:_:)`` that took nothing because no send buffer was left.
    public var buffersRefused: UInt64 = 0
    public var activeOpens: UInt64 = 0
    public var passiveOpens: UInt64 = 0
    public var established: UInt64 = 0
    public var closed: UInt64 = 0

    /// All zero.
    public init() {}
}
