internal import DeviceMemory
public import PagePool
internal import Timeline

/// Applications at the stack: who there is, what each may have, and how one goes.
extension TCPStack {
    /// Whether there is such an owner.
    @inline(__always) public func isRegistered(_ owner: Int) -> Bool {
        owner >= 0 && owner < configuration.owners && owners[owner].isRegistered
    }

    /// Adds an owner, which may take fragments of no pool yet: see ``allow(pool:owner:)``.
    ///
    /// - Throws: ``TCPError/unknownOwner(_:)`` beyond the configuration's `owners`, ``TCPError/ownerInUse(_:)``, or
    ///   ``TCPError/noSlots(needed:free:)`` when the limits of all owners would exceed the stack's `slotBudget`.
    public mutating func registerOwner(_ owner: Int, _ configuration: OwnerConfiguration) throws(TCPError) {
        guard owner >= 0, owner < self.configuration.owners else { throw .unknownOwner(owner) }
        guard !owners[owner].isRegistered else { throw .ownerInUse(owner) }
        try requireSlots(configuration.slots, besides: owner)
        install(owner, configuration)
    }

    mutating func install(_ owner: Int, _ configuration: OwnerConfiguration) {
        let blocks = configuration.linearBlocks ?? max(self.configuration.linearBlocks, 0) / self.configuration.owners
        owners[owner] = OwnerState(configuration: configuration)
        owners[owner].isRegistered = true
        reassembly.budgets[owner] = SlotBudget(limit: configuration.slots, blockLimit: blocks)
        if owners[owner].isWatched { accountsDue = .zero }
    }

    /// Changes what an owner may have; what it holds beyond that stays with it until it is given back.
    ///
    /// - Throws: ``TCPError/unknownOwner(_:)``, or ``TCPError/noSlots(needed:free:)``.
    public mutating func setLimit(_ owner: Int, slots: Int) throws(TCPError) {
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        try requireSlots(slots, besides: owner)
        owners[owner].configuration.slots = slots
        reassembly.budgets[owner].setLimit(slots)
        reopenShared(owner)
    }

    private func requireSlots(_ slots: Int, besides owner: Int) throws(TCPError) {
        var free = configuration.slotBudget
        for other in 0..<configuration.owners where other != owner && owners[other].isRegistered {
            free -= reassembly.budgets[other].limit
        }
        guard slots >= 0, slots <= free else { throw .noSlots(needed: slots, free: max(free, 0)) }
    }

    /// Ends an owner at once: nobody listens on its ports any more, its connections are reset, what it has not taken goes
    /// back to the pools, and its accounts are closed. Slots that it holds are no longer counted: they must not be credited
    /// later. Other owners notice nothing. An owner that is not there is left at that.
    public mutating func removeOwner(_ owner: Int, pools: inout PoolTable) {
        guard isRegistered(owner) else { return }
        for index in 0..<listeners.count where listeners[index].port != 0 && listeners[index].owner == Int32(owner) {
            unlisten(port: listeners[index].port)
        }
        for i in 0..<connections.count where connections[i].rcv.owner == Int32(owner) && !free.contains(i) {
            disown(i, &pools)
        }
        let bytes = allowed.bytes
        for at in 0..<TCPStack.poolBytes { bytes[owner * TCPStack.poolBytes + at] = 0 }
        owners[owner].isRegistered = false
        owners[owner].raised = []
        reassembly.budgets[owner] = SlotBudget(limit: 0, blockLimit: 0)
        tickets.forget(owner)
    }

    /// A connection loses its owner: it is nobody's until its reset is sent.
    private mutating func disown(_ i: Int, _ pools: inout PoolTable) {
        forget(i, &pools)
        reassembly.discardRanges(&connections[i].rcv, &pools)
        connections[i].rcv.guarantee = 0
        connections[i].rcv.held = 0
        connections[i].rcv.cuts = 0
        connections[i].rcv.isShared = false
        connections[i].rcv.owner = Int32(configuration.owners)
        connections[i].rcv.pool = -1
        switch connections[i].state {
        case .closed:
            if !connections[i].resetOwed { release(i) }
        case .timeWait: endTimeWait(i, &pools)
        default: abandon(i, .aborted, &pools)
        }
    }

    /// Whose connection this is; `nil` when it is gone, or its owner is.
    public func owner(of id: ConnectionID) -> Int? {
        guard let i = place(id) else { return nil }
        let owner = Int(connections[i].rcv.owner)
        return isRegistered(owner) ? owner : nil
    }

    /// What can be seen of an owner; `nil` when there is none.
    public func info(owner: Int) -> OwnerInfo? {
        guard isRegistered(owner) else { return nil }
        let budget = reassembly.budgets[owner]
        return OwnerInfo(
            slotLimit: budget.limit, slotsPromised: budget.promised, slotsInUse: budget.inUse,
            slotsOrphaned: budget.orphaned, sharedFlows: budget.sharedFlows, sharedSlots: budget.share,
            linearBlocksUsed: budget.blocks, linearBlockLimit: budget.blockLimit,
            quotaLevel: owners[owner].quotaLevel / 1_000_000, isOverQuota: budget.isOverQuota,
            refusals: budget.refusals, misplacements: owners[owner].misplacements)
    }

    // MARK: pools

    /// One bit a pool number.
    static var poolBytes: Int { 65536 / 8 }

    /// An owner's connections may take fragments of `pool`. Owner 0 may take those of all pools to begin with.
    ///
    /// - Throws: ``TCPError/unknownOwner(_:)``.
    public mutating func allow(pool: UInt16, owner: Int) throws(TCPError) {
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        allowed.bytes[owner * TCPStack.poolBytes + Int(pool >> 3)] |= 1 << UInt8(pool & 7)
    }

    /// An owner's connections take no fragments of `pool` from now on: they are dropped, counted, and come again.
    ///
    /// - Throws: ``TCPError/unknownOwner(_:)``.
    public mutating func disallow(pool: UInt16, owner: Int) throws(TCPError) {
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        allowed.bytes[owner * TCPStack.poolBytes + Int(pool >> 3)] &= ~(1 << UInt8(pool & 7))
        for i in 0..<connections.count where connections[i].rcv.owner == Int32(owner) {
            if connections[i].rcv.pool == Int32(pool) { connections[i].rcv.pool = -1 }
        }
    }

    /// Whether an owner may have to do with `pool`.
    func isAllowed(pool: UInt16, owner: Int) -> Bool {
        isRegistered(owner) && allowed.bytes[owner * TCPStack.poolBytes + Int(pool >> 3)] & 1 << UInt8(pool & 7) != 0
    }

    /// Whether connection `i` may take a fragment of `pool`; if so the next of that pool are recognised at a glance.
    @inline(never) mutating func mayTake(_ i: Int, pool: UInt16) -> Bool {
        let owner = Int(connections[i].rcv.owner)
        guard owner < configuration.owners,
            allowed.bytes[owner * TCPStack.poolBytes + Int(pool &>> 3)] & 1 &<< UInt8(pool & 7) != 0
        else { return false }
        connections[i].rcv.pool = Int32(pool)
        return true
    }
}
