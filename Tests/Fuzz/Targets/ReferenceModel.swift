internal import Packets
internal import TCPLite
internal import Timeline

/// A segment as a peer sends it, in the terms of a connection: stream positions, not sequence numbers.
struct PeerSegment {
    /// Where it begins: 0 is the first byte of the peer's stream.
    var position: Int
    var length = 0
    var flags = TCPFlags.ack
    var acknowledgement = SequenceNumber(0)
    /// Its timestamp is older than all others, or it has none.
    var isOld = false
    var lacksTimestamp = false
    /// What its bytes are made from.
    var version: UInt8 = 0

    var isFIN: Bool { flags.contains(.fin) }
    /// SEG.LEN.
    var span: Int { length + (isFIN ? 1 : 0) + (flags.contains(.syn) ? 1 : 0) }

    /// The byte that it has at a position.
    func byte(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 31) ^ version }
}

/// What the stack says of a connection before a segment arrives and what depends on its memory, not on TCP's rules.
struct Offer {
    /// Right edge of what was invited, as a position.
    var edge: Int
    var sndNxt: SequenceNumber
    var largestWindow: Int
}

/// One connection by the rules of RFC 9293, 5961 and 7323, with a plain array for its stream: slow, small, and made of
/// nothing that the stack is made of.
struct ReferenceModel {
    let isPassive: Bool
    let usesTimestamps: Bool
    var state: ConnectionState
    /// The peer's SYN, and ours.
    let irs: SequenceNumber
    let iss: SequenceNumber

    // What came.
    private(set) var bytes: [UInt8?] = []
    /// Bytes in order, and bytes known beyond them.
    private(set) var next = 0
    private(set) var beyond = 0
    private(set) var finAt: Int?
    private(set) var hasEnded = false

    // What goes.
    var una: SequenceNumber
    var written = 0
    var isShut = false
    /// The FIN has been seen on the wire.
    var finSent = false

    /// The application left: it hears no more.
    var isOrphan = false
    var wasOpened = false
    /// How it ended, once it has.
    var reason: CloseReason?
    /// Data that had come was dropped with it.
    var isAborted = false
    var waitsUntil = Instant.never

    init(passive: Bool, timestamps: Bool, irs: SequenceNumber, iss: SequenceNumber) {
        isPassive = passive
        usesTimestamps = timestamps
        self.irs = irs
        self.iss = iss
        una = passive ? iss : iss + 1
        state = passive ? .synReceived : .established
        wasOpened = !passive
    }

    /// RCV.NXT.
    var expected: SequenceNumber { irs + 1 + next + (hasEnded ? 1 : 0) }
    /// The same, as a position.
    private var here: Int { next + (hasEnded ? 1 : 0) }

    /// Whether anything that the application wrote, or its end, is not acknowledged.
    var owes: Bool { una != iss + 1 + written + (isShut ? 1 : 0) }

    /// Whether every byte from one position to another is known.
    func knows(_ from: Int, _ to: Int) -> Bool {
        from >= 0 && to <= bytes.count && bytes[from..<to].allSatisfy { $0 != nil }
    }

    /// The byte at a position that has come.
    func byte(_ position: Int) -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func end(_ reason: CloseReason) {
        state = .closed
        self.reason = reason
    }

    /// The application asks for a reset.
    mutating func abort() {
        isAborted = true
        end(state == .timeWait ? .finished : .aborted)
    }

    /// Nobody answered for too long.
    mutating func giveUp() { end(.timedOut) }

    /// The application leaves: what it has not taken, or what still waits, makes that a reset (RFC 2525, section 2.17).
    mutating func leave(delivered: Int) {
        let hadData = delivered < next || beyond > 0
        isOrphan = true
        if state == .timeWait { return }
        if hadData { abort() } else { isShut = true }
    }

    /// RFC 9293, section 3.10.7.4.
    mutating func hear(_ s: PeerSegment, _ offer: Offer, now: Instant, msl: Interval) {
        if usesTimestamps && !s.flags.contains(.rst) && (s.isOld || s.lacksTimestamp) { return }
        guard isAcceptable(s, offer) else {
            if state == .timeWait && s.isFIN && !s.flags.contains(.rst) { waitsUntil = now + msl + msl }
            return
        }
        if s.flags.contains(.rst) {
            if state != .timeWait && s.position == here { end(state == .synReceived ? .refused : .reset) }
            return
        }
        if s.flags.contains(.syn) || !s.flags.contains(.ack) { return }
        guard acknowledged(s, offer, now, msl) else { return }
        if s.span > 0 { take(s, offer, now, msl) }
    }

    private func isAcceptable(_ s: PeerSegment, _ offer: Offer) -> Bool {
        let window = offer.edge - here
        let first = s.position - here
        if window <= 0 { return first == 0 }
        if s.span == 0 { return first >= 0 && first <= window }
        return first < window && first + s.span - 1 >= 0
    }

    private mutating func acknowledged(_ s: PeerSegment, _ offer: Offer, _ now: Instant, _ msl: Interval) -> Bool {
        let ack = s.acknowledgement
        if state == .synReceived {
            guard ack > una, ack <= offer.sndNxt else { return false }
            una = iss + 1
            state = .established
            wasOpened = true
        }
        if ack > offer.sndNxt || ack.distance(from: una) < -offer.largestWindow { return false }
        guard ack > una else { return true }
        una = ack
        guard finSent, una == iss + 2 + written else { return true }
        switch state {
        case .finWait1: state = .finWait2
        case .closing: wait(now, msl)
        case .lastACK: end(.finished)
        default: break
        }
        return state != .closed
    }

    private mutating func take(_ s: PeerSegment, _ offer: Offer, _ now: Instant, _ msl: Interval) {
        switch state {
        case .established, .finWait1, .finWait2: break
        case .timeWait:
            if s.isFIN { waitsUntil = now + msl + msl }
            return
        default: return
        }
        if s.length > 0 && isOrphan {
            abort()
            return
        }
        let to = min(s.position + s.length, offer.edge, finAt ?? .max)
        var at = max(s.position, next)
        while at < to {
            while bytes.count <= at { bytes.append(nil) }
            if bytes[at] == nil {
                bytes[at] = s.byte(at)
                beyond += 1
            }
            at += 1
        }
        while next < bytes.count, bytes[next] != nil {
            next += 1
            beyond -= 1
        }
        if s.isFIN {
            let at = s.position + s.length
            if finAt == nil, at >= next, at <= offer.edge, at >= bytes.count { finAt = at }
        }
        guard let finAt, finAt == next, !hasEnded else { return }
        hasEnded = true
        switch state {
        case .established: state = .closeWait
        case .finWait1: state = .closing
        case .finWait2: wait(now, msl)
        default: break
        }
    }

    private mutating func wait(_ now: Instant, _ msl: Interval) {
        state = .timeWait
        reason = .finished
        waitsUntil = now + msl + msl
    }
}
