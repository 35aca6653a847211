internal import Timeline

/// Waits until `condition` holds, asking every `step`, for at most `limit`.
func poll(
    _ limit: Interval, step: Interval, wait: (Interval) -> Void, orElse error: DriverError,
    _ condition: () -> Bool
) throws(DriverError) {
    var waited = Interval.zero
    while !condition() {
        if waited >= limit { throw error }
        wait(step)
        waited = waited + step
    }
}
