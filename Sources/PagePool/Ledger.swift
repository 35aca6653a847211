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

    /// Counts a slot under its primary holder; a slot without one is not counted, because whether it really is in the pool
    /// is for the pool to say.
    public mutating func count(_ held: SlotHolders) {
        if held.ring != 0 {
            ring += 1
        } else if held.stack != 0 {
            stack += 1
        } else if held.transmit != 0 {
            transmit += 1
        } else if held.application != 0 {
            application += 1
        }
    }

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
