internal import DeviceMemory
internal import Timeline

/// What takes sequence space: bytes, SYN and FIN.
extension FlowOracle {
    func checkStream(
        _ s: Sighting, _ frame: ByteView, _ me: inout WireEnd, _ may: Permission, _ pattern: borrowing Pattern,
        _ now: Instant
    ) throws(Failure) {
        guard let iss = me.iss else { throw Failure(.malformed, "data before any SYN: \(s)") }
        let at = Int(Int32(bitPattern: s.seq &- iss))
        let end = at + s.length
        guard s.isSYN == (at == 0), at >= 0, !s.isSYN || s.length == 1 else {
            throw Failure(.malformed, "position \(at): \(s)")
        }
        if s.payload > 0 {
            guard at - 1 + s.payload <= may.written else {
                throw Failure(.bytesUnwritten, "up to \(at - 1 + s.payload) of \(may.written): \(s)")
            }
            if let wrong = pattern.mismatch(frame.slice(s.payloadAt, s.payload), may.stream, at - 1) {
                throw Failure(.bytesDiffer, "byte \(wrong) of the segment: \(s)")
            }
        }
        if s.isFIN, !may.isShut || end != may.written + 2 {
            throw Failure(.bytesUnwritten, "FIN at \(end - 1), after \(may.written) bytes: \(s)")
        }
        if !s.isSYN {
            // A probe is one octet past the edge, or at it.
            guard end <= me.heardEdge || (s.length == 1 && at <= me.heardEdge) else {
                throw Failure(.beyondWindow, "up to \(end), offered \(me.heardEdge): \(s)")
            }
            let mss = max(me.peerOffer.mss, 64)
            guard s.payload + s.headerLength - 20 <= mss, s.ipLength <= may.mtu else {
                throw Failure(.segmentTooLong, "MSS \(mss), MTU \(may.mtu): \(s)")
            }
            // Slow start adds what is acknowledged, and nothing grows faster; during recovery each duplicate and what is reported
            // let as much out, and one segment may be forced out.
            let flight = end - max(me.heardACK, 1)
            let gone = max(me.heardACK - 1, 0) + max(me.heardReport - max(me.heardACK, 1), 0)
            guard flight <= (may.initialWindow + 3 + me.duplicates) * mss + gone else {
                throw Failure(.burstTooLarge, "\(flight) bytes out, \(me.heardACK) acknowledged: \(s)")
            }
            try checkRepetition(s, at, &me, may, now)
        }
        me.sentEnd = max(me.sentEnd, end)
    }

    /// While nothing is heard, a segment that started the timer comes again no sooner than the least timeout, and each time
    /// later (RFC 6298, rules 2.4 and 5.5).
    private func checkRepetition(
        _ s: Sighting, _ at: Int, _ me: inout WireEnd, _ may: Permission, _ now: Instant
    ) throws(Failure) {
        guard at == me.repeated.position else {
            if at <= max(me.heardACK, 1) {
                me.repeated = WireEnd.Repetition(position: at, at: now, isTimed: at == me.sentEnd)
            }
            return
        }
        let gap = (now - me.repeated.at).nanoseconds
        let isTimeout = !me.repeated.heardSince
        if isTimeout && me.repeated.isTimed {
            // A full output queue or the coalescing of a burst may make up for some milliseconds.
            let least = min(max(may.minimumRTO, 2 * me.repeated.gap), 60_000_000_000)
            guard gap + 20_000_000 >= least else {
                throw Failure(
                    .repeatsTooSoon, "after \(gap / 1000) us, \(me.repeated.gap / 1000) the time before: \(s)")
            }
        }
        me.repeated = WireEnd.Repetition(position: at, at: now, gap: isTimeout ? gap : 0, isTimed: isTimeout)
    }
}
