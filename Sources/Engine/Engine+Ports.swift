public import ClientKit
public import DeviceMemory
internal import PagePool
public import TCPLite
public import Timeline

/// Applications: each has a place, a channel, tokens of its own, and flows of its own in the stack.
extension Engine where Driver: ~Copyable {
    /// How many applications there can be at once.
    public var portCapacity: Int { ports.count }

    /// Whether somebody is at place `owner`.
    public func isPortOpen(_ owner: Int) -> Bool { owner >= 0 && owner < ports.count && openPorts[owner] }

    /// Gives an application its place.
    ///
    /// - Parameters:
    ///   - channel: shared memory towards it; zeroed, and alive until the port is closed.
    ///   - bell: rung when something is published while the application waits; `nil` for one that polls.
    ///   - flows: how the stack treats its connections; `nil` for application 0 leaves it as the stack's configuration has it.
    public mutating func openPort(
        _ owner: Int, _ channel: ApplicationChannel, _ configuration: PortConfiguration,
        bell: consuming WakeupLine? = nil, flows: OwnerConfiguration?
    ) throws(EngineError) {
        guard owner >= 0, owner < ports.count else { throw .binding(.noSuchOwner(owner: owner)) }
        // What the one there holds would be nobody's.
        guard !openPorts[owner], !(isEcho && owner == 0) else { throw .binding(.ownerTaken(owner: owner)) }
        do {
            if let flows {
                if stack.isRegistered(owner) { stack.removeOwner(owner, pools: &pools) }
                try stack.registerOwner(owner, flows)
            }
        } catch {
            throw .stack(error)
        }
        channel.describe()
        ports[owner] = ApplicationPort(channel, owner: owner, configuration: configuration, bell: bell)
        openPorts[owner] = true
    }

    /// An application is gone: its connections are reset, everything that it held comes back, and its bindings end.
    ///
    /// - Returns: how many tokens it held.
    @discardableResult
    public mutating func closePort(_ owner: Int, now: Instant, wait: (Interval) -> Void) -> Int {
        guard isPortOpen(owner) else { return 0 }
        // First nothing new for it, then what is under way, then what it held: no step can bring back what an earlier took.
        stack.removeOwner(owner, pools: &pools)
        let held = ports[owner].releaseEverything(&pools)
        openPorts[owner] = false
        for place in 1..<regions.count where regions[place].owner == owner && regions[place].state == .active {
            unbind(UInt16(place), now: now, wait: wait)
        }
        reap()
        binding.retire(ports[owner].statistics, ports[owner].tokens.staleReturns, ports[owner].tokens.unknownReturns)
        ports[owner] = ApplicationPort.vacant(vacantMemory.bytes)
        return held
    }

    /// Returns tokens by call, from whoever acts for the application: also of connections that are closed.
    ///
    /// - Returns: `nil` when there are more than 128 ranges.
    public mutating func giveBack(_ ranges: [TokenRange], owner: Int = 0) -> ReturnOutcome? {
        guard isPortOpen(owner) else { return nil }
        return ports[owner].giveBack(ranges, pools: &pools, stack: &stack)
    }

    /// Tokens that an application holds, and how long it has held the oldest.
    public mutating func held(by owner: Int, now: Instant) -> (tokens: Int, oldestAge: Interval) {
        guard isPortOpen(owner) else { return (0, .zero) }
        return (
            ports[owner].tokens.outstanding,
            now - Instant(nanoseconds: ports[owner].tokens.oldestIssue() ?? now.nanoseconds)
        )
    }

    /// Tells an application of something that is no connection's.
    public mutating func tell(_ event: ChannelEvent, owner: Int, number: UInt64 = 0, region: UInt16 = 0) {
        guard isPortOpen(owner) else { return }
        ports[owner].tell(event, number: number, region: region)
        ports[owner].publish()
    }

    /// One round of deliveries: every application gets up to a quantum of bytes, so that one that drowns in data does not keep
    /// the others waiting.
    @inlinable mutating func deliver(_ now: Instant) -> Bool {
        var any = false
        for owner in 0..<ports.count where openPorts[owner] && !(isEcho && owner == 0) {
            if deliver(to: owner, now) { any = true }
        }
        if isEcho && echoDeliveries() { any = true }
        return any
    }

    @inlinable mutating func deliver(to owner: Int, _ now: Instant) -> Bool {
        var any = false
        var budget = Int(deliveryQuantum)
        while budget > 0, stack.hasDelivery(owner: owner), ports[owner].hasRoom(),
            ports[owner].hasPlace(&pools) || stack.isNextInSlot(owner: owner),
            let delivery = stack.nextDelivery(owner: owner, pools: &pools)
        {
            budget &-= ports[owner].deliver(delivery, &pools, now)
            any = true
        }
        if tellsSends && ports[owner].deliverCompletions(&stack) { any = true }
        ports[owner].publish()
        return any
    }

    /// Takes returns and commands of every application.
    @inlinable mutating func takeFromApplications() -> Bool {
        var worked = false
        for owner in 0..<ports.count where openPorts[owner] {
            if ports[owner].takeReturns(limit: 4096, pools: &pools, stack: &stack) { worked = true }
            if ports[owner].takeCommands(pools: &pools, stack: &stack) { worked = true }
        }
        return worked
    }
}
