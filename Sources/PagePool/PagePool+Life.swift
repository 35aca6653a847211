internal import DeviceMemory

extension PagePool {
    /// Counters since the start, and what is in flight now.
    public var statistics: PoolStatistics {
        var now = counters
        now.inFlight = usable - free
        now.inFlightBytes = now.inFlight * slotSize
        return now
    }

    /// How its provider stands.
    public var providerReport: ProviderReport { provider.report }

    /// Slots that the law is about: all, less what a cap forbids and the huge pages that were given up.
    public var usableCount: Int { usable }

    // MARK: refill and overflow

    @inline(never) @usableFromInline mutating func refill() -> Bool {
        guard state == .active else {
            counters.allocRefused &+= 1
            return false
        }
        // What the pool freed itself was touched later than what the provider never gave out.
        while spareCount != 0 && cached < PagePool.refillBatch {
            spareCount -= 1
            cache[cached] = spare[spareCount]
            cached += 1
        }
        // A preallocated provider has given all it has; it is not asked again.
        if cached == 0 && !provider.isPreallocated {
            _ = provider.allocate(min(PagePool.refillBatch, cache.count)) { slot in
                cache[cached] = slot
                cached += 1
            }
        }
        // Both give the warmest first, and of fresh ones the lowest; the cache is taken from the end.
        reverseCache()
        if cached == 0 {
            counters.allocEmpty &+= 1
            return false
        }
        counters.allocRefill &+= 1
        // The slot that this refill is for is counted as a fast one when it is handed out, and was not.
        counters.allocSlow &+= 1
        counters.allocFast &-= 1
        return true
    }

    private mutating func reverseCache() {
        for i in 0..<(cached / 2) { (cache[i], cache[cached - 1 - i]) = (cache[cached - 1 - i], cache[i]) }
    }

    @inline(never) @usableFromInline mutating func overflow(_ slot: UInt32) {
        counters.recycleCacheFull &+= 1
        letGo(slot)
        if state == .draining { finishIfDrained() }
    }

    /// Gives a free slot to the provider, or keeps it when that is the provider's answer.
    private mutating func letGo(_ slot: UInt32) {
        switch provider.release(slot) {
        case .providerKeeps: counters.recycleReleased &+= 1
        case .poolFrees:
            counters.freedByPool &+= 1
            spare[spareCount] = slot
            spareCount += 1
        }
    }

    /// Empties the cache.
    private mutating func trim() {
        while cached != 0 {
            cached -= 1
            counters.trimmed &+= 1
            letGo(cache[cached])
        }
    }

    // MARK: draining

    /// Lends no more; takes back what is out, and is drained with the last of it. `time` is the caller's clock in
    /// nanoseconds. Does nothing to a pool that is draining or drained.
    ///
    /// - Returns: what is wrong with the books, slot by slot: see ``audit()``.
    @discardableResult public mutating func drain(at time: UInt64) -> [SlotFault] {
        guard state == .active else { return [] }
        state = .draining
        counters.detachTime = time
        cacheLimit = 0
        trim()
        let faults = audit()
        finishIfDrained()
        return faults
    }

    private mutating func finishIfDrained() {
        guard free == usable else { return }
        state = .drained
        provider.destroy()
    }

    // MARK: huge pages

    /// The huge page that `slot` lies in; `nil` when the memory is not made of huge pages.
    public func hugePage(of slot: UInt32) -> Int? {
        Int(slot) < slotCount ? provider.hugePage(of: slot) : nil
    }

    /// Gives up a huge page none of whose slots is out, and returns its number (its bytes and addresses begin at that many
    /// times 2 MiB); `nil` when there is none, when the memory is not made of huge pages or is capped.
    public mutating func giveUpHugePage() -> Int? {
        guard state == .active, !provider.isPreallocated else { return nil }
        trim()
        guard let page = provider.giveBackHugePage() else { return nil }
        usable -= provider.slotsPerHugePage
        free -= provider.slotsPerHugePage
        return page
    }

    /// Takes back a huge page that was given up; false when it was not.
    public mutating func takeBackHugePage(_ page: Int) -> Bool {
        guard state == .active, provider.accept(hugePage: page) else { return false }
        usable += provider.slotsPerHugePage
        free += provider.slotsPerHugePage
        return true
    }
}
