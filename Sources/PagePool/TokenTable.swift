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

/// The tokens of one holder: delivery sequence numbers from 1 on, never reused.
///
/// A ring indexed by the number covers recent deliveries; a token that is still out when the ring comes round again moves
/// to a small overflow list, so a consumer that holds one token for ever costs one entry and not a growing table.
/// Another holder's slots cannot be named: only numbers issued here mean anything here.
@frozen public struct TokenTable: ~Copyable {
    @usableFromInline struct Entry: BitwiseCopyable {
        @usableFromInline var token: UInt64
        @usableFromInline var slot: Netmem
        @usableFromInline var connection: UInt32
        @usableFromInline init(token: UInt64, slot: Netmem, connection: UInt32) {
            self.token = token
            self.slot = slot
            self.connection = connection
        }
    }

    @usableFromInline var entries: Slab<Entry>
    @usableFromInline let mask: UInt64
    @usableFromInline var stragglers: [UInt64: Entry]
    @usableFromInline var nextNumber: UInt64
    @usableFromInline var out: Int
    /// Returns of numbers that were returned before.
    public private(set) var staleReturns: UInt64
    /// Returns of numbers that were never issued.
    public private(set) var unknownReturns: UInt64

    /// - Parameter capacity: tokens that are usually out at once, rounded up to a power of two.
    public init(capacity: Int) {
        var size = 1
        while size < capacity { size *= 2 }
        // Token 0 is "none": an empty entry holds it.
        entries = Slab(
            count: size, repeating: Entry(token: 0, slot: Netmem(kind: .hostPage, pool: 0, index: 0), connection: 0))
        mask = UInt64(size - 1)
        stragglers = [:]
        nextNumber = 1
        out = 0
        staleReturns = 0
        unknownReturns = 0
    }

    /// The number that the next delivery gets.
    @inlinable public var next: UInt64 { nextNumber }
    /// Tokens that are out.
    @inlinable public var outstanding: Int { out }

    /// Issues the next token for a record on `slot`.
    @inlinable public mutating func issue(slot: Netmem, connection: UInt32) -> UInt64 {
        let token = nextNumber
        nextNumber &+= 1
        let index = Int(truncatingIfNeeded: token & mask)
        if entries[index].token != 0 { evict(index) }
        entries[index] = Entry(token: token, slot: slot, connection: connection)
        out &+= 1
        return token
    }

    /// Takes a token back; each number counts once.
    @inlinable public mutating func take(_ token: UInt64) -> TokenReturn {
        let index = Int(truncatingIfNeeded: token & mask)
        if token != 0 && entries[index].token == token {
            let entry = entries[index]
            entries[index].token = 0
            out &-= 1
            return .returned(entry.slot, connection: entry.connection)
        }
        return takeStraggler(token)
    }

    @inline(never) @usableFromInline mutating func evict(_ index: Int) {
        let entry = entries[index]
        stragglers[entry.token] = entry
    }

    @inline(never) @usableFromInline mutating func takeStraggler(_ token: UInt64) -> TokenReturn {
        if let entry = stragglers.removeValue(forKey: token) {
            out -= 1
            return .returned(entry.slot, connection: entry.connection)
        }
        if token == 0 || token >= nextNumber {
            unknownReturns += 1
            return .unknown
        }
        staleReturns += 1
        return .stale
    }
}
