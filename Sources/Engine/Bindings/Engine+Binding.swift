internal import ClientKit
public import DeviceMemory
internal import HeaderSplit
internal import PagePool
internal import TCPLite
public import Timeline
public import VFIODriver

/// Regions come and go while the engine runs: each call does all of what it is asked, or nothing.
extension Engine where Driver: ~Copyable {
    /// Regions of one application that may wait for their last tokens at once: what is half dead is bounded.
    public static var drainingLimit: Int { 8 }

    /// Binds a region to receive queues: on return the queues are filled from it, and the next packet lands there.
    ///
    /// Everything is checked before anything is changed; what fails later is undone. The binding can be looked up once all of
    /// it is in place, and not before.
    ///
    /// - Parameters:
    ///   - region: where payload goes. The engine maps it for the device; the caller may let go of its descriptor.
    ///   - flushWindow: the bus window whose read proves payload writes complete.
    /// - Returns: the binding's number, which records carry as their region.
    public mutating func bind(
        _ region: borrowing DeviceRegion, flushWindow: Driver.Device.BusType, _ request: BindingRequest, now: Instant,
        wait: (Interval) -> Void
    ) throws(BindingError) -> UInt16 {
        try check(request, slotSize: region.slotSize, slots: region.slotCount)
        for queue in request.queues where poolOfQueue[queue] != 0 {
            throw .queueTaken(queue: queue, binding: UInt16(poolOfQueue[queue]))
        }
        let place = try open(region, flushWindow, request, now)
        do {
            try move(request.queues, to: place, now, wait)
        } catch {
            abandon(place, now)
            throw error
        }
        // Published last: from here on the stack takes its fragments and the spread sends flows there.
        regions[place].state = .active
        do {
            try updateSpread()
        } catch {
            regions[place].state = .draining
            withdraw(place, now, wait)
            throw error
        }
        allow(place)
        if ports[request.owner].configuration.uniform && ports[request.owner].placementPool == 0 {
            ports[request.owner].placementPool = place
        }
        binding.bound &+= 1
        return UInt16(place)
    }

    /// Ends a binding: its queues go back to host memory, and its region waits for what is still out.
    ///
    /// Works on a device that is gone as well. What applications hold stays valid until they return it.
    public mutating func unbind(_ number: UInt16, now: Instant = .zero, wait: (Interval) -> Void) {
        let place = Int(number)
        guard place > 0, place < regions.count, regions[place].state == .active else { return }
        // Unpublished first: nobody finds it any more while it is taken apart.
        regions[place].state = .draining
        if isPortOpen(regions[place].owner) {
            let owner = regions[place].owner
            if ports[owner].placementPool == place {
                ports[owner].closePlacement(&pools)
                ports[owner].placementPool =
                    (1..<regions.count).first { regions[$0].owner == owner && regions[$0].state == .active } ?? 0
            }
            ports[owner].tell(.unbound, region: number)
        }
        for rule in rules.filter({ $0.binding == number }) { removeRule(rule.rule, wait: wait) }
        withdrawSending(place)
        withdraw(place, now, wait)
        binding.unbound &+= 1
    }

    /// Gives a binding another region, queues, rules and connections as they are: new payload lands in the new one, and what is
    /// held of the old stays valid until it is returned.
    ///
    /// - Returns: the number of the new region.
    public mutating func rehome(
        _ number: UInt16, to region: borrowing DeviceRegion, flushWindow: Driver.Device.BusType,
        memory: BindingMemory = .device, now: Instant, wait: (Interval) -> Void
    ) throws(BindingError) -> UInt16 {
        let old = Int(number)
        guard old > 0, old < regions.count, regions[old].state == .active, !regions[old].isForSending else {
            throw .noSuchBinding(number)
        }
        var request = BindingRequest(queues: queuesOf(old))
        request.owner = regions[old].owner
        request.memory = memory
        request.steering = regions[old].steering
        try check(request, slotSize: region.slotSize, slots: region.slotCount)
        let place = try open(region, flushWindow, request, now)
        do {
            try move(request.queues, to: place, now, wait)
        } catch {
            abandon(place, now)
            throw error
        }
        // What landed there already is looked at in the next turn.
        allow(place)
        regions[place].state = .active
        regions[old].state = .draining
        // What was lent of the old one is not of the new one; what is on its way out keeps its slots until it has left.
        withdrawSending(old)
        for i in rules.indices where rules[i].binding == number { rules[i].binding = UInt16(place) }
        if isPortOpen(request.owner) {
            if ports[request.owner].placementPool == old { ports[request.owner].placementPool = place }
            ports[request.owner].closePlacement(&pools)
            ports[request.owner].tell(.rehomed, region: UInt16(place))
        }
        startDraining(old, now)
        reap()
        binding.rehomed &+= 1
        return UInt16(place)
    }

    /// Restarts a queue with fresh rings and slots of the same pool; other queues lose nothing where the device can stop one
    /// queue by itself.
    public mutating func restart(queue: Int, now: Instant, wait: (Interval) -> Void) throws(BindingError) {
        guard queue >= 0, queue < queues.count else { throw .noSuchQueue(queue: queue, limit: queues.count - 1) }
        try move([queue], to: poolOfQueue[queue], now, wait)
    }

    /// Every binding, and every region that waits for its last tokens.
    public func bindings(now: Instant) -> [BindingStatus] {
        (1..<regions.count).filter { regions[$0].state != .vacant }.map { place in
            BindingStatus(
                number: UInt16(place), owner: regions[place].owner, queues: queuesOf(place),
                state: regions[place].state == .active ? .active : .draining, ledger: pools.pools[place].ledger(),
                age: (now - regions[place].boundAt).nanoseconds)
        }
    }

    /// Whether a binding's queues fill its region, or its region only waits for tokens.
    public func isActive(_ number: UInt16) -> Bool {
        number != 0 && Int(number) < regions.count && regions[Int(number)].state == .active
    }

    /// A split queue that nothing is bound to; `nil` when all are taken.
    public var freeQueue: Int? { (1..<queues.count).first { poolOfQueue[$0] == 0 && $0 <= knobs.queues } }

    /// Descriptors of each receive queue: slots that it keeps posted.
    public var descriptorsPerQueue: Int { driver.configuration.receiveDescriptors }

    /// Whether everything that can be split comes to the one split queue that there is, so that nothing need be steered.
    public var needsNoRules: Bool { Driver.ruleCapacity == 0 && queues.count == 2 }

    /// Slots of a region, and how many are free; `nil` when there is no such region.
    public func room(ofRegion number: UInt16) -> (slots: Int, free: Int)? {
        let place = Int(number)
        guard place > 0, place < regions.count, regions[place].state != .vacant else { return nil }
        return (pools.pools[place].slotCount, pools.pools[place].freeCount)
    }

    /// Makes the next change of queues fail at a step, once for each time it is named: for tests of what is undone.
    ///
    /// - Parameter passes: how often the first step named goes well before.
    public mutating func fail(at steps: [RestartStep], after passes: Int = 0) {
        failures = steps
        failuresAfter = passes
    }

    // MARK: parts

    func queuesOf(_ place: Int) -> [Int] { (0..<queues.count).filter { poolOfQueue[$0] == place } }

    mutating func injected(_ step: RestartStep) throws(BindingError) {
        guard failures.first == step else { return }
        if failuresAfter > 0 {
            failuresAfter -= 1
            return
        }
        failures.removeFirst()
        throw .injected(step: step.rawValue)
    }

    /// Preconditions, in the order of Linux's netdev bind-rx; nothing is changed.
    private func check(_ request: BindingRequest, slotSize: Int, slots: Int) throws(BindingError) {
        guard !request.queues.isEmpty else { throw .noQueues }
        var seen: [Int] = []
        for queue in request.queues {
            guard queue >= 1, queue < queues.count, queue <= knobs.queues else {
                throw .noSuchQueue(queue: queue, limit: min(queues.count - 1, knobs.queues))
            }
            guard !seen.contains(queue) else { throw .queueNamedTwice(queue: queue) }
            seen.append(queue)
        }
        guard isPortOpen(request.owner) || (isEcho && request.owner == 0) else {
            throw .noSuchOwner(owner: request.owner)
        }
        guard knobs.headerSplit else { throw .splitIsOff }
        guard knobs.splitThreshold == 0 else { throw .thresholdNotZero(bytes: knobs.splitThreshold) }
        guard knobs.checksums else { throw .noChecksumVerdicts }
        guard request.steering == .spread || Driver.ruleCapacity > 0 else { throw .noSteering }
        for queue in request.queues {
            do {
                try driver.checkBinding(of: queue, slotSize: slotSize)
            } catch {
                throw BindingError(error, slotSize: slotSize)
            }
        }
        let needed = driver.configuration.receiveDescriptors * request.queues.count
        guard slots > needed else { throw .tooFewSlots(slots: slots, needed: needed) }
        let draining = (1..<regions.count).filter {
            regions[$0].state == .draining && regions[$0].owner == request.owner
        }
        guard draining.count < Self.drainingLimit else {
            throw .tooManyDraining(owner: request.owner, limit: Self.drainingLimit)
        }
        guard (1..<regions.count).contains(where: { regions[$0].state == .vacant }) else {
            throw .tooManyRegions(limit: regions.count - 1)
        }
    }

    /// Maps a region and makes its pool, which nobody uses yet.
    private mutating func open(
        _ region: borrowing DeviceRegion, _ flushWindow: Driver.Device.BusType, _ request: BindingRequest,
        _ now: Instant
    ) throws(BindingError) -> Int {
        var free = 0
        for place in stride(from: regions.count - 1, through: 1, by: -1) where regions[place].state == .vacant {
            free = place
        }
        try injected(.map)
        do {
            regions[free] = try RegionPlace.map(region, for: driver.device, flushWindow, request.memory)
        } catch {
            throw .memory(error)
        }
        regions[free].owner = request.owner
        regions[free].steering = request.steering
        regions[free].boundAt = now
        // Not before it is published: a queue that is moved back on failure has frames of it that nobody may be told of.
        forbid(free)
        do {
            pools.install(try regions[free].makePool(UInt16(free), slotSize: region.slotSize, slots: region.slotCount))
        } catch {
            let sentence = "\(error)"
            close(free)
            throw .slotSize(bytes: region.slotSize, why: sentence)
        }
        return free
    }

    /// Undoes ``open(_:_:_:_:)``. A slot that is out all the same keeps the region until it is back.
    private mutating func abandon(_ place: Int, _ now: Instant) {
        regions[place].state = .draining
        startDraining(place, now)
        binding.rolledBack &+= 1
        guard pools.pools[place].state == .drained else { return }
        close(place)
    }

    /// The device forgets a region, and its place is free for another.
    private mutating func close(_ place: Int) {
        if regions[place].bytes != 0 {
            // A device that is gone, or was never told, has nothing to forget.
            try? driver.device.unmap(regions[place].iova, length: regions[place].bytes)
        }
        binding.retiredPools = binding.retiredPools + pools.pools[place].statistics
        // Drained, or the caller would not be here; if it is not, the place stays taken and says so in the report.
        guard (try? pools.vacate(UInt16(place))) != nil else { return }
        regions[place] = .vacant
    }

    /// Takes a region's queues away and lets it drain.
    private mutating func withdraw(_ place: Int, _ now: Instant, _ wait: (Interval) -> Void) {
        do {
            if !regions[place].isForSending {
                try updateSpread()
                try move(queuesOf(place), to: 0, now, wait)
            }
        } catch {
            // A device that does not let go of a queue is reset: nothing else proves that it writes there no more.
            moveByReset(queuesOf(place), to: 0, now, wait)
        }
        forbid(place)
        startDraining(place, now)
        reap()
    }

    private mutating func startDraining(_ place: Int, _ now: Instant) {
        binding.leaked &+= UInt64(pools.pools[place].drain(at: now.nanoseconds).count)
    }

    /// Frees regions whose last token is back. Never on the packet path: the device's mappings are changed here.
    mutating func reap() {
        for place in 1..<regions.count
        where regions[place].state == .draining && pools.pools[place].state == .drained && queuesOf(place).isEmpty {
            forbid(place)
            binding.drained &+= 1
            close(place)
        }
    }

    private mutating func allow(_ place: Int) {
        try? stack.allow(pool: UInt16(place), owner: regions[place].owner)
    }

    private mutating func forbid(_ place: Int) {
        if stack.isRegistered(regions[place].owner) {
            try? stack.disallow(pool: UInt16(place), owner: regions[place].owner)
        }
    }

    /// RSS reaches the queues of bindings that ask for it, and only those; everything else is the host queue's.
    private mutating func updateSpread() throws(BindingError) {
        try injected(.steer)
        let spread = (1..<queues.count).filter {
            let place = poolOfQueue[$0]
            return place != 0 && regions[place].state == .active && regions[place].steering == .spread
        }
        do {
            try driver.setSpread(over: spread)
        } catch {
            throw .driver(error.description)
        }
    }
}
