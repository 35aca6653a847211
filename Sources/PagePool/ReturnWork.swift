internal import DeviceMemory

/// What is left to do of a return of many tokens; ``TokenTable/next(of:budget:)`` does it piece by piece, and may go on in a
/// later call.
@frozen public struct ReturnWork: BitwiseCopyable, Sendable, Hashable {
    /// The next number to look at.
    @usableFromInline var next: UInt64
    /// The first number beyond.
    @usableFromInline var end: UInt64
    /// Whether numbers that came back before are part of it without being wrong.
    @usableFromInline var isCumulative: Bool

    @inlinable init(next: UInt64, end: UInt64, isCumulative: Bool) {
        self.next = next
        self.end = end
        self.isCumulative = isCumulative
    }

    /// Nothing.
    @inlinable public init() { self.init(next: 0, end: 0, isCumulative: false) }

    /// `count` tokens from `start` on. What a client says: any values are allowed.
    @inlinable public init(start: UInt64, count: UInt64) {
        // The last number of all has none beyond it; like the one before, it is never issued.
        let start = min(start, .max &- 1)
        let (end, overflow) = start.addingReportingOverflow(count)
        self.init(next: start, end: overflow ? .max : end, isCumulative: false)
    }

    /// Whether nothing is left.
    @inlinable public var isDone: Bool { next >= end }
}

extension TokenTable {
    /// The return of every token up to and including `token`, whatever came back before. A number that was not issued yet is
    /// counted as unknown, and stands for the last that was.
    public mutating func everything(upTo token: UInt64) -> ReturnWork {
        if token >= nextNumber { countUnknown(1) }
        let last = min(token, nextNumber &- 1)
        return ReturnWork(next: min(floor, last &+ 1), end: last &+ 1, isCumulative: true)
    }

    /// Takes back the next token of `work`; `nil` when it is done or when the budget is spent, which goes down by one for
    /// each number looked at. Numbers that cannot be out are passed over in one step, however many there are, so that a
    /// range costs no more than the tokens that the table has place for.
    public mutating func next(of work: inout ReturnWork, budget: inout Int) -> HeldToken? {
        while work.next < work.end && budget > 0 {
            budget -= 1
            if work.next == 0 || work.next >= nextNumber {
                let end = work.next == 0 ? 1 : work.end
                pass(&work, to: end, asUnknown: true)
            } else if max(nextNumber, highestNext) &- work.next <= mask &+ 1 {
                let index = Int(truncatingIfNeeded: work.next & mask)
                guard entries[index].token == work.next else {
                    pass(&work, to: work.next &+ 1)
                    continue
                }
                advance(&work)
                return pop(UInt32(truncatingIfNeeded: index))
            } else if let held = nextStraggler(of: &work) {
                return held
            }
        }
        return nil
    }

    /// Goes on among the numbers that have left the ring.
    private mutating func nextStraggler(of work: inout ReturnWork) -> HeldToken? {
        let ring = max(nextNumber, highestNext) &- (mask &+ 1)
        let place = firstStraggler(from: work.next)
        guard place < orderCount, order[place].token < work.end else {
            pass(&work, to: min(work.end, ring))
            return nil
        }
        pass(&work, to: order[place].token)
        let straggler = order[place]
        let isOut = isOut(straggler)
        // What came back before and is still listed is not looked for again from the front.
        if place == orderFirst { orderFirst += 1 }
        guard isOut else {
            pass(&work, to: work.next &+ 1)
            return nil
        }
        advance(&work)
        return pop(straggler.entry)
    }

    private mutating func advance(_ work: inout ReturnWork) {
        work.next &+= 1
        if work.isCumulative { floor = max(floor, work.next) }
    }

    /// Passes over numbers up to `end`: none of them is out.
    private mutating func pass(_ work: inout ReturnWork, to end: UInt64, asUnknown: Bool = false) {
        let end = min(end, work.end)
        let count = end &- work.next
        work.next = end
        if work.isCumulative {
            floor = max(floor, end)
        } else if asUnknown {
            countUnknown(count)
        } else {
            staleReturns &+= count
        }
    }

    /// A client can name 2^64 numbers in one entry: the counter stays at its end rather than beginning anew.
    mutating func countUnknown(_ count: UInt64) {
        let (sum, overflow) = unknownReturns.addingReportingOverflow(count)
        unknownReturns = overflow ? .max : sum
    }
}
