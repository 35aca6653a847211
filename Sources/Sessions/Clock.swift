internal import Glibc
internal import Timeline

/// Nanoseconds of the machine's monotonic clock.
func monotonicNow() -> Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
}

/// Nanoseconds from 1970 to the monotonic clock's zero, now: whoever sets the machine's clock moves it.
func monotonicEpoch() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    let wall = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    return wall &- min(monotonicNow().nanoseconds, wall)
}

/// Gives the core away for a moment when there is nothing to do: two busy loops and the kernel share few cores in tests.
func pauseBriefly() { usleep(20) }
