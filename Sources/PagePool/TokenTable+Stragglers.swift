internal import DeviceMemory

extension TokenTable {
    /// Moves a token that is still out behind the ring.
    @inline(never) @usableFromInline mutating func evict(_ index: Int) {
        let entry = entries[index]
        let me = UInt32(truncatingIfNeeded: index)
        let new: UInt32
        if freeStraggler != TokenTable.none {
            new = freeStraggler
            freeStraggler = entries[Int(new)].next
            entries[Int(new)] = entry
            issued[Int(new)] = issued[index]
        } else {
            // There is room: at most `limit` tokens are out, and one of them is about to be this one.
            new = UInt32(entries.count)
            entries.append(entry)
            issued.append(issued[index])
        }
        if entry.next == me {
            entries[Int(new)].next = new
            entries[Int(new)].previous = new
        } else {
            entries[Int(entry.previous)].next = new
            entries[Int(entry.next)].previous = new
        }
        let place = Int(entry.connection & 0xFFFF)
        if place < chains.count && chains[place].first == me {
            chains[place].first = new
        } else if unattributed == me {
            unattributed = new
        }
        entries[index].token = 0
        remember(Straggler(token: entry.token, entry: new))
    }

    @inline(never) @usableFromInline mutating func takeStraggler(_ token: UInt64) -> TokenReturn {
        let place = firstStraggler(from: token)
        if place < orderCount, order[place].token == token, isOut(order[place]) {
            let held = pop(order[place].entry)
            return .returned(held.slot, connection: held.connection)
        }
        if token == 0 || token >= nextNumber {
            countUnknown(1)
            return .unknown
        }
        staleReturns &+= 1
        return .stale
    }

    /// Whether a straggler is still out: its entry may have been freed, and given to another.
    func isOut(_ straggler: Straggler) -> Bool { entries[Int(straggler.entry)].token == straggler.token }

    mutating func freeStragglerEntry(_ index: UInt32) {
        entries[Int(index)].next = freeStraggler
        freeStraggler = index
    }

    /// Where in the order the first straggler of at least `token` stands.
    func firstStraggler(from token: UInt64) -> Int {
        var low = orderFirst
        var high = orderCount
        while low < high {
            let middle = (low + high) / 2
            if order[middle].token < token { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Appends to the order, which stays sorted because tokens leave the ring in the order of their numbers.
    private mutating func remember(_ straggler: Straggler) {
        if orderCount == 2 * limit { tidy() }
        if orderCount < order.count { order[orderCount] = straggler } else { order.append(straggler) }
        orderCount += 1
    }

    /// Drops from the order what came back: at least half of it, once in as many evictions.
    private mutating func tidy() {
        var kept = 0
        for i in orderFirst..<orderCount where isOut(order[i]) {
            order[kept] = order[i]
            kept += 1
        }
        orderFirst = 0
        orderCount = kept
    }
}
