internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// The internal PHY: an IGP03E1000 class part at address 1.
struct PHY: ~Copyable {
    private enum Access { case absent, readOnly, readWrite, writeOnly }

    private var words: Slab<UInt16>
    /// When auto-negotiation will be complete.
    private(set) var negotiated = Instant.never
    /// Whether the link is up.
    private(set) var linkUp = false
    private var linkLost = false
    private var cable = true
    private let behaviour: Behaviour
    private let negotiationTime: Interval

    init(behaviour: Behaviour, negotiationTime: Interval) {
        self.behaviour = behaviour
        self.negotiationTime = negotiationTime
        words = Slab(count: 32, repeating: 0)
    }

    /// Registers after a reset, as QEMU 10's igb model has them.
    private static var resetValues: [(Int, UInt16)] {
        [
            (0, 0x1140), (1, 0x794D), (2, 0x02A8), (3, 0x0391), (4, 0x0DE1), (5, 0x07E0), (6, 0x0005), (7, 0x2001),
            (9, 0x0F00), (10, 0x3C00), (15, 0x3000), (16, 0x0120), (17, 0xC000), (25, 0x008D),
        ]
    }

    private static func access(_ register: UInt32) -> Access {
        switch register {
        case 0, 4, 7, 9, 16, 18, 25: .readWrite
        case 1, 2, 3, 5, 6, 10, 15, 17, 19: .readOnly
        case 31: .writeOnly
        default: .absent
        }
    }

    private static var status: Int { Int(PHYRegister.status.rawValue) }
    private static var control: Int { Int(PHYRegister.control.rawValue) }
    private static var partner: Int { Int(PHYRegister.partnerAbility.rawValue) }

    /// A reset by the MAC or by BMCR.
    mutating func reset(now: Instant) {
        for i in 0..<32 { words[i] = 0 }
        for (register, value) in Self.resetValues { words[register] = value }
        // QEMU shows the link bit before there is a link.
        if behaviour.linksByItself { words[Self.status] &= ~PHYRegister.statusLink }
        linkUp = false
        negotiated = behaviour.linksByItself && cable ? now + negotiationTime : .never
    }

    /// Reads a register; `nil` is an error answer.
    mutating func read(_ register: UInt32) -> UInt16? {
        switch Self.access(register) {
        case .absent: return behaviour.answersAbsentPHYRegisters ? 0 : nil
        case .writeOnly: return 0
        case .readOnly, .readWrite: break
        }
        let value = words[Int(register)]
        if Int(register) == Self.status && linkLost {
            linkLost = false
            return value & ~PHYRegister.statusLink
        }
        return value
    }

    /// Writes a register; false is an error answer.
    mutating func write(_ register: UInt32, _ value: UInt16, now: Instant) -> Bool {
        switch Self.access(register) {
        case .absent: return behaviour.answersAbsentPHYRegisters
        case .readOnly: return true
        case .writeOnly: return true
        case .readWrite: break
        }
        guard Int(register) == Self.control else {
            words[Int(register)] = value
            return true
        }
        if value & PHYRegister.controlReset != 0 {
            reset(now: now)
            return true
        }
        words[Self.control] = value & ~PHYRegister.controlRestart
        if value & PHYRegister.controlAutoNegotiation != 0 && value & PHYRegister.controlRestart != 0 {
            loseLink()
            if cable { negotiated = now + negotiationTime }
        }
        return true
    }

    /// Plugs the cable in or out.
    mutating func setCable(_ connected: Bool, now: Instant) {
        cable = connected
        loseLink()
        negotiated = connected ? now + negotiationTime : .never
    }

    private mutating func loseLink() {
        if linkUp && behaviour.latchesLinkLoss { linkLost = true }
        linkUp = false
        words[Self.status] &= ~(PHYRegister.statusLink | PHYRegister.statusNegotiated)
        words[Self.partner] &= ~(1 << 14)
    }

    /// Completes auto-negotiation when it is due; true when the link came up.
    mutating func step(now: Instant) -> Bool {
        guard now >= negotiated else { return false }
        negotiated = .never
        linkUp = true
        words[Self.status] |= PHYRegister.statusLink | PHYRegister.statusNegotiated
        // The partner's acknowledge bit.
        words[Self.partner] |= 1 << 14
        return true
    }
}
