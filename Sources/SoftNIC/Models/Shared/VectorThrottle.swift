internal import Timeline

/// Interrupt throttling (EITR): when each vector may fire next, and which of them wait for it.
struct VectorThrottle: BitwiseCopyable {
    private var allowed = InlineArray<25, Instant>(repeating: .zero)
    /// Vectors that are due and wait for their interval to end, a bit each.
    private(set) var waiting: UInt32 = 0

    /// Vectors of the family that has most.
    static var vectors: UInt32 { 25 }

    /// Whether `vector` may fire at `now`; if not, it waits.
    mutating func admits(_ vector: UInt32, now: Instant) -> Bool {
        if now >= allowed[Int(vector)] { return true }
        waiting |= 1 &<< vector
        return false
    }

    /// The message of `vector` leaves at `now`; the next one may follow after `interval`.
    mutating func fired(_ vector: UInt32, now: Instant, interval: Interval) {
        waiting &= ~(1 &<< vector)
        allowed[Int(vector)] = now + interval
    }

    /// EITR was written: the counter starts over.
    mutating func restart(_ vector: UInt32, now: Instant) { allowed[Int(vector)] = now }

    /// The next of the waiting vectors whose interval has ended at `now`.
    func due(now: Instant) -> UInt32? {
        for vector in 0..<Self.vectors
        where waiting &>> vector & 1 != 0 && now >= allowed[Int(vector)] { return vector }
        return nil
    }

    /// When the first of them is due.
    var nextDue: Instant {
        var next = Instant.never
        guard waiting != 0 else { return next }
        for vector in 0..<Self.vectors where waiting &>> vector & 1 != 0 { next = min(next, allowed[Int(vector)]) }
        return next
    }
}
