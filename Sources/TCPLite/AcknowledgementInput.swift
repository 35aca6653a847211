internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// The ACK field of an acceptable segment; false when the segment goes no further.
    @inline(__always) mutating func acknowledgementInput(
        _ i: Int, _ segment: Segment, _ now: Instant, _ pools: inout PoolTable
    ) -> Bool {
        let ack = segment.ack
        if connections[i].state == .synReceived {
            guard openingACK(i, segment, now) else { return false }
        }
        let una = connections[i].snd.una
        if ack > connections[i].snd.nxt || ack.distance(from: una) < -Int(connections[i].snd.maxWnd) {
            // RFC 5961, section 5.2.
            statistics.badACKs &+= 1
            counters[i].badACKs &+= 1
            challenge(i, now)
            return false
        }
        // A receiver's common case: nothing of ours is out, and the window has not changed.
        if ack == una && connections[i].snd.nxt == una && segment.payloadLength > 0 {
            updateSendWindow(i, segment, now)
            return true
        }
        var isReport = false
        if connections[i].usesSACK && segment.options.sackCount > 0 && ack >= una {
            isReport = reportInput(i, segment)
        }
        if ack > una {
            newACK(i, segment, now, &pools)
        } else if ack == una {
            duplicateACK(i, segment, isReport, now)
        }
        guard connections[i].state != .closed else { return false }
        if ack >= una { updateSendWindow(i, segment, now) }
        return true
    }

    /// SYN-RCVD: an ACK of our SYN establishes, any other is refused (RFC 9293, section 3.10.7.4).
    @inline(never) private mutating func openingACK(_ i: Int, _ segment: Segment, _ now: Instant) -> Bool {
        guard segment.ack > connections[i].snd.una, segment.ack <= connections[i].snd.nxt else {
            statistics.badACKs &+= 1
            refuse(segment)
            return false
        }
        if opening.contains(i) && isAcceptFull(Int(connections[i].listener)) {
            // As if it had been lost: the SYN-ACK goes out again, and the peer answers again.
            statistics.opensOverBacklog &+= 1
            return false
        }
        // Its window, the first that is scaled, is taken below like that of any other segment.
        establish(i, by: segment, now)
        return true
    }

    /// SND.WND (RFC 9293, section 3.10.7.4): only segments that are no older than the last one that set it, by SEG.SEQ or,
    /// which the RFC leaves out, by SEG.ACK: a repeated segment that acknowledges more would otherwise move the old window up
    /// with SND.UNA, beyond the edge that was offered.
    @inline(__always) private mutating func updateSendWindow(_ i: Int, _ segment: Segment, _ now: Instant) {
        let wl1 = connections[i].snd.wl1
        let wl2 = connections[i].snd.wl2
        guard wl2 < segment.ack || wl1 < segment.seq || (wl1 == segment.seq && wl2 <= segment.ack) else { return }
        connections[i].snd.wl1 = segment.seq
        connections[i].snd.wl2 = segment.ack
        let window = Int32(segment.header.window) &<< Int32(connections[i].snd.scale)
        if window != connections[i].snd.wnd { changeSendWindow(i, window, now) }
        // A closed window may stay so for as long as the peer answers (RFC 9293, section 3.8.6.1) and there is an application
        // that may lose patience; what one has left behind must not be kept for ever (RFC 6429).
        if window == 0 && !connections[i].isOrphan { connections[i].snd.stalledSince = now }
    }

    @inline(never) mutating func changeSendWindow(_ i: Int, _ window: Int32, _ now: Instant) {
        let before = connections[i].snd.wnd
        connections[i].snd.wnd = window
        connections[i].snd.maxWnd = max(connections[i].snd.maxWnd, window)
        if window == 0 {
            counters[i].peerWindowClosings &+= 1
            record(.peerClosed, i, now)
        }
        guard window > before else { return }
        if before == 0 {
            // Before its first segment a peer had no window that it could have closed.
            if counters[i].peerWindowClosings > 0 { record(.peerReopened, i, now) }
            // The probes' back-off ends, and what the closed window refused goes out again without waiting for the timer; a probe
            // that could not leave yet, for want of the next hop's address, has nothing to ask any more.
            connections[i].snd.rtt.backoff = 0
            connections[i].snd.probeOwed = false
            if connections[i].snd.flight > 0 {
                retransmitFlight(i)
                connections[i].snd.retransmitDeadline =
                    now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
                pending.append(i)
            } else {
                connections[i].snd.retransmitDeadline = .never
            }
        }
        if connections[i].snd.unsent > 0 || connections[i].snd.finQueued { pending.append(i) }
    }

    /// The SACK option (RFC 2018): blocks that cannot be are ignored. True when the peer has something that it had not
    /// reported before.
    @inline(never) private mutating func reportInput(_ i: Int, _ segment: Segment) -> Bool {
        var isNew = false
        counters[i].sackBlocks &+= UInt32(truncatingIfNeeded: segment.options.sackCount)
        for block in 0..<segment.options.sackCount {
            let at = segment.options.sackOffset + 8 * block
            let left = SequenceNumber(segment.optionBytes.be32(at))
            let right = SequenceNumber(segment.optionBytes.be32(at + 4))
            let una = connections[i].snd.una
            if block == 0 && TCPStack.isDuplicateReport(segment, left, right) {
                // Some of what was sent twice was not lost (RFC 2883). Nothing is undone for that: the window has been halved.
                statistics.duplicateReports &+= 1
                counters[i].duplicateReports &+= 1
                continue
            }
            guard left < right, left > una, segment.ack <= left, right <= connections[i].snd.nxt else {
                counters[i].badBlocks &+= 1
                continue
            }
            if scoreboard.add(i, left, right) { isNew = true }
        }
        if isNew {
            // New reports may free the window for retransmissions or for new data (RFC 6675, section 5).
            pending.append(i)
        }
        return isNew
    }

    /// Whether the first block is one of RFC 2883, section 4: before SEG.ACK, or within the second.
    private static func isDuplicateReport(
        _ segment: Segment, _ left: SequenceNumber, _ right: SequenceNumber
    ) -> Bool {
        guard left < right else { return false }
        if right <= segment.ack { return true }
        guard segment.options.sackCount > 1 else { return false }
        let at = segment.options.sackOffset + 8
        let outer = SequenceNumber(segment.optionBytes.be32(at))
        return outer <= left && right <= SequenceNumber(segment.optionBytes.be32(at + 4))
    }

    @inline(never) private mutating func newACK(
        _ i: Int, _ segment: Segment, _ now: Instant, _ pools: inout PoolTable
    ) {
        let ack = segment.ack
        let acked = Int32(truncatingIfNeeded: ack.distance(from: connections[i].snd.una))
        timeRoundTrip(i, ack, segment, now)
        connections[i].snd.una = ack
        // A window that opens with this counts as much as one that was open.
        restartPatience(i, now, window: connections[i].snd.wnd | Int32(segment.header.window))
        if !scoreboard.isEmpty(i) { scoreboard.advance(i, to: ack) }
        if connections[i].snd.isPlaced { endAcknowledged(i, &pools) }
        recoveryACK(i, acked, now)
        if connections[i].snd.end <= ack { buffers.release(i) }
        if connections[i].snd.flight == 0 {
            connections[i].snd.retransmitDeadline = .never
        } else {
            connections[i].snd.retransmitDeadline =
                now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
        }
        if connections[i].snd.wantsSpace && room(i) >= buffers.size / 2 {
            connections[i].snd.wantsSpace = false
            raise(i, .sendSpace)
        }
        if connections[i].snd.finSent && connections[i].snd.una == connections[i].snd.nxt { finACK(i, now, &pools) }
        // The last ACK of all: the place may be free already.
        if connections[i].state != .closed { pending.append(i) }
    }

    /// Our FIN was acknowledged (RFC 9293, section 3.10.7.4).
    private mutating func finACK(_ i: Int, _ now: Instant, _ pools: inout PoolTable) {
        switch connections[i].state {
        case .finWait1: connections[i].state = .finWait2
        case .closing: enterTimeWait(i, now)
        case .lastACK: finish(i, .finished, &pools)
        default: break
        }
    }

    /// One round-trip sample: from the one segment that is being timed, or from a timestamp when retransmission made that
    /// impossible (RFC 6298, section 3).
    mutating func timeRoundTrip(_ i: Int, _ ack: SequenceNumber, _ segment: Segment, _ now: Instant) {
        if connections[i].snd.rtt.isTiming {
            guard ack >= connections[i].snd.rtt.timed else { return }
            connections[i].snd.rtt.isTiming = false
            connections[i].snd.rtt.sample(
                now - connections[i].snd.rtt.timedSince, minimum: configuration.minimumRTO,
                maximum: configuration.maximumRTO)
        } else if connections[i].usesTimestamps && segment.options.timestampEcho != 0 {
            let ticks = timestamp(i, now) &- segment.options.timestampEcho
            // Older than the longest path could be: a forged echo.
            guard ticks < 1 << 20 else { return }
            connections[i].snd.rtt.sample(
                .milliseconds(UInt64(ticks)), minimum: configuration.minimumRTO, maximum: configuration.maximumRTO)
        }
    }
}
