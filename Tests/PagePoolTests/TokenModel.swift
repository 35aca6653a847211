import PagePool

/// What a token table must do, in the plainest way: a dictionary of what is out.
struct TokenModel {
    struct Held: Equatable {
        var slot: Netmem
        var connection: UInt32
        /// Its connection has ended, or never had a place.
        var isOrphan: Bool
    }

    let limit: Int
    let connections: Int
    var next: UInt64 = 1
    var out: [UInt64: Held] = [:]
    var stale: UInt64 = 0
    var unknown: UInt64 = 0

    mutating func issue(_ slot: Netmem, _ connection: UInt32) -> UInt64? {
        guard out.count < limit else { return nil }
        let place = connection & 0xFFFF
        // A connection whose place another one takes is gone.
        for (token, held) in out where held.connection & 0xFFFF == place && held.connection != connection {
            out[token]?.isOrphan = true
        }
        out[next] = Held(slot: slot, connection: connection, isOrphan: Int(place) >= connections)
        next += 1
        return next - 1
    }

    mutating func take(_ token: UInt64) -> TokenReturn {
        if let held = out.removeValue(forKey: token) { return .returned(held.slot, connection: held.connection) }
        if token == 0 || token >= next {
            addUnknown(1)
            return .unknown
        }
        stale &+= 1
        return .stale
    }

    private mutating func addUnknown(_ count: UInt64) { unknown = count > .max - unknown ? .max : unknown + count }

    /// Tokens of a range that are out, lowest first; what is not is counted.
    mutating func take(start: UInt64, count: UInt64) -> [UInt64] {
        let (end, overflow) = start.addingReportingOverflow(count)
        let last = overflow ? .max : end
        let taken = out.keys.filter { $0 >= start && $0 < last }.sorted()
        let issued = min(last, next) - min(max(start, 1), min(last, next))
        stale &+= issued - UInt64(taken.count)
        addUnknown(last - start - issued)
        for token in taken { out[token] = nil }
        return taken
    }

    mutating func take(upTo token: UInt64) -> [UInt64] {
        if token >= next { addUnknown(1) }
        let taken = out.keys.filter { $0 <= token }.sorted()
        for token in taken { out[token] = nil }
        return taken
    }

    func held(by connection: UInt32) -> [UInt64] {
        out.filter { $0.value.connection == connection && !$0.value.isOrphan }.keys.sorted()
    }
}
