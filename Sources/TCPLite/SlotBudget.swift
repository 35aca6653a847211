/// Slots that flows have been promised, against what there is.
///
/// A flow counts with its guarantee R, or with what it holds when that is more; slots that applications still hold of
/// connections that are gone count too. What is left may be promised to new flows, or lent to flows whose peer sends
/// smaller segments than its window was made for.
struct SlotBudget: BitwiseCopyable {
    let limit: Int
    private(set) var promised = 0
    /// Slots out with applications whose connections are gone.
    private(set) var orphaned = 0

    init(limit: Int) { self.limit = limit }

    /// Slots that nobody was promised.
    var free: Int { limit - promised }

    /// Promises a new flow its guarantee; false when that is more than is left.
    mutating func admit(guarantee: Int) -> Bool {
        guard promised + guarantee <= limit else { return false }
        promised += guarantee
        return true
    }

    /// One more slot for a flow that holds `held` and was guaranteed `guarantee`; false when there is none.
    @inline(__always) mutating func take(held: Int32, guarantee: Int32) -> Bool {
        if held < guarantee { return true }
        guard promised < limit else { return false }
        promised &+= 1
        return true
    }

    /// A flow that held `held` slots holds `count` fewer now.
    @inline(__always) mutating func giveBack(_ count: Int32, held: Int32, guarantee: Int32) {
        let excess = max(held, guarantee) &- max(held &- count, guarantee)
        promised &-= Int(excess)
    }

    /// A flow that holds `held` needs its guarantee no longer: it counts with what it holds from now on.
    mutating func giveUpGuarantee(held: Int32, guarantee: Int32) { promised -= Int(max(held, guarantee)) - Int(held) }

    /// A flow ends while its application holds `held` slots.
    mutating func leave(held: Int32, guarantee: Int32) {
        giveUpGuarantee(held: held, guarantee: guarantee)
        orphaned += Int(held)
    }

    /// Slots of a connection that is gone came back.
    mutating func giveBackOrphans(_ count: Int) {
        let n = min(max(count, 0), orphaned)
        orphaned -= n
        promised -= n
    }
}
