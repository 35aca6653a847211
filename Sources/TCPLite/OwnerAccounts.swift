internal import DeviceMemory
internal import Timeline

/// What is looked at from time to time: how long slots are held, how fast they go, and who has stopped taking data.
extension TCPStack {
    /// How often. Short against the second that a forecast must be ahead, and long against a burst.
    static var accountingPeriod: Interval { .milliseconds(10) }

    /// Looks at all owners that want it.
    @inline(never) mutating func account(_ now: Instant) {
        let elapsed = accountedAt == .zero ? Interval.zero : now - accountedAt
        accountedAt = now
        var isWatching = false
        var scans = false
        accountsWake = .never
        for owner in 0..<configuration.owners where owners[owner].isWatched {
            isWatching = true
            accountQuota(owner, elapsed)
            accountUse(owner, elapsed)
            if owners[owner].configuration.stallAfter > .zero { scans = true }
            if reassembly.budgets[owner].inUse > 0 || owners[owner].quotaLevel > 0
                || reassembly.budgets[owner].blocks > 0
            {
                accountsWake = now + TCPStack.accountingPeriod
            }
        }
        accountsDue = isWatching ? now + TCPStack.accountingPeriod : .never
        if scans { accountStalls(elapsed) }
    }

    /// The leaky bucket over slots held and time.
    private mutating func accountQuota(_ owner: Int, _ elapsed: Interval) {
        guard let quota = owners[owner].configuration.quota else { return }
        let time = min(elapsed.nanoseconds, 60_000_000_000)
        let inUse = reassembly.budgets[owner].inUse
        let average = max(quota.averageSlots, 0)
        let burst = UInt64(max(quota.burstSlotSeconds, 0)).multipliedReportingOverflow(by: 1_000_000_000)
        let limit = burst.overflow ? UInt64.max / 2 : min(burst.partialValue, .max / 2)
        var level = owners[owner].quotaLevel
        if inUse > average {
            // Not above twice the burst: an owner that held slots for an hour is not shut out for the next.
            level = min(level &+ UInt64(inUse - average) &* time, limit &* 2)
        } else {
            level -= min(level, UInt64(average - inUse) &* time)
        }
        owners[owner].quotaLevel = level
        let wasOver = reassembly.budgets[owner].isOverQuota
        // An eighth apart, so that it does not flap.
        let isOver = wasOver ? level > limit / 8 * 7 : level > limit
        guard isOver != wasOver else { return }
        reassembly.budgets[owner].setOverQuota(isOver)
        if isOver { raise(owner: owner, .overQuota) } else { reopenShared(owner) }
    }

    /// The shared flows of an owner may receive again: their peers are told at once.
    mutating func reopenShared(_ owner: Int) {
        for i in 0..<connections.count where connections[i].rcv.owner == Int32(owner) && connections[i].rcv.isShared {
            if takesData(i) && isWorthAnnouncing(i) { announce(i) }
        }
    }

    /// How fast slots go, and how long the rest lasts.
    private mutating func accountUse(_ owner: Int, _ elapsed: Interval) {
        let budget = reassembly.budgets[owner]
        let left = max(budget.ceiling - budget.inUse, 0)
        if left == 0 && budget.inUse > 0 { raise(owner: owner, .exhausted) }
        let time = Int(min(elapsed.nanoseconds, 1_000_000_000))
        if time > 0 {
            // Exponential average over a second, in thousandths of a slot a second.
            let sample = (budget.inUse - owners[owner].inUseBefore) * 1_000_000_000 / time * 1000
            owners[owner].growth += (sample - owners[owner].growth) / 1000 * (time / 1_000_000)
            owners[owner].inUseBefore = budget.inUse
        }
        let growth = owners[owner].growth
        let lasting: Interval? =
            growth > 0 ? .milliseconds(UInt64(left) * 1_000_000 / UInt64(growth)) : nil
        let wanted = owners[owner].configuration
        var isLow = budget.inUse > 0 && left <= wanted.lowWater && wanted.lowWater > 0
        if let lasting, lasting <= wanted.warningTime, wanted.warningTime > .zero { isLow = true }
        guard isLow, owners[owner].armed.contains(.low) else { return }
        owners[owner].forecast = lasting
        raise(owner: owner, .low)
    }

    /// Counts for how long each connection's data has waited: those that have some, and not the idle ones.
    private mutating func accountStalls(_ elapsed: Interval) {
        var next = Int(holding.first)
        while next >= 0 {
            let i = next
            next = holding.next(i)
            let owner = Int(connections[i].rcv.owner)
            let waits =
                owner < configuration.owners && owners[owner].configuration.stallAfter > .zero
                && (connections[i].rcv.held > 0 || !connections[i].rcv.ready.isEmpty)
            if !waits || connections[i].rcv.isTouched || connections[i].isForgotten {
                connections[i].rcv.isTouched = false
                connections[i].rcv.waited = 0
                connections[i].rcv.isStalled = false
                stalled.remove(i)
                if !waits {
                    connections[i].rcv.isHolding = false
                    holding.remove(i)
                }
                continue
            }
            connections[i].rcv.waited &+= elapsed.nanoseconds
            let limit = owners[owner].configuration.stallAfter.nanoseconds
            guard connections[i].rcv.waited >= limit, !connections[i].rcv.isStalled else { continue }
            connections[i].rcv.isStalled = true
            stalled.append(i, connections[i].rcv.owner)
        }
    }
}
