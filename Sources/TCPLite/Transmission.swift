internal import DeviceMemory
internal import Packets
internal import Timeline

/// What a connection sends at the end of a burst.
extension TCPStack {
    /// Sends everything that may be sent, then the ACK if none went along. The connection stays in a list if it could not.
    @inline(__always) mutating func service(_ i: Int, _ now: Instant) {
        if connections[i].neighbour < 0
            || neighbours.lookUp(connections[i].neighbour, nextHop(i)) == nil
        {
            // Refreshed here, so that an address that is known already does not cost a round through ARP.
            connections[i].neighbour = neighbours.entry(
                for: nextHop(i), tags: connections[i].tags, now: now)
        }
        parked.remove(i)
        if connections[i].state == .closed {
            finalReset(i, now)
            return
        }
        if connections[i].isOrphan && connections[i].state == .finWait2 && connections[i].lifeDeadline == .never {
            // Nobody waits for the rest but this timer, whether its application left before or after half closing it.
            connections[i].lifeDeadline = now + configuration.orphanTimeout
        }
        let isDone = transmit(i, now) && acknowledge(i, now)
        schedule(i)
        if !isDone && !parked.contains(i) { pending.append(i) }
    }

    /// A connection that was aborted: its RST is the last thing it does (RFC 9293, section 3.10.5).
    private mutating func finalReset(_ i: Int, _ now: Instant) {
        guard connections[i].resetOwed else { return }
        if output.isFull {
            pending.append(i)
            return
        }
        // Without a hardware address there is nobody to tell.
        if emit(i, bareSequence(i), [.rst, .ack], 0, now) { statistics.resetsSent &+= 1 }
        connections[i].resetOwed = false
        parked.remove(i)
        if connections[i].isForgotten { release(i) }
    }

    private mutating func transmit(_ i: Int, _ now: Instant) -> Bool {
        switch connections[i].state {
        case .synSent, .synReceived: return opening(i, now)
        case .established, .closeWait, .finWait1, .closing, .lastACK: break
        case .finWait2: return !connections[i].keepAliveOwed || askPeer(i, now)
        default: return true
        }
        if connections[i].snd.probeOwed && !probe(i, now) { return false }
        if connections[i].keepAliveOwed && !askPeer(i, now) { return false }
        if connections[i].snd.phase != .none && !retransmit(i, now) { return false }
        if connections[i].snd.unsent > 0 || (connections[i].snd.finQueued && !connections[i].snd.finSent) {
            return sendNew(i, now)
        }
        return true
    }

    /// SYN or SYN-ACK, also again.
    private mutating func opening(_ i: Int, _ now: Instant) -> Bool {
        guard connections[i].snd.synOwed else { return true }
        let flags: TCPFlags = connections[i].state == .synSent ? .syn : [.syn, .ack]
        let isSent = emit(i, connections[i].snd.iss, flags, 0, now)
        // Armed also when it could not be sent: an address that never answers is given up like a peer that does not.
        if connections[i].snd.retransmitDeadline == .never {
            connections[i].snd.retransmitDeadline =
                now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
        }
        guard isSent else { return false }
        connections[i].snd.synOwed = false
        if connections[i].snd.nxt != connections[i].snd.iss { counters[i].openingsRetransmitted &+= 1 }
        if connections[i].snd.nxt == connections[i].snd.iss {
            connections[i].snd.nxt = connections[i].snd.iss + 1
            time(i, now)
        }
        return true
    }

    /// Segments that were never sent, as far as windows and RFC 9293, section 3.8.6.2.1 allow.
    private mutating func sendNew(_ i: Int, _ now: Instant) -> Bool {
        restartAfterIdle(i, now)
        let size = max(Int(connections[i].snd.mss) &- reportLength(i), 1)
        while true {
            let nxt = connections[i].snd.nxt
            let unsent = connections[i].snd.unsent
            let finDue = connections[i].snd.finQueued && !connections[i].snd.finSent
            if unsent == 0 && !finDue { break }
            let flight = connections[i].snd.flight
            let usable = Int(connections[i].snd.wnd) &- flight
            let room = Int(connections[i].snd.cwnd) &- pipe(i)
            let wanted = min(largestPayload(i, size), min(unsent, max(usable, 0)))
            // More than a segment goes only as far as the congestion window has room.
            let allowed = wanted > size ? max(min(wanted, room), size) : wanted
            let length = shape(i, nxt, allowed, size: size, isAll: allowed == unsent)
            let withFIN = finDue && length == unsent && usable > length
            if length == 0 && !withFIN { break }
            if length > room && flight > 0 { break }
            // What a frame cannot carry further does not wait to be more.
            let isCut = length < min(allowed, size)
            if !withFIN && length < size && !isCut && !mayBeShort(i, length, unsent, flight) { break }
            var flags: TCPFlags = .ack
            if length > 0 && length == unsent { flags.insert(.psh) }
            if withFIN { flags.insert(.fin) }
            guard emit(i, nxt, flags, length, now) else {
                // Also an address that does not answer is given up after a time (RFC 9293, section 3.8.3).
                requireProgress(i, now)
                return false
            }
            sent(i, nxt, length, withFIN, now)
        }
        requireProgress(i, now)
        return true
    }

    /// Something waits and nothing is out whose ACK could move it: the window is probed (RFC 9293, section 3.8.6.1), and
    /// the peer's silence has a limit.
    private mutating func requireProgress(_ i: Int, _ now: Instant) {
        guard connections[i].snd.flight == 0, connections[i].snd.retransmitDeadline == .never else { return }
        restartPatience(i, now, window: connections[i].snd.wnd)
        connections[i].snd.retransmitDeadline =
            now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
    }

    /// Whether a segment shorter than a full one may go (RFC 9293, sections 3.7.4 and 3.8.6.2.1).
    @inline(__always) private func mayBeShort(_ i: Int, _ length: Int, _ unsent: Int, _ flight: Int) -> Bool {
        if length == unsent && (!configuration.nagle || flight == 0 || connections[i].snd.finQueued) { return true }
        return length > 0 && length >= Int(connections[i].snd.maxWnd) / 2
    }

    /// Books a segment that was sent for the first time.
    private mutating func sent(_ i: Int, _ sequence: SequenceNumber, _ length: Int, _ fin: Bool, _ now: Instant) {
        let wasIdle = connections[i].snd.flight == 0
        if wasIdle { restartPatience(i, now, window: connections[i].snd.wnd) }
        connections[i].snd.nxt = sequence + length + (fin ? 1 : 0)
        connections[i].snd.lastSent = now
        statistics.bytesSent &+= UInt64(truncatingIfNeeded: length)
        if !connections[i].snd.rtt.isTiming && connections[i].snd.phase == .none { time(i, now) }
        // A timer that runs with nothing out is that of a probe, and says nothing of when this is lost.
        if wasIdle || connections[i].snd.retransmitDeadline == .never {
            connections[i].snd.retransmitDeadline =
                now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
        }
        guard fin else { return }
        switch connections[i].state {
        case .established: connections[i].state = .finWait1
        case .closeWait: connections[i].state = .lastACK
        default: break
        }
    }

    private mutating func time(_ i: Int, _ now: Instant) {
        connections[i].snd.rtt.isTiming = true
        connections[i].snd.rtt.timed = connections[i].snd.nxt
        connections[i].snd.rtt.timedSince = now
    }

    /// Holes, in order, as far as the congestion window allows; the first one after a loss whatever it says.
    private mutating func retransmit(_ i: Int, _ now: Instant) -> Bool {
        let size = max(Int(connections[i].snd.mss) &- reportLength(i), 1)
        while connections[i].snd.wnd > 0 {
            let from = SequenceNumber.later(connections[i].snd.rtxNext, connections[i].snd.una)
            let hole = scoreboard.hole(i, from: from, limit: lossEdge(i))
            guard hole.start < hole.end else { break }
            let data = max(SequenceNumber.earlier(hole.end, connections[i].snd.end).distance(from: hole.start), 0)
            // A window that was shrunk since is respected; an octet at SND.UNA goes out in any case.
            let inWindow = Int(connections[i].snd.wnd) &- hole.start.distance(from: connections[i].snd.una)
            let wanted = min(min(data, size), max(inWindow, 0))
            let length = shape(i, hole.start, wanted, size: size, isAll: false)
            let withFIN =
                connections[i].snd.finSent && hole.start + length == connections[i].snd.end
                && hole.end > connections[i].snd.end
            if length == 0 && !withFIN { break }
            let fits = Int(connections[i].snd.cwnd) &- pipe(i) >= length
            guard fits || connections[i].snd.forceRetransmission else { break }
            guard emitAgain(i, hole.start, length, withFIN, now) else { return false }
            connections[i].snd.forceRetransmission = false
            connections[i].snd.rtxNext = hole.start + length + (withFIN ? 1 : 0)
        }
        return true
    }

    private mutating func emitAgain(
        _ i: Int, _ start: SequenceNumber, _ length: Int, _ fin: Bool, _ now: Instant
    ) -> Bool {
        var flags: TCPFlags = .ack
        if length > 0 && start + length == connections[i].snd.end { flags.insert(.psh) }
        if fin { flags.insert(.fin) }
        guard emit(i, start, flags, length, now) else { return false }
        countRetransmission(i, length)
        connections[i].snd.lastSent = now
        if connections[i].snd.retransmitDeadline == .never {
            connections[i].snd.retransmitDeadline =
                now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
        }
        return true
    }

    /// What the timer forces out: an octet into a closed window (RFC 9293, section 3.8.6.1), or whatever an open one takes
    /// although it is little (section 3.8.6.2.1).
    private mutating func probe(_ i: Int, _ now: Instant) -> Bool {
        let una = connections[i].snd.una
        let window = Int(connections[i].snd.wnd)
        // What an open window takes for the first time is timed like any other segment, and ends the back-off when it is
        // acknowledged: the timer that forces out little data is no longer each time (RFC 9293, section 3.8.6.2.1).
        let isTimed = window > 0 && connections[i].snd.flight == 0
        if connections[i].snd.flight > 0 {
            let data = max(connections[i].snd.end.distance(from: una), 0)
            let fin = connections[i].snd.finSent && data == 0
            guard emitAgain(i, una, min(data, 1), fin, now) else { return false }
        } else if connections[i].snd.unsent > 0 {
            let size = max(Int(connections[i].snd.mss) &- reportLength(i), 1)
            let wanted = max(1, min(window, min(connections[i].snd.unsent, size)))
            let length = shape(i, una, wanted, size: size, isAll: false)
            guard emit(i, una, [.ack, .psh], length, now) else { return false }
            sent(i, una, length, false, now)
        } else if connections[i].snd.finQueued && !connections[i].snd.finSent {
            guard emit(i, una, [.ack, .fin], 0, now) else { return false }
            sent(i, una, 0, true, now)
        }
        if !isTimed { connections[i].snd.rtt.isTiming = false }
        connections[i].snd.probeOwed = false
        statistics.windowProbes &+= 1
        counters[i].windowProbes &+= 1
        return true
    }

    /// RFC 5681, section 4.1: after a pause longer than the timeout the old window says nothing.
    private mutating func restartAfterIdle(_ i: Int, _ now: Instant) {
        guard connections[i].snd.flight == 0, connections[i].snd.lastSent != .zero else { return }
        let limit = connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO)
        guard now - connections[i].snd.lastSent > limit else { return }
        let initial = Int32(clamping: max(configuration.initialWindow, 1)) &* connections[i].snd.mss
        connections[i].snd.cwnd = min(connections[i].snd.cwnd, initial)
        if configuration.congestionControl == .cubic { cubics[i].idled() }
    }

    /// Where a segment without data stands: SND.NXT, or the edge of the peer's window when more than that was sent, as by a probe
    /// or before the window shrank. A peer does not hear what a segment beyond its window acknowledges (RFC 9293, section
    /// 3.10.7.4): two that have closed their windows to each other would stay so from one timeout to the next.
    @inline(__always) private func bareSequence(_ i: Int) -> SequenceNumber {
        let nxt = connections[i].snd.nxt
        let beyond = connections[i].snd.flight &- Int(connections[i].snd.wnd)
        if beyond <= 0 { return nxt }
        // Less than a unit of the window's scale may be what the peer rounded off, and it may have it already.
        let isRounding = connections[i].snd.wnd > 0 && beyond < 1 << Int(connections[i].snd.scale)
        return isRounding || connections[i].snd.una == connections[i].snd.iss ? nxt : nxt + -beyond
    }

    /// One ACK for the burst: at once after two segments, after a gap or its closing; otherwise within the delay.
    @inline(__always) private mutating func acknowledge(_ i: Int, _ now: Instant) -> Bool {
        if connections[i].rcv.ackNow || connections[i].rcv.unacknowledged >= acknowledgeEvery {
            guard connections[i].state != .synSent else { return true }
            let sequence = bareSequence(i)
            guard emit(i, sequence, .ack, 0, now) else { return false }
            while connections[i].rcv.duplicatesOwed > 0 {
                connections[i].rcv.duplicatesOwed &-= 1
                // Only a count for the peer: those that find no room are not worth keeping.
                if !emit(i, sequence, .ack, 0, now) { connections[i].rcv.duplicatesOwed = 0 }
            }
        } else if connections[i].rcv.unacknowledged > 0 && connections[i].rcv.ackDeadline == .never {
            connections[i].rcv.ackDeadline = now + configuration.delayedAcknowledgement
        }
        return true
    }
}
