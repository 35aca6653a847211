internal import Glibc
internal import Timeline

/// Nanoseconds of the machine's monotonic clock.
func monotonicNow() -> Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
}

/// Gives the core away for a moment when there is nothing to do: two busy loops and the kernel share few cores in tests.
func pauseBriefly() { usleep(20) }
