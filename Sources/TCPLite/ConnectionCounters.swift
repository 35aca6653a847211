internal import DeviceMemory

/// What happened to one connection, counted from its first segment on: what it sent again, what it was told, what of its
/// peer's segments was dropped and why. Each counts on from zero after 2^32.
public struct ConnectionCounters: Sendable, Hashable, BitwiseCopyable {
    // MARK: sent
    /// Segments with data or FIN that were sent again, and their payload bytes.
    public var segmentsRetransmitted: UInt32 = 0
    public var bytesRetransmitted: UInt32 = 0
    /// SYNs and SYN-ACKs that were sent again.
    public var openingsRetransmitted: UInt32 = 0
    /// Expiries of the retransmission timer, and recoveries that duplicates or reports began.
    public var timeouts: UInt32 = 0
    public var fastRecoveries: UInt32 = 0
    /// Probes of a closed window, and of a silent peer.
    public var windowProbes: UInt32 = 0
    public var keepAliveProbes: UInt32 = 0
    /// ACKs that challenged the peer (RFC 5961), and those that the limit held back.
    public var challenges: UInt32 = 0
    public var challengesHeldBack: UInt32 = 0
    /// Reports of data that came twice (RFC 2883).
    public var duplicateReportsSent: UInt32 = 0
    /// Times that an ACK closed the window.
    public var windowClosings: UInt32 = 0

    // MARK: told by the peer
    /// Duplicate ACKs in the sense of RFC 5681 or RFC 6675.
    public var duplicateACKs: UInt32 = 0
    /// SACK blocks, those that reported what had been acknowledged or reported (RFC 2883), and those that could not be.
    public var sackBlocks: UInt32 = 0
    public var duplicateReports: UInt32 = 0
    public var badBlocks: UInt32 = 0
    /// Times that the peer closed its window.
    public var peerWindowClosings: UInt32 = 0

    // MARK: dropped, in segments
    /// Beside the window; old by their timestamp; without the timestamp that was agreed on; without ACK.
    public var outOfWindow: UInt32 = 0
    public var oldTimestamps: UInt32 = 0
    public var missingTimestamps: UInt32 = 0
    public var missingACK: UInt32 = 0
    /// With an ACK of what was never sent, or of too long ago.
    public var badACKs: UInt32 = 0
    /// With device bytes that the device had not verified.
    public var unverified: UInt32 = 0
    /// With payload for which there was no slot, block or range, or that lay in a pool its owner has no part in.
    public var refused: UInt32 = 0

    /// All zero.
    public init() {}
}

extension TCPStack {
    /// Data or a FIN went out again.
    @inline(__always) mutating func countRetransmission(_ i: Int, _ length: Int) {
        statistics.bytesRetransmitted &+= UInt64(truncatingIfNeeded: length)
        counters[i].segmentsRetransmitted &+= 1
        counters[i].bytesRetransmitted &+= UInt32(truncatingIfNeeded: length)
    }
}
