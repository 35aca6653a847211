internal import DeviceMemory
internal import Packets

/// What tells flows of one local address apart: remote address, remote port and local port in one word.
struct FlowKey: Hashable, BitwiseCopyable {
    let rawValue: UInt64

    /// A flow over IPv6, by its keyed hash: below an address of 127.0.0.0/8, which no IPv4 flow comes from or goes to.
    init(hash: UInt64) { rawValue = hash & 0x00FF_FFFF_FFFF_FFFF | 127 &<< 56 }

    init(remote: IPv4Address, remotePort: UInt16, localPort: UInt16) {
        rawValue = UInt64(remote.rawValue) &<< 32 | UInt64(remotePort) &<< 16 | UInt64(localPort)
    }

    /// Port 0 never gets here, so no flow has this key.
    static var none: FlowKey { FlowKey(remote: .any, remotePort: 0, localPort: 0) }

    /// What the flow table knows a flow by: 32 bits that nobody outside can aim at.
    @inline(__always) func tag(_ hash: KeyedHash) -> UInt32 { UInt32(truncatingIfNeeded: hash.bucket(rawValue)) }
}

/// Finds connections by a keyed hash of their flow: open addressing with linear probing, at most half full, no tombstones.
///
/// An entry holds 32 bits of the hash, its tag, and the connection's place; whether the flow is the one looked for, the
/// connection itself says. The table doubles without a pause: a new one is put beside the old one, and every flow that opens
/// moves a few entries, whole runs of them, so that neither table has holes that a search would stop at. A flow is in one of
/// them, and searches that fail in the new one go on in the old one until that is empty.
struct FlowTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        var tag: UInt32
        /// One more than the connection's place; zero where there is none.
        var place: UInt32
    }

    /// Entries that one opening moves at least: the old table is empty long before the new one is half full.
    static var step: Int { 16 }

    private var current: FlowArea
    private var previous: FlowArea
    /// Entries are moved from the old table, and how far that has come.
    private(set) var isMoving = false
    private var moved = 0
    /// Flows in both tables.
    private(set) var count = 0
    /// Places of the old table that are still to be looked at.
    var unmoved: Int { isMoving ? previous.size - moved : 0 }

    /// - Parameter expecting: flows for which nothing need be moved.
    init(expecting: Int) {
        var size = 16
        while size < 2 * expecting && size < 1 << 24 { size *= 2 }
        current = FlowArea(size: size)
        previous = FlowArea(size: 0)
    }

    /// The next connection with `tag`, from position `at` on, which is the tag itself at first; -1 when there is none. Flows
    /// that were not moved yet are not among them: see ``nextUnmoved(_:_:)``.
    @inline(__always) func next(_ tag: UInt32, _ at: inout Int) -> Int { current.next(tag, &at) }

    /// As ``next(_:_:)``, in the table that entries are moved from; only while ``isMoving``.
    func nextUnmoved(_ tag: UInt32, _ at: inout Int) -> Int { previous.next(tag, &at) }

    /// Makes sure that one more flow fits, and moves what is due to be moved; false when there is no memory for a larger table.
    mutating func makeRoom() -> Bool {
        if isMoving { move(FlowTable.step) }
        if 2 * (count + 1) <= current.size { return true }
        let larger = FlowArea(size: max(2 * current.size, 16))
        guard larger.size > 0 else { return false }
        // Only removals and openings without an end could bring this about before the old table is empty.
        while isMoving { move(previous.size) }
        previous = exchange(&current, with: larger)
        moved = 0
        isMoving = previous.size > 0
        return true
    }

    /// Adds a flow that is not there; ``makeRoom()`` has said that it fits.
    mutating func insert(_ tag: UInt32, _ place: Int) {
        current.insert(Entry(tag: tag, place: UInt32(truncatingIfNeeded: place &+ 1)))
        count &+= 1
    }

    /// Removes a connection's flow, if it is there.
    mutating func remove(_ tag: UInt32, _ place: Int) {
        let entry = Entry(tag: tag, place: UInt32(truncatingIfNeeded: place &+ 1))
        if current.remove(entry) || (isMoving && previous.remove(entry)) { count &-= 1 }
    }

    /// Moves `entries` places of the old table at least, up to the end of a run.
    mutating func move(_ entries: Int) {
        var left = entries
        while moved < previous.size {
            let entry = previous.take(moved)
            if entry.place == 0 {
                // Nothing behind a gap was pushed past it: what is left is found from its own place on, or, at the end of the
                // table, from the run there, which is moved last.
                if left <= 0 { return }
            } else {
                current.insert(entry)
            }
            moved &+= 1
            left &-= 1
            // Not all at the end, which would be a pause.
            previous.forget(before: moved)
        }
        isMoving = false
    }
}

/// The entries of one table; a power of two of them, or none.
private struct FlowArea: ~Copyable {
    private var entries: GrowingSlab<FlowTable.Entry>
    private let mask: Int

    /// Entries are all zero bits when they are free, so a new table costs nothing before it is written to.
    init(size: Int) {
        entries = GrowingSlab(zeroed: size)
        mask = entries.count - 1
    }

    @inline(__always) var size: Int { entries.count }

    @inline(__always) func next(_ tag: UInt32, _ at: inout Int) -> Int {
        // Half of the entries are free, so the walk ends.
        while true {
            let entry = entries[at & mask]
            if entry.place == 0 { return -1 }
            at &+= 1
            if entry.tag == tag { return Int(entry.place) &- 1 }
        }
    }

    mutating func insert(_ entry: FlowTable.Entry) {
        var at = Int(entry.tag) & mask
        while entries[at].place != 0 { at = (at &+ 1) & mask }
        entries[at] = entry
    }

    /// Removes an entry and closes the gap by moving back what probed past it (Knuth, algorithm 6.4R); false when it is not there.
    mutating func remove(_ entry: FlowTable.Entry) -> Bool {
        var gap = Int(entry.tag) & mask
        while entries[gap].place != entry.place {
            if entries[gap].place == 0 { return false }
            gap = (gap &+ 1) & mask
        }
        var at = gap
        while true {
            at = (at &+ 1) & mask
            if entries[at].place == 0 { break }
            let wanted = Int(entries[at].tag) & mask
            if (at &- wanted) & mask >= (at &- gap) & mask {
                entries[gap] = entries[at]
                gap = at
            }
        }
        entries[gap] = FlowTable.Entry(tag: 0, place: 0)
        return true
    }

    /// Empties an entry and returns what it was.
    @inline(__always) mutating func take(_ at: Int) -> FlowTable.Entry {
        let entry = entries[at]
        entries[at].place = 0
        return entry
    }

    /// Gives the memory of entries that are empty from the first to `end` back, 64 KiB at a time.
    @inline(__always) mutating func forget(before end: Int) {
        if end & 0x1FFF == 0 && end > 0 { entries.forget(end &- 0x2000..<end) }
    }
}
