/// What `uiodrv serve` is asked to do.
public struct ServeOptions: Sendable {
    /// Device; its queues are the number of clients that there may be.
    public var device = DeviceOptions()
    /// Where it is plugged in, and its address.
    public var station = StationOptions()
    /// Path of the socket that clients connect to.
    public var socketPath = "/run/uiodrv.sock"
    /// Permissions of the socket.
    public var socketMode: UInt16 = 0o600
    /// Bytes that one client's region may have.
    public var mostRegionBytes = 256 << 20
    /// Average slots that a client may hold; `nil` is any number of those that it has.
    public var quotaSlots: Int?
    /// What it may hold beyond that, in slots times seconds.
    public var quotaBurst = 1024

    /// The defaults above.
    public init() {}
}

/// The result of a controller's run.
public struct ServeResult: Encodable, Sendable {
    /// The controller ran until it was told to end, and its books are in order.
    public var ok = false
    /// What went wrong, in one sentence each.
    public var problems: [String] = []
    /// Time that it ran, in seconds.
    public var elapsedS = 0.0
    /// Clients that connected.
    public var clients: UInt64 = 0
    /// Clients that went without a word.
    public var clientsDied: UInt64 = 0
    /// Tokens that clients had not returned when they went.
    public var tokensReclaimed: UInt64 = 0
    /// The longest that taking a client's slots back took, in microseconds.
    public var slowestReclaimUs = 0.0
    /// Requests that were refused.
    public var requestsRefused: UInt64 = 0
    /// Messages that made no sense.
    public var badMessages: UInt64 = 0
    /// Bytes announced in regions.
    public var deviceBytes: UInt64 = 0
    /// Bytes announced in host memory.
    public var linearBytes: UInt64 = 0
    /// Returns of tokens that were not out.
    public var badReturns: UInt64 = 0
    /// Queues restarted.
    public var queueRestarts: UInt64 = 0
    /// Times that the device was found reset and set up again.
    public var deviceResets: UInt64 = 0

    /// Nothing yet.
    public init() {}
}
