/// What a record tells an application.
@frozen public enum RecordKind: UInt8, Sendable {
    /// `length` bytes in host memory, at position `offset` of the channel's linear ring.
    case linear = 1
    /// `length` bytes at `offset` of the region; `token` gives them back.
    case device = 2
    /// A connection exists; `offset` holds the peer (address in 47:16, port in 15:0).
    case opened = 3
    /// The peer has sent everything.
    case endOfStream = 4
    /// The connection is gone; `length` holds the reason.
    case closed = 5
    /// The stack stopped the stream because the device vouches for no checksums (`length`: frames in a row).
    case untrusted = 6
    /// A frame: `length` bytes in host memory as for ``linear``, of which ``FragmentRecord/headerLength`` are headers. When
    /// ``FragmentRecord/hasMore`` is set, the next record is its payload in the region, with the same `connection`,
    /// which counts frames.
    case frame = 7
}

/// What an application receives instead of bytes: 32 bytes, in stream order per connection.
@frozen public struct FragmentRecord: BitwiseCopyable, Sendable, Hashable {
    /// Delivery sequence number to return; 0 when there is nothing to return.
    public var token: UInt64
    /// Where the bytes are; see ``RecordKind``.
    public var offset: UInt64
    /// How many.
    public var length: UInt32
    /// The connection they belong to.
    public var connection: UInt32
    /// One's-complement sum that the bytes must have, when ``hasPayloadSum``.
    public var payloadSum: UInt16
    /// The region that `offset` is in.
    public var region: UInt16
    /// Raw ``RecordKind``.
    public var kindCode: UInt8
    /// Bit 0: `payloadSum` holds. Bit 1: the frame goes on in the next record. Bit 2: its checksums are good.
    public var flags: UInt8
    /// Bytes of headers, for ``RecordKind/frame``.
    public var headerLength: UInt16

    /// A record of `kind`.
    @inlinable public init(
        _ kind: RecordKind, connection: UInt32, token: UInt64 = 0, offset: UInt64 = 0, length: UInt32 = 0,
        payloadSum: UInt16? = nil, region: UInt16 = 0
    ) {
        self.token = token
        self.offset = offset
        self.length = length
        self.connection = connection
        self.payloadSum = payloadSum ?? 0
        self.region = region
        kindCode = kind.rawValue
        flags = payloadSum == nil ? 0 : 1
        headerLength = 0
    }

    /// What the record tells; `nil` for a code of a newer version.
    @inlinable public var kind: RecordKind? { RecordKind(rawValue: kindCode) }
    /// A frame's bytes in host memory.
    @inlinable public init(
        frame number: UInt32, offset: UInt64, length: UInt32, headerLength: UInt16, hasMore: Bool, isVerified: Bool
    ) {
        self.init(.frame, connection: number, offset: offset, length: length)
        self.headerLength = headerLength
        flags = (hasMore ? 2 : 0) | (isVerified ? 4 : 0)
    }

    /// Whether the frame's payload is in the next record.
    @inlinable public var hasMore: Bool { flags & 2 != 0 }
    /// Whether the frame's checksums were checked and good.
    @inlinable public var isVerified: Bool { flags & 4 != 0 }
    /// Whether ``payloadSum`` says something.
    @inlinable public var hasPayloadSum: Bool { flags & 1 != 0 }
}

/// Tokens that come back: `count` consecutive numbers from `start`.
@frozen public struct TokenRange: BitwiseCopyable, Sendable, Hashable {
    /// First token.
    public var start: UInt64
    /// How many.
    public var count: UInt32
    /// Zero.
    public var reserved: UInt32 = 0

    /// `count` tokens from `start`.
    @inlinable public init(start: UInt64, count: UInt32) {
        self.start = start
        self.count = count
    }
}

/// What an application asks of the stack.
@frozen public enum CommandKind: UInt32, Sendable {
    /// Send the next `length` bytes of the channel's send ring.
    case send = 1
    /// Send FIN after what was queued.
    case shutdown = 2
    /// Reset the connection.
    case abort = 3
}

/// A command on its way to the stack.
@frozen public struct ApplicationCommand: BitwiseCopyable, Sendable, Hashable {
    /// Raw ``CommandKind``.
    public var kindCode: UInt32
    /// The connection it is for.
    public var connection: UInt32
    /// Bytes, for ``CommandKind/send``.
    public var length: UInt32
    /// Zero.
    public var reserved: UInt32 = 0

    /// A command of `kind`.
    @inlinable public init(_ kind: CommandKind, connection: UInt32, length: UInt32 = 0) {
        kindCode = kind.rawValue
        self.connection = connection
        self.length = length
    }
}
