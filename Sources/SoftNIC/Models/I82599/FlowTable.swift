internal import DeviceMemory

/// The flow director's perfect-match filters: lists in buckets, as the device keeps them in its packet buffer.
struct FlowTable: ~Copyable {
    /// A filter: what a frame must be, and where it goes then.
    struct Entry: BitwiseCopyable, Hashable {
        var flowType: UInt32 = 0
        var source: UInt32 = 0
        var destination: UInt32 = 0
        /// Destination port above source port.
        var ports: UInt32 = 0
        var vlan: UInt32 = 0
        var bucket: UInt32 = 0
        /// The name that software gave it.
        var identifier: UInt32 = 0
        var queue = 0
        var drops = false
        /// The next one in its bucket, or in the list of free ones, from 1; 0 is the end.
        var next = 0
    }

    private var heads: Slab<UInt16>
    private var entries: Slab<Entry>
    private var firstFree = 0
    /// Entries that are not in use.
    private(set) var free = 0

    private static var buckets: Int { 8192 }

    init() {
        heads = Slab(count: Self.buckets, repeating: 0)
        entries = Slab(count: 0, repeating: Entry())
    }

    /// Filters that fit.
    var capacity: Int { entries.count }

    /// Whether there is a filter at all.
    var isEmpty: Bool { free == entries.count }

    /// Forgets all filters; control path.
    mutating func clear(capacity: Int) {
        if entries.count != capacity { entries = Slab(count: capacity, repeating: Entry()) }
        for i in 0..<heads.count { heads[i] = 0 }
        for i in 0..<capacity {
            entries[i] = Entry()
            entries[i].next = i + 1 < capacity ? i + 2 : 0
        }
        firstFree = capacity > 0 ? 1 : 0
        free = capacity
    }

    /// Adds a filter to its bucket, or changes the one of that name there; false when the table is full.
    mutating func add(_ entry: Entry) -> Bool {
        let bucket = Int(entry.bucket)
        var place = find(bucket, entry.identifier)
        if place == 0 {
            guard firstFree != 0 else { return false }
            place = firstFree
            firstFree = entries[place - 1].next
            free -= 1
            entries[place - 1] = entry
            entries[place - 1].next = Int(heads[bucket])
            heads[bucket] = UInt16(truncatingIfNeeded: place)
            return true
        }
        let next = entries[place - 1].next
        entries[place - 1] = entry
        entries[place - 1].next = next
        return true
    }

    /// Whether the bucket has a filter of that name.
    func contains(_ bucket: UInt32, _ identifier: UInt32) -> Bool { find(Int(bucket), identifier) != 0 }

    /// Removes the filter of that name from the bucket, if it is there.
    mutating func remove(_ bucket: UInt32, _ identifier: UInt32) {
        let place = find(Int(bucket), identifier)
        guard place != 0 else { return }
        let next = entries[place - 1].next
        if Int(heads[Int(bucket)]) == place {
            heads[Int(bucket)] = UInt16(truncatingIfNeeded: next)
        } else {
            var before = Int(heads[Int(bucket)])
            while entries[before - 1].next != place { before = entries[before - 1].next }
            entries[before - 1].next = next
        }
        entries[place - 1] = Entry()
        entries[place - 1].next = firstFree
        firstFree = place
        free += 1
    }

    /// The first filter of the bucket that `wanted` meets, by all that says what a frame must be.
    func match(_ wanted: Entry, _ masks: FlowMasks) -> Entry? {
        var place = Int(heads[Int(wanted.bucket)])
        while place != 0 {
            let entry = entries[place &- 1]
            if masks.apply(entry) == wanted { return entry }
            place = entry.next
        }
        return nil
    }

    private func find(_ bucket: Int, _ identifier: UInt32) -> Int {
        var place = Int(heads[bucket])
        while place != 0 && entries[place - 1].identifier != identifier { place = entries[place - 1].next }
        return place
    }
}

/// What of a flow counts: FDIRM, FDIRSIP4M, FDIRDIP4M, FDIRTCPM and FDIRUDPM, for all filters alike.
struct FlowMasks: BitwiseCopyable {
    var source: UInt32 = 0
    var destination: UInt32 = 0
    var tcpPorts: UInt32 = 0
    var udpPorts: UInt32 = 0
    var vlan: UInt32 = 0
    var flowType: UInt32 = 0

    /// What is left of a flow: all that says what a frame must be, and its bucket, but neither name nor goal.
    func apply(_ flow: FlowTable.Entry) -> FlowTable.Entry {
        var left = FlowTable.Entry()
        left.flowType = flow.flowType & flowType
        left.source = flow.source & source
        left.destination = flow.destination & destination
        switch flow.flowType {
        case 1: left.ports = flow.ports & udpPorts
        case 2: left.ports = flow.ports & tcpPorts
        default: left.ports = flow.ports
        }
        left.vlan = flow.vlan & vlan
        left.bucket = flow.bucket
        return left
    }
}
