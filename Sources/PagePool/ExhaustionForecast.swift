/// Says when a pool will be out of slots if it goes on as it did: the warning before the drops begin.
///
/// A straight line through the latest samples of the free count (least squares), so that bursts that come back do not raise
/// an alarm. Fed from the slow path, ten times a second or so; it has no clock of its own.
public struct ExhaustionForecast: Sendable {
    private var samples: [(time: UInt64, free: Int)] = []
    private let window: Int

    /// - Parameter window: samples that the line goes through, at least 2.
    public init(window: Int = 16) {
        self.window = max(window, 2)
        samples.reserveCapacity(self.window)
    }

    /// Adds a sample, `free` slots at `time` in nanoseconds; an earlier time than the last stands for
    /// the last.
    ///
    /// - Returns: nanoseconds until none is left; `nil` while that is not in sight: the free count does not fall, or fewer
    ///   samples than half a window are known.
    public mutating func observe(free: Int, at time: UInt64) -> UInt64? {
        let time = max(time, samples.last?.time ?? 0)
        if samples.last?.time == time { samples.removeLast() }
        if samples.count == window { samples.removeFirst() }
        samples.append((time, free))
        if free == 0 { return 0 }
        guard samples.count * 2 >= window, samples.count > 1 else { return nil }
        let start = samples[0].time
        let n = Double(samples.count)
        var (sumX, sumY, sumXX, sumXY) = (0.0, 0.0, 0.0, 0.0)
        for sample in samples {
            let x = Double(sample.time &- start)
            let y = Double(sample.free)
            sumX += x
            sumY += y
            sumXX += x * x
            sumXY += x * y
        }
        let spread = n * sumXX - sumX * sumX
        guard spread > 0 else { return nil }
        let slope = (n * sumXY - sumX * sumY) / spread
        guard slope < 0 else { return nil }
        let left = Double(free) / -slope
        // Further off than the clock can say is not in sight.
        return left < 9e18 ? UInt64(left) : nil
    }
}
