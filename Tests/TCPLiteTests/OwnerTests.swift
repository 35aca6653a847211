import DeviceMemory
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Several applications at one stack.
@Suite struct OwnerTests {
    /// A stack with owners 0 to 2, each with 100 slots and a pool of its own, listening on ports 80, 81 and 82.
    static func three(_ change: (inout Configuration) -> Void = { _ in }) throws -> Script {
        let script = try Script(
            {
                $0.owners = 4
                $0.slotBudget = 400
                $0.slotsPerFlow = 20
                change(&$0)
            }, pools: 3)
        for owner in 1...2 {
            try script.host.stack.registerOwner(owner, OwnerConfiguration(slots: 100))
            try script.host.stack.allow(pool: UInt16(owner + 1), owner: owner)
            try script.host.stack.listen(port: 80 + UInt16(owner), owner: owner)
        }
        return script
    }

    /// Opens a connection to the port of `owner`, from a peer's port of its own; the script goes on with it.
    @discardableResult
    static func open(_ script: Script, owner: Int, peerPort: UInt16) throws -> ConnectionID {
        script.hostPort = 80 + UInt16(owner)
        script.peerPort = peerPort
        script.host.arrivalPool = owner + 1
        script.seq = UInt32(peerPort) * 1000
        let answer = script.send(.syn, ack: 0, options: Script.plain)
        try #require(answer.count == 1 && answer[0].flags == [.syn, .ack])
        script.seq &+= 1
        script.ack = answer[0].seq &+ 1
        script.send(.ack)
        script.host.drain(owner: owner)
        return try #require(script.host.order.last)
    }

    @Test("a connection belongs to the owner of its port, or to who opened it; who has none is told (S4.19)")
    func ownership() throws {
        let script = try OwnerTests.three()
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        let two = try OwnerTests.open(script, owner: 2, peerPort: 5002)
        #expect(script.host.stack.owner(of: one) == 1 && script.host.stack.owner(of: two) == 2)
        #expect(try script.info(two).owner == 2)
        let mine = try script.host.stack.connect(
            to: script.peer, port: 9, localPort: nil, now: script.now, owner: 1, flow: .guaranteed(slots: 3))
        #expect(try script.info(mine).owner == 1 && script.info(mine).slotsGuaranteed == 3)
        #expect(throws: TCPError.unknownOwner(3)) { try script.host.stack.listen(port: 90, owner: 3) }
        #expect(throws: TCPError.unknownOwner(-1)) { try script.host.stack.listen(port: 90, owner: -1) }
        #expect(throws: TCPError.unknownOwner(4)) {
            try script.host.stack.registerOwner(4, OwnerConfiguration(slots: 1))
        }
        #expect(throws: TCPError.ownerInUse(1)) {
            try script.host.stack.registerOwner(1, OwnerConfiguration(slots: 1))
        }
        #expect(throws: TCPError.unknownOwner(3)) {
            try script.host.stack.connect(to: script.peer, port: 9, localPort: nil, now: script.now, owner: 3)
        }
        #expect(throws: TCPError.unknownOwner(3)) { try script.host.stack.allow(pool: 1, owner: 3) }
        #expect(throws: TCPError.noSlots(needed: 101, free: 100)) {
            try script.host.stack.registerOwner(3, OwnerConfiguration(slots: 101))
        }
        for error in [TCPError.unknownOwner(3), .ownerInUse(1), .tooManyListeners(limit: 2)] {
            #expect(error.description.contains(";"))
        }
    }

    @Test("ports are listened on until they are not, up to the configured number (S4.19)")
    func listening() throws {
        let script = try Script { $0.listeners = 2 }
        try script.host.stack.listen(port: 81)
        #expect(throws: TCPError.tooManyListeners(limit: 2)) { try script.host.stack.listen(port: 82) }
        #expect(throws: TCPError.portInUse(81)) { try script.host.stack.listen(port: 81) }
        script.host.stack.unlisten(port: 80)
        script.host.stack.unlisten(port: 80)
        #expect(script.send(.syn, ack: 0).map(\.flags) == [[.rst, .ack]])
        try script.host.stack.listen(port: 82)
        script.hostPort = 82
        #expect(script.send(.syn, ack: 0).map(\.flags) == [[.syn, .ack]])
    }

    @Test("an owner that takes nothing keeps nothing from another (S2.16, A.09)")
    func deliveriesApart() throws {
        let script = try OwnerTests.three()
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        for _ in 0..<8 { script.data(pattern(1000)) }
        let two = try OwnerTests.open(script, owner: 2, peerPort: 5002)
        script.data(pattern(500))
        let other = (script.seq, script.ack)
        let zero = try OwnerTests.open(script, owner: 0, peerPort: 5000)
        script.input(script.frame(.ack, payload: pattern(40)))
        (script.hostPort, script.peerPort, script.seq, script.ack) = (82, 5002, other.0, other.1)
        script.host.drain(owner: 2)
        #expect(script.host.stack.available(zero) == 40)
        script.host.drain()
        #expect(script.host.seen[zero]?.bytes == pattern(40))
        #expect(script.host.seen[two]?.bytes == pattern(500))
        #expect(script.host.seen[one]?.bytes.isEmpty == true && script.host.stack.available(one) == 8000)
        script.host.drain(owner: 1)
        #expect(script.host.seen[one]?.bytes.count == 8000 && script.host.isBalanced)
        let none = script.host.stack.nextDelivery(owner: 3, pools: &script.host.pools) == nil
        let beyond = script.host.stack.nextDelivery(owner: 99, pools: &script.host.pools) == nil
        #expect(none && beyond)
    }

    @Test("owners go at any moment: peers are reset, slots are back, others go on (S2.15, S4.15)", arguments: 0..<40)
    func removal(seed: UInt64) throws {
        let script = try OwnerTests.three { $0.linearBlocks = 400 }
        var random = SeededGenerator(seed: seed)
        let two = try OwnerTests.open(script, owner: 2, peerPort: 5002)
        script.data(pattern(700))
        let other = (script.seq, script.ack)
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        script.host.returnsAtOnce = false
        // Half open, in order, out of order, in host memory, delivered, closing: whatever the seed says.
        let pending = random.below(2) == 0
        if pending {
            script.peerPort = 6000
            script.send(.syn, ack: 0)
            script.peerPort = 5001
        }
        for _ in 0..<random.below(6) { script.data(pattern(200)) }
        script.host.layout = random.below(2) == 0 ? .unsplit : .splitAfter(30)
        for n in 0..<random.below(4) { script.send(.ack, seq: script.seq &+ 300 * (n + 1), payload: pattern(100)) }
        script.host.layout = .split
        if random.below(2) == 0 { script.host.drain(owner: 1, atMost: 3) }
        let closing = random.below(3)
        if closing == 1 { script.send([.ack, .fin], seq: script.seq) }
        if closing == 2 { script.host.stack.shutdown(one) }
        script.host.stack.removeOwner(1, pools: &script.host.pools)
        let resets = script.poll().filter { $0.flags.contains(.rst) }.map(\.header.destinationPort)
        #expect(Set(resets) == (pending ? [5001, 6000] : [5001]), "seed \(seed)")
        #expect(script.host.stack.owner(of: one) == nil && script.host.stack.info(one) == nil)
        #expect(script.host.pools.pools[2].ledger().stack == 0, "seed \(seed)")
        #expect(script.host.stack.info(owner: 1) == nil && script.host.stack.connectionCount == 1)
        // Its port is free, and so is its number.
        #expect(script.send(.syn, ack: 0).map(\.flags) == [[.rst, .ack]])
        for (_, slot, _) in script.host.held { script.host.pools.returned(slot) }
        script.host.held = []
        script.host.heldLinear = []
        try script.host.stack.registerOwner(1, OwnerConfiguration(slots: 100))
        #expect(script.host.stack.info(owner: 1)?.slotsInUse == 0)
        // The other connection never noticed.
        (script.hostPort, script.peerPort, script.host.arrivalPool) = (82, 5002, 3)
        (script.seq, script.ack) = other
        script.host.returnsAtOnce = true
        script.data(pattern(900, seed: 3))
        script.host.drain(owner: 2)
        #expect(script.host.seen[two]?.bytes == pattern(700) + pattern(900, seed: 3), "seed \(seed)")
        #expect(script.host.stack.info(owner: 2)?.slotsInUse == 0 && script.host.isBalanced)
        #expect(script.host.stack.linearBlocksFree == 400, "seed \(seed)")
    }

    @Test("a fragment of a pool that an owner has no part in is not delivered, and the peer sends it again (G.18)")
    func foreignPool() throws {
        let script = try OwnerTests.three()
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        script.data(pattern(100))
        script.host.arrivalPool = 3
        for _ in 0..<3 {
            let answer = script.send(.ack, payload: pattern(300))
            #expect(answer.map(\.ack) == [script.seq])
        }
        #expect(script.host.stack.available(one) == 100)
        #expect(script.host.stack.info(owner: 1)?.misplacements.foreignPool == 3)
        #expect(script.host.stack.statistics.foreignFragments == 3)
        #expect(script.host.pools.pools[3].ledger().stack == 0)
        script.host.arrivalPool = 2
        script.data(pattern(300))
        script.host.drain(owner: 1)
        #expect(script.host.seen[one]?.bytes == pattern(100) + pattern(300))
        // While a queue moves from one region to the next both are good; afterwards the old one is not.
        try script.host.stack.allow(pool: 3, owner: 1)
        script.host.arrivalPool = 3
        script.data(pattern(50))
        try script.host.stack.disallow(pool: 3, owner: 1)
        script.send(.ack, payload: pattern(60))
        script.host.drain(owner: 1)
        #expect(script.host.seen[one]?.bytes.count == 450)
        #expect(script.host.stack.info(owner: 1)?.misplacements.foreignPool == 4 && script.host.isBalanced)
        // Owner 0 takes what it gets, until it is told otherwise.
        let zero = try OwnerTests.open(script, owner: 0, peerPort: 5003)
        script.host.arrivalPool = 3
        script.data(pattern(70))
        try script.host.stack.disallow(pool: 3, owner: 0)
        script.send(.ack, payload: pattern(70))
        #expect(script.host.seen[zero]?.bytes == pattern(70))
        #expect(script.host.stack.info(owner: 0)?.misplacements.foreignPool == 1)
    }

    @Test("host blocks that an owner leaves undelivered are its own (S2.16)")
    func hostBlocks() throws {
        let script = try OwnerTests.three {
            $0.linearBlocks = 64
            $0.linearBytesPerFlow = 1 << 20
        }
        script.host.layout = .unsplit
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        for _ in 0..<40 {
            script.send(.ack, payload: pattern(256))
            script.seq = try script.info(one).rcvNxt.rawValue
        }
        #expect(script.host.stack.info(owner: 1)?.linearBlocksUsed == 7 && script.host.stack.available(one) == 1792)
        let two = try OwnerTests.open(script, owner: 2, peerPort: 5002)
        for _ in 0..<10 { script.data(pattern(256)) }
        #expect(script.host.stack.available(two) == 1792)
        script.host.drain(owner: 1)
        script.host.drain(owner: 2)
        _ = script.host.stack.nextDelivery()
        #expect(script.host.stack.linearBlocksFree == 64)
        #expect(script.host.stack.info(owner: 1)?.linearBlocksUsed == 0)
    }
}
