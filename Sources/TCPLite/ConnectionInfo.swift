internal import DeviceMemory
public import Packets
public import Timeline

/// What can be seen of a connection, for tests and reports.
public struct ConnectionInfo: Sendable, Hashable, BitwiseCopyable {
    public var state: ConnectionState
    public var peer: InternetAddress
    public var peerPort: UInt16
    public var localPort: UInt16
    public var isPassive: Bool
    public var usesTimestamps: Bool
    public var usesSACK: Bool
    /// Shift of the windows that this side advertises, and of the peer's.
    public var receiveScale: UInt8
    public var sendScale: UInt8
    /// RCV.NXT, and the furthest right edge that was ever advertised.
    public var rcvNxt: SequenceNumber
    public var rcvAdv: SequenceNumber
    public var sndUna: SequenceNumber
    public var sndNxt: SequenceNumber
    /// The peer's window in bytes, and the largest that it ever offered.
    public var sndWnd: Int
    public var sndWndLargest: Int
    /// Congestion window and slow-start threshold in bytes.
    public var cwnd: Int
    public var ssthresh: Int
    /// What was lost is being sent again: since duplicates or reports said so, or since the timer did.
    public var isInFastRecovery: Bool
    public var isInTimeoutRecovery: Bool
    /// Payload of a full segment in bytes, and what the peer asked for.
    public var segmentSize: Int
    public var peerSegmentSize: Int
    /// Smoothed round trip (zero before the first sample) and the timeout in force.
    public var smoothedRoundTrip: Interval
    public var roundTripVariation: Interval
    public var retransmissionTimeout: Interval
    /// When something is sent again, or a closed window probed; `never` when nothing is out.
    public var retransmitDeadline: Instant
    /// Bytes in the send buffer, sent or not.
    public var sendBuffered: Int
    /// R2 in force: how long the peer may leave everything unanswered.
    public var userTimeout: Interval
    /// A silent peer is asked whether it is there.
    public var keepsAlive: Bool
    /// Whose it is; `nil` when the owner is gone.
    public var owner: Int?
    /// No slots are guaranteed, and it draws on what its owner has left.
    public var isShared: Bool
    /// Records on slots, held by the stack or the application, among them pieces that demands cut off.
    public var recordsHeld: Int
    /// Fragments that the stack or the application holds, without those pieces, of how many guaranteed.
    public var slotsHeld: Int
    public var slotsGuaranteed: Int
    /// Host-memory bytes that the stack or the application holds.
    public var linearBytesHeld: Int
    /// Bytes and disjoint ranges queued out of order.
    public var outOfOrderBytes: Int
    public var outOfOrderRanges: Int
    /// Payload bytes that a slot is expected to hold.
    public var bytesPerSlot: Int
    /// What has happened so far: sent again, reported, dropped and why.
    public var counters: ConnectionCounters
    /// What last stopped or started a sender.
    public var windows: WindowHistory
}

extension TCPStack {
    /// The state of a connection; `nil` when it is gone.
    public func info(_ id: ConnectionID) -> ConnectionInfo? {
        guard let i = place(id) else { return nil }
        return ConnectionInfo(
            state: connections[i].state, peer: remote(i), peerPort: connections[i].remotePort,
            localPort: connections[i].localPort, isPassive: connections[i].isPassive,
            usesTimestamps: connections[i].usesTimestamps, usesSACK: connections[i].usesSACK,
            receiveScale: connections[i].rcv.scale, sendScale: connections[i].snd.scale,
            rcvNxt: connections[i].rcv.nxt, rcvAdv: connections[i].rcv.adv, sndUna: connections[i].snd.una,
            sndNxt: connections[i].snd.nxt, sndWnd: Int(connections[i].snd.wnd),
            sndWndLargest: Int(connections[i].snd.maxWnd), cwnd: Int(connections[i].snd.cwnd),
            ssthresh: Int(connections[i].snd.ssthresh), isInFastRecovery: connections[i].snd.phase == .fast,
            isInTimeoutRecovery: connections[i].snd.phase == .timeout, segmentSize: Int(connections[i].snd.mss),
            peerSegmentSize: Int(connections[i].snd.peerMSS),
            smoothedRoundTrip: Interval(nanoseconds: connections[i].snd.rtt.srtt),
            roundTripVariation: Interval(nanoseconds: connections[i].snd.rtt.variance),
            retransmissionTimeout: connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO),
            retransmitDeadline: connections[i].snd.retransmitDeadline, sendBuffered: buffered(i),
            userTimeout: patience(i), keepsAlive: connections[i].keepsAlive,
            owner: owner(of: id), isShared: connections[i].rcv.isShared,
            recordsHeld: Int(connections[i].rcv.held) + Int(connections[i].rcv.cuts),
            slotsHeld: Int(connections[i].rcv.held), slotsGuaranteed: Int(connections[i].rcv.guarantee),
            linearBytesHeld: Int(connections[i].rcv.linearHeld),
            outOfOrderBytes: Int(connections[i].rcv.outOfOrder),
            outOfOrderRanges: Int(connections[i].rcv.rangeCount), bytesPerSlot: Int(connections[i].rcv.unit),
            counters: counters[i], windows: windows[i])
    }

    /// Connections in all states.
    public var connectionCount: Int { connections.count - free.count }
    /// Slots that are promised to flows or out with applications, over all owners.
    public var slotsPromised: Int {
        var sum = 0
        for owner in 0..<configuration.owners { sum += reassembly.budgets[owner].promised }
        return sum
    }
    /// Blocks of host memory that are free.
    public var linearBlocksFree: Int { reassembly.store.freeBlocks }
}
