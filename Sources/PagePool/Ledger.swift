/// Who holds references on a slot. A slot without holders is in the pool.
@frozen public struct SlotHolders: BitwiseCopyable, Sendable, Hashable {
    /// Posted to a receive ring: 0 or 1.
    public var ring: UInt16
    /// Fragments that the stack holds (a burst in progress, reassembly, undelivered events).
    public var stack: UInt16
    /// Transmissions in flight.
    public var transmit: UInt16
    /// Records that applications hold.
    public var application: UInt16

    /// Nobody.
    @inlinable public init() {
        ring = 0
        stack = 0
        transmit = 0
        application = 0
    }

    /// Whether nobody holds the slot.
    @inlinable public var isFree: Bool { ring | stack | transmit | application == 0 }
    /// References over all holders.
    @inlinable public var references: Int { Int(ring) + Int(stack) + Int(transmit) + Int(application) }
}

/// Slots by primary holder, and the law they obey: `pool + ring + stack + transmit + application = total`.
///
/// The primary holder is the first with a reference in the order ring, stack, transmit, application.
public struct Ledger: Sendable, Hashable {
    /// Slots that nobody holds.
    public var pool = 0
    /// Slots posted to receive rings.
    public var ring = 0
    /// Slots whose first holder is the stack.
    public var stack = 0
    /// Slots whose first holder is a transmission.
    public var transmit = 0
    /// Slots that only applications hold.
    public var application = 0
    /// Slots in all.
    public var total = 0

    /// No slots.
    public init() {}

    /// Whether every slot is accounted for exactly once.
    public var isBalanced: Bool { pool + ring + stack + transmit + application == total }

    /// Counts slots of two pools together.
    public static func + (lhs: Ledger, rhs: Ledger) -> Ledger {
        var sum = lhs
        sum.pool += rhs.pool
        sum.ring += rhs.ring
        sum.stack += rhs.stack
        sum.transmit += rhs.transmit
        sum.application += rhs.application
        sum.total += rhs.total
        return sum
    }
}
