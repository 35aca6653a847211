/// A point in time in nanoseconds since an arbitrary origin.
///
/// Time is an argument everywhere: nothing below the Engine owns a clock, so a run in virtual time replays exactly.
@frozen public struct Instant: Comparable, Hashable, Sendable, BitwiseCopyable {
    /// Nanoseconds since the origin.
    public var nanoseconds: UInt64

    /// Creates an instant `nanoseconds` after the origin.
    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The origin.
    @inlinable public static var zero: Instant { Instant(nanoseconds: 0) }

    /// Later than every event: the deadline of something that will not happen by itself.
    @inlinable public static var never: Instant { Instant(nanoseconds: .max) }

    /// Saturates at ``never``, so a long interval cannot wrap into the past.
    @inlinable public static func + (lhs: Instant, rhs: Interval) -> Instant {
        let (sum, overflow) = lhs.nanoseconds.addingReportingOverflow(rhs.nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    /// The time from `rhs` to `lhs`; zero when `rhs` is later.
    @inlinable public static func - (lhs: Instant, rhs: Instant) -> Interval {
        Interval(nanoseconds: lhs.nanoseconds > rhs.nanoseconds ? lhs.nanoseconds &- rhs.nanoseconds : 0)
    }

    @inlinable public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
}

/// A length of time in nanoseconds.
@frozen public struct Interval: Comparable, Hashable, Sendable, BitwiseCopyable {
    /// Length in nanoseconds.
    public var nanoseconds: UInt64

    /// Creates an interval of `nanoseconds`.
    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// No time at all.
    @inlinable public static var zero: Interval { Interval(nanoseconds: 0) }
    /// `n` nanoseconds.
    @inlinable public static func nanoseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n) }
    /// `n` microseconds.
    @inlinable public static func microseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n &* 1_000) }
    /// `n` milliseconds.
    @inlinable public static func milliseconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n &* 1_000_000) }
    /// `n` seconds.
    @inlinable public static func seconds(_ n: UInt64) -> Interval { Interval(nanoseconds: n &* 1_000_000_000) }

    @inlinable public static func + (lhs: Interval, rhs: Interval) -> Interval {
        let (sum, overflow) = lhs.nanoseconds.addingReportingOverflow(rhs.nanoseconds)
        return Interval(nanoseconds: overflow ? .max : sum)
    }

    @inlinable public static func < (lhs: Interval, rhs: Interval) -> Bool { lhs.nanoseconds < rhs.nanoseconds }

    /// Length in seconds, for reports.
    @inlinable public var seconds: Double { Double(nanoseconds) / 1e9 }
}
