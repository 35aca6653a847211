internal import DeviceMemory
internal import Packets
internal import Timeline

/// What is known of one neighbour.
struct Neighbour: BitwiseCopyable {
    enum State: UInt8 {
        case free
        /// Nothing known, requests going out.
        case asking
        /// Known and fresh.
        case known
        /// Known and still used while requests ask whether it is still true.
        case refreshing
    }

    var state = State.free
    var address = InternetAddress(IPv4Address.any)
    var mac = MACAddress.zero
    var tags = LinkTags.none
    var attempts = 0
    /// Next request, or end of freshness.
    var due = Instant.never
    /// Somebody sent to it since it was last confirmed.
    var isUsed = false
    var lastUsed = Instant.zero
}

/// What ARP and neighbour discovery have found out: a fixed table, searched on control paths only, because connections remember their entry.
struct NeighbourTable: ~Copyable {
    private var entries: Slab<Neighbour>
    /// When the first entry wants attention.
    private(set) var nextDue = Instant.never

    init(capacity: Int) { entries = Slab(count: max(capacity, 1), repeating: Neighbour()) }

    /// The hardware address of `address` by the entry remembered at `index`; `nil` when that is not (or no longer) known.
    @inline(__always) mutating func lookUp(_ index: Int32, _ address: InternetAddress) -> MACAddress? {
        guard index >= 0 else { return nil }
        let i = Int(index)
        guard entries[i].address == address, entries[i].state.rawValue >= Neighbour.State.known.rawValue else {
            return nil
        }
        entries[i].isUsed = true
        return entries[i].mac
    }

    /// The entry of `address`, asking for it when it is new.
    mutating func entry(for address: InternetAddress, tags: LinkTags, now: Instant) -> Int32 {
        for i in 0..<entries.count where entries[i].state != .free && entries[i].address == address {
            entries[i].lastUsed = now
            return Int32(i)
        }
        let place = victim()
        entries[place] = Neighbour(state: .asking, address: address, tags: tags, due: now, lastUsed: now)
        updateDue()
        return Int32(place)
    }

    /// Takes in what an ARP packet said; true when an address became known that was not, whether it was being asked for or
    /// had been given up. Addresses that nobody asked for are added only if `create` (RFC 826: the packet was for us).
    mutating func learn(
        _ address: InternetAddress, _ mac: MACAddress, tags: LinkTags, create: Bool, now: Instant, lifetime: Interval
    ) -> Bool {
        var place = -1
        for i in 0..<entries.count where entries[i].state != .free && entries[i].address == address { place = i }
        let isNew = place < 0
        if isNew {
            guard create else { return false }
            place = victim()
        }
        let wasUnknown = isNew || entries[place].state == .asking
        entries[place] = Neighbour(
            state: .known, address: address, mac: mac, tags: tags, due: now + lifetime, lastUsed: now)
        updateDue()
        return wasUnknown
    }

    /// Takes in what a neighbour discovery message said (RFC 4861, sections 7.2.3 and 7.2.5); true when an address became known
    /// that was not.
    ///
    /// What is known and not confirmed is used, but only so long (`doubt`) before it is asked for, if it is used at all: the
    /// RFC's STALE, DELAY and PROBE.
    /// - Parameters:
    ///   - create: whether an address is added that nobody asked for.
    ///   - isConfirmed: in answer to a solicitation of ours, so that both directions are known to work.
    ///   - overrides: whether it is believed against what is known.
    mutating func hear(
        _ address: InternetAddress, _ mac: MACAddress?, tags: LinkTags, create: Bool, isConfirmed: Bool,
        overrides: Bool,
        now: Instant, lifetime: Interval, doubt: Interval
    ) -> Bool {
        defer { updateDue() }
        var place = -1
        for i in 0..<entries.count where entries[i].state != .free && entries[i].address == address { place = i }
        if place < 0 || entries[place].state == .asking {
            guard let mac, place >= 0 || create else { return false }
            if place < 0 { place = victim() }
            entries[place] = Neighbour(
                state: .known, address: address, mac: mac, tags: tags, due: now + (isConfirmed ? lifetime : doubt),
                lastUsed: now)
            return true
        }
        let differs = mac != nil && mac != entries[place].mac
        if differs && !overrides {
            if entries[place].state == .known { entries[place].due = min(entries[place].due, now + doubt) }
            return false
        }
        guard isConfirmed || differs else { return false }
        if let mac { entries[place].mac = mac }
        entries[place].tags = tags
        entries[place].state = .known
        entries[place].isUsed = false
        entries[place].due = now + (isConfirmed ? lifetime : doubt)
        return false
    }

    /// The next entry that is due and wants a request, its state moved on; `nil` when none is.
    mutating func nextRequest(now: Instant, retry: Interval, attempts: Int) -> Neighbour? {
        guard nextDue <= now else { return nil }
        defer { updateDue() }
        for i in 0..<entries.count where entries[i].state != .free && entries[i].due <= now {
            switch entries[i].state {
            case .known where !entries[i].isUsed:
                entries[i] = Neighbour()
                continue
            case .known:
                entries[i].state = .refreshing
                entries[i].attempts = 0
            default: break
            }
            if entries[i].attempts >= attempts {
                entries[i] = Neighbour()
                continue
            }
            entries[i].attempts += 1
            entries[i].due = now + retry
            return entries[i]
        }
        return nil
    }

    private mutating func updateDue() {
        var due = Instant.never
        for i in 0..<entries.count where entries[i].state != .free { due = min(due, entries[i].due) }
        nextDue = due
    }

    /// A free place; else one that nobody has sent to since it was confirmed, else one that is known, else one that is being
    /// asked for; among equals the one looked for longest ago. A flood of requests from strangers replaces strangers first.
    private func victim() -> Int {
        var best = 0
        for i in 0..<entries.count {
            if entries[i].state == .free { return i }
            let order = (rank(i), entries[i].lastUsed)
            if order < (rank(best), entries[best].lastUsed) { best = i }
        }
        return best
    }

    private func rank(_ i: Int) -> Int { entries[i].state == .asking ? 2 : entries[i].isUsed ? 1 : 0 }
}
