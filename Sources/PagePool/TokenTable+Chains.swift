internal import DeviceMemory

extension TokenTable {
    /// Takes back the oldest token that `connection` holds; `nil` when it holds none. For a binding whose tokens belong to
    /// their connection: call it until it says `nil`, or as often as there is time, when the connection ends (S2.15).
    public mutating func popHeld(by connection: UInt32) -> HeldToken? {
        let place = Int(connection & 0xFFFF)
        guard place < chains.count, chains[place].connection == connection, chains[place].first != TokenTable.none
        else { return nil }
        return pop(chains[place].first)
    }

    /// Takes back the oldest token of all; `nil` when none is out. For the death of an application, or the end of a binding:
    /// all calls together cost what the tokens that are out cost.
    public mutating func popAny() -> HeldToken? {
        var everything = ReturnWork(next: floor, end: nextNumber, isCumulative: true)
        var budget = Int.max
        return next(of: &everything, budget: &budget)
    }

    /// Leaves the tokens of a connection that ended with whoever holds them, for a binding whose tokens survive it: they can
    /// be returned as before, and no later connection of the same place is taken for theirs.
    public mutating func orphan(_ connection: UInt32) {
        let place = Int(connection & 0xFFFF)
        guard place < chains.count, chains[place].connection == connection, chains[place].first != TokenTable.none
        else { return }
        orphanChain(at: place)
    }

    /// Tokens that `connection` holds. Walks them.
    public func held(by connection: UInt32) -> Int {
        let place = Int(connection & 0xFFFF)
        guard place < chains.count, chains[place].connection == connection else { return 0 }
        return count(chains[place].first)
    }

    /// Tokens that are out and whose connection has ended, or has no place here. Walks them.
    public var orphaned: Int { count(unattributed) }

    mutating func pop(_ index: UInt32) -> HeldToken {
        let entry = entries[Int(index)]
        remove(Int(index))
        if Int(index) > Int(mask) { freeStragglerEntry(index) }
        return HeldToken(token: entry.token, slot: entry.slot, connection: entry.connection)
    }

    private func count(_ first: UInt32) -> Int {
        guard first != TokenTable.none else { return 0 }
        var count = 1
        var index = entries[Int(first)].next
        while index != first {
            count += 1
            index = entries[Int(index)].next
        }
        return count
    }

    /// Joins the circle of a connection that is gone to that of none.
    @inline(never) @usableFromInline mutating func orphanChain(at place: Int) {
        let mine = chains[place].first
        chains[place].first = TokenTable.none
        guard unattributed != TokenTable.none else {
            unattributed = mine
            return
        }
        let last = entries[Int(unattributed)].previous
        let myLast = entries[Int(mine)].previous
        entries[Int(last)].next = mine
        entries[Int(mine)].previous = last
        entries[Int(myLast)].next = unattributed
        entries[Int(unattributed)].previous = myLast
    }

    /// Adds an entry at the end of the chain of none.
    @inline(never) @usableFromInline mutating func linkUnattributed(_ index: UInt32) {
        guard unattributed != TokenTable.none else {
            unattributed = index
            entries[Int(index)].next = index
            entries[Int(index)].previous = index
            return
        }
        let last = entries[Int(unattributed)].previous
        entries[Int(index)].next = unattributed
        entries[Int(index)].previous = last
        entries[Int(last)].next = index
        entries[Int(unattributed)].previous = index
    }
}
