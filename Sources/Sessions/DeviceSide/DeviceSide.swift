internal import DeviceMemory
internal import Packets
internal import Timeline
internal import Wire

/// Everything on the other side of the bus: the NIC's end of the wire, wire with its far end, and the consumer of payload.
///
/// In one thread it takes turns with the engine; otherwise it runs in a thread or a process of its own.
struct DeviceSide<End: FarEnd & ~Copyable, Port: DevicePort & ~Copyable, Application: RunConsumer & ~Copyable>:
    ~Copyable
{
    private var port: Port
    private var end: End
    private var consumer: Application
    private var inbound: FrameQueue
    private var outbound: FrameQueue
    private(set) var wireFailure: SessionError?
    private var lastWork = Instant.zero
    /// Whether the wire is plugged in; frames wait at its far end until then.
    var isPlugged = true

    init(port: consuming Port, end: consuming End, consumer: consuming Application, frameCapacity: Int) {
        self.port = port
        self.end = end
        self.consumer = consumer
        inbound = FrameQueue(depth: 128, frameCapacity: frameCapacity)
        outbound = FrameQueue(depth: 128, frameCapacity: frameCapacity)
    }

    /// One turn; returns whether anything happened.
    mutating func poll(now: Instant) -> Bool {
        var worked = false
        if isPlugged {
            worked = end.drive(now: now)
            if moveFrames(now) { worked = true }
        }
        if port.step(now: now) { worked = true }
        while !outbound.isFull, let frame = port.nextTransmitted() {
            _ = outbound.push(frame)
            port.popTransmitted()
            worked = true
        }
        if consumer.poll(now: now) { worked = true }
        if worked { lastWork = now }
        return worked
    }

    private mutating func moveFrames(_ now: Instant) -> Bool {
        guard wireFailure == nil else { return false }
        var worked = false
        do {
            if try end.transmit(from: &outbound, now: now) != 0 { worked = true }
            if try end.receive(into: &inbound, now: now, limit: 64) != 0 { worked = true }
        } catch {
            wireFailure = SessionError(error)
        }
        while !inbound.isEmpty, port.receive(inbound.front, mark: inbound.frontMark) {
            inbound.popFront()
            worked = true
        }
        return worked
    }

    /// When something happens here without anything coming from the bus.
    var nextDeadline: Instant {
        let waiting: Instant = outbound.isEmpty && inbound.isEmpty ? .never : .zero
        return min(min(end.nextDeadline, end.driveDeadline), min(port.nextDeadline, waiting))
    }

    /// Whether the consumer has seen the end of every stream.
    var isDone: Bool { consumer.isDone }
    /// Whether nothing can come any more: the wire has ended or is lost, and what was under way has settled for a second.
    func hasRunDry(now: Instant) -> Bool {
        isPlugged && (end.isFinished || wireFailure != nil) && now - lastWork > .seconds(1)
    }

    /// Payload bytes that the consumer has seen.
    var consumedBytes: UInt64 { consumer.deviceBytes &+ consumer.linearBytes &+ consumer.movedBytes }

    /// Makes a region known to the consumer under a number.
    mutating func add(_ region: borrowing DeviceRegion, number: UInt16) throws(DeviceMemoryError) {
        try consumer.add(region, number: number)
    }

    /// Ends the run at this side: what a capture holds must have reached its file.
    mutating func finish() {
        consumer.finish()
        do {
            try end.flush()
        } catch {
            wireFailure = SessionError(error)
        }
    }

    /// What this side has to say about the run.
    func report() -> DeviceReport {
        var report = DeviceReport()
        consumer.fill(&report)
        report.digestExpected = end.expectedDigest()
        report.deviceBytes = consumer.deviceBytes
        report.linearBytes = consumer.linearBytes
        report.movedBytes = consumer.movedBytes
        port.fill(&report)
        report.peerFailures = end.failures
        report.failure = wireFailure?.description ?? report.failure
        report.wireEnded = end.isFinished
        report.isDone = consumer.isDone
        return report
    }
}

/// What the device's side knows about a run; it travels between processes.
public struct DeviceReport: Codable, Sendable {
    /// What each connection brought.
    public var streams: [StreamResult] = []
    /// What a run without TCP brought.
    public var frames: FrameCounts?
    /// What a sender handed over.
    public var sent: SendReport?
    /// What a server of iperf3 saw.
    public var iperf: [IperfTestResult]?
    /// One digest over all of them.
    public var digestReceived = ""
    /// What that must be, where the far end knows.
    public var digestExpected: String?
    /// Bytes consumed from the region.
    public var deviceBytes: UInt64 = 0
    /// Bytes consumed from host memory.
    public var linearBytes: UInt64 = 0
    /// Bytes that the consumer put in the region itself.
    public var movedBytes: UInt64 = 0
    /// Records of data.
    public var records: UInt64 = 0
    /// Records whose bytes have another sum than promised.
    public var payloadSumErrors: UInt64 = 0
    /// Records whose bytes were checked and right.
    public var payloadSumsChecked: UInt64 = 0
    /// Connections beyond those asked for, reset.
    public var refusedConnections: UInt64 = 0
    /// Times that a stream stopped because the device vouched for no checksums.
    public var untrusted: UInt64 = 0
    /// Accesses that the IOMMU refused.
    public var iommuFaults: UInt64 = 0
    /// What a strict model holds against the driver.
    public var driverErrors: UInt64 = 0
    /// Which they are.
    public var driverErrorText: String?
    /// Flows that failed at the far end.
    public var peerFailures = 0
    /// What went wrong on this side.
    public var failure: String?
    /// The wire has nothing more to deliver.
    public var wireEnded = false
    /// Every stream has ended.
    public var isDone = false
}
