internal import DeviceMemory
internal import Timeline

/// How the congestion window grows, and how far it goes back (RFC 5681, section 3.1; RFC 9438).
extension TCPStack {
    /// `acked` bytes more were acknowledged.
    @inline(__always) mutating func grow(_ i: Int, _ acked: Int32, _ now: Instant) {
        let mss = connections[i].snd.mss
        if connections[i].snd.cwnd < connections[i].snd.ssthresh {
            let limit = Int32(clamping: configuration.slowStartLimit) &* mss
            connections[i].snd.cwnd = min(connections[i].snd.cwnd &+ min(acked, limit), 1 << 30)
        } else if configuration.congestionControl == .cubic {
            growCubic(i, acked, now)
        } else {
            connections[i].snd.credited &+= acked
            if connections[i].snd.credited >= connections[i].snd.cwnd {
                connections[i].snd.credited &-= connections[i].snd.cwnd
                connections[i].snd.cwnd = min(connections[i].snd.cwnd &+ mss, 1 << 30)
            }
        }
    }

    @inline(never) private mutating func growCubic(_ i: Int, _ acked: Int32, _ now: Instant) {
        let window = cubics[i].window(
            Int(connections[i].snd.cwnd), acked: Int(acked), mss: Int(connections[i].snd.mss),
            roundTrip: Int(truncatingIfNeeded: connections[i].snd.rtt.srtt / 1_000_000), now)
        connections[i].snd.cwnd = Int32(truncatingIfNeeded: min(window, 1 << 30))
    }

    /// Something was lost: the threshold is half of what is in flight (RFC 5681, equation 4) or seven tenths of it (RFC 9438,
    /// section 4.6), and two segments at least. What is out beyond the window went there because duplicates or reports made
    /// room: limited transmit, which does not count (RFC 5681, section 3.2, step 2).
    mutating func backOff(_ i: Int) {
        let flight = min(connections[i].snd.flight, Int(connections[i].snd.cwnd))
        var threshold = flight / 2
        if configuration.congestionControl == .cubic {
            cubics[i].lost(window: connections[i].snd.cwnd)
            threshold = flight * 7 / 10
        }
        connections[i].snd.ssthresh = max(
            Int32(truncatingIfNeeded: threshold), 2 &* connections[i].snd.mss)
    }
}
