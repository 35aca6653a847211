internal import DeviceMemory
internal import Timeline

/// Whoever consumes what a run's engine announces.
protocol RunConsumer: ~Copyable {
    /// Takes what is there; returns whether anything was.
    mutating func poll(now: Instant) -> Bool
    /// Whether everything that was asked for has been seen.
    var isDone: Bool { get }
    /// Bytes consumed from the region.
    var deviceBytes: UInt64 { get }
    /// Bytes consumed from host memory.
    var linearBytes: UInt64 { get }
    /// Bytes that came through host memory and were put in the region by the consumer.
    var movedBytes: UInt64 { get }
    /// Makes a region known under a number.
    mutating func add(_ region: borrowing DeviceRegion, number: UInt16) throws(DeviceMemoryError)
    /// Brings files and digests to their end.
    mutating func finish()
    /// What the consumer has to say about the run.
    func fill(_ report: inout DeviceReport)
}

extension RunConsumer where Self: ~Copyable {
    var movedBytes: UInt64 { 0 }
    /// Most see one region all their life.
    mutating func add(_ region: borrowing DeviceRegion, number: UInt16) throws(DeviceMemoryError) {}
}

extension Consumer: RunConsumer {
    mutating func finish() {}

    func fill(_ report: inout DeviceReport) {
        report.streams = results()
        report.digestReceived = combined()
        report.records = records
        report.payloadSumErrors = payloadSumErrors
        report.payloadSumsChecked = payloadSumsChecked
        report.refusedConnections = refused
        report.untrusted = untrusted
        report.failure = outputFailure?.description
    }
}
