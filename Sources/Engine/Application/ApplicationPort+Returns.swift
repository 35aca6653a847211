internal import Rings
internal import ClientKit
internal import DeviceMemory
public import PagePool
public import TCPLite

/// What a return by call brought about.
public struct ReturnOutcome: Sendable, Hashable {
    /// Tokens that were out and have come back.
    public var freed = 0
    /// Tokens that had been returned before.
    public var stale = 0
    /// Tokens that were never issued to this holder.
    public var unknown = 0

    /// Nothing.
    public init() {}
}

/// Tokens from the application, by three ways that may be mixed: rings, counter, calls.
extension ApplicationPort {
    /// Takes returns: tokens to the pool, credit to their connections. Bounded work: about `limit` tokens a call.
    @usableFromInline mutating func takeReturns(limit: Int, pools: inout PoolTable, stack: inout TCPStack) -> Bool {
        var budget = limit
        for lane in 0..<lanes.count { takeLane(lane, &budget, &pools, &stack) }
        takeCounter(&budget, &pools, &stack)
        let worked = budget < limit
        if worked { statistics.badReturns = tokens.staleReturns &+ tokens.unknownReturns }
        return creditLinear(&stack) || worked
    }

    private mutating func takeLane(
        _ lane: Int, _ budget: inout Int, _ pools: inout PoolTable, _ stack: inout TCPStack
    ) {
        let before = budget
        var work = lanes[lane].work
        while budget > 0 {
            if work.isDone {
                guard let range = lanes[lane].ring.pop() else { break }
                // So that ranges of nothing are no endless work.
                if range.count == 0 { budget &-= 1 }
                work = ReturnWork(start: range.start, count: UInt64(range.count))
            }
            take(&work, &budget, &pools, &stack)
        }
        lanes[lane].work = work
        if budget != before { lanes[lane].ring.release() }
    }

    /// The application's counter: every token up to it. What came back by another way before is no error here.
    private mutating func takeCounter(_ budget: inout Int, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        if counterWork.isDone {
            let through = consumedThrough.loadAcquiring()
            guard through > returnedThrough, budget > 0 else { return }
            counterWork = tokens.everything(upTo: through)
            // A counter beyond what was issued means all of it, once: what is issued later was not consumed when it said so.
            returnedThrough = through
        }
        var work = counterWork
        take(&work, &budget, &pools, &stack)
        counterWork = work
    }

    private mutating func take(
        _ work: inout ReturnWork, _ budget: inout Int, _ pools: inout PoolTable, _ stack: inout TCPStack
    ) {
        while let held = tokens.next(of: &work, budget: &budget) { book(held, &pools, &stack) }
    }

    /// Returns by call: looks at no more than 128 ranges and 1024 tokens, as Linux's SO_DEVMEM_DONTNEED does; `nil` when there
    /// are more ranges.
    mutating func giveBack(
        _ ranges: [TokenRange], pools: inout PoolTable, stack: inout TCPStack
    ) -> ReturnOutcome? {
        guard ranges.count <= ControlMessage.mostRanges else { return nil }
        let (stale, unknown) = (tokens.staleReturns, tokens.unknownReturns)
        var outcome = ReturnOutcome()
        var left = ApplicationPort.mostTokens
        for range in ranges where left > 0 {
            // Tokens beyond the limit are not looked at, and so neither freed nor wrong.
            var work = ReturnWork(start: range.start, count: UInt64(min(Int(range.count), left)))
            left -= min(Int(range.count), left)
            var budget = Int.max
            while let held = tokens.next(of: &work, budget: &budget) {
                book(held, &pools, &stack)
                outcome.freed += 1
            }
        }
        outcome.stale = Int(clamping: tokens.staleReturns &- stale)
        outcome.unknown = Int(clamping: tokens.unknownReturns &- unknown)
        statistics.badReturns = tokens.staleReturns &+ tokens.unknownReturns
        return outcome
    }

    /// Tokens that one call looks at.
    static var mostTokens: Int { 1024 }

    private mutating func book(_ held: HeldToken, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        pools.returned(held.slot)
        // A place for linear bytes was never charged to its connection: those bytes have a budget of their own.
        if !held.slot.isMarked {
            stack.credit(ConnectionID(rawValue: held.connection), owner: owner, slots: 1, linearBytes: 0)
        }
        statistics.tokensReturned &+= 1
    }

    /// The application has left a connection: tokens that belong to it come back; those that belong to the binding stay.
    mutating func release(connection: UInt32, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        guard configuration.lifetime == .connection else { return tokens.orphan(connection) }
        while let held = tokens.popHeld(by: connection) {
            book(held, &pools, &stack)
            statistics.tokensReclaimed &+= 1
        }
    }

    /// The application is gone, and the stack has forgotten it: everything that it held comes back, at once.
    ///
    /// - Returns: how many tokens it held.
    mutating func releaseEverything(_ pools: inout PoolTable) -> Int {
        var count = 0
        while let held = tokens.popAny() {
            pools.returned(held.slot)
            count += 1
        }
        statistics.tokensReclaimed &+= UInt64(count)
        closePlacement(&pools)
        return count
    }

    private mutating func creditLinear(_ stack: inout TCPStack) -> Bool {
        let consumed = min(linearConsumed.loadAcquiring(), linearProduced)
        var any = false
        while linearCredited < consumed, let (connection, length) = linearOwners.front {
            let n = min(UInt64(length), consumed &- linearCredited)
            linearOwners.consume(UInt32(n))
            linearCredited &+= n
            stack.credit(ConnectionID(rawValue: connection), owner: owner, slots: 0, linearBytes: Int(n))
            any = true
        }
        return any
    }
}
