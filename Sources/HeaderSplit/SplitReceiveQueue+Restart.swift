internal import DeviceMemory
public import PagePool
internal import Rings

/// The life of a queue between being armed and being taken apart.
extension SplitReceiveQueue {
    /// Whether every descriptor is posted and none was handed over: what ``start(ringsTail:)`` asks for.
    public var isArmed: Bool { state == .armed }

    /// Hands the armed descriptors to the device; the queue must be enabled (82576 ignores the tail of a disabled one).
    ///
    /// - Parameter ringsTail: `false` where somebody else writes the tail, because the receiver is not on yet.
    @inlinable public mutating func start(ringsTail: Bool = true) {
        state = .running
        if ringsTail { ringTail() }
    }

    /// The device uses the queue no more: no tail is rung from here on. Frames that were completed before can still be taken.
    public mutating func halt() { state = .halted }

    /// Posts every descriptor again with the slot that it holds, from the first on, so that a queue that was halted can be
    /// started again. Frames that were not taken are lost, and counted (``SplitStatistics/abandoned``).
    ///
    /// - Parameter pool: the one that the slots are of.
    public mutating func rearm(_ pool: inout PagePool) {
        abandon()
        for index in 0..<posted.count { post(index, pool.iova(of: posted[index])) }
        next = 0
        rung = 0
        inChain = false
        state = .armed
    }

    /// Gives every posted slot back to the pool. The queue must be disabled and the device quiet.
    public mutating func stop(_ pool: inout PagePool) {
        abandon()
        for i in 0..<posted.count { pool.reclaim(posted[i]) }
    }

    /// Takes over what the queue in whose place this one comes has counted.
    public mutating func continueCounting(from statistics: SplitStatistics) { counters = counters + statistics }

    /// Counts frames that nobody took. Their payload may still be on its way: it must land before their slots hold others'.
    private mutating func abandon() {
        for ahead in 0..<UInt32(posted.count) {
            let index = Int((next &+ ahead) & mask)
            guard Format.completion(ring, index: index) != nil else { break }
            counters.abandoned &+= 1
            unflushed = true
        }
        proveVisible()
    }
}
