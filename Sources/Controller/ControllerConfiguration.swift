public import ClientKit
public import DeviceMemory
public import Engine
public import TCPLite
public import Timeline

/// What a controller hands out, and how much of it.
public struct ControllerConfiguration: Sendable {
    /// Path of the Unix socket that clients connect to.
    public var socketPath: String
    /// Permissions of the socket: who may be a client.
    public var socketMode: UInt16 = 0o600
    /// Bytes that one client's region may have.
    public var mostRegionBytes = 1 << 30
    /// Sizes of the rings towards each client.
    public var channel = ChannelShape.standard
    /// How payload in a client's region is proven to have arrived.
    public var visibility = Visibility.flushRead
    /// How long a client's slots may be held, on average; `nil` is any time.
    public var quota: SlotTimeQuota?
    /// How long before a client's slots are used up it is warned.
    public var warningTime = Interval.seconds(2)
    /// How long a connection may bring its application nothing that it takes before the application is told.
    public var stallAfter = Interval.seconds(10)

    /// A controller at `socketPath`.
    public init(socketPath: String) { self.socketPath = socketPath }
}

/// What can go wrong when a controller is set up; each case says what to do about it.
public enum ControllerError: Error, CustomStringConvertible {
    case cannotListen(path: String, errno: Int32)
    case pathTooLong(String)
    case pathTaken(String)
    case engine(EngineError)
    case client(ClientError)

    public var description: String {
        switch self {
        case .cannotListen(let path, let code):
            "cannot listen at \(path): \(systemMessage(code)); choose a path in a directory that can be written to"
        case .pathTooLong(let path): "\(path) is too long for a socket; choose a path of at most 107 bytes"
        case .pathTaken(let path): "another controller listens at \(path); stop it, or choose another --socket"
        case .engine(let error): error.description
        case .client(let error): error.description
        }
    }
}

/// What a controller has done so far.
public struct ControllerStatistics: Sendable, Hashable {
    /// Clients that connected.
    public var connected: UInt64 = 0
    /// Clients that left or died.
    public var left: UInt64 = 0
    /// Of those: without a word.
    public var died: UInt64 = 0
    /// Tokens that those who left had not returned.
    public var tokensReclaimed: UInt64 = 0
    /// The longest that it took, from the moment that a client's end was seen, to post its slots again, in nanoseconds.
    public var slowestReclaimNs: UInt64 = 0
    /// Messages that made no sense.
    public var badMessages: UInt64 = 0
    /// Requests that were refused.
    public var refused: UInt64 = 0

    /// Nothing.
    public init() {}
}
