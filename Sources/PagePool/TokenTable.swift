public import DeviceMemory

/// What became of a returned token.
@frozen public enum TokenReturn: Sendable, Hashable {
    /// It was out; its slot (and the connection it came from) may be credited.
    case returned(Netmem, connection: UInt32)
    /// It was returned before.
    case stale
    /// It was never issued.
    case unknown
}

/// A token that came back, or was taken back, together with what it stood for.
@frozen public struct HeldToken: BitwiseCopyable, Sendable, Hashable {
    /// The number.
    public let token: UInt64
    /// The slot.
    public let slot: Netmem
    /// The connection it came from.
    public let connection: UInt32

    @inlinable init(token: UInt64, slot: Netmem, connection: UInt32) {
        self.token = token
        self.slot = slot
        self.connection = connection
    }
}

/// The tokens of one holder: delivery sequence numbers from 1 on, never reused.
///
/// A ring indexed by the number covers recent deliveries. A token that is still out when the ring comes round again moves
/// behind the ring, where an index sorted by number (tokens move in that order) finds it: a consumer that holds one token
/// for ever costs one entry, and whatever a client does, a return costs a few steps and no hashing. The tokens of one
/// connection are linked, so that all of them can be taken back when it ends. Nothing is allocated after the start.
///
/// Another holder's slots cannot be named: only numbers issued here mean anything here.
@frozen public struct TokenTable: ~Copyable {
    @usableFromInline struct Entry: BitwiseCopyable {
        /// 0: there is none.
        @usableFromInline var token: UInt64
        @usableFromInline var slot: Netmem
        @usableFromInline var connection: UInt32
        /// The tokens of a connection are a circle, oldest first; `next` of a free straggler entry is the next free one.
        @usableFromInline var next: UInt32
        @usableFromInline var previous: UInt32

        @inlinable init(token: UInt64, slot: Netmem, connection: UInt32, next: UInt32, previous: UInt32) {
            self.token = token
            self.slot = slot
            self.connection = connection
            self.next = next
            self.previous = previous
        }

        @usableFromInline static var empty: Entry {
            Entry(token: 0, slot: Netmem(kind: .hostPage, pool: 0, index: 0), connection: 0, next: 0, previous: 0)
        }
    }

    /// Where the tokens of the connection at one place of the connection table begin.
    @usableFromInline struct Chain: BitwiseCopyable {
        @usableFromInline var connection: UInt32
        @usableFromInline var first: UInt32

        @inlinable init(connection: UInt32, first: UInt32) {
            self.connection = connection
            self.first = first
        }
    }

    /// Where a straggler went.
    @usableFromInline struct Straggler: BitwiseCopyable {
        @usableFromInline var token: UInt64
        @usableFromInline var entry: UInt32
    }

    /// The end of a chain, and no entry.
    @inlinable static var none: UInt32 { .max }

    /// The ring, then stragglers.
    @usableFromInline var entries: Slab<Entry>
    /// When each entry's token was issued.
    @usableFromInline var issued: Slab<UInt64>
    @usableFromInline var chains: Slab<Chain>
    @usableFromInline let mask: UInt64
    /// Tokens whose connection has ended or is unknown here: the chain of none.
    @usableFromInline var unattributed: UInt32
    /// Stragglers by number, those that came back included until the list is tidied.
    var order: Slab<Straggler>
    var orderFirst: Int
    var orderCount: Int
    var freeStraggler: UInt32
    @usableFromInline var nextNumber: UInt64
    /// What the next number was before some were withdrawn: what has left the ring for a number stays out of it.
    var highestNext: UInt64
    /// No token below is out.
    var floor: UInt64
    @usableFromInline var out: Int
    /// Tokens that may be out at once.
    public let limit: Int
    /// Returns of numbers that were returned before.
    public internal(set) var staleReturns: UInt64
    /// Returns of numbers that were never issued; stays at the largest number that there is.
    public internal(set) var unknownReturns: UInt64
    /// Tokens that were refused because ``limit`` were out.
    public internal(set) var refusals: UInt64

    /// - Parameters:
    ///   - capacity: tokens that are usually out at once, rounded up to a power of two.
    ///   - limit: tokens that may be out at once; by default the rounded capacity. Memory is taken for a token behind the
    ///     ring when there first is one.
    ///   - connections: places in the connection table, of which the lower 16 bits of a connection's id name one. Tokens of
    ///     places beyond belong to no connection.
    public init(capacity: Int, limit: Int? = nil, connections: Int = 1 << 16) {
        var size = 1
        while size < capacity { size *= 2 }
        let limit = max(limit ?? size, 1)
        entries = Slab(capacity: size + limit)
        issued = Slab(capacity: size + limit)
        for _ in 0..<size {
            entries.append(.empty)
            issued.append(0)
        }
        chains = Slab(
            count: min(max(connections, 0), 1 << 16), repeating: Chain(connection: 0, first: TokenTable.none))
        mask = UInt64(size - 1)
        unattributed = TokenTable.none
        order = Slab(capacity: 2 * limit)
        orderFirst = 0
        orderCount = 0
        freeStraggler = TokenTable.none
        nextNumber = 1
        highestNext = 1
        floor = 1
        out = 0
        self.limit = limit
        staleReturns = 0
        unknownReturns = 0
        refusals = 0
    }

    /// The number that the next delivery gets.
    @inlinable public var next: UInt64 { nextNumber }
    /// Tokens that are out.
    @inlinable public var outstanding: Int { out }
    /// Tokens that can be issued now: ask before a delivery of several parts, and none of them fails.
    @inlinable public var room: Int { limit &- out }

    // MARK: issue

    /// Issues the next token for a record on `slot`, at `time` in nanoseconds of the caller's clock.
    ///
    /// - Returns: `nil` when ``limit`` tokens are out: too many, until one comes back.
    @inlinable public mutating func issue(slot: Netmem, connection: UInt32, at time: UInt64) -> UInt64? {
        guard out < limit else { return refuse() }
        let token = nextNumber
        nextNumber &+= 1
        let index = Int(truncatingIfNeeded: token & mask)
        if entries[index].token != 0 { evict(index) }
        entries[index] = Entry(token: token, slot: slot, connection: connection, next: 0, previous: 0)
        issued[index] = time
        link(UInt32(truncatingIfNeeded: index), connection)
        out &+= 1
        return token
    }

    /// Issues the next token without a time; 0, which is no token, when too many are out.
    @inlinable public mutating func issue(slot: Netmem, connection: UInt32) -> UInt64 {
        issue(slot: slot, connection: connection, at: 0) ?? 0
    }

    /// Takes back the token issued last, which nobody has seen yet: its number is issued again. `nil` for any other.
    public mutating func withdraw(_ token: UInt64) -> Netmem? {
        let index = Int(truncatingIfNeeded: token & mask)
        guard token != 0, token == nextNumber &- 1, entries[index].token == token else { return nil }
        let slot = entries[index].slot
        remove(index)
        highestNext = max(highestNext, nextNumber)
        nextNumber = token
        return slot
    }

    @inline(never) @usableFromInline mutating func refuse() -> UInt64? {
        refusals &+= 1
        return nil
    }

    // MARK: take

    /// Takes a token back; each number counts once.
    @inlinable public mutating func take(_ token: UInt64) -> TokenReturn {
        let index = Int(truncatingIfNeeded: token & mask)
        // An empty entry holds 0, which is no token.
        if token != 0 && entries[index].token == token {
            let slot = entries[index].slot
            let connection = entries[index].connection
            remove(index)
            return .returned(slot, connection: connection)
        }
        return takeStraggler(token)
    }

    // MARK: chains

    /// Adds an entry at the end of its connection's chain.
    @inlinable mutating func link(_ index: UInt32, _ connection: UInt32) {
        let place = Int(connection & 0xFFFF)
        guard place < chains.count else { return linkUnattributed(index) }
        let first = chains[place].first
        if first != TokenTable.none && chains[place].connection == connection {
            let last = entries[Int(first)].previous
            entries[Int(index)].next = first
            entries[Int(index)].previous = last
            entries[Int(last)].next = index
            entries[Int(first)].previous = index
        } else {
            begin(place, index, connection)
        }
    }

    /// The first token of a connection.
    @inlinable mutating func begin(_ place: Int, _ index: UInt32, _ connection: UInt32) {
        // What a connection left behind that had this place before belongs to none.
        if chains[place].first != TokenTable.none { orphanChain(at: place) }
        chains[place] = Chain(connection: connection, first: index)
        entries[Int(index)].next = index
        entries[Int(index)].previous = index
    }

    /// Takes an entry out of its chain, and makes it an empty one.
    @inlinable mutating func remove(_ index: Int) {
        let me = UInt32(truncatingIfNeeded: index)
        let next = entries[index].next
        let previous = entries[index].previous
        entries[Int(previous)].next = next
        entries[Int(next)].previous = previous
        let place = Int(entries[index].connection & 0xFFFF)
        if place < chains.count && chains[place].first == me {
            chains[place].first = next == me ? TokenTable.none : next
        } else if unattributed == me {
            unattributed = next == me ? TokenTable.none : next
        }
        entries[index].token = 0
        out &-= 1
    }
}
