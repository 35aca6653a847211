internal import Engine
internal import HeaderSplit
public import PagePool
internal import TCPLite

/// Slots by holder, as results print them.
public struct LedgerResult: Codable, Sendable {
    /// Slots that nobody holds.
    public var pool: Int
    /// Slots in receive rings.
    public var ring: Int
    /// Slots of the stack.
    public var stack: Int
    /// Slots of transmissions.
    public var transmit: Int
    /// Slots of the application.
    public var application: Int
    /// Slots in all.
    public var total: Int

    /// A ledger for print.
    public init(_ ledger: Ledger) {
        pool = ledger.pool
        ring = ledger.ring
        stack = ledger.stack
        transmit = ledger.transmit
        application = ledger.application
        total = ledger.total
    }
}

/// How often a stack slept, and what woke it.
public struct SleepCounts: Codable, Sendable {
    /// The device's vector.
    public var wokenByDevice: UInt64 = 0
    /// The application.
    public var wokenByApplication: UInt64 = 0
    /// A deadline of TCP, or the longest sleep.
    public var wokenByTime: UInt64 = 0
    /// Times that something came while falling asleep.
    public var keptAwake: UInt64 = 0

    /// None yet.
    public init() {}
}

/// What both commands count.
public struct TransferResult: Encodable, Sendable {
    /// Everything that the run promises held.
    public var ok = false
    /// Why not, in one sentence each.
    public var problems: [String] = []
    /// The run was asked to end before it was complete.
    public private(set) var interrupted = false
    /// Payload bytes delivered.
    public var bytes: UInt64 = 0
    /// Of those: in the device region, where the NIC put them.
    public var deviceBytes: UInt64 = 0
    /// Of those: in host memory, because the frame fit the header buffer or was not split.
    public var linearBytes: UInt64 = 0
    /// Of those: moved to the region by the stack's side.
    public var movedBytes: UInt64 = 0
    /// TCP segments that the stack received.
    public var segments: UInt64 = 0
    /// Frames split, on the split queues; likewise the following.
    public var split: UInt64 = 0
    /// Frames that were not split.
    public var unsplit: UInt64 = 0
    /// Frames whose header did not fit its buffer.
    public var headerOverflow: UInt64 = 0
    /// Frames dropped for lack of a replacement slot.
    public var noReplacement: UInt64 = 0
    /// Payload per time, in 10^9 bit/s.
    public var goodputGbps = 0.0
    /// Time that the data took, in seconds.
    public var elapsedS = 0.0
    /// Accesses of the device that its IOMMU refused.
    public var iommuFaults: UInt64 = 0
    /// What the strict model holds against the driver.
    public var driverErrors: UInt64 = 0
    /// Connections beyond those asked for, reset.
    public var refusedConnections: UInt64 = 0
    /// Times that a stream stopped because the device vouched for no checksums.
    public var untrusted: UInt64 = 0
    /// How often the stack slept, and what woke it; two threads or processes only.
    public var sleeps: SleepCounts?
    /// Seed of everything random in the run.
    public var seed: UInt64 = 0
    /// Records whose bytes were checked against the sum that the verified header promised, and those that failed.
    public var payloadSumsChecked: UInt64 = 0
    /// Of the records checked: those with another sum.
    public var payloadSumErrors: UInt64 = 0
    /// Mappings of slots that the stack's process could read or write while it polled; 0 is the proof.
    public var stackMapsSlots: Int?
    /// Words of the streams that were found in the host memory of a device that was searched for them.
    public var payloadWordsInHostMemory: Int?
    /// Slots by holder when the last byte had been consumed.
    public var ledger = LedgerResult(Ledger())
    /// Slots that were not back in the pool after the queues had stopped.
    public var leakedSlots = 0

    /// Nothing yet.
    public init() {}

    mutating func take(_ report: EngineReport, _ device: DeviceReport) {
        deviceBytes = report.delivery.deviceBytes
        movedBytes = report.delivery.movedBytes
        linearBytes = report.delivery.linearBytes - movedBytes
        bytes = device.deviceBytes + device.linearBytes + device.movedBytes
        segments = report.stack.segmentsReceived
        split = report.split.split
        unsplit = report.split.unsplit
        headerOverflow = report.split.headerOverflow
        noReplacement = report.split.noReplacement
        iommuFaults = device.iommuFaults
        driverErrors = device.driverErrors
        refusedConnections = device.refusedConnections
        untrusted = device.untrusted
        payloadSumErrors = device.payloadSumErrors
        payloadSumsChecked = device.payloadSumsChecked
        ledger = LedgerResult(report.ledger)
        goodputGbps = elapsedS > 0 ? Double(bytes) * 8 / elapsedS / 1e9 : 0
        expect(deviceBytes + linearBytes + movedBytes == bytes, "bytes announced and bytes consumed differ")
        require(report.ledger.isBalanced && report.hostLedger.isBalanced, "the ledger does not balance")
        require(report.pool.violations == 0, "\(report.pool.violations) refused operations on the pool's books")
        require(report.delivery.lostRecords == 0, "\(report.delivery.lostRecords) records found no room")
        require(
            report.delivery.badReturns == 0,
            "\(report.delivery.badReturns) tokens were returned that were not out")
        require(iommuFaults == 0, "\(iommuFaults) accesses were refused by the IOMMU")
        require(
            driverErrors == 0, "the model counted \(driverErrors) driver errors: \(device.driverErrorText ?? "")")
        require(payloadSumErrors == 0, "\(payloadSumErrors) records do not have the sum that their header promised")
        if let failure = device.failure { problems.append(failure) }
    }

    /// Marks the run as ended early: from now on nothing is held against it for being incomplete.
    mutating func interrupt() {
        interrupted = true
        problems.append("the run was interrupted; what it had reached is printed")
    }

    /// Something that a complete run promises.
    mutating func expect(_ condition: Bool, _ problem: String) {
        if !interrupted { require(condition, problem) }
    }

    /// Something that must hold however a run ends.
    mutating func require(_ condition: Bool, _ problem: String) {
        if !condition { problems.append(problem) }
    }
}

/// The result of a loopback.
public struct LoopbackResult: Encodable, Sendable {
    /// What every transfer counts.
    public var transfer = TransferResult()
    /// SHA-256 over the flows' SHA-256s: what the peer sent, and what the consumer read.
    public var digestExpected = ""
    /// What the consumer read.
    public var digestReceived = ""
    /// SHA-256 over every frame, register access, descriptor and event with its time; one thread only.
    public var traceHash: String?
    /// Virtual seconds; one thread only.
    public var virtualS: Double?
    /// Receive queues restarted while data flowed; `nil` when that was not asked for.
    public var queueRestarts: Int?
    /// Regions changed while data flowed; `nil` when that was not asked for.
    public var regionChanges: Int?

    /// Nothing yet.
    public init() {}

    private enum Keys: String, CodingKey {
        case digestExpected, digestReceived, traceHash, virtualS, queueRestarts, regionChanges
    }

    public func encode(to encoder: any Encoder) throws {
        try transfer.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(digestExpected, forKey: .digestExpected)
        try container.encode(digestReceived, forKey: .digestReceived)
        try container.encodeIfPresent(traceHash, forKey: .traceHash)
        try container.encodeIfPresent(virtualS, forKey: .virtualS)
        try container.encodeIfPresent(queueRestarts, forKey: .queueRestarts)
        try container.encodeIfPresent(regionChanges, forKey: .regionChanges)
    }
}

/// The result of a receiver's run.
public struct ReceiveResult: Encodable, Sendable {
    /// What every transfer counts.
    public var transfer = TransferResult()
    /// Connections served.
    public var connections = 0
    /// What each brought.
    public var digests: [StreamResult] = []
    /// What a run without TCP saw.
    public var frames: FrameResult?
    /// Bytes that were sent back from the slots that they arrived in, and from host memory, where they had arrived.
    public var relayedBytes: UInt64?
    public var hostBytes: UInt64?
    /// Frames that the device cut into segments.
    public var framesCut: UInt64?
    /// What tests of iperf3 brought, in their order; `nil` for another service.
    public var iperf3: [IperfTestResult]?

    /// Nothing yet.
    public init() {}

    private enum Keys: String, CodingKey {
        case connections, digests, frames, relayed_bytes, host_bytes, frames_cut, iperf3
    }

    public func encode(to encoder: any Encoder) throws {
        try transfer.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(connections, forKey: .connections)
        try container.encode(digests, forKey: .digests)
        try container.encodeIfPresent(frames, forKey: .frames)
        try container.encodeIfPresent(relayedBytes, forKey: .relayed_bytes)
        try container.encodeIfPresent(hostBytes, forKey: .host_bytes)
        try container.encodeIfPresent(framesCut, forKey: .frames_cut)
        try container.encodeIfPresent(iperf3, forKey: .iperf3)
    }
}
