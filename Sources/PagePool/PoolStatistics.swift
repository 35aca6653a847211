/// Counters of a pool, with the meanings of Linux's page-pool statistics (`struct page_pool_stats`) where they exist there.
///
/// While a pool lives: `allocFast + allocSlow = recycleCached + recycleCacheFull + slots in flight`, and
/// `recycleReleased + freedByPool = recycleCacheFull + slots trimmed`. Two of Linux's have no meaning here and do not exist: `waive` (a page of another
/// NUMA node; slots are where whoever bound them chose) and the recycle ring's (returns of other threads arrive through the
/// engine's token rings, a pool has one thread).
public struct PoolStatistics: Sendable, Hashable {
    /// Slots handed out from the cache as it was.
    public var allocFast: UInt64 = 0
    /// Slots handed out after the cache had to be refilled.
    public var allocSlow: UInt64 = 0
    /// Times the cache was refilled, from the provider or from what the pool freed itself.
    public var allocRefill: UInt64 = 0
    /// Times no slot was left, or the provider gave none.
    public var allocEmpty: UInt64 = 0
    /// Slots asked for while the pool was draining or drained.
    public var allocRefused: UInt64 = 0
    /// Slots that came back to the cache.
    public var recycleCached: UInt64 = 0
    /// Slots that came back while the cache was full (a draining pool's cache is), and went on.
    public var recycleCacheFull: UInt64 = 0
    /// Slots that the provider took back.
    public var recycleReleased: UInt64 = 0
    /// Slots that the provider left to the pool.
    public var freedByPool: UInt64 = 0
    /// Free slots that were taken out of the cache to be given up.
    public var trimmed: UInt64 = 0
    /// Refused operations on the books: each is a bug of this program, or a forged return.
    public var violations: UInt64 = 0
    /// Slots that are neither in the pool nor at its provider. Set when read.
    public var inFlight = 0
    /// The same in bytes.
    public var inFlightBytes = 0
    /// When the pool was detached (began to drain), in nanoseconds of the caller's clock; 0 while it is active.
    public var detachTime: UInt64 = 0

    /// All zero.
    @inlinable public init() {}
}

/// How far a pool's life has come.
@frozen public enum PoolState: UInt8, Sendable {
    /// It lends slots.
    case active
    /// It takes slots back and lends none.
    case draining
    /// Every slot is back; its provider has ended.
    case drained
}
