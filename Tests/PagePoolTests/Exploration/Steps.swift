import PagePool

/// A world in the middle of a step: the ghost moves, and the books follow through `SlotHolders.apply` alone.
struct Move {
    let shape: WorldShape
    var world: World
    /// The books as they were, and as the step leaves them.
    var books: InlineArray<4, SlotHolders>
    /// A step of the books that the table refused although the world allowed it.
    var wasRefused = false
    /// Whether the step takes something out of circulation, rather than bringing something new.
    var drains = false

    init(_ world: World, _ shape: WorldShape) {
        self.shape = shape
        self.world = world
        books = InlineArray(repeating: SlotHolders())
        for slot in 0..<shape.slotCount { books[slot] = world.truth(slot) }
    }

    private mutating func apply(_ transition: SlotTransition, _ slot: Int) {
        if !books[slot].apply(transition) { wasRefused = true }
    }

    /// What `PagePool.freeIfUnheld` does, and the end of draining with the last slot.
    private mutating func freeIfUnheld(_ slot: Int) {
        if books[slot].isFree { world[slot: slot].inPool = true }
        settle(shape.pool(of: slot))
    }

    private mutating func settle(_ pool: Int) {
        guard world.state(of: pool) == .draining else { return }
        let isBack = (0..<shape.slotCount).allSatisfy { shape.pool(of: $0) != pool || world[slot: $0].inPool }
        if isBack { world.setState(of: pool, .drained) }
    }

    // MARK: queues

    /// The ring that the device fills, as a slot names it.
    private func filled(_ queue: Int) -> UInt8? {
        switch world.phase(queue) {
        case .running, .prepared: UInt8(1 + queue * 2)
        case .stopped: nil
        case .started: UInt8(2 + queue * 2)
        }
    }

    /// The ring that completed buffers are taken out of.
    private func completed(_ queue: Int) -> UInt8 { filled(queue) ?? UInt8(1 + queue * 2) }

    private func slot(in ring: UInt8) -> Int? { (0..<shape.slotCount).first { world[slot: $0].ring == ring } }

    private func lendable(_ pool: Int) -> Int? {
        guard world.state(of: pool) == .active else { return nil }
        return (0..<shape.slotCount).first { shape.pool(of: $0) == pool && world[slot: $0].inPool }
    }

    private mutating func lend(_ slot: Int, to ring: UInt8) {
        apply(.lend, slot)
        world[slot: slot].inPool = false
        world[slot: slot].ring = ring
    }

    private mutating func reclaim(_ ring: UInt8) {
        guard let slot = slot(in: ring) else { return }
        apply(.reclaim, slot)
        world[slot: slot].ring = 0
        freeIfUnheld(slot)
    }

    mutating func post(_ queue: Int) -> Bool {
        guard let ring = filled(queue), slot(in: ring) == nil else { return false }
        let pool = world.source(queue, world.phase(queue) == .started ? 1 : 0)
        guard let slot = lendable(pool) else { return false }
        lend(slot, to: ring)
        return true
    }

    mutating func arrive(_ queue: Int, _ connection: Int) -> Bool {
        guard world.isOpen(connection), let slot = slot(in: completed(queue)) else { return false }
        apply(.arrive, slot)
        world[slot: slot].ring = 0
        world[slot: slot][connection] += 1
        return true
    }

    /// New resources first; a failure here has changed nothing.
    mutating func prepare(_ queue: Int, from pool: Int) -> Bool {
        guard world.phase(queue) == .running, let slot = lendable(pool) else { return false }
        lend(slot, to: UInt8(2 + queue * 2))
        world.setPhase(queue, .prepared)
        world.setSource(queue, 1, pool)
        return true
    }

    mutating func stop(_ queue: Int) -> Bool {
        guard world.phase(queue) == .prepared else { return false }
        world.setPhase(queue, .stopped)
        return true
    }

    mutating func start(_ queue: Int) -> Bool {
        guard world.phase(queue) == .stopped else { return false }
        world.setPhase(queue, .started)
        return true
    }

    /// Stopping or starting failed: what was prepared goes back, and the old ring is filled again.
    mutating func rollBack(_ queue: Int) -> Bool {
        guard world.phase(queue) == .prepared || world.phase(queue) == .stopped else { return false }
        reclaim(UInt8(2 + queue * 2))
        world.setPhase(queue, .running)
        world.setSource(queue, 1, 0)
        drains = true
        return true
    }

    /// Frees the old ring, and the new one is the queue's.
    mutating func finish(_ queue: Int) -> Bool {
        guard world.phase(queue) == .started else { return false }
        reclaim(UInt8(1 + queue * 2))
        if let slot = slot(in: UInt8(2 + queue * 2)) { world[slot: slot].ring = UInt8(1 + queue * 2) }
        world.setPhase(queue, .running)
        world.setSource(queue, 0, world.source(queue, 1))
        world.setSource(queue, 1, 0)
        drains = true
        return true
    }

    /// The queue is shut down: what is posted comes back unfilled.
    mutating func shutDown(_ queue: Int) -> Bool {
        guard world.phase(queue) == .running, slot(in: UInt8(1 + queue * 2)) != nil else { return false }
        reclaim(UInt8(1 + queue * 2))
        drains = true
        return true
    }

    // MARK: stack

    mutating func split(_ slot: Int, _ connection: Int) -> Bool {
        guard world[slot: slot][connection] != 0, Int(world[slot: slot][connection]) < shape.parts else { return false }
        apply(.split, slot)
        world[slot: slot][connection] += 1
        return true
    }

    mutating func recycle(_ slot: Int, _ connection: Int) -> Bool {
        guard world[slot: slot][connection] != 0 else { return false }
        apply(.recycle, slot)
        world[slot: slot][connection] -= 1
        freeIfUnheld(slot)
        drains = true
        return true
    }

    mutating func relay(_ slot: Int, _ connection: Int) -> Bool {
        guard world[slot: slot][connection] != 0, Int(world[slot: slot].transmit) < shape.transmissions else {
            return false
        }
        apply(.queueFromStack, slot)
        world[slot: slot][connection] -= 1
        world[slot: slot].transmit += 1
        return true
    }

    mutating func transmitted(_ slot: Int) -> Bool {
        guard world[slot: slot].transmit != 0 else { return false }
        apply(.transmitted, slot)
        world[slot: slot].transmit -= 1
        freeIfUnheld(slot)
        drains = true
        return true
    }

    // MARK: applications

    /// A connection delivers to the application of its number.
    mutating func deliver(_ slot: Int, _ connection: Int) -> Bool {
        guard world[slot: slot][connection] != 0, world.isAlive(connection), world.isOpen(connection) else {
            return false
        }
        guard let place = placeForToken(connection) else { return false }
        apply(.deliver, slot)
        world[slot: slot][connection] -= 1
        world.setToken(connection, place, UInt8(slot + 1))
        return true
    }

    /// Where the next number goes: `nil` when too many are out. The oldest that came back is forgotten when there is no other
    /// place: it is stale whatever is remembered.
    private mutating func placeForToken(_ application: Int) -> Int? {
        for place in 0..<shape.tokens where world.token(application, place) == Token.none { return place }
        guard let spent = (0..<shape.tokens).first(where: { world.token(application, $0) == Token.spent }) else {
            return nil
        }
        for place in spent..<(shape.tokens - 1) {
            world.setToken(application, place, world.token(application, place + 1))
        }
        return shape.tokens - 1
    }

    /// The token table's half of a return, whoever asks for it: only a number that is out names a slot.
    mutating func takeBack(_ application: Int, _ place: Int) -> Bool {
        let token = world.token(application, place)
        guard token != Token.spent, token != Token.none else { return false }
        let slot = Int(token) - 1
        world.setToken(application, place, Token.spent)
        apply(.returned, slot)
        freeIfUnheld(slot)
        drains = true
        return true
    }

    /// Everything up to one number: the consumer's counter.
    mutating func takeBack(_ application: Int, upTo place: Int) -> Bool {
        var any = false
        for earlier in 0...place where takeBack(application, earlier) { any = true }
        return any
    }

    mutating func send(_ application: Int, _ place: Int) -> Bool {
        let token = world.token(application, place)
        guard token != Token.spent, token != Token.none, world.isAlive(application) else { return false }
        let slot = Int(token) - 1
        guard Int(world[slot: slot].transmit) < shape.transmissions else { return false }
        apply(.queueFromApplication, slot)
        world[slot: slot].transmit += 1
        return true
    }

    /// Closes a connection; what it holds comes back piece by piece, and its place may be taken again when all has.
    mutating func close(_ connection: Int) -> Bool {
        guard world.isOpen(connection) else { return false }
        world.setOpen(connection, false)
        drains = true
        return true
    }

    mutating func open(_ connection: Int) -> Bool {
        guard !world.isOpen(connection), world.isAlive(connection),
            (0..<shape.slotCount).allSatisfy({ world[slot: $0][connection] == 0 })
        else { return false }
        // The first application's tokens belong to its connection, and are back before its next one. The second one's
        // survive it.
        if connection == 0 && holdsTokens(0) { return false }
        world.setOpen(connection, true)
        return true
    }

    private func holdsTokens(_ application: Int) -> Bool {
        (0..<shape.slotCount).contains { world.held($0, by: application) != 0 }
    }

    mutating func crash(_ application: Int) -> Bool {
        guard world.isAlive(application) else { return false }
        world.setAlive(application, false)
        world.setOpen(application, false)
        drains = true
        return true
    }

    /// The controller has swept what the dead one held; another takes its place with a table of its own.
    mutating func replace(_ application: Int) -> Bool {
        guard !world.isAlive(application), !holdsTokens(application) else { return false }
        for place in 0..<shape.tokens { world.setToken(application, place, Token.none) }
        world.setAlive(application, true)
        return true
    }

    // MARK: bindings

    mutating func drain(_ pool: Int) -> Bool {
        guard world.state(of: pool) == .active else { return false }
        world.setState(of: pool, .draining)
        settle(pool)
        drains = true
        return true
    }

    /// The place of a drained pool is vacated, and another binding takes it.
    mutating func rebind(_ pool: Int) -> Bool {
        guard world.state(of: pool) == .drained else { return false }
        world.setState(of: pool, .active)
        return true
    }
}
