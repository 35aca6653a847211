/// Where bytes come from that are sent outwards.
public enum SendSource: Codable, Sendable {
    /// So many bytes that follow from the run's seed.
    case pattern(bytes: UInt64)
    /// A plain file.
    case file(path: String)
    /// Standard input, to its end.
    case standardInput
}

/// What `uiodrv send` is asked to do.
public struct SendOptions: Codable, Sendable {
    /// Model and memory.
    public var device = DeviceOptions()
    /// Where it is plugged in, and its address.
    public var station = StationOptions()
    /// Address and port of the receiver.
    public var receiver = "10.0.0.2:5001"
    /// What is sent.
    public var source = SendSource.pattern(bytes: 64 << 20)
    /// Whether the bytes are written into the region and leave from there, read by the device alone.
    public var fromRegion = false
    /// Seconds that the receiver may leave everything unanswered, also before it answers at all.
    public var patienceS: UInt64 = 60
    /// Who runs where.
    public var placement = Placement.twoThreads

    /// The defaults above.
    public init() {}
}

/// What the sending application saw of a run; it travels between processes.
public struct SendReport: Codable, Sendable {
    /// Bytes handed to the connection.
    public var bytes: UInt64 = 0
    /// Their SHA-256.
    public var sha256 = ""
    /// The connection was established.
    public var opened = false
    /// Everything was acknowledged, and both directions were closed in order.
    public var complete = false
    /// How the connection ended otherwise; `nil` while it has not.
    public var ending: String?
    /// From the connection's opening to its end, in seconds.
    public var elapsedS = 0.0
    /// The longest time in which nothing more of the source could be handed over, in seconds.
    public var longestPauseS = 0.0

    /// Nothing yet.
    public init() {}
}

/// The result of a sender's run.
public struct SendResult: Encodable, Sendable {
    /// Everything was sent, acknowledged and closed in order, and the books balance.
    public var ok = false
    /// Why not, in one sentence each.
    public var problems: [String] = []
    /// Bytes sent.
    public var bytes: UInt64 = 0
    /// Payload bytes that left from the region, each time they did, and frames that the device cut into segments.
    public var placedBytes: UInt64 = 0
    public var framesCut: UInt64 = 0
    /// Their SHA-256.
    public var sha256 = ""
    /// Address and port of the receiver.
    public var receiver = ""
    /// From the connection's opening to its end, in seconds.
    public var elapsedS = 0.0
    /// Payload per time, in 10^9 bit/s.
    public var goodputGbps = 0.0
    /// The longest time in which the receiver, or what is between, took nothing, in seconds.
    public var longestPauseS = 0.0
    /// Payload bytes sent again.
    public var retransmittedBytes: UInt64 = 0
    /// Bytes that the receiver sent back, which nobody read.
    public var receivedBytes: UInt64 = 0
    /// Accesses of the device that its IOMMU refused.
    public var iommuFaults: UInt64 = 0
    /// Slots by holder when the connection had ended.
    public var ledger: LedgerResult
    /// Slots that were not back in the pool after the queues had stopped.
    public var leakedSlots = 0
    /// Seed of everything random in the run.
    public var seed: UInt64 = 0
}
