internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// The internal PHY, at address 1 of its management bus, and the link.
struct PHY: ~Copyable {
    private enum Access { case absent, readOnly, readWrite, writeOnly }

    /// Which part it is.
    enum Part {
        /// IGP03E1000, in the 82576.
        case igp
        /// The Marvell-derived BM PHY of the 82574.
        case bm
        /// None that registers reach: the link is the MAC's, as in the 82599.
        case mac
    }

    private var words: Slab<UInt16>
    /// When auto-negotiation will be complete.
    private(set) var negotiated = Instant.never
    /// Whether the link is up.
    private(set) var linkUp = false
    private var linkLost = false
    private var cable = true
    private let part: Part
    private let behaviour: Behaviour
    private let negotiationTime: Interval

    init(_ part: Part, behaviour: Behaviour, negotiationTime: Interval) {
        self.part = part
        self.behaviour = behaviour
        self.negotiationTime = negotiationTime
        words = Slab(count: 32, repeating: 0)
    }

    /// Registers after a reset, as QEMU 10's models have them.
    private var resetValues: [(Int, UInt16)] {
        let standard: [(Int, UInt16)] = [
            (0, 0x1140), (1, 0x794D), (4, 0x0DE1), (5, 0x07E0), (6, 0x0005), (7, 0x2001), (9, 0x0F00), (10, 0x3C00),
            (15, 0x3000),
        ]
        switch part {
        case .igp: return standard + [(2, 0x02A8), (3, 0x0391), (16, 0x0120), (17, 0xC000), (25, 0x008D)]
        case .mac: return []
        case .bm: return standard + [(2, 0x0141), (3, 0x0CB1), (16, 0x3360), (17, 0xAC08)]
        }
    }

    private func access(_ register: UInt32) -> Access {
        switch (part, register) {
        case (.mac, _): .absent
        case (_, 0), (_, 4), (_, 7), (_, 9), (_, 16), (_, 25): .readWrite
        case (_, 1), (_, 2), (_, 3), (_, 5), (_, 6), (_, 10), (_, 15), (_, 17): .readOnly
        case (.igp, 18): .readWrite
        case (.igp, 19): .readOnly
        case (.igp, 31): .writeOnly
        // 19: copper status; 21: receive errors; 22: page; 29, 30: analog.
        case (.bm, 18), (.bm, 20), (.bm, 22), (.bm, 29), (.bm, 30): .readWrite
        case (.bm, 19), (.bm, 21): .readOnly
        default: .absent
        }
    }

    private static var status: Int { Int(PHYRegister.status.rawValue) }
    private static var control: Int { Int(PHYRegister.control.rawValue) }
    private static var partner: Int { Int(PHYRegister.partnerAbility.rawValue) }

    /// A reset by the MAC or by BMCR.
    mutating func reset(now: Instant) {
        for i in 0..<32 { words[i] = 0 }
        for (register, value) in resetValues { words[register] = value }
        // QEMU shows the link bit before there is a link.
        if behaviour.linksByItself { words[Self.status] &= ~PHYRegister.statusLink }
        // QEMU's e1000e is linked before anybody negotiates.
        linkUp = part == .bm && !behaviour.linksByItself && cable
        negotiated = behaviour.linksByItself && cable ? now + negotiationTime : .never
    }

    /// Reads a register; `nil` is an error answer.
    mutating func read(_ register: UInt32) -> UInt16? {
        switch access(register) {
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
        switch access(register) {
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
            restart(now: now)
        }
        return true
    }

    /// BMCR.14: what is sent comes back.
    var loopsBack: Bool { words[Self.control] & PHYRegister.controlLoopback != 0 }

    /// Starts auto-negotiation over: the link is lost until it is complete.
    mutating func restart(now: Instant) {
        loseLink()
        if cable { negotiated = now + negotiationTime }
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
