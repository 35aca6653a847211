import PagePool

/// What the exploration has of everything. Two pools share the slots, two queues hold one slot a ring, two applications have
/// a connection each: the first one's tokens belong to the connection, the second one's to the binding.
struct WorldShape: Sendable {
    /// Slots of the first and of the second pool.
    var slots: [Int]
    /// Queues that are in use.
    var queues: Int
    /// Token numbers that an application's table remembers.
    var tokens = 1
    /// Fragments that the stack has of one slot for one connection.
    var parts = 1
    /// Transmissions of one slot.
    var transmissions = 1

    var slotCount: Int { slots[0] + slots[1] }
    func pool(of slot: Int) -> Int { slot < slots[0] ? 0 : 1 }
}

/// Who really holds what: the ghost against which the books are checked.
struct Slot {
    /// Whether it is on a free list.
    var inPool = true
    /// The ring that it is posted to: 0 none, else 1 + queue * 2 + (1 for a ring that is being prepared).
    var ring: UInt8 = 0
    /// Fragments of the stack by connection.
    var stack: (UInt8, UInt8) = (0, 0)
    /// Transmissions.
    var transmit: UInt8 = 0

    /// 10 bits.
    var word: UInt64 {
        UInt64(inPool ? 1 : 0) | UInt64(ring) << 1 | UInt64(stack.0) << 4 | UInt64(stack.1) << 6 | UInt64(transmit) << 8
    }

    init() {}
    init(word: UInt64) {
        inPool = word & 1 != 0
        ring = UInt8(word >> 1 & 7)
        stack = (UInt8(word >> 4 & 3), UInt8(word >> 6 & 3))
        transmit = UInt8(word >> 8 & 3)
    }

    subscript(connection: Int) -> UInt8 {
        get { connection == 0 ? stack.0 : stack.1 }
        set { if connection == 0 { stack.0 = newValue } else { stack.1 = newValue } }
    }
}

/// How far the restart of a queue has come.
enum Phase: UInt8 {
    /// One ring, and the device fills it.
    case running
    /// A second ring is ready, and the device still fills the first.
    case prepared
    /// The device fills none; what it filled last is still taken out of the first ring.
    case stopped
    /// The device fills the second ring, and the first one's slots are still lent.
    case started
}

/// One number of a token table.
enum Token {
    static let none: UInt8 = 0
    /// Came back; 1 + slot is one that is out.
    static let spent: UInt8 = 7
}

/// One configuration of the whole, packed in two words: copied, compared and hashed for nothing, so that a debug build walks
/// a hundred thousand of them.
struct World: Hashable {
    /// Ten bits a slot.
    private var low: UInt64 = 0
    /// Tokens from bit 0 on, queues from bit 24 on, pools, applications and connections from bit 48 on.
    private var high: UInt64 = 0

    init(_ shape: WorldShape) {
        for slot in 0..<shape.slotCount { self[slot: slot] = Slot() }
        for index in 0..<2 {
            setAlive(index, true)
            setOpen(index, true)
        }
    }

    private func bits(_ position: Int, _ width: Int) -> UInt64 { high >> UInt64(position) & (1 << UInt64(width) - 1) }

    private mutating func setBits(_ position: Int, _ width: Int, _ value: UInt64) {
        high = high & ~((1 << UInt64(width) - 1) << UInt64(position)) | value << UInt64(position)
    }

    subscript(slot slot: Int) -> Slot {
        get { Slot(word: low >> UInt64(slot * 10) & 0x3FF) }
        set { low = low & ~(0x3FF << UInt64(slot * 10)) | newValue.word << UInt64(slot * 10) }
    }

    /// A number of an application's table, oldest first; ``Token``.
    func token(_ application: Int, _ place: Int) -> UInt8 { UInt8(bits(application * 12 + place * 3, 3)) }
    mutating func setToken(_ application: Int, _ place: Int, _ token: UInt8) {
        setBits(application * 12 + place * 3, 3, UInt64(token))
    }
    func phase(_ queue: Int) -> Phase { Phase(rawValue: UInt8(bits(24 + queue * 4, 2))) ?? .running }
    mutating func setPhase(_ queue: Int, _ phase: Phase) { setBits(24 + queue * 4, 2, UInt64(phase.rawValue)) }
    /// Which pool a queue's first (0) or second (1) ring is from.
    func source(_ queue: Int, _ ring: Int) -> Int { Int(bits(26 + queue * 4 + ring, 1)) }
    mutating func setSource(_ queue: Int, _ ring: Int, _ pool: Int) { setBits(26 + queue * 4 + ring, 1, UInt64(pool)) }
    func state(of pool: Int) -> PoolState { PoolState(rawValue: UInt8(bits(48 + pool * 4, 2))) ?? .active }
    mutating func setState(of pool: Int, _ state: PoolState) { setBits(48 + pool * 4, 2, UInt64(state.rawValue)) }
    func isAlive(_ application: Int) -> Bool { bits(50 + application * 4, 1) != 0 }
    mutating func setAlive(_ application: Int, _ alive: Bool) { setBits(50 + application * 4, 1, alive ? 1 : 0) }
    func isOpen(_ connection: Int) -> Bool { bits(51 + connection * 4, 1) != 0 }
    mutating func setOpen(_ connection: Int, _ open: Bool) { setBits(51 + connection * 4, 1, open ? 1 : 0) }

    /// The same world with the slots of each pool, which are alike, in an order of their own.
    func canonical(_ shape: WorldShape) -> World {
        var world = self
        for (first, end) in [(0, shape.slots[0]), (shape.slots[0], shape.slotCount)] {
            for last in stride(from: end - 1, to: first, by: -1) {
                for slot in first..<last where world.weight(slot, shape) > world.weight(slot + 1, shape) {
                    world.swap(slot, shape)
                }
            }
        }
        return world
    }

    private func weight(_ slot: Int, _ shape: WorldShape) -> UInt64 {
        var weight = self[slot: slot].word
        for application in 0..<2 {
            for place in 0..<shape.tokens where Int(token(application, place)) == slot + 1 {
                weight |= 1 << UInt64(10 + application * 4 + place)
            }
        }
        return weight
    }

    /// Exchanges `slot` and its neighbour.
    private mutating func swap(_ slot: Int, _ shape: WorldShape) {
        (self[slot: slot], self[slot: slot + 1]) = (self[slot: slot + 1], self[slot: slot])
        for application in 0..<2 {
            for place in 0..<shape.tokens {
                let token = Int(token(application, place))
                if token == slot + 1 { setToken(application, place, UInt8(slot + 2)) }
                if token == slot + 2 { setToken(application, place, UInt8(slot + 1)) }
            }
        }
    }
}

extension World {
    /// Records that application `application` holds of `slot`.
    func held(_ slot: Int, by application: Int) -> Int {
        // Places that are not in use hold nothing.
        var count = 0
        for place in 0..<4 where Int(token(application, place)) == slot + 1 { count += 1 }
        return count
    }

    /// Tokens that are out, of both applications.
    var tokensOut: Int {
        var count = 0
        for application in 0..<2 {
            for place in 0..<4 where token(application, place) != Token.none && token(application, place) != Token.spent
            {
                count += 1
            }
        }
        return count
    }

    /// What the books of `slot` must say.
    func truth(_ slot: Int) -> SlotHolders {
        let ghost = self[slot: slot]
        var holders = SlotHolders()
        holders.ring = ghost.ring == 0 ? 0 : 1
        holders.stack = UInt16(ghost.stack.0 + ghost.stack.1)
        holders.transmit = UInt16(ghost.transmit)
        holders.application = UInt16(held(slot, by: 0) + held(slot, by: 1))
        return holders
    }
}
