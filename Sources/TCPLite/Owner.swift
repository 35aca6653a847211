public import Timeline

/// Slots held over time: what an owner may hold on average, and how much it may hold beyond that for a while.
///
/// A leaky bucket: it fills by the slots held, second by second, and drains at the average.
@frozen public struct SlotTimeQuota: Sendable, Hashable, BitwiseCopyable {
    /// Slots that may be held for ever.
    public var averageSlots: Int
    /// Slots times seconds that may be held beyond the average.
    public var burstSlotSeconds: Int

    /// - Parameters:
    ///   - averageSlots: slots that may be held for ever.
    ///   - burstSlotSeconds: what may be held beyond that, in slots times seconds.
    public init(averageSlots: Int, burstSlotSeconds: Int) {
        self.averageSlots = averageSlots
        self.burstSlotSeconds = burstSlotSeconds
    }
}

/// What an owner, an application at the stack, may have and wants to be told.
public struct OwnerConfiguration: Sendable, Hashable, BitwiseCopyable {
    /// Slots that its connections may be promised or hold, together. The limits of all owners are at most the stack's
    /// `slotBudget`.
    public var slots: Int
    /// Host blocks of 256 bytes for its undelivered data; `nil` for an equal part of the stack's.
    public var linearBlocks: Int?
    /// How long its slots may be held; `nil` for any time.
    public var quota: SlotTimeQuota?
    /// New connections deliver what is demanded only: see ``TCPStack/setPull(_:_:)``.
    public var pull = false
    /// Slots left at which the owner is warned; zero for never.
    public var lowWater = 0
    /// How long before its slots are used up, as the last second's use foretells it, the owner is warned; zero for never.
    public var warningTime = Interval.zero
    /// How long a connection's data may wait without its application taking or returning any before it counts as stalled;
    /// zero for ever.
    public var stallAfter = Interval.zero

    /// An owner with up to `slots` slots, no quota, no warnings.
    public init(slots: Int) { self.slots = slots }
}

/// What can be seen of an owner, for tests and reports.
public struct OwnerInfo: Sendable, Hashable, BitwiseCopyable {
    /// Slots that it may have, has been promised or holds, and holds.
    public var slotLimit: Int
    public var slotsPromised: Int
    public var slotsInUse: Int
    /// Those held of connections that are gone.
    public var slotsOrphaned: Int
    /// Its flows without a guarantee, and what each may count on.
    public var sharedFlows: Int
    public var sharedSlots: Int
    /// Host blocks with undelivered data, and how many there may be.
    public var linearBlocksUsed: Int
    public var linearBlockLimit: Int
    /// Slots times milliseconds held beyond the quota's average, and whether that is too much.
    public var quotaLevel: UInt64
    public var isOverQuota: Bool
    /// Times that a segment found no slot.
    public var refusals: Int
    /// Packets that landed elsewhere than intended.
    public var misplacements: MisplacementCounters
}

/// What the stack keeps of an owner beside its budget.
struct OwnerState: BitwiseCopyable {
    var configuration: OwnerConfiguration
    var isRegistered = false
    var misplacements = MisplacementCounters()
    var misplacementsReported = MisplacementCounters()
    /// Events that wait to be taken, and events that may be raised.
    var raised = OwnerEventKinds()
    var armed = OwnerEventKinds.all
    /// The bucket's level in slots times nanoseconds.
    var quotaLevel: UInt64 = 0
    /// Slots in use when the accounts were last looked at, and their growth in thousandths of a slot a second.
    var inUseBefore = 0
    var growth = 0
    /// Time to exhaustion when the warning was raised.
    var forecast: Interval?

    init(configuration: OwnerConfiguration) { self.configuration = configuration }

    /// Whether its accounts must be looked at from time to time.
    var isWatched: Bool {
        isRegistered
            && (configuration.quota != nil || configuration.lowWater > 0 || configuration.warningTime > .zero
                || configuration.stallAfter > .zero)
    }
}
