internal import DeviceMemory

/// What is wrong with a slot's books.
public enum SlotFaultKind: Sendable, Hashable {
    /// On a free list, and somebody holds it.
    case freeWhileHeld
    /// On free lists more than once.
    case freeTwice
    /// Nobody holds it, and it is on no free list.
    case lost
    /// In a ring, and in a second place.
    case sharedWithRing
}

/// A slot whose books are wrong.
public struct SlotFault: Sendable, Hashable {
    /// The slot.
    public var slot: UInt32
    /// What is wrong.
    public var kind: SlotFaultKind
    /// Who holds it according to the books.
    public var holders: SlotHolders
}

extension PagePool {
    /// Holders of one slot; nobody for a slot that does not exist.
    public func holders(of slot: UInt32) -> SlotHolders {
        Int(slot) < holders.count ? holders[Int(slot)] : SlotHolders()
    }

    /// Counts every slot by primary holder; O(slots), for reports and audits.
    public func ledger() -> Ledger {
        var ledger = Ledger()
        ledger.total = usable
        for slot in 0..<slotCount { ledger.count(holders[slot]) }
        // Counted, not derived: a slot that left every holder without reaching the free list breaks the balance.
        ledger.pool = free
        return ledger
    }

    /// References of all slots together, by holder. Against what the holders themselves count, this is the other half of
    /// the law.
    public func references() -> (ring: Int, stack: Int, transmit: Int, application: Int) {
        var sum = (ring: 0, stack: 0, transmit: 0, application: 0)
        for slot in 0..<slotCount {
            let held = holders[slot]
            sum.ring += Int(held.ring)
            sum.stack += Int(held.stack)
            sum.transmit += Int(held.transmit)
            sum.application += Int(held.application)
        }
        return sum
    }

    /// Compares the books of every slot with the free lists: the cache, the pool's own and the provider's. O(slots).
    public func audit() -> [SlotFault] {
        var listed = Slab<UInt8>(count: slotCount, repeating: 0)
        func list(_ slot: UInt32) { if listed[Int(slot)] < 2 { listed[Int(slot)] += 1 } }
        for i in 0..<cached { list(cache[i]) }
        for i in 0..<spareCount { list(spare[i]) }
        provider.forEachFree(list)
        var faults: [SlotFault] = []
        var lost: [SlotFault] = []
        for slot in 0..<slotCount {
            let held = holders[slot]
            func fault(_ kind: SlotFaultKind) -> SlotFault {
                SlotFault(slot: UInt32(slot), kind: kind, holders: held)
            }
            if held.ring != 0 && !held.isPosted { faults.append(fault(.sharedWithRing)) }
            if listed[slot] > 1 { faults.append(fault(.freeTwice)) }
            if listed[slot] != 0 && !held.isFree { faults.append(fault(.freeWhileHeld)) }
            if listed[slot] == 0 && held.isFree { lost.append(fault(.lost)) }
        }
        // Slots of huge pages that were given up are on no list, and none is lost.
        return faults + lost.filter { !provider.isGivenAway($0.slot) }
    }
}
