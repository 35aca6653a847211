internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// Makes sure that the connection is looked at in time.
    @inline(__always) mutating func schedule(_ i: Int) {
        timers.require(i, by: connections[i].deadline)
    }

    /// The heap's entry of a connection came up: whatever is really due is done, the rest is scheduled again.
    mutating func expire(_ i: Int, _ now: Instant, _ pools: inout PoolTable) {
        if connections[i].rcv.ackDeadline <= now {
            connections[i].rcv.ackDeadline = .never
            connections[i].rcv.ackNow = true
            wake(i)
        }
        if connections[i].lifeDeadline <= now {
            connections[i].lifeDeadline = .never
            if connections[i].keepsAlive {
                silenceDue(i, now, &pools)
            } else if connections[i].state == .timeWait {
                endTimeWait(i, &pools)
            } else {
                abandon(i, .timedOut, &pools)
            }
            if connections[i].state == .closed { return }
        }
        if connections[i].snd.retransmitDeadline <= now {
            retransmissionDue(i, now, &pools)
            if connections[i].state == .closed { return }
            wake(i)
        }
        schedule(i)
    }

    /// The timer that RFC 6298 calls retransmission timer, and RFC 9293 persist timer when the window is closed.
    private mutating func retransmissionDue(_ i: Int, _ now: Instant, _ pools: inout PoolTable) {
        let limit = connections[i].snd.stalledSince + patience(i)
        if now >= limit {
            finish(i, .timedOut, &pools)
            return
        }
        let isWaiting = waitsToLeave(i)
        if !connections[i].isSynchronized {
            connections[i].snd.synOwed = true
            connections[i].snd.rtt.isTiming = false
            if !isWaiting { connections[i].synRetransmissions = min(connections[i].synRetransmissions, 254) + 1 }
        } else if connections[i].snd.wnd == 0 || connections[i].snd.flight == 0 {
            connections[i].snd.probeOwed = true
        } else {
            retransmissionTimeout(i, now)
        }
        if !isWaiting { connections[i].snd.rtt.backoff = min(connections[i].snd.rtt.backoff, 31) + 1 }
        // Also between two retransmissions, when that is where patience ends.
        connections[i].snd.retransmitDeadline = min(
            limit, now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO))
    }

    /// The peer's time to answer (R2 of RFC 9293, section 3.8.3) begins anew. Not where no application waits and the window stays
    /// closed: an octet for each probe would keep what was left behind for as long as there are octets (RFC 6429).
    @inline(__always) mutating func restartPatience(_ i: Int, _ now: Instant, window: Int32) {
        guard window > 0 || !connections[i].isOrphan else { return }
        connections[i].snd.stalledSince = now
    }

    /// Whether the timer expires for what has not gone out at all: for want of the next hop's address or of room in the output, or
    /// because it was little. A timeout doubles for what may have been lost (RFC 6298, rule 5.5), and none of that was.
    private func waitsToLeave(_ i: Int) -> Bool {
        guard connections[i].isSynchronized else { return connections[i].snd.synOwed }
        if connections[i].snd.wnd == 0 { return connections[i].snd.probeOwed }
        return connections[i].snd.flight == 0 || connections[i].snd.forceRetransmission
    }

    /// Another try for a connection, also for one that waits for a neighbour.
    private mutating func wake(_ i: Int) {
        parked.remove(i)
        pending.append(i)
    }
}
