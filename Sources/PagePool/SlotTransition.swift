/// Who holds references on a slot. A slot without holders is in the pool.
@frozen public struct SlotHolders: BitwiseCopyable, Sendable, Hashable {
    /// Posted to a receive ring: 0 or 1, and nobody else holds it then.
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
    /// Whether the ring holds the slot and nobody else does.
    @inlinable var isPosted: Bool { ring == 1 && stack | transmit | application == 0 }
    /// Whether the slot can take one reference more. The sum is bounded and not each counter, so that a reference which
    /// only moves from one holder to the next always finds room.
    @inlinable public var isShareable: Bool { references < Int(UInt16.max) }
}

/// The steps in a slot's life: each moves, adds or drops one reference.
///
/// This is the whole table; ``PagePool`` changes its books through it and in no other way, and the exhaustive exploration
/// in the tests walks the same function. Who drops what (S2.14): a ring's reference is dropped by the queue, the stack's by
/// the stack, a transmission's by the transmit queue, and an application's by whoever keeps the token table that vouches
/// for it, be it on return, at a connection's close or at the application's death.
@frozen public enum SlotTransition: UInt8, CaseIterable, Sendable {
    /// Pool to ring: a buffer is posted.
    case lend
    /// Ring to pool: a buffer that the device did not fill.
    case reclaim
    /// Ring to stack: the device filled it.
    case arrive
    /// The stack cuts a fragment: one reference of the stack more.
    case split
    /// The stack drops a fragment.
    case recycle
    /// Stack to application.
    case deliver
    /// An application gives a record back.
    case returned
    /// Stack to transmit: a fragment is relayed.
    case queueFromStack
    /// A transmission takes a reference of its own on what an application holds.
    case queueFromApplication
    /// A transmission is over.
    case transmitted
}

extension SlotHolders {
    /// Carries out `transition`; false, with nothing changed, when it is illegal here. No counter can wrap.
    ///
    /// With a constant argument the switch folds to the one case.
    @inlinable public mutating func apply(_ transition: SlotTransition) -> Bool {
        switch transition {
        case .lend:
            guard isFree else { return false }
            ring = 1
        case .reclaim:
            guard isPosted else { return false }
            ring = 0
        case .arrive:
            guard isPosted else { return false }
            ring = 0
            stack = 1
        case .split:
            guard stack != 0, isShareable else { return false }
            stack &+= 1
        case .recycle:
            guard stack != 0 else { return false }
            stack &-= 1
        case .deliver:
            guard stack != 0, application != .max else { return false }
            stack &-= 1
            application &+= 1
        case .returned:
            guard application != 0 else { return false }
            application &-= 1
        case .queueFromStack:
            guard stack != 0, transmit != .max else { return false }
            stack &-= 1
            transmit &+= 1
        case .queueFromApplication:
            guard application != 0, isShareable else { return false }
            transmit &+= 1
        case .transmitted:
            guard transmit != 0 else { return false }
            transmit &-= 1
        }
        return true
    }
}
