internal import DeviceMemory
internal import Packets
internal import PagePool
public import Timeline

/// What is done about a peer that is silent: keep-alive (RFC 9293, section 3.8.4) and the user timeout (section 3.9.1).
extension TCPStack {
    /// Whether a silent peer of this connection is asked whether it is there, after the configuration's `keepAliveIdle`; one
    /// that answers none of `keepAliveProbes` questions ends the connection with `timedOut`. Calls for connections that are
    /// gone, or over, do nothing.
    public mutating func setKeepAlive(_ id: ConnectionID, _ isOn: Bool, now: Instant) {
        guard let i = place(id), connections[i].state != .closed, connections[i].state != .timeWait,
            !connections[i].isOrphan, connections[i].keepsAlive != isOn
        else { return }
        connections[i].keepsAlive = isOn
        connections[i].keepAliveOwed = false
        if isOn {
            watchSilence(i, now)
        } else {
            connections[i].lifeDeadline = .never
        }
    }

    /// How long this connection may go unanswered before it is given up, instead of the configuration's `giveUp` and
    /// `giveUpOpening`: R2 (RFC 9293, section 3.8.3). `nil` goes back to those; a millisecond is the least.
    public mutating func setUserTimeout(_ id: ConnectionID, _ timeout: Interval?) {
        guard let i = place(id) else { return }
        connections[i].userTimeout = timeout.map { UInt32(clamping: max($0.nanoseconds / 1_000_000, 1)) } ?? 0
    }

    /// R2 in force.
    @inline(__always) func patience(_ i: Int) -> Interval {
        let own = connections[i].userTimeout
        if own > 0 { return .milliseconds(UInt64(own)) }
        return connections[i].isSynchronized ? configuration.giveUp : configuration.giveUpOpening
    }

    /// From now on the peer is silent until something shows that it is not.
    mutating func watchSilence(_ i: Int, _ now: Instant) {
        connections[i].keepAliveProbes = 0
        connections[i].keepAliveMark = progress(i)
        connections[i].lifeDeadline = now + configuration.keepAliveIdle
        schedule(i)
    }

    /// Changes when either direction moves.
    @inline(__always) private func progress(_ i: Int) -> UInt32 {
        connections[i].rcv.nxt.rawValue &+ connections[i].snd.una.rawValue
    }

    /// Looks after a peer that may have been silent. Packets leave no note of when they came: that would cost every one of them
    /// a store. What has moved since the last look counts as heard now, so the first question comes up to twice as late.
    mutating func silenceDue(_ i: Int, _ now: Instant, _ pools: inout PoolTable) {
        // What is in flight has a timer of its own that ends the connection.
        if progress(i) != connections[i].keepAliveMark || connections[i].snd.flight > 0
            || !connections[i].isSynchronized
        {
            watchSilence(i, now)
            return
        }
        guard Int(connections[i].keepAliveProbes) < max(configuration.keepAliveProbes, 2) else {
            abandon(i, .timedOut, &pools)
            return
        }
        connections[i].keepAliveProbes = min(connections[i].keepAliveProbes, 254) + 1
        connections[i].keepAliveOwed = true
        connections[i].lifeDeadline = now + configuration.keepAliveInterval
        pending.append(i)
    }

    /// A segment from a peer that was asked: it is there.
    @inline(never) mutating func peerAnswered(_ i: Int, _ now: Instant) {
        guard connections[i].keepsAlive else { return }
        connections[i].keepAliveOwed = false
        watchSilence(i, now)
    }

    /// A question: an empty segment just outside the peer's window, which has to be answered.
    mutating func askPeer(_ i: Int, _ now: Instant) -> Bool {
        guard emit(i, connections[i].snd.nxt - 1, .ack, 0, now) else { return false }
        connections[i].keepAliveOwed = false
        counters[i].keepAliveProbes &+= 1
        statistics.keepAliveProbes &+= 1
        return true
    }
}
