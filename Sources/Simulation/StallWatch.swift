internal import Timeline

/// Whether a connection stands still without a reason.
///
/// A timer may have been doubled for as long as faults lasted, so what is borne after the last fault is a multiple of how
/// long the connection had stood still by then, and of how long it ever did (without timestamps the doublings stay until
/// something that was never repeated is acknowledged); beyond that nothing excuses a stack.
struct StallWatch {
    /// Longest pause that needs no excuse: a delayed ACK, a least timeout and its second try, a probe.
    static let grace = Interval.seconds(5)

    /// When anything moved, and when a receiver was told something.
    private var last: Instant
    private var lastTold: Instant
    private var longest = Interval.zero
    /// When an end whose other end is gone gives up by itself.
    var patience = Instant.never
    var isGivenUp = false

    init(_ start: Instant) {
        last = start
        lastTold = start
    }

    /// A receiver was told something.
    mutating func told(_ at: Instant) {
        guard at > lastTold else { return }
        longest = max(longest, at - lastTold)
        lastTold = at
        last = max(last, at)
    }

    /// An application did something, or stood still of its own will until now.
    mutating func acted(_ now: Instant) { last = max(last, now) }

    func isStalled(_ now: Instant, lastFault: Instant, roundTrip: Interval) -> Bool {
        let faulty = lastFault - lastTold
        let since = max(last, lastFault)
        let excuse = Interval(nanoseconds: 2 * faulty.nanoseconds + 2 * longest.nanoseconds + 8 * roundTrip.nanoseconds)
        return now - since > StallWatch.grace + excuse
    }

    func explain(_ now: Instant) -> String {
        "nothing for \((now - last).nanoseconds / 1_000_000) ms, longest before \(longest.nanoseconds / 1_000_000) ms"
    }
}
