internal import Timeline

/// Why bytes are being sent again.
enum RecoveryPhase: UInt8 {
    /// They are not.
    case none
    /// Duplicate ACKs or SACK blocks said that something is missing.
    case fast
    /// The retransmission timer said that everything is.
    case timeout
}

/// The sending half of a connection: RFC 9293's SND variables, RFC 5681's window and RFC 6675's recovery.
struct SendSide: BitwiseCopyable {
    /// ISS.
    var iss = SequenceNumber(0)
    /// SND.UNA.
    var una = SequenceNumber(0)
    /// SND.NXT: after everything ever sent; retransmission does not move it back.
    var nxt = SequenceNumber(0)
    /// After the last byte in the send buffer. A FIN that was sent stands here, and SND.NXT one further.
    var end = SequenceNumber(0)
    /// SND.WND, scaled.
    var wnd: Int32 = 0
    /// Largest window that the peer ever offered.
    var maxWnd: Int32 = 0
    /// SND.WL1.
    var wl1 = SequenceNumber(0)
    /// SND.WL2.
    var wl2 = SequenceNumber(0)
    /// Shift of the windows that the peer advertises.
    var scale: UInt8 = 0
    /// The peer's segment size.
    var peerMSS: Int32 = 536
    /// Payload of a full segment: the smaller of the peer's size and the path's, less the options of every segment.
    var mss: Int32 = 536
    /// What the path carries, in bytes of TCP payload without options.
    var pathMSS: Int32 = 536

    /// The application has closed this direction.
    var finQueued = false
    /// A SYN or SYN-ACK is to be sent (again).
    var synOwed = false
    /// A zero-window probe, or what the timer forces out past silly-window avoidance.
    var probeOwed = false
    /// The application could not send all that it wanted.
    var wantsSpace = false
    /// Some of the stream was, is or will be sent from where it is; see ``PlacedSide``.
    var isPlaced = false

    /// Congestion window in bytes.
    var cwnd: Int32 = 0
    var ssthresh: Int32 = .max
    /// Bytes acknowledged towards the next segment of congestion avoidance.
    var credited: Int32 = 0

    var phase = RecoveryPhase.none
    /// What SND.NXT was when recovery began: recovery ends when it is acknowledged.
    var recover = SequenceNumber(0)
    /// Up to where holes have been retransmitted.
    var rtxNext = SequenceNumber(0)
    /// The next retransmission goes out whatever the window.
    var forceRetransmission = false
    var duplicateACKs: Int32 = 0

    /// When the oldest outstanding byte is retransmitted, or a closed window probed.
    var retransmitDeadline = Instant.never
    /// Since when nothing has moved, for R2.
    var stalledSince = Instant.zero
    var lastSent = Instant.zero
    var rtt = RoundTrip()

    /// Whether a FIN has been sent.
    var finSent: Bool { nxt > end }
    /// Bytes and FIN sent and not acknowledged.
    var flight: Int { nxt.distance(from: una) }
    /// Bytes in the buffer that were never sent.
    var unsent: Int { max(end.distance(from: nxt), 0) }
}

/// Round-trip estimation and the retransmission timeout (RFC 6298).
struct RoundTrip: BitwiseCopyable {
    private(set) var srtt: UInt64 = 0
    private(set) var variance: UInt64 = 0
    /// Timeout without back-off, in nanoseconds.
    var base: UInt64 = 1_000_000_000
    /// Doublings in force (rule 5.5).
    var backoff: UInt8 = 0
    /// The segment being timed ends here (one at a time, never a retransmitted one: Karn).
    var timed = SequenceNumber(0)
    var timedSince = Instant.zero
    var isTiming = false

    /// Rules 2.2 and 2.3; G is a millisecond.
    mutating func sample(_ interval: Interval, minimum: Interval, maximum: Interval) {
        let r = interval.nanoseconds
        if srtt == 0 {
            srtt = max(r, 1)
            variance = r / 2
        } else {
            let difference = srtt > r ? srtt - r : r - srtt
            variance = variance - variance / 4 + difference / 4
            srtt = max(srtt - srtt / 8 + r / 8, 1)
        }
        base = min(max(srtt + max(1_000_000, 4 * variance), minimum.nanoseconds), maximum.nanoseconds)
        backoff = 0
    }

    /// The timeout in force.
    func timeout(maximum: Interval) -> Interval {
        let shift = UInt64(min(backoff, 16))
        return Interval(nanoseconds: min(base << shift, max(maximum.nanoseconds, base)))
    }
}
