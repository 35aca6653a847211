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
        if !connections[i].isSynchronized {
            connections[i].snd.synOwed = true
            connections[i].snd.rtt.isTiming = false
            connections[i].synRetransmissions = min(connections[i].synRetransmissions, 254) + 1
        } else if connections[i].snd.wnd == 0 || connections[i].snd.flight == 0 {
            connections[i].snd.probeOwed = true
        } else {
            retransmissionTimeout(i, now)
        }
        connections[i].snd.rtt.backoff = min(connections[i].snd.rtt.backoff, 31) + 1
        // Also between two retransmissions, when that is where patience ends.
        connections[i].snd.retransmitDeadline = min(
            limit, now + connections[i].snd.rtt.timeout(maximum: configuration.maximumRTO))
    }

    /// Another try for a connection, also for one that waits for a neighbour.
    private mutating func wake(_ i: Int) {
        parked.remove(i)
        pending.append(i)
    }
}
