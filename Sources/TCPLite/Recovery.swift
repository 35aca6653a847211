internal import DeviceMemory
internal import Packets
internal import Timeline

/// Loss recovery: RFC 5681, RFC 6582 without SACK, RFC 6675 with it.
extension TCPStack {
    /// SND.UNA has moved by `acked` bytes.
    @inline(__always) mutating func recoveryACK(_ i: Int, _ acked: Int32, _ now: Instant) {
        if connections[i].snd.phase == .none {
            connections[i].snd.duplicateACKs = 0
            // Dragged along: a mark of long ago would compare as newer once 2 GiB have been acknowledged.
            if connections[i].snd.una > connections[i].snd.recover + 1 {
                connections[i].snd.recover = connections[i].snd.una - 1
            }
            grow(i, acked, now)
            if !scoreboard.isEmpty(i) { enterFastRecoveryIfLost(i, now) }
            return
        }
        recoveringACK(i, acked, now)
    }

    @inline(never) private mutating func recoveringACK(_ i: Int, _ acked: Int32, _ now: Instant) {
        let phase = connections[i].snd.phase
        let mss = connections[i].snd.mss
        if connections[i].snd.una >= connections[i].snd.recover {
            connections[i].snd.phase = .none
            connections[i].snd.duplicateACKs = 0
            // What was to go out again may have been acknowledged before it did.
            connections[i].snd.forceRetransmission = false
            if phase == .fast {
                // RFC 6582, section 3.2, step 3: not more than what is in flight and a segment, against a burst.
                let flight = Int32(truncatingIfNeeded: connections[i].snd.flight)
                connections[i].snd.cwnd = min(connections[i].snd.ssthresh, max(flight, mss) &+ mss)
            } else {
                grow(i, acked, now)
            }
            record(.recovered, i, now)
            return
        }
        connections[i].snd.rtxNext = .later(connections[i].snd.rtxNext, connections[i].snd.una)
        if phase == .timeout {
            grow(i, acked, now)
        } else if !connections[i].usesSACK {
            // A partial ACK: the retransmission arrived, and so did what the duplicates stood for up to the next hole, which
            // begins at SND.UNA.
            let segments = (acked &+ mss &- 1) / mss
            connections[i].snd.duplicateACKs = max(connections[i].snd.duplicateACKs &- (segments &- 1), 0)
            connections[i].snd.rtxNext = connections[i].snd.una
            connections[i].snd.forceRetransmission = true
        }
    }

    /// SEG.ACK = SND.UNA: a duplicate in the sense of RFC 5681, section 2, or of RFC 6675, section 2 when it brings a new report,
    /// which it may also do with data: when both ends send, reports seldom come alone. An ACK that only reports what came
    /// twice is neither.
    @inline(__always) mutating func duplicateACK(_ i: Int, _ segment: Segment, _ isReport: Bool, _ now: Instant) {
        // Answers to probes of a closed window are no duplicates: nothing is lost there.
        guard connections[i].snd.flight > 0, connections[i].snd.wnd > 0 else { return }
        if connections[i].usesSACK {
            guard isReport else { return }
        } else {
            let window = Int32(segment.header.window) &<< Int32(connections[i].snd.scale)
            guard segment.length == 0, window == connections[i].snd.wnd else { return }
        }
        countDuplicate(i, now)
    }

    @inline(never) private mutating func countDuplicate(_ i: Int, _ now: Instant) {
        connections[i].snd.duplicateACKs = min(connections[i].snd.duplicateACKs &+ 1, 1 << 20)
        counters[i].duplicateACKs &+= 1
        pending.append(i)
        if connections[i].snd.phase == .none { enterFastRecoveryIfLost(i, now) }
    }

    /// RFC 6582, section 3.2, step 2 and RFC 6675, section 5: three duplicates, or reports of as much.
    private mutating func enterFastRecoveryIfLost(_ i: Int, _ now: Instant) {
        let una = connections[i].snd.una
        let mss = Int(connections[i].snd.mss)
        let isLost = connections[i].usesSACK && scoreboard.lossEdge(i, una: una, mss: mss) > una
        guard isLost || connections[i].snd.duplicateACKs >= 3 else { return }
        // RFC 6582, section 3.2, step 2: as long as nothing beyond the last recovery is acknowledged, duplicates may be
        // answers to what that recovery sent twice.
        guard connections[i].usesSACK || una > connections[i].snd.recover else { return }
        statistics.fastRecoveries &+= 1
        counters[i].fastRecoveries &+= 1
        backOff(i)
        connections[i].snd.cwnd = connections[i].snd.ssthresh
        connections[i].snd.phase = .fast
        connections[i].snd.recover = connections[i].snd.nxt
        connections[i].snd.rtxNext = una
        connections[i].snd.forceRetransmission = true
        connections[i].snd.rtt.isTiming = false
        record(.lossReported, i, now)
    }

    /// The retransmission timer has expired (RFC 6298, section 5; RFC 5681, section 3.1).
    mutating func retransmissionTimeout(_ i: Int, _ now: Instant) {
        statistics.timeouts &+= 1
        counters[i].timeouts &+= 1
        // A further expiry for the same byte halves nothing again.
        if connections[i].snd.phase != .timeout || connections[i].snd.rtt.backoff == 0 { backOff(i) }
        if configuration.congestionControl == .cubic { cubics[i].timedOut() }
        connections[i].snd.cwnd = connections[i].snd.mss
        connections[i].snd.credited = 0
        connections[i].snd.duplicateACKs = 0
        scoreboard.clear(i)
        retransmitFlight(i)
        record(.timeout, i, now)
    }

    /// Everything in flight is sent again, as the congestion window allows.
    mutating func retransmitFlight(_ i: Int) {
        connections[i].snd.phase = .timeout
        connections[i].snd.recover = connections[i].snd.nxt
        connections[i].snd.rtxNext = connections[i].snd.una
        connections[i].snd.forceRetransmission = true
        connections[i].snd.rtt.isTiming = false
    }

    /// Bytes up to here that were not reported count as lost.
    @inline(__always) func lossEdge(_ i: Int) -> SequenceNumber {
        let una = connections[i].snd.una
        let mss = Int(connections[i].snd.mss)
        switch connections[i].snd.phase {
        case .none: return una
        case .timeout: return connections[i].snd.recover
        case .fast:
            let first = SequenceNumber.earlier(una + mss, connections[i].snd.recover)
            guard connections[i].usesSACK else { return first }
            return .later(first, scoreboard.lossEdge(i, una: una, mss: mss))
        }
    }

    /// An estimate of the bytes on the way (RFC 6675's pipe).
    @inline(__always) mutating func pipe(_ i: Int) -> Int {
        let flight = connections[i].snd.flight
        if connections[i].snd.phase == .none && connections[i].snd.duplicateACKs == 0 && scoreboard.isEmpty(i) {
            return flight
        }
        return recoveringPipe(i, flight)
    }

    @inline(never) private mutating func recoveringPipe(_ i: Int, _ flight: Int) -> Int {
        let una = connections[i].snd.una
        let nxt = connections[i].snd.nxt
        let mss = Int(connections[i].snd.mss)
        var pipe = flight
        if connections[i].usesSACK {
            pipe -= scoreboard.bytes(i, from: una, to: nxt)
        } else {
            // Each duplicate stands for a segment that has left the path; before recovery two may (RFC 3042).
            let duplicates = Int(connections[i].snd.duplicateACKs)
            let counted = connections[i].snd.phase == .none ? min(duplicates, 2) : duplicates
            pipe -= min(counted * mss, max(flight - mss, 0))
        }
        guard connections[i].snd.phase != .none else { return max(pipe, 0) }
        let edge = lossEdge(i)
        let from = SequenceNumber.later(connections[i].snd.rtxNext, una)
        if from < edge {
            pipe -= edge.distance(from: from) - scoreboard.bytes(i, from: from, to: edge)
        }
        return max(pipe, 0)
    }
}
