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
    /// Where the bytes of the next record, a ``linear`` one, belong: `offset` of the region; `token` gives the place back.
    /// Only in bindings whose placement is uniform; the client library copies.
    case place = 8
    /// Something that is no connection's: ``FragmentRecord/event`` says what, `offset` holds its number.
    case event = 9
    /// `length` sends from a region are over, the first of which was number `offset` of the connection's, counted from 0;
    /// their bytes may be changed. ``FragmentRecord/isAcknowledged`` tells whether the peer has them. A send that was refused has
    /// no number: `length` is 0 then, and `offset` what the command gave.
    case sent = 10
}

/// Events of an application, besides those of its connections. Each kind is told once, until it is re-armed.
@frozen public enum ChannelEvent: UInt16, Sendable, CaseIterable {
    /// No slot is left; the number counts frames dropped or held back so far.
    case exhausted = 1
    /// At the present rate no slot will be left in so many nanoseconds.
    case exhaustionAhead = 2
    /// Payload landed elsewhere than intended for the first time since the event was armed; the number is a
    /// ``ChannelCounters/Counter``, which counts all of it.
    case landedElsewhere = 3
    /// A connection (the record's `connection`) has brought nothing for so many nanoseconds.
    case stalled = 4
    /// The device was reset and set up again; connections go on.
    case deviceReset = 5
    /// The device is gone; what is held stays valid until it is returned.
    case deviceGone = 6
    /// A binding (`region`) was taken away; what is held stays valid until it is returned.
    case unbound = 7
    /// New payload lands in another region (`region`); what is held of the old one stays valid until it is returned.
    case rehomed = 8
    /// As many tokens are out as may be: nothing is delivered until some come back.
    case tooManyTokens = 9
    /// `length` bytes from `offset` on of a region (`region`) are the application's, to send from.
    case sendArea = 10
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
    /// Bit 0: `payloadSum` holds. Bit 1: the frame goes on in the next record. Bit 2: its checksums are good. Bit 3: the
    /// bytes were put in the region by this side's processor, not by the device.
    public var flags: UInt8
    /// Bytes of headers, for ``RecordKind/frame``; the raw ``ChannelEvent``, for ``RecordKind/event``.
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
    /// An event.
    public init(event: ChannelEvent, connection: UInt32 = .max, number: UInt64 = 0, region: UInt16 = 0) {
        self.init(.event, connection: connection, offset: number, region: region)
        headerLength = event.rawValue
    }

    /// Sends from a region that are over.
    public init(sent count: UInt32, from first: UInt64, connection: UInt32, isAcknowledged: Bool) {
        self.init(.sent, connection: connection, offset: first, length: count)
        flags = isAcknowledged ? FragmentRecord.acknowledgedFlag : 0
    }

    /// Whether the peer has acknowledged every byte of what a ``RecordKind/sent`` tells of.
    @inlinable public var isAcknowledged: Bool { flags & FragmentRecord.acknowledgedFlag != 0 }
    @usableFromInline static var acknowledgedFlag: UInt8 { 16 }

    /// What an ``RecordKind/event`` tells; `nil` for a code of a newer version.
    public var event: ChannelEvent? { kind == .event ? ChannelEvent(rawValue: headerLength) : nil }
    /// Whether the bytes were moved into the region by a processor.
    @inlinable public var isMoved: Bool { flags & FragmentRecord.movedFlag != 0 }
    @usableFromInline static var movedFlag: UInt8 { 8 }
    /// Whether ``payloadSum`` says something.
    @inlinable public var hasPayloadSum: Bool { flags & 1 != 0 }
}
