internal import DeviceMemory

/// How long the tokens of one holder have been out.
public struct TokenAges: Sendable, Hashable {
    /// Tokens by age: place `n` counts ages of at least 2^n and below 2^(n+1) nanoseconds, place 0 those below 2 as well.
    public var histogram = [Int](repeating: 0, count: 64)
    /// Tokens that are out.
    public var count = 0
    /// The token that has been out longest.
    public var oldest: HeldToken?
    /// Its age in nanoseconds.
    public var oldestAge: UInt64 = 0

    /// No tokens.
    public init() {}
}

extension TokenTable {
    /// The ages of all tokens that are out, at `now` in nanoseconds of the clock of their issue; a token from the future is
    /// new. O(capacity), for reports.
    public func ages(now: UInt64) -> TokenAges {
        var ages = TokenAges()
        forEachOut { index, entry in
            let age = now > issued[index] ? now - issued[index] : 0
            ages.histogram[age == 0 ? 0 : 63 - age.leadingZeroBitCount] += 1
            ages.count += 1
            // Of two of one age, the lower number is the older.
            if let oldest = ages.oldest {
                guard age > ages.oldestAge || (age == ages.oldestAge && entry.token < oldest.token) else { return }
            }
            ages.oldest = HeldToken(token: entry.token, slot: entry.slot, connection: entry.connection)
            ages.oldestAge = age
        }
        return ages
    }

    /// When the token was issued that has been out longest, in nanoseconds of the clock of its issue; `nil` when none is out.
    ///
    /// A client may ask as often as it likes: numbers that have come back are passed over once, not each time.
    public mutating func oldestIssue() -> UInt64? {
        while floor < nextNumber {
            let ring = nextNumber &- min(nextNumber, mask &+ 1)
            if floor >= ring {
                let index = Int(truncatingIfNeeded: floor & mask)
                if entries[index].token == floor { return issued[index] }
                floor &+= 1
            } else {
                let place = firstStraggler(from: floor)
                guard place < orderCount, order[place].token < ring else {
                    floor = ring
                    continue
                }
                floor = order[place].token
                if isOut(order[place]) { return issued[Int(order[place].entry)] }
                floor &+= 1
            }
        }
        return nil
    }

    /// Hands every token that is out to `body`, in no order.
    func forEachOut(_ body: (Int, Entry) -> Void) {
        for index in 0..<entries.count where entries[index].token != 0 { body(index, entries[index]) }
    }
}
