internal import DeviceMemory
public import HeaderSplit
public import PagePool
public import TCPLite
public import VFIODriver

/// Everything an engine counts.
public struct EngineReport: Sendable {
    /// Split queues together.
    public var split: SplitStatistics
    /// The host queue.
    public var host: SplitStatistics
    /// The transmit queue.
    public var transmit: TransmitStatistics
    /// The regions' pools together.
    public var pool: PoolStatistics
    /// Records and returns.
    public var delivery: DeliveryStatistics
    /// The TCP stack.
    public var stack: StackStatistics
    /// The port's own counters.
    public var port: PortStatistics
    /// Slots of all regions by primary holder.
    public var ledger: Ledger
    /// Slots of the host pool by primary holder.
    public var hostLedger: Ledger
    /// Frames that went to the application without TCP.
    public var frames: FrameStatistics
    /// Tokens that applications hold.
    public var tokensOut: Int
    /// Returns of tokens that were returned before.
    public var staleTokens: UInt64
    /// Returns of tokens that were never issued.
    public var unknownTokens: UInt64
    /// Queues and regions that were changed while running.
    public var binding: BindingStatistics
    /// Regions that wait for their last tokens.
    public var draining: Int
}

extension Engine where Driver: ~Copyable {
    /// Everything counted so far. Slow path: it walks every slot.
    public mutating func report() -> EngineReport {
        var split = binding.retired
        for index in 1..<queues.count { split = split + queues[index].statistics }
        var pool = binding.retiredPools
        var ledger = Ledger()
        var draining = 0
        for place in 1..<regions.count where regions[place].state != .vacant {
            pool = pool + pools.pools[place].statistics
            ledger = ledger + pools.pools[place].ledger()
            if regions[place].state == .draining { draining += 1 }
        }
        var delivery = binding.retiredDelivery
        var out = 0
        var (stale, unknown) = (binding.retiredStale, binding.retiredUnknown)
        for owner in 0..<ports.count where openPorts[owner] {
            delivery = delivery + ports[owner].statistics
            out += ports[owner].tokens.outstanding
            stale &+= ports[owner].tokens.staleReturns
            unknown &+= ports[owner].tokens.unknownReturns
        }
        return EngineReport(
            split: split, host: queues[0].statistics, transmit: transmit.statistics, pool: pool, delivery: delivery,
            stack: stack.statistics, port: driver.statistics(), ledger: ledger, hostLedger: pools.pools[0].ledger(),
            frames: tap.statistics, tokensOut: out, staleTokens: stale, unknownTokens: unknown, binding: binding,
            draining: draining)
    }

    /// What is wrong with the books: tokens of each application against the references that its slots have, and references
    /// without a holder. Nothing, always. Slow path: it walks every slot.
    public func audit() -> [String] {
        var faults: [String] = []
        var references = [Int](repeating: 0, count: ports.count)
        for place in 1..<regions.count where regions[place].state != .vacant {
            faults += pools.pools[place].audit().map { "region \(place): \($0)" }
            // What is sent from is the application's as a whole, without tokens.
            guard regions[place].owner < ports.count, !regions[place].isForSending else { continue }
            for slot in 0..<pools.pools[place].slotCount {
                references[regions[place].owner] += Int(pools.pools[place].holders(of: UInt32(slot)).application)
            }
            references[regions[place].owner] -= regions[place].lent.count
        }
        for owner in 0..<ports.count where openPorts[owner] {
            let out = ports[owner].tokens.outstanding
            if out != references[owner] {
                faults.append("application \(owner) has \(out) tokens and \(references[owner]) references")
            }
        }
        return faults
    }

    /// Slots of one region by primary holder; `nil` when there is no such region. Slow path: it walks every slot.
    public func ledger(ofRegion number: UInt16) -> Ledger? {
        guard Int(number) < regions.count, number != 0, regions[Int(number)].state != .vacant else { return nil }
        return pools.pools[Int(number)].ledger()
    }
}

extension PoolStatistics {
    /// Counts two pools together; what is about the present alone is dropped.
    static func + (lhs: PoolStatistics, rhs: PoolStatistics) -> PoolStatistics {
        var sum = lhs
        sum.allocFast &+= rhs.allocFast
        sum.allocSlow &+= rhs.allocSlow
        sum.allocRefill &+= rhs.allocRefill
        sum.allocEmpty &+= rhs.allocEmpty
        sum.allocRefused &+= rhs.allocRefused
        sum.recycleCached &+= rhs.recycleCached
        sum.recycleCacheFull &+= rhs.recycleCacheFull
        sum.recycleReleased &+= rhs.recycleReleased
        sum.freedByPool &+= rhs.freedByPool
        sum.trimmed &+= rhs.trimmed
        sum.violations &+= rhs.violations
        sum.inFlight += rhs.inFlight
        sum.inFlightBytes += rhs.inFlightBytes
        return sum
    }
}
