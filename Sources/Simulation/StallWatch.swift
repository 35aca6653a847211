internal import Timeline

/// Whether a connection stands still without a reason.
///
/// A timer may have been doubled for as long as faults lasted, so what is borne after the last fault is a multiple of how
/// long the wire had brought nothing new by then, and of how long it ever did: without timestamps the doublings stay until
/// something that was never repeated is acknowledged, with them an echo of before makes a round trip of it, and a timeout is
/// three of those at first (RFC 6298, rule 2.2). Beyond that nothing excuses a stack.
struct StallWatch {
    /// Longest pause that needs no excuse: a delayed ACK, a least timeout and its second try, a probe.
    static let grace = Interval.seconds(5)

    /// When anything happened, and when each direction's stream got on or had nothing to get on with.
    private var last: Instant
    private var lastMoved: [Instant]
    private var longest = Interval.zero
    /// When an end whose other end is gone gives up by itself.
    var patience = Instant.never
    var isGivenUp = false

    init(_ start: Instant) {
        last = start
        lastMoved = [start, start]
    }

    /// The stream that `end` sends got on.
    mutating func moved(_ end: Int, _ at: Instant) {
        guard at > lastMoved[end] else { return }
        longest = max(longest, at - lastMoved[end])
        lastMoved[end] = at
        last = max(last, at)
    }

    /// `end` has nothing on the way.
    mutating func isQuiet(_ end: Int, _ now: Instant) { lastMoved[end] = max(lastMoved[end], now) }

    /// An application did something, was told something, or stood still of its own will until now.
    mutating func acted(_ now: Instant) { last = max(last, now) }

    func isStalled(_ now: Instant, lastFault: Instant, roundTrip: Interval) -> Bool {
        let faulty = lastFault - min(lastMoved[0], lastMoved[1])
        let since = max(last, lastFault)
        let excuse = Interval(nanoseconds: 3 * faulty.nanoseconds + 4 * longest.nanoseconds + 8 * roundTrip.nanoseconds)
        return now - since > StallWatch.grace + excuse
    }

    func explain(_ now: Instant) -> String {
        "nothing for \((now - last).nanoseconds / 1_000_000) ms, longest before \(longest.nanoseconds / 1_000_000) ms"
    }
}
