import PagePool

/// Walks every world that can be reached, nearest first, and checks each step.
struct Explorer {
    let shape: WorldShape
    /// Worlds found.
    private(set) var worlds = 0
    /// Steps taken between them.
    private(set) var steps = 0
    /// What went wrong first.
    private(set) var fault: String?
    private var known: Set<World> = []
    private var frontier: [World] = []
    private var current: World
    private var canDrain = false
    private var isDrained = false

    init(_ shape: WorldShape) {
        self.shape = shape
        current = World(shape)
    }

    /// Explores until nothing new is found, or a fault is.
    mutating func run() {
        known.insert(current)
        frontier = [current]
        var next = 0
        while next < frontier.count && fault == nil {
            current = frontier[next]
            next += 1
            let world = current
            canDrain = false
            isDrained = (0..<shape.slotCount).allSatisfy { world[slot: $0].inPool }
            expand(world)
            // By induction over what is out, every world can come to rest: each that has not has a step that takes out of
            // circulation and leads to less.
            if !isDrained && !canDrain { fault = fault ?? "cannot drain: \(world)" }
        }
        worlds = known.count
    }

    private mutating func expand(_ world: World) {
        for queue in 0..<shape.queues {
            take(world, "post") { $0.post(queue) }
            for connection in 0..<2 { take(world, "arrive") { $0.arrive(queue, connection) } }
            for pool in 0..<2 { take(world, "prepare") { $0.prepare(queue, from: pool) } }
            take(world, "stop") { $0.stop(queue) }
            take(world, "start") { $0.start(queue) }
            take(world, "roll back") { $0.rollBack(queue) }
            take(world, "finish") { $0.finish(queue) }
            take(world, "shut down") { $0.shutDown(queue) }
        }
        for slot in 0..<shape.slotCount {
            for connection in 0..<2 where world[slot: slot][connection] != 0 {
                take(world, "split") { $0.split(slot, connection) }
                take(world, "recycle") { $0.recycle(slot, connection) }
                take(world, "deliver") { $0.deliver(slot, connection) }
                take(world, "relay") { $0.relay(slot, connection) }
            }
            take(world, "transmitted") { $0.transmitted(slot) }
        }
        for application in 0..<2 {
            for place in 0..<shape.tokens where world.token(application, place) != Token.none {
                if world.token(application, place) == Token.spent {
                    replay(world, application, place)
                } else {
                    take(world, "return") { $0.takeBack(application, place) }
                    take(world, "send") { $0.send(application, place) }
                }
                if place > 0 { take(world, "return up to") { $0.takeBack(application, upTo: place) } }
            }
            take(world, "close") { $0.close(application) }
            take(world, "open") { $0.open(application) }
            take(world, "crash") { $0.crash(application) }
            take(world, "replace") { $0.replace(application) }
        }
        for pool in 0..<2 {
            take(world, "drain") { $0.drain(pool) }
            take(world, "rebind") { $0.rebind(pool) }
        }
    }

    /// A number that came back before frees nothing, whatever its slot has become.
    private mutating func replay(_ world: World, _ application: Int, _ place: Int) {
        var move = Move(world, shape)
        let wasTaken = move.takeBack(application, place)
        if wasTaken || move.world != current { fault = fault ?? "a stale token was taken: \(world)" }
    }

    private mutating func take(_ world: World, _ name: String, _ step: (inout Move) -> Bool) {
        guard fault == nil else { return }
        var move = Move(world, shape)
        guard step(&move) else { return }
        steps += 1
        if let wrong = check(move, world) {
            fault = "\(wrong) after \(name) in \(world)"
            return
        }
        if move.drains && !canDrain && weight(move.world) < weight(world) { canDrain = true }
        let key = move.world.canonical(shape)
        if known.insert(key).inserted { frontier.append(key) }
    }

    /// What is out, so that each draining step makes it less.
    private func weight(_ world: World) -> Int {
        (0..<shape.slotCount).reduce(0) { $0 + world.truth($1).references }
            + (0..<shape.queues).count { world.phase($0) != .running }
    }

    private func check(_ move: Move, _ before: World) -> String? {
        if move.wasRefused { return "the table refused a step" }
        var ledger = Ledger()
        ledger.total = shape.slotCount
        var references = 0
        var held = 0
        for slot in 0..<shape.slotCount {
            let truth = move.world.truth(slot)
            if move.books[slot] != truth { return "slot \(slot) is booked as \(move.books[slot])" }
            if move.world[slot: slot].inPool != truth.isFree { return "slot \(slot) is free and held, or lost" }
            if truth.ring != 0 && truth.references != 1 { return "slot \(slot) is written while it is held" }
            ledger.count(move.books[slot])
            if move.world[slot: slot].inPool { ledger.pool += 1 }
            references += move.books[slot].references
            held += Int(truth.ring + truth.stack + truth.transmit)
        }
        held += move.world.tokensOut
        if !ledger.isBalanced { return "the law is broken: \(ledger)" }
        if references != held { return "\(references) references and \(held) holders" }
        return lifecycle(move, before)
    }

    /// A pool that drains lends nothing, and is drained exactly when its last slot is back.
    private func lifecycle(_ move: Move, _ before: World) -> String? {
        for pool in 0..<2 {
            let mine = (0..<shape.slotCount).filter { shape.pool(of: $0) == pool }
            let isBack = mine.allSatisfy { move.world[slot: $0].inPool }
            switch move.world.state(of: pool) {
            case .active: break
            case .draining: if isBack { return "pool \(pool) is back and not drained" }
            case .drained: if !isBack { return "pool \(pool) is drained and has slots out" }
            }
            let lent = mine.contains { before[slot: $0].inPool && !move.world[slot: $0].inPool }
            if lent && before.state(of: pool) != .active { return "pool \(pool) lent while it was draining" }
        }
        return nil
    }
}
