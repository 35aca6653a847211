internal import Timeline

/// Causes that wait for a timer which each of them restarts (RDTR, TIDV), and for one that none does (RADV, TADV).
struct InterruptDelay: BitwiseCopyable {
    /// What waits.
    private(set) var causes: UInt32 = 0
    private var packet = Instant.never
    private var absolute = Instant.never

    /// The registers count in 1.024 us.
    private static func interval(_ units: UInt32) -> Interval { .nanoseconds(UInt64(units) &* 1024) }

    /// When the first timer ends.
    var due: Instant { min(packet, absolute) }

    /// Adds causes; `packetUnits` is not 0.
    mutating func add(_ new: UInt32, now: Instant, packetUnits: UInt32, absoluteUnits: UInt32) {
        causes |= new
        packet = now + Self.interval(packetUnits)
        if absoluteUnits != 0 && absolute == .never { absolute = now + Self.interval(absoluteUnits) }
    }

    /// Ends the wait; what waited.
    mutating func take() -> UInt32 {
        let taken = causes
        self = InterruptDelay()
        return taken
    }
}
