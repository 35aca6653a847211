public import ClientKit
internal import DeviceMemory
internal import PagePool
internal import TCPLite

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
        var taken = 0
        for lane in 0..<lanes.count where taken < limit {
            taken &+= takeLane(lane, limit: limit &- taken, &pools, &stack)
        }
        if taken < limit { taken &+= takeCounter(limit: limit &- taken, &pools, &stack) }
        return creditLinear(&stack) || taken != 0
    }

    private mutating func takeLane(
        _ lane: Int, limit: Int, _ pools: inout PoolTable, _ stack: inout TCPStack
    ) -> Int {
        var taken = 0
        var partial = lanes[lane].partial
        while taken < limit {
            if partial.count == 0 {
                guard let range = lanes[lane].ring.pop() else { break }
                partial = range
                if range.count == 0 { taken &+= 1 }
                // A count that no application can hold is nonsense; it must not become work.
                if UInt64(range.count) > UInt64(tokens.outstanding) {
                    statistics.badReturns &+= 1
                    partial.count = 0
                    taken &+= 1
                    continue
                }
            }
            while partial.count != 0 && taken < limit {
                takeBack(partial.start, &pools, &stack)
                partial.start &+= 1
                partial.count &-= 1
                taken &+= 1
            }
        }
        lanes[lane].partial = partial
        if taken != 0 { lanes[lane].ring.release() }
        return taken
    }

    /// The application's counter: every token up to it. A counter beyond what was issued means all of it.
    private mutating func takeCounter(limit: Int, _ pools: inout PoolTable, _ stack: inout TCPStack) -> Int {
        let through = min(consumedThrough.loadAcquiring(), tokens.next &- 1)
        guard through > returnedThrough else { return 0 }
        let end = min(through, returnedThrough &+ UInt64(limit))
        let count = Int(end &- returnedThrough)
        while returnedThrough < end {
            returnedThrough &+= 1
            // What came back by another way before is no error here.
            if case .returned(let netmem, let connection) = tokens.takeQuietly(returnedThrough) {
                book(netmem, connection, &pools, &stack)
            }
        }
        return count
    }

    /// Returns by call: looks at no more than 128 ranges and 1024 tokens, as Linux's SO_DEVMEM_DONTNEED does; `nil` when there
    /// are more ranges.
    mutating func giveBack(
        _ ranges: [TokenRange], pools: inout PoolTable, stack: inout TCPStack
    ) -> ReturnOutcome? {
        guard ranges.count <= ControlMessage.mostRanges else { return nil }
        var outcome = ReturnOutcome()
        var left = ApplicationPort.mostTokens
        for range in ranges {
            for i in 0..<UInt64(min(Int(range.count), left)) {
                switch tokens.take(range.start &+ i) {
                case .returned(let netmem, let connection):
                    book(netmem, connection, &pools, &stack)
                    outcome.freed += 1
                case .stale: outcome.stale += 1
                case .unknown: outcome.unknown += 1
                }
            }
            left -= min(Int(range.count), left)
            if left == 0 { break }
        }
        statistics.badReturns &+= UInt64(outcome.stale + outcome.unknown)
        return outcome
    }

    /// Tokens that one call looks at.
    static var mostTokens: Int { 1024 }

    private mutating func takeBack(_ token: UInt64, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        switch tokens.take(token) {
        case .returned(let netmem, let connection): book(netmem, connection, &pools, &stack)
        case .stale, .unknown: statistics.badReturns &+= 1
        }
    }

    private mutating func book(
        _ netmem: Netmem, _ connection: UInt32, _ pools: inout PoolTable, _ stack: inout TCPStack
    ) {
        pools.returned(netmem)
        // A place for linear bytes was never charged to its connection: those bytes have a budget of their own.
        if !netmem.isMarked { stack.credit(ConnectionID(rawValue: connection), slots: 1, linearBytes: 0) }
        statistics.tokensReturned &+= 1
    }

    /// The application has left a connection: tokens that belong to it come back.
    mutating func release(connection: UInt32, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        guard configuration.lifetime == .connection else { return }
        while let netmem = tokens.popHeld(by: connection) {
            book(netmem, connection, &pools, &stack)
            statistics.tokensReclaimed &+= 1
        }
    }

    /// The application is gone: everything that it held comes back, at once.
    ///
    /// - Returns: how many tokens it held.
    mutating func releaseEverything(_ pools: inout PoolTable, _ stack: inout TCPStack) -> Int {
        var count = 0
        while let held = tokens.popAny() {
            book(held.netmem, held.connection, &pools, &stack)
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
            stack.credit(ConnectionID(rawValue: connection), slots: 0, linearBytes: Int(n))
            any = true
        }
        return any
    }
}
