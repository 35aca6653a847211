internal import DeviceMemory
internal import Timeline

/// What an observer of the wire knows of one end of a connection. Positions count from the SYN, which is at 0.
struct WireEnd {
    // What it sent.
    var iss: UInt32?
    var offer = Offer()
    var sentEnd = 0
    var acknowledged = 0
    var edge = 0
    var hasReset = false
    var lastTimestamp: UInt32?
    var pureACKs = 0
    var repeated = Repetition()
    // What reached it.
    var peerISS: UInt32?
    var peerOffer = Offer()
    var heard = Intervals()
    var segmentsHeard = 0
    var heardACK = 0
    var heardEdge = 0
    /// ACKs that acknowledged nothing, less what ACKs made up for since: each may stand for a segment that has left the path.
    var duplicates = 0
    /// The furthest position that a SACK block reported.
    var heardReport = 0
    var heardReset = false
    /// The furthest ACK that did not come with bytes which it had: such segments are dropped, their ACK with them.
    var takenACK = 0
    /// Something beyond the SYN has reached it: the connection stands.
    var heardMore = false
    var echoes: (oldest: UInt32, newest: UInt32)?

    /// The options of a SYN.
    struct Offer {
        var mss = 536
        var scale: Int?
        var timestamps = false
        var sack = false

        init() {}

        init(_ s: Sighting) {
            mss = s.mss ?? 536
            scale = s.scale
            timestamps = s.timestamp != nil
            sack = s.sackPermitted
        }
    }

    /// The oldest unacknowledged segment: when it was sent, how long after the time before, whether the timer was started or
    /// ran out then, and whether anything was heard since.
    struct Repetition {
        var position = -1
        var at = Instant.zero
        var gap: UInt64 = 0
        var isTimed = false
        var heardSince = false
    }

    /// The shift of windows that this end announces, and that it is told.
    var ownScale: Int { offer.scale != nil && peerOffer.scale != nil ? min(offer.scale ?? 0, 14) : 0 }
    var peerScale: Int { offer.scale != nil && peerOffer.scale != nil ? min(peerOffer.scale ?? 0, 14) : 0 }
    var usesTimestamps: Bool { offer.timestamps && peerOffer.timestamps }
    var usesSACK: Bool { offer.sack && peerOffer.sack }
}

/// What one end's configuration and application permit.
struct Permission {
    var mtu = 1500
    var initialWindow = 10
    var minimumRTO: UInt64 = 200_000_000
    /// The stream's number, bytes written to it, and whether it was shut down.
    var stream = 0
    var written = 0
    var isShut = false
}

/// The rules for what one end sends, given what has reached it: of the frames alone, not of the stack.
struct FlowOracle {
    var ends = [WireEnd(), WireEnd()]
    /// The ports were used again by an old SYN: the rules below are for one connection.
    private(set) var isReborn = false
    /// The peer's clock jumps: what is oldest and newest of its timestamps cannot be said.
    var isClockWild = false
    /// When an end last heard that the stream which it sends got on.
    private(set) var moved = [Instant.zero, Instant.zero]

    private static func distance(_ a: UInt32, _ b: UInt32) -> Int { Int(Int32(bitPattern: a &- b)) }

    /// A segment reached `end` whole and was taken by its stack.
    mutating func heard(_ s: Sighting, by end: Int, now: Instant) {
        var me = ends[end]
        let before = (ack: me.takenACK, prefix: me.heard.prefix)
        if s.isSYN && me.peerISS == nil {
            me.peerISS = s.seq
            me.peerOffer = WireEnd.Offer(s)
            if !s.hasACK { me.heardEdge = max(me.heardEdge, 1 + s.window) }
        }
        me.segmentsHeard += 1
        me.repeated.heardSince = true
        if s.isRST { me.heardReset = true }
        if !s.isSYN { me.heardMore = true }
        if let iss = me.peerISS, !s.isRST {
            let at = FlowOracle.distance(s.seq, iss)
            me.heard.insert(at, at + s.length)
        }
        if let iss = me.iss, s.hasACK {
            let at = FlowOracle.distance(s.ack, iss)
            if at >= 0 && at <= me.sentEnd {
                let segments = max(at - me.heardACK - 1, 0) / max(me.peerOffer.mss, 64)
                me.duplicates = at > me.heardACK ? max(me.duplicates - segments, 0) : me.duplicates + 1
                for block in s.blocks {
                    let right = FlowOracle.distance(block.right, iss)
                    if right <= me.sentEnd { me.heardReport = max(me.heardReport, right) }
                }
                me.heardACK = max(me.heardACK, at)
                let last = FlowOracle.distance(s.seq, me.peerISS ?? 0) + s.length
                if s.length == 0 || s.isSYN || last > before.prefix { me.takenACK = max(me.takenACK, at) }
                me.heardEdge = max(me.heardEdge, at + s.window << (s.isSYN ? 0 : me.peerScale))
            }
        }
        if let value = s.timestamp?.value {
            let old = me.echoes ?? (value, value)
            me.echoes = (
                FlowOracle.distance(value, old.oldest) < 0 ? value : old.oldest,
                FlowOracle.distance(value, old.newest) > 0 ? value : old.newest
            )
        }
        if me.takenACK > before.ack { moved[end] = now }
        ends[end] = me
    }

    /// Whether everything that an end has sent was acknowledged, as far as it knows.
    func isQuiet(_ end: Int) -> Bool { ends[end].heardMore && ends[end].sentEnd <= ends[end].takenACK }

    /// A router told `end` something, which may make it repeat what it sent.
    mutating func heardRouter(by end: Int) { ends[end].repeated.heardSince = true }

    /// A segment was sent by `end`.
    mutating func sent(
        _ s: Sighting, _ frame: ByteView, by end: Int, _ may: Permission, _ pattern: borrowing Pattern, now: Instant
    ) throws(Failure) {
        guard Sighting.checksumsAreGood(frame) else { throw Failure(.checksum, "\(s)") }
        guard s.optionsAreSound, s.strangeBits == 0, frame.count == 14 + s.ipLength else {
            throw Failure(.malformed, "\(s)")
        }
        if isReborn { return }
        var me = ends[end]
        if s.isRST {
            // An answer to what belongs nowhere ends nothing where the handshake still goes on.
            let isRefusal = !s.hasACK && FlowOracle.distance(s.seq, (me.iss ?? 0) &+ UInt32(me.sentEnd)) != 0
            if !isRefusal { me.hasReset = true }
            ends[end] = me
            return
        }
        if s.isSYN, let iss = me.iss {
            let acknowledges = s.hasACK ? FlowOracle.distance(s.ack, me.peerISS ?? 0) : 1
            // Also where the numbers are those of the connection before: a reset has ended that, and an old SYN came.
            if iss != s.seq || acknowledges != 1 || me.sentEnd > 1 || me.acknowledged > 1 || me.heardReset {
                isReborn = true
                return
            }
        }
        if me.hasReset {
            if s.isSYN {
                isReborn = true
                return
            }
            throw Failure(.afterReset, "\(s)")
        }
        if s.isSYN && me.iss == nil {
            me.iss = s.seq
            me.offer = WireEnd.Offer(s)
        }
        let grew = try checkAcknowledgement(s, &me)
        try checkOptions(s, &me)
        if s.isPureACK && !grew && FlowOracle.distance(s.seq, me.iss ?? 0) != me.sentEnd - 1 {
            me.pureACKs += 1
            guard me.pureACKs <= me.segmentsHeard else {
                throw Failure(.tooManyACKs, "\(me.pureACKs) ACKs for \(me.segmentsHeard) segments: \(s)")
            }
        }
        if s.length > 0 { try checkStream(s, frame, &me, may, pattern, now) }
        ends[end] = me
    }

    /// ACK, window and reports; whether the window's edge moved.
    private func checkAcknowledgement(_ s: Sighting, _ me: inout WireEnd) throws(Failure) -> Bool {
        guard s.hasACK else {
            guard s.isSYN, s.blocks.isEmpty else { throw Failure(.malformed, "no ACK: \(s)") }
            // A window is offered already, whatever the peer's numbers will be.
            me.edge = max(me.edge, 1 + s.window)
            return true
        }
        guard let peer = me.peerISS else { throw Failure(.acknowledgesUnheard, "before any SYN: \(s)") }
        let at = FlowOracle.distance(s.ack, peer)
        guard at <= me.heard.prefix else {
            throw Failure(.acknowledgesUnheard, "position \(at), heard \(me.heard.prefix): \(s)")
        }
        guard at >= me.acknowledged else {
            throw Failure(.acknowledgementRetreats, "to \(at) from \(me.acknowledged): \(s)")
        }
        me.acknowledged = at
        let scale = s.isSYN ? 0 : me.ownScale
        let edge = at + s.window << scale
        // The field of a SYN cannot say more than 64 KiB, whatever a plain ACK has offered when both sides opened at once.
        guard (s.isSYN && s.window == 0xFFFF) || edge >= me.edge - (1 << scale - 1) else {
            throw Failure(.windowRetreats, "to \(edge) from \(me.edge): \(s)")
        }
        let grew = edge > me.edge
        me.edge = max(me.edge, edge)
        try checkReports(s, at, peer, me)
        return grew
    }

    private func checkReports(_ s: Sighting, _ ack: Int, _ peer: UInt32, _ me: WireEnd) throws(Failure) {
        guard !s.blocks.isEmpty else { return }
        guard me.usesSACK, !s.isSYN else { throw Failure(.optionNotAgreed, "SACK: \(s)") }
        let blocks = s.blocks.map { (FlowOracle.distance($0.left, peer), FlowOracle.distance($0.right, peer)) }
        for (i, block) in blocks.enumerated() {
            guard block.0 < block.1, me.heard.contains(block.0, block.1) else {
                throw Failure(.reportUntrue, "block \(i), \(block), of \(me.heard.list): \(s)")
            }
            // The first may report a duplicate (RFC 2883).
            let isDuplicate =
                i == 0
                && (block.1 <= ack || blocks.dropFirst().contains { $0.0 <= block.0 && block.1 <= $0.1 })
            if isDuplicate { continue }
            guard block.0 > ack else { throw Failure(.reportUntrue, "block \(i) is not above the ACK: \(s)") }
            for (j, other) in blocks.enumerated() where j > i && block.0 <= other.1 && other.0 <= block.1 {
                throw Failure(.reportUntrue, "blocks \(i) and \(j) overlap: \(s)")
            }
        }
    }

    private func checkOptions(_ s: Sighting, _ me: inout WireEnd) throws(Failure) {
        if !s.isSYN {
            guard s.mss == nil, s.scale == nil, !s.sackPermitted else { throw Failure(.malformed, "\(s)") }
            guard (s.timestamp != nil) == me.usesTimestamps else {
                throw Failure(.optionNotAgreed, "timestamps: \(s)")
            }
        }
        guard let timestamp = s.timestamp else { return }
        if let last = me.lastTimestamp, FlowOracle.distance(timestamp.value, last) < 0 {
            throw Failure(.timestampWrong, "the clock went back from \(last): \(s)")
        }
        me.lastTimestamp = timestamp.value
        guard s.hasACK, !isClockWild else { return }
        guard let echoes = me.echoes, FlowOracle.distance(timestamp.echo, echoes.oldest) >= 0,
            FlowOracle.distance(timestamp.echo, echoes.newest) <= 0
        else { throw Failure(.timestampWrong, "an echo of what was never heard: \(s)") }
    }
}
