internal import Timeline

/// What CUBIC (RFC 9438) remembers of one connection: windows in bytes, times in milliseconds, and no fractions, so that every
/// machine computes the same.
struct Cubic: BitwiseCopyable {
    /// W_max: the window in which something was lost last; zero while nothing was, and after a timeout.
    private(set) var peak: Int32 = 0
    /// cwnd_prior.
    private var prior: Int32 = 0
    /// W_est: what NewReno would have by now, and the bytes acknowledged towards its next segment, times 17.
    private var friendly: Int32 = 0
    private var friendlyCredit: Int64 = 0
    /// Bytes times bytes acknowledged towards the next byte of the window.
    private var credit: Int64 = 0
    /// Where the curve is flat: W_max, or the window at the beginning of the stage if that is larger.
    private var plateau: Int32 = 0
    /// K: milliseconds from the beginning of the stage to there.
    private(set) var ascent: Int32 = 0
    /// When this stage of congestion avoidance began; `never` before its first ACK.
    private var epoch = Instant.never

    /// Something was lost while the window was so large (sections 4.6 and 4.7).
    mutating func lost(window: Int32) {
        // Fast convergence: who lost in a smaller window than last time leaves some of it to newcomers, (1 + 0.7) / 2.
        peak = window < peak ? Int32(Int64(window) * 17 / 20) : window
        prior = window
        epoch = .never
    }

    /// The retransmission timer expired: the next stage begins flat, where its window is (section 4.8).
    mutating func timedOut() {
        peak = 0
        epoch = .never
    }

    /// The sender was idle: that time does not count (section 5.8).
    mutating func idled() { epoch = .never }

    /// The window after `acked` bytes more were acknowledged in congestion avoidance (sections 4.2 to 4.5).
    mutating func window(_ cwnd: Int, acked: Int, mss: Int, roundTrip: Int, _ now: Instant) -> Int {
        let cwnd = max(cwnd, 1)
        if epoch == .never { begin(cwnd, mss, now) }
        let elapsed = Int(clamping: (now - epoch).nanoseconds / 1_000_000)
        // Equal to NewReno's increase over time: 3 (1 - 0.7) / (1 + 0.7) = 9 / 17 of a segment a round trip, a whole one when
        // the old window is reached again.
        friendlyCredit += Int64(acked * (friendly >= prior ? 17 : 9))
        let needed = Int64(17 * cwnd)
        if friendlyCredit >= needed {
            friendlyCredit -= needed
            friendly = Int32(clamping: Int(friendly) + mss)
        }
        if curve(elapsed, mss) < Int(friendly) { return max(cwnd, Int(friendly)) }
        let target = min(max(curve(elapsed + roundTrip, mss), cwnd), cwnd + cwnd / 2)
        credit += Int64(target - cwnd) * Int64(acked)
        let step = credit / Int64(cwnd)
        credit -= step * Int64(cwnd)
        return cwnd + Int(step)
    }

    private mutating func begin(_ cwnd: Int, _ mss: Int, _ now: Instant) {
        epoch = now
        friendly = Int32(clamping: cwnd)
        friendlyCredit = 0
        credit = 0
        plateau = max(peak, friendly)
        // K = cbrt((W_max - cwnd) / C), C = 0.4 segments a cubic second.
        let missing = UInt64(plateau - friendly) * 2_500_000_000 / UInt64(mss)
        ascent = Int32(truncatingIfNeeded: Cubic.cubeRoot(missing))
    }

    /// W_cubic at so many milliseconds: 0.4 segments times the cube of the seconds from K, around the plateau.
    private func curve(_ milliseconds: Int, _ mss: Int) -> Int {
        // Beyond 200 s the curve is higher than any window, and the product would not fit.
        let distance = min(max(milliseconds - Int(ascent), -200_000), 200_000)
        let cube = distance * distance * distance / 1000
        return Int(plateau) + cube * (4 * mss) / 10_000_000
    }

    /// The largest number whose cube is not more than `value`, which is under 2^62.
    static func cubeRoot(_ value: UInt64) -> UInt64 {
        var root: UInt64 = 0
        var bit: UInt64 = 1 << 20
        while bit > 0 {
            let next = root | bit
            if next * next * next <= value { root = next }
            bit >>= 1
        }
        return root
    }
}
