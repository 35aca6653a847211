internal import DeviceMemory
internal import HeaderSplit
internal import ClientKit
internal import PagePool
internal import TCPLite
public import Timeline

/// What need not be done every turn.
extension Engine where Driver: ~Copyable {
    /// How often ``poll(now:)`` looks after things: short against a person's patience, long against a turn.
    static var lookInterval: Interval { .milliseconds(1) }

    /// Frees regions that are drained, passes events of the stack on, and shows each application its counters.
    @inline(never) @usableFromInline mutating func look(_ now: Instant) {
        nextLook = now + Self.lookInterval
        reap()
        bookEmptyDrops()
        for owner in 0..<ports.count where openPorts[owner] {
            ports[owner].tellLate()
            passEvents(owner)
            ports[owner].showCounters()
            showRegion(owner)
            ports[owner].publish()
        }
    }

    /// Frames that queues dropped for want of a slot: the stack never sees them. Each is booked with whom the queue served when
    /// it was dropped, so this is done before a queue changes hands too; its own count goes on from one to the next.
    mutating func bookEmptyDrops() {
        for queue in 1..<queues.count {
            let dropped = queues[queue].statistics.noReplacement
            let fresh = dropped &- emptyDropsSeen[queue]
            guard fresh != 0 else { continue }
            emptyDropsSeen[queue] = dropped
            let owner = regions[poolOfQueue[queue]].owner
            guard poolOfQueue[queue] != 0, isPortOpen(owner) else { continue }
            ports[owner].emptyDrops &+= fresh
            stack.note(.poolEmpty, owner: owner, count: fresh)
        }
    }

    private mutating func passEvents(_ owner: Int) {
        let again = ports[owner].rearmed
        if again != 0 {
            ports[owner].rearmed = 0
            stack.rearm(owner: owner)
        }
        while let event = stack.nextOwnerEvent(owner: owner) {
            switch event {
            case .exhausted(let slots): ports[owner].tell(.exhausted, number: UInt64(clamping: slots))
            case .low(_, let lasting): ports[owner].tell(.exhaustionAhead, number: lasting?.nanoseconds ?? .max)
            case .overQuota: ports[owner].tell(.exhausted)
            case .stalled(let connection, let since):
                ports[owner].tell(.stalled, connection: connection.rawValue, number: since.nanoseconds)
            case .misplaced(let reason, _):
                ports[owner].tell(.landedElsewhere, number: UInt64(counter(of: reason).rawValue))
            }
        }
        if ports[owner].tokens.room < 2 {
            ports[owner].tell(.tooManyTokens, number: UInt64(ports[owner].tokens.outstanding))
        }
    }

    private func counter(of reason: Misplacement) -> ChannelCounters.Counter {
        switch reason {
        case .unsplit: .notSplit
        case .unverified: .unverified
        case .foreignPool: .misplaced
        case .headerOverflow: .headerOverflows
        case .poolEmpty: .dropsWithoutSlot
        }
    }

    private mutating func showRegion(_ owner: Int) {
        let counters = ports[owner].channel.counters
        var (slots, free) = (0, 0)
        for place in 1..<regions.count where regions[place].owner == owner && regions[place].state != .vacant {
            slots += pools.pools[place].slotCount
            free += pools.pools[place].freeCount
        }
        counters[.slots] = UInt64(slots)
        counters[.slotsFree] = UInt64(free)
        counters[.dropsWithoutSlot] = ports[owner].emptyDrops
        if let info = stack.info(owner: owner) {
            counters[.notSplit] = info.misplacements.unsplit
            counters[.unverified] = info.misplacements.unverified
            counters[.misplaced] = info.misplacements.foreignPool
            counters[.headerOverflows] = info.misplacements.headerOverflow
        }
    }
}
