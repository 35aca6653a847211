public import DeviceMemory
public import HeaderSplit
internal import PagePool
public import TCPLite
public import Timeline
public import VFIODriver

/// Regions that are sent from: the device reads them, and nothing else of the engine touches them.
extension Engine where Driver: ~Copyable {
    /// Binds a region for sending: from then on ``TCPLite/TCPStack/send(_:from:_:pools:)`` of ``stack`` takes ranges of it,
    /// see ``send(_:from:_:)``. No queue and no rule is touched.
    ///
    /// - Parameters:
    ///   - region: the engine maps it for the device; the caller may let go of its descriptor.
    ///   - flushWindow: as for ``bind(_:flushWindow:_:now:wait:)``; nothing is written, so nothing is flushed.
    ///   - owner: the application that it ends with.
    /// - Returns: the binding's number.
    public mutating func bindForSending(
        _ region: borrowing DeviceRegion, flushWindow: Driver.Device.BusType, owner: Int = 0, now: Instant
    ) throws(BindingError) -> UInt16 {
        guard stack.configuredPlacedSends > 0 else { throw .noSending }
        guard isPortOpen(owner) else { throw .noSuchOwner(owner: owner) }
        guard let place = (1..<regions.count).first(where: { regions[$0].state == .vacant }) else {
            throw .tooManyRegions(limit: regions.count - 1)
        }
        do {
            regions[place] = try RegionPlace.map(region, for: driver.device, flushWindow, .device)
        } catch {
            throw .memory(error)
        }
        regions[place].owner = owner
        regions[place].boundAt = now
        regions[place].isForSending = true
        // One slot as large as the region, which is the application's from now on: an offset needs no looking up, and what is
        // in transmission keeps the binding alive like any other slot that is out (U.29).
        var pool = PagePool(
            identifier: UInt16(place),
            provider: MemoryProvider(deviceRegionAt: regions[place].iova, slotSize: region.slotBytes, slotCount: 1))
        pool.giveForSending()
        pools.install(pool)
        regions[place].state = .active
        try? stack.allow(pool: UInt16(place), owner: owner)
        ports[owner].lend(region: UInt16(place), offset: 0, bytes: region.slotBytes)
        binding.bound &+= 1
        return UInt16(place)
    }

    /// Gives the application of a binding `slots` slots of it to send from, all in one piece: its channel tells where. They are
    /// its own until the binding ends. For a region that is new: afterwards free slots do not lie together.
    ///
    /// - Returns: the first byte, and how many there are.
    @discardableResult
    public mutating func lendForSending(
        _ number: UInt16, slots: Int
    ) throws(BindingError) -> (offset: UInt64, bytes: Int) {
        let place = Int(number)
        guard stack.configuredPlacedSends > 0 else { throw .noSending }
        guard isActive(number), !regions[place].isForSending, regions[place].lent.isEmpty,
            isPortOpen(regions[place].owner)
        else { throw .noSuchBinding(number) }
        guard slots > 0, slots < pools.pools[place].freeCount else {
            throw .tooFewSlots(slots: pools.pools[place].freeCount, needed: slots)
        }
        var taken: [UInt32] = []
        while taken.count < slots, let slot = pools.pools[place].lend() { taken.append(slot) }
        let isWhole = taken.count == slots && zip(taken, taken.dropFirst()).allSatisfy { $0 + 1 == $1 }
        guard isWhole else {
            for slot in taken { pools.pools[place].reclaim(slot) }
            throw .tooFewSlots(slots: 0, needed: slots)
        }
        let size = pools.pools[place].slotSize
        for slot in taken { _ = pools.deliver(pools.pools[place].arrive(slot, offset: 0, length: UInt32(size))) }
        regions[place].lent = taken[0]..<taken[0] + UInt32(slots)
        pools.pools[place].maySend = true
        let offset = UInt64(taken[0]) * UInt64(size)
        ports[regions[place].owner].lend(region: number, offset: offset, bytes: slots * size)
        return (offset, slots * size)
    }

    /// Sends ranges of a region that was bound for sending, or of slots that the application holds of one that may do both.
    ///
    /// - Returns: the number of the send, which the application's channel names when the bytes may be changed.
    public mutating func send(
        _ connection: ConnectionID, from binding: UInt16, _ ranges: some Collection<SendRange>
    ) throws(TCPError) -> UInt32 {
        try stack.send(connection, from: binding, ranges, pools: &pools)
    }

    /// Whether what arrives in a binding's region may be sent on from there.
    public mutating func setSending(_ number: UInt16, _ isAllowed: Bool) throws(BindingError) {
        guard isActive(number), Int(number) < regions.count else { throw .noSuchBinding(number) }
        pools.pools[Int(number)].maySend = isAllowed
    }

    /// The application lets go of a region that is sent from: it goes when the last transmission does.
    mutating func withdrawSending(_ place: Int) {
        if regions[place].isForSending && pools.pools[place].holders(of: 0).application > 0 {
            pools.pools[place].returned(0)
        }
        for slot in regions[place].lent { pools.pools[place].returned(slot) }
        regions[place].lent = 0..<0
    }

    /// Labels of parts that the device has read go back to the stack.
    @inlinable mutating func takeReleased() {
        while let label = transmit.nextReleased() { stack.released(label, pools: &pools) }
    }

    /// The device was stopped: it reads nothing any more.
    mutating func giveUpTransmissions() {
        transmit.giveUp()
        takeReleased()
    }
}
