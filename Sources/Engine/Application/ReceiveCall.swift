public import ClientKit
public import DeviceMemory
internal import PagePool
public import TCPLite
public import Timeline

/// What a receive call may do.
public struct ReceiveOptions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The caller knows what to do with tokens: without it, data in a region is not delivered but told of by an error.
    public static let deviceMemory = ReceiveOptions(rawValue: 1)
    /// Stop where host memory and region meet, so that one call returns data of one kind.
    public static let oneKind = ReceiveOptions(rawValue: 2)
    /// Look without taking: refused, because a token for bytes that stay queued would be a second owner of them.
    public static let peek = ReceiveOptions(rawValue: 4)
}

/// Why a receive call returned nothing; nothing was taken then, and the stream stands where it stood.
public enum ReceiveError: Error, CustomStringConvertible, Equatable {
    case noSuchOwner(owner: Int)
    case notYours(connection: UInt32)
    case peekRefused
    case deviceDataPending
    case recordSpace(needed: Int)
    case linearSpace(needed: Int)
    case tooManyTokens(out: Int)
    case inconsistentPacket

    public var description: String {
        switch self {
        case .noSuchOwner(let owner): "nobody is at port \(owner); open it first"
        case .notYours(let connection): "connection \(connection) is not of this application, or gone"
        case .peekRefused: "data in a region cannot be peeked at: a token names its only owner; receive it"
        case .deviceDataPending: "the next bytes are in a region; receive with .deviceMemory"
        case .recordSpace(let needed): "there is no room for a record; give room for \(needed) at least"
        case .linearSpace(let needed): "the next bytes are in host memory; give a buffer of \(needed) bytes at least"
        case .tooManyTokens(let out): "\(out) tokens are out, which is the limit; return some"
        case .inconsistentPacket: "a fragment claimed a kind of memory that its region is not; it was dropped"
        }
    }
}

/// Why a receive call that returned something returned no more.
public enum ReceiveStop: Sendable, Hashable {
    /// The limit was reached.
    case limit
    /// Nothing more is there now.
    case drained
    /// The stream, or the connection, is at its end.
    case ended
    /// The next record has no room.
    case recordSpace
    /// The next bytes in host memory have no room.
    case linearSpace
    /// The next bytes are of the other kind of memory, which this call may not mix in, or not deliver.
    case kindChange
    /// As many tokens are out as may be.
    case tooManyTokens
}

/// What a receive call brought.
public struct ReceiveResult: Sendable, Hashable {
    /// Bytes announced, of both kinds.
    public var bytes = 0
    /// Bytes of those that were copied to the caller's buffer.
    public var linearBytes = 0
    /// Why there are no more.
    public var stop = ReceiveStop.drained
}

/// Room for records, filled by receive calls.
public struct RecordBuffer: ~Copyable {
    private var records: Slab<FragmentRecord>
    /// How many there is room for.
    public let capacity: Int

    /// Room for `capacity` records.
    public init(capacity: Int) {
        records = Slab(count: max(capacity, 0), repeating: FragmentRecord(.linear, connection: 0))
        self.capacity = max(capacity, 0)
    }

    /// How many there are.
    public private(set) var count = 0

    /// Forgets all, and whatever tokens they had: return those first.
    public mutating func removeAll() { count = 0 }

    /// The record at `index`.
    public subscript(index: Int) -> FragmentRecord {
        precondition(index >= 0 && index < count)
        return records[index]
    }

    mutating func append(_ record: FragmentRecord) {
        records[count] = record
        count += 1
    }
}

extension Engine where Driver: ~Copyable {
    /// Takes up to `limit` bytes of a connection's stream: records in stream order for what is in regions, bytes in `linear` for
    /// what is in host memory, each announced by a record of its own.
    ///
    /// For applications in the engine's own thread, on connections that deliver on demand (``TCPLite/TCPStack/setPull(_:_:)``);
    /// others get records through their channel. A fragment that is larger than what is left of `limit` is cut: its parts have
    /// tokens of their own, and the slot is free when all are returned.
    ///
    /// - Returns: what was announced, never less than was taken: the window follows from it.
    public mutating func receive(
        _ connection: UInt32, limit: Int, into records: inout RecordBuffer, linear: MutableByteView,
        _ options: ReceiveOptions, owner: Int = 0, now: Instant
    ) throws(ReceiveError) -> ReceiveResult {
        guard isPortOpen(owner) else { throw .noSuchOwner(owner: owner) }
        guard !options.contains(.peek) else { throw .peekRefused }
        let id = ConnectionID(rawValue: connection)
        guard stack.owner(of: id) == owner else { throw .notYours(connection: connection) }
        var result = ReceiveResult()
        var last: NextKind?
        while true {
            let next = stack.nextKind(id)
            if let stop = obstacle(next, last, limit, result, records, linear.count, options, owner) {
                if result.bytes == 0, let error = self.error(for: stop, next, owner) { throw error }
                result.stop = stop
                return result
            }
            let room = next == .linear ? linear.count - result.linearBytes : .max
            guard var part = stack.takeDelivery(id, limit: min(limit - result.bytes, room), pools: &pools) else {
                return result
            }
            last = next
            if let bytes = part.linear {
                linear.copy(bytes, at: result.linearBytes)
                records.append(
                    FragmentRecord(
                        .linear, connection: connection, offset: UInt64(result.linearBytes),
                        length: UInt32(bytes.count),
                        payloadSum: part.payloadSum))
                result.linearBytes += bytes.count
                result.bytes += bytes.count
                ports[owner].statistics.linearBytes &+= UInt64(bytes.count)
                stack.credit(id, owner: owner, slots: 0, linearBytes: bytes.count)
            }
            if let fragment = part.fragment.take() {
                guard pools.isConsistent(fragment) else {
                    pools.recycle(fragment)
                    throw .inconsistentPacket
                }
                let record = ports[owner].announce(fragment, connection, part.payloadSum, &pools, now)
                records.append(record)
                result.bytes += Int(record.length)
            }
        }
    }

    /// What is next on a connection, so that a caller knows what to receive it with.
    public func nextKind(_ connection: UInt32) -> NextKind { stack.nextKind(ConnectionID(rawValue: connection)) }

    private func obstacle(
        _ next: NextKind, _ last: NextKind?, _ limit: Int, _ result: ReceiveResult, _ records: borrowing RecordBuffer,
        _ room: Int, _ options: ReceiveOptions, _ owner: Int
    ) -> ReceiveStop? {
        if result.bytes >= limit { return .limit }
        switch next {
        case .none, .event: return .drained
        case .endOfStream, .closed: return .ended
        case .linear:
            if options.contains(.oneKind) && last == .device { return .kindChange }
            if result.linearBytes >= room { return .linearSpace }
        case .device:
            if options.contains(.oneKind) && last == .linear { return .kindChange }
            if !options.contains(.deviceMemory) { return .kindChange }
            if ports[owner].tokens.outstanding >= ports[owner].configuration.tokenLimit { return .tooManyTokens }
        }
        return records.count >= records.capacity ? .recordSpace : nil
    }

    private func error(for stop: ReceiveStop, _ next: NextKind, _ owner: Int) -> ReceiveError? {
        switch stop {
        case .limit, .drained, .ended: nil
        case .recordSpace: .recordSpace(needed: 1)
        case .linearSpace: .linearSpace(needed: 1)
        case .kindChange: .deviceDataPending
        case .tooManyTokens: .tooManyTokens(out: ports[owner].tokens.outstanding)
        }
    }
}
