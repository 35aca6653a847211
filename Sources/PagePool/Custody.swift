internal import DeviceMemory

/// Which slots of a pool the tokens of all holders stand for: filled by ``TokenTable/tally(into:)`` of each table.
public struct SlotTally: ~Copyable {
    /// The pool.
    public let pool: UInt16
    var held: Slab<UInt32>
    var orphaned: Slab<UInt32>

    /// An empty tally of `pool`.
    public init(of pool: borrowing PagePool) {
        self.pool = pool.identifier
        held = Slab(count: pool.slotCount, repeating: 0)
        orphaned = Slab(count: pool.slotCount, repeating: 0)
    }
}

/// What became of the slots that applications hold. "Leak" means one thing only: nobody is left who could return it.
public struct Custody: Sendable, Hashable {
    /// Slots with a token of a connection that lives.
    public var held = 0
    /// Slots all of whose tokens belong to connections that ended, and can still be returned.
    public var orphaned = 0
    /// Slots with more references of applications than there are tokens for.
    public var leaked: [UInt32] = []
    /// Slots with more tokens than references of applications.
    public var overdrawn: [UInt32] = []

    /// Nothing is out.
    public init() {}
}

extension TokenTable {
    /// Adds every token that is out to `tally`. O(capacity), for audits.
    public func tally(into tally: inout SlotTally) {
        func isOf(_ slot: Netmem) -> Bool { slot.pool == tally.pool && Int(slot.index) < tally.held.count }
        forEachOut { _, entry in if isOf(entry.slot) { tally.held[Int(entry.slot.index)] += 1 } }
        guard unattributed != TokenTable.none else { return }
        var index = unattributed
        repeat {
            let entry = entries[Int(index)]
            if isOf(entry.slot) {
                tally.held[Int(entry.slot.index)] -= 1
                tally.orphaned[Int(entry.slot.index)] += 1
            }
            index = entry.next
        } while index != unattributed
    }
}

extension PagePool {
    /// Compares the references of applications with the tokens of all holders. O(slots), for audits.
    public func custody(_ tally: borrowing SlotTally) -> Custody {
        var custody = Custody()
        for slot in 0..<slotCount {
            let references = Int(holders[slot].application)
            let tokens = Int(tally.held[slot] + tally.orphaned[slot])
            if references > tokens { custody.leaked.append(UInt32(slot)) }
            if references < tokens { custody.overdrawn.append(UInt32(slot)) }
            if tally.held[slot] != 0 {
                custody.held += 1
            } else if tally.orphaned[slot] != 0 {
                custody.orphaned += 1
            }
        }
        return custody
    }
}
