/// What an application asks of the stack.
@frozen public enum CommandKind: UInt32, Sendable {
    /// Send the next `length` bytes of the channel's send ring.
    case send = 1
    /// Send FIN after what was queued.
    case shutdown = 2
    /// Reset the connection.
    case abort = 3
    /// Deliver `length` bytes more of a connection that delivers on demand; the first one makes it such a connection.
    case demand = 4
    /// Drop the next `length` bytes of the stream.
    case discard = 5
    /// Done with the connection: FIN, and the tokens that it owns come back at once.
    case leave = 6
    /// Tell the event with raw value `length` again when it happens.
    case rearm = 7
    /// Send `length` bytes at `offset` of `region` from there: bytes that the application holds and leaves alone until a
    /// ``RecordKind/sent`` says that it is over.
    case sendRegion = 8
}

/// A command on its way to the stack.
@frozen public struct ApplicationCommand: BitwiseCopyable, Sendable, Hashable {
    /// Raw ``CommandKind``.
    public var kindCode: UInt32
    /// The connection it is for.
    public var connection: UInt32
    /// Bytes, for ``CommandKind/send``.
    public var length: UInt32
    /// The region that `offset` is in, for ``CommandKind/sendRegion``.
    public var region: UInt16 = 0
    /// Zero.
    public var reserved: UInt16 = 0
    /// First byte within the region, for ``CommandKind/sendRegion``.
    public var offset: UInt64 = 0

    /// A command of `kind`.
    @inlinable public init(
        _ kind: CommandKind, connection: UInt32, length: UInt32 = 0, region: UInt16 = 0, offset: UInt64 = 0
    ) {
        kindCode = kind.rawValue
        self.connection = connection
        self.length = length
        self.region = region
        self.offset = offset
    }
}
