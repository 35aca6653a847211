/// Slots that an owner's flows have been promised or hold, against what the owner may have.
///
/// A guaranteed flow counts with its guarantee R, or with what it holds when that is more; slots that the application still
/// holds of connections that are gone count too. What is left is shared: by flows without a guarantee, and by flows whose
/// peer sends smaller segments than its window was made for.
struct SlotBudget: BitwiseCopyable {
    /// Slots that the owner may have in all.
    private(set) var limit: Int
    private(set) var promised = 0
    /// Slots out with the application whose connections are gone.
    private(set) var orphaned = 0
    /// Records of such connections beyond one a slot.
    private var orphanedCuts = 0
    /// The guarantees of all flows, and what of them windows do not promise.
    private(set) var guaranteed = 0
    private var heldBack = 0
    /// Slots held, by the stack or by the application.
    private(set) var inUse = 0
    /// Flows without a guarantee.
    private(set) var sharedFlows = 0
    /// What one of them counts on: see ``updateShare()``.
    private(set) var share = 0
    /// Shared slots that only data at RCV.NXT may take.
    private(set) var sharedReserve = 0
    /// The owner has held more slots for longer than it may: its shared flows take nothing new.
    private(set) var isOverQuota = false
    /// Times that no slot was left for a segment.
    var refusals = 0
    /// Host blocks that hold undelivered data, and how many may.
    var blocks = 0
    var blockLimit: Int

    init(limit: Int, blockLimit: Int) {
        self.limit = max(limit, 0)
        self.blockLimit = max(blockLimit, 0)
    }

    /// Slots that nobody was promised.
    var free: Int { max(limit - promised, 0) }
    /// Host blocks that undelivered data may still take.
    var freeBlocks: Int { max(blockLimit &- blocks, 0) }

    /// Promises a new flow its guarantee; false when that is more than is left. The last slot stays with the shared flows,
    /// if there are any: with one slot for data at RCV.NXT every one of them goes on.
    mutating func admit(guarantee: Int) -> Bool {
        guard promised + guarantee <= limit, sharedFlows == 0 || guaranteed + guarantee < limit else { return false }
        promised += guarantee
        guaranteed += guarantee
        heldBack += Int(SlotBudget.reserve(Int32(clamping: guarantee)))
        updateShare()
        return true
    }

    /// One more flow without a guarantee; false when everything is promised to others.
    mutating func admitShared() -> Bool {
        guard guaranteed < limit else { return false }
        sharedFlows += 1
        updateShare()
        return true
    }

    /// A flow without a guarantee ends.
    mutating func leaveShared() {
        sharedFlows -= 1
        updateShare()
    }

    /// One more slot for a flow that holds `held` and was guaranteed `guarantee`; false when there is none.
    @inline(__always) mutating func take(held: Int32, guarantee: Int32) -> Bool {
        if held >= guarantee {
            guard promised < limit else { return false }
            promised &+= 1
        }
        inUse &+= 1
        return true
    }

    /// One more slot of a guarantee that is not used up.
    @inline(__always) mutating func takeGuaranteed() { inUse &+= 1 }

    /// Whether a flow without a guarantee may ask for a slot.
    @inline(__always) func admitsShared(inOrder: Bool) -> Bool {
        !isOverQuota && (inOrder || promised &+ sharedReserve < limit)
    }

    /// Whether a flow without a guarantee finds no slot.
    var isExhausted: Bool { promised >= limit }

    /// A flow that held `held` slots holds `count` fewer now.
    @inline(__always) mutating func giveBack(_ count: Int32, held: Int32, guarantee: Int32) {
        let excess = max(held, guarantee) &- max(held &- count, guarantee)
        promised &-= Int(excess)
        inUse &-= Int(count)
    }

    /// A flow that holds `held` needs its guarantee no longer: it counts with what it holds from now on.
    mutating func giveUpGuarantee(held: Int32, guarantee: Int32) {
        promised -= Int(max(held, guarantee)) - Int(held)
        guaranteed -= Int(guarantee)
        heldBack -= Int(SlotBudget.reserve(guarantee))
        updateShare()
    }

    /// A flow ends while its application holds `held` slots in `held + cuts` records.
    mutating func leave(held: Int32, cuts: Int32, guarantee: Int32) {
        giveUpGuarantee(held: held, guarantee: guarantee)
        orphaned += Int(held)
        orphanedCuts += Int(cuts)
    }

    /// Records of connections that are gone came back.
    mutating func giveBackOrphans(_ count: Int) {
        let records = min(max(count, 0), orphaned + orphanedCuts)
        let cuts = min(records, orphanedCuts)
        orphanedCuts -= cuts
        orphaned -= records - cuts
        promised -= records - cuts
        inUse -= records - cuts
    }

    /// Changes the limit; what is out already stays out.
    mutating func setLimit(_ slots: Int) {
        limit = max(slots, 0)
        updateShare()
    }

    /// Opens or closes the shared part.
    mutating func setOverQuota(_ isOver: Bool) {
        isOverQuota = isOver
        updateShare()
    }

    /// Slots that can be in use before every window is closed: what is promised of the guarantees, and the shared part if
    /// anybody uses it.
    var ceiling: Int { (sharedFlows > 0 ? limit : min(max(guaranteed, promised), limit)) - heldBack }

    /// Slots of a guarantee that only data at RCV.NXT may use: one in eight, and at least one.
    @inline(__always) static func reserve(_ guarantee: Int32) -> Int32 { guarantee == 0 ? 0 : max(guarantee / 8, 1) }

    /// What a shared flow's window is made for: twice its part of what is not guaranteed, because seldom all flows are
    /// busy, and two slots at least, which is one full segment as long as a slot is expected to hold half of one. A quarter
    /// is for data at RCV.NXT only.
    private mutating func updateShare() {
        let pool = max(limit - guaranteed, 0)
        sharedReserve = max(pool / 4, 1)
        share = 0
        guard sharedFlows > 0, !isOverQuota else { return }
        share = max(min(pool - sharedReserve, 2 * pool / sharedFlows), 2)
    }
}
