/// Watches a provider and makes it fail, for tests. A provider asks it on the slow path only, when there is one.
public final class ProviderProbe {
    /// What a provider was asked to do, in order.
    public enum Event: Sendable, Hashable {
        /// It was attached to a pool.
        case initialised
        /// Its start was refused.
        case refused
        /// It handed out that many slots.
        case allocated(Int)
        /// A slot came back.
        case released(ReleaseAnswer)
        /// It ended.
        case destroyed
    }

    /// Everything that happened, oldest first.
    public private(set) var events: [Event] = []
    /// Calls for slots so far.
    public private(set) var allocations = 0
    /// Whether the start fails.
    public var failsInitialisation: Bool
    /// Which calls for slots fail, counted from 1.
    public var failingAllocations: ClosedRange<Int>?

    /// A probe that fails what it is told to.
    public init(failsInitialisation: Bool = false, failingAllocations: ClosedRange<Int>? = nil) {
        self.failsInitialisation = failsInitialisation
        self.failingAllocations = failingAllocations
    }

    func record(_ event: Event) { events.append(event) }

    /// Counts a call for slots; true when it must fail.
    func failsAllocation() -> Bool {
        allocations += 1
        return failingAllocations?.contains(allocations) ?? false
    }
}
