internal import DeviceMemory
internal import Timeline

/// When which connection wants to be looked at: a binary heap with one entry a connection, in storage that grows
/// with the connections.
///
/// An entry may be earlier than what its connection really waits for: moving a deadline back costs nothing, the
/// connection is looked at once too often and enters again. That is what makes restarting a timer on every ACK free.
struct DeadlineHeap: ~Copyable {
    struct Entry: BitwiseCopyable {
        var due: Instant
        var connection: Int32
    }

    private var entries: GrowingSlab<Entry>
    private var places: GrowingSlab<Int32>
    private(set) var count = 0

    init(capacity: Int) {
        entries = GrowingSlab(capacity: capacity)
        places = GrowingSlab(capacity: capacity)
    }

    /// Makes room for connections up to `count`; false when there is no memory.
    mutating func grow(to count: Int) -> Bool {
        entries.grow(to: count, repeating: Entry(due: .never, connection: 0)) && places.grow(to: count, repeating: -1)
    }

    /// The earliest entry's time; ``Timeline/Instant/never`` when there is none.
    var earliest: Instant { count == 0 ? .never : entries[0].due }

    /// Makes sure that `connection` is looked at by `due`.
    @inline(__always) mutating func require(_ connection: Int, by due: Instant) {
        let place = places[connection]
        if place >= 0 && entries[Int(place)].due <= due { return }
        if due == .never { return }
        set(connection, due)
    }

    /// Removes and returns the connection of the earliest entry if that is due at `now`; -1 otherwise.
    mutating func popDue(_ now: Instant) -> Int {
        guard count > 0, entries[0].due <= now else { return -1 }
        let connection = Int(entries[0].connection)
        remove(connection)
        return connection
    }

    /// Forgets a connection.
    mutating func remove(_ connection: Int) {
        let place = Int(places[connection])
        guard place >= 0 else { return }
        places[connection] = -1
        count -= 1
        if place == count { return }
        let moved = entries[count]
        entries[place] = moved
        places[Int(moved.connection)] = Int32(place)
        siftUp(place)
        siftDown(Int(places[Int(moved.connection)]))
    }

    @inline(never) private mutating func set(_ connection: Int, _ due: Instant) {
        var place = Int(places[connection])
        if place < 0 {
            place = count
            count += 1
        }
        entries[place] = Entry(due: due, connection: Int32(connection))
        places[connection] = Int32(place)
        siftUp(place)
    }

    private mutating func siftUp(_ start: Int) {
        var at = start
        let entry = entries[at]
        while at > 0, entry.due < entries[(at - 1) / 2].due {
            entries[at] = entries[(at - 1) / 2]
            places[Int(entries[at].connection)] = Int32(at)
            at = (at - 1) / 2
        }
        entries[at] = entry
        places[Int(entry.connection)] = Int32(at)
    }

    private mutating func siftDown(_ start: Int) {
        var at = start
        let entry = entries[at]
        while 2 * at + 1 < count {
            var child = 2 * at + 1
            if child + 1 < count, entries[child + 1].due < entries[child].due { child += 1 }
            if entry.due <= entries[child].due { break }
            entries[at] = entries[child]
            places[Int(entries[at].connection)] = Int32(at)
            at = child
        }
        entries[at] = entry
        places[Int(entry.connection)] = Int32(at)
    }
}
