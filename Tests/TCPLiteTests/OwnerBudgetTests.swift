import DeviceMemory
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Slots between owners, and between flows of one owner.
@Suite struct OwnerBudgetTests {
    /// A stack whose owner 0 has `slots` slots; port 80 guarantees `guarantee` of them to each flow, port 81 is shared.
    static func stack(
        slots: Int, guarantee: Int, _ change: (inout OwnerConfiguration) -> Void = { _ in }
    ) throws -> Script {
        var owner = OwnerConfiguration(slots: slots)
        change(&owner)
        let script = try Script {
            $0.slotBudget = 200
            $0.slotsPerFlow = guarantee
            $0.defaultOwner = owner
        }
        try script.host.stack.listen(port: 81, flow: .shared)
        script.host.returnsAtOnce = false
        return script
    }

    /// Opens a flow to `port` from the peer's `peerPort`.
    @discardableResult
    static func open(_ script: Script, port: UInt16, from peerPort: UInt16) throws -> ConnectionID {
        (script.hostPort, script.peerPort, script.seq) = (port, peerPort, UInt32(peerPort) * 1000)
        return try script.open(options: Script.sack)
    }

    /// The script goes on with a flow that was opened before.
    static func select(_ script: Script, _ id: ConnectionID) throws {
        let info = try script.info(id)
        (script.hostPort, script.peerPort) = (info.localPort, info.peerPort)
        (script.seq, script.ack) = (info.rcvNxt.rawValue, info.sndNxt.rawValue)
    }

    @Test("shared flows never touch what is guaranteed, and a guarantee leaves the shared flows a slot (U.12, G.04)")
    func apart() throws {
        let script = try OwnerBudgetTests.stack(slots: 20, guarantee: 10)
        let shared = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        let kept = try OwnerBudgetTests.open(script, port: 80, from: 5000)
        #expect(try script.info(shared).isShared && script.info(shared).slotsGuaranteed == 0)
        // A second guarantee would leave the shared flow nothing.
        (script.peerPort, script.seq) = (5001, 1)
        #expect(script.send(.syn, ack: 0).isEmpty && script.host.stack.statistics.synsWithoutSlots == 1)
        try OwnerBudgetTests.select(script, shared)
        for _ in 0..<30 {
            script.send(.ack, payload: pattern(100))
            try OwnerBudgetTests.select(script, shared)
        }
        #expect(try script.info(shared).slotsHeld <= 10 && script.info(shared).slotsHeld >= 8)
        #expect(script.host.stack.statistics.droppedOverShare > 0)
        try OwnerBudgetTests.select(script, kept)
        for _ in 0..<9 { script.data(pattern(700)) }
        #expect(try script.info(kept).slotsHeld == 9)
        #expect(script.host.stack.statistics.droppedWithoutSlots == 0)
        script.host.giveBack()
        #expect(script.host.stack.info(owner: 0)?.slotsInUse == 0 && script.host.stack.slotsPromised == 10)
    }

    @Test("a stack that has promised everything refuses shared flows, and takes them when a guarantee ends (G.04)")
    func sharedAdmission() throws {
        let script = try OwnerBudgetTests.stack(slots: 20, guarantee: 20)
        let id = try OwnerBudgetTests.open(script, port: 80, from: 5000)
        (script.hostPort, script.peerPort, script.seq) = (81, 6000, 1)
        #expect(script.send(.syn, ack: 0).isEmpty && script.host.stack.statistics.synsWithoutSlots == 1)
        script.host.stack.abort(id, pools: &script.host.pools)
        _ = script.poll()
        #expect(script.send(.syn, ack: 0).map(\.flags) == [[.syn, .ack]])
        #expect(script.host.stack.info(owner: 0)?.sharedFlows == 1)
    }

    @Test("under shortage the highest out-of-order data goes first, and what closes a gap is taken (G.04, S4.21)")
    func shedding() throws {
        let script = try OwnerBudgetTests.stack(slots: 8, guarantee: 0)
        let gap = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        let base = script.seq
        let data = pattern(1000)
        for n in 1...7 {
            script.send(.ack, seq: base &+ UInt32(100 * n), payload: Array(data[100 * n..<100 * n + 100]))
        }
        // A quarter is for data at RCV.NXT.
        #expect(try script.info(gap).outOfOrderBytes == 600 && script.info(gap).slotsHeld == 6)
        let other = try OwnerBudgetTests.open(script, port: 81, from: 6001)
        script.data(pattern(50))
        script.data(pattern(50))
        #expect(try script.info(gap).outOfOrderBytes == 600)
        script.data(pattern(50))
        #expect(try script.info(gap).outOfOrderBytes == 500 && script.info(other).slotsHeld == 3)
        try OwnerBudgetTests.select(script, gap)
        script.send(.ack, payload: Array(data[..<100]))
        // Its own highest made room.
        #expect(script.host.seen[gap]?.bytes == Array(data[..<500]))
        #expect(try script.info(gap).outOfOrderBytes == 0)
        #expect(script.host.stack.statistics.droppedOverShare == 300)
        script.host.giveBack()
        for n in 5...9 {
            script.send(.ack, seq: base &+ UInt32(100 * n), payload: Array(data[100 * n..<100 * n + 100]))
        }
        #expect(script.host.seen[gap]?.bytes == data && script.host.seen[gap]?.badSums == 0)
        let s = script.host.stack.statistics
        #expect(s.deviceBytes == 1150 && s.bytesReceived == 1150)
        script.host.giveBack()
        #expect(script.host.isBalanced && script.host.stack.slotsPromised == 0)
    }

    @Test("a shared flow's window is its share, closes when it is held, and is never taken back (U.12, G.04)")
    func share() throws {
        let script = try OwnerBudgetTests.stack(slots: 40, guarantee: 0)
        let one = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        #expect(script.host.stack.info(owner: 0)?.sharedSlots == 30)
        let edge = try script.info(one).rcvAdv
        #expect(edge.distance(from: try script.info(one).rcvNxt) == 30 * 730)
        for n in 1..<8 { try OwnerBudgetTests.open(script, port: 81, from: 6000 + UInt16(n)) }
        #expect(script.host.stack.info(owner: 0)?.sharedSlots == 10)
        try OwnerBudgetTests.select(script, one)
        for _ in 0..<12 { script.data(pattern(730)) }
        _ = script.wait(.milliseconds(50))
        #expect(try script.info(one).rcvAdv == edge)
        for _ in 0..<18 { script.data(pattern(730)) }
        let last = script.wait(.milliseconds(50)) + script.send(.ack, payload: [1])
        #expect(last.last?.header.window == 0 && last.last?.ack == edge.rawValue)
        script.host.giveBack()
        #expect((script.poll().last?.header.window ?? 0) > 0)
        #expect(script.host.stack.statistics.droppedOverShare == 0)
    }

    @Test("a lower limit takes nothing away, lets nothing new in, and is felt until slots are back (S2.16)")
    func limits() throws {
        let script = try OwnerBudgetTests.stack(slots: 30, guarantee: 0)
        let id = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        for _ in 0..<10 { script.data(pattern(700)) }
        #expect(throws: TCPError.noSlots(needed: 201, free: 200)) { try script.host.stack.setLimit(0, slots: 201) }
        #expect(throws: TCPError.unknownOwner(1)) { try script.host.stack.setLimit(1, slots: 1) }
        try script.host.stack.setLimit(0, slots: 5)
        script.send(.ack, payload: pattern(700))
        #expect(try script.info(id).slotsHeld == 10 && script.host.stack.info(owner: 0)?.slotLimit == 5)
        try script.host.stack.setLimit(0, slots: 20)
        script.data(pattern(700))
        #expect(try script.info(id).slotsHeld == 11)
        script.host.giveBack()
        #expect(script.host.stack.slotsPromised == 0 && script.host.isBalanced)
    }

    @Test(
        "who holds slots for too long gets nothing shared until the bucket has drained; guarantees stay (S2.16, G.04)")
    func quota() throws {
        let script = try OwnerBudgetTests.stack(slots: 30, guarantee: 10) {
            $0.quota = SlotTimeQuota(averageSlots: 4, burstSlotSeconds: 16)
        }
        let kept = try OwnerBudgetTests.open(script, port: 80, from: 5000)
        let shared = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        for _ in 0..<12 { script.data(pattern(730)) }
        // Twelve held, four allowed: 8 a second, so two seconds.
        _ = script.wait(.milliseconds(1900))
        #expect(script.host.stack.info(owner: 0)?.isOverQuota == false)
        let none = script.host.stack.nextOwnerEvent(owner: 0)
        #expect(none == nil)
        _ = script.wait(.milliseconds(200))
        #expect(script.host.stack.info(owner: 0)?.isOverQuota == true)
        let event = script.host.stack.nextOwnerEvent(owner: 0)
        #expect(event == .overQuota)
        // What was invited before is dropped, and nothing more is invited.
        try OwnerBudgetTests.select(script, shared)
        let edge = try script.info(shared).rcvAdv
        script.send(.ack, payload: pattern(730))
        #expect(try script.info(shared).slotsHeld == 12 && script.info(shared).rcvAdv == edge)
        try OwnerBudgetTests.select(script, kept)
        script.data(pattern(700))
        #expect(try script.info(kept).slotsHeld == 1 && script.host.stack.statistics.droppedWithoutSlots == 0)
        // Everything back: an eighth of the bucket drains in half a second, and the peer hears of it unasked.
        script.host.giveBack()
        #expect(script.poll().allSatisfy { $0.header.destinationPort == 5000 })
        let told = script.wait(.milliseconds(700))
        #expect(script.host.stack.info(owner: 0)?.isOverQuota == false)
        #expect(told.contains { $0.header.destinationPort == 6000 } == true)
        #expect(try script.info(shared).rcvAdv > edge)
        try OwnerBudgetTests.select(script, shared)
        for _ in 0..<12 { script.data(pattern(730)) }
        #expect(try script.info(shared).slotsHeld == 12)
        // Twice the burst at most: an hour of holding is forgiven in 8 s of none.
        _ = script.wait(.seconds(100))
        #expect(script.host.stack.info(owner: 0)?.quotaLevel ?? 0 <= 32_000)
        script.host.giveBack()
        _ = script.wait(.seconds(9))
        #expect(script.host.stack.info(owner: 0)?.isOverQuota == false)
        #expect(script.host.stack.info(owner: 0)?.quotaLevel == 0)
        #expect(script.host.stack.nextDeadline > script.now + .seconds(1))
    }

    @Test("records of a connection that is gone are counted with its owner, cut ones first (S2.15, S4.15)")
    func orphans() throws {
        let script = try OwnerTests.three()
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        script.host.stack.setPull(one, true)
        script.host.returnsAtOnce = false
        for _ in 0..<2 { script.data(pattern(100)) }
        for _ in 0..<4 {
            script.host.stack.demand(one, bytes: 50)
            script.host.drain(owner: 1)
        }
        script.send(.rst)
        script.host.drain(owner: 1)
        #expect(script.host.seen[one]?.closed == .reset && script.host.held.count == 4)
        #expect(script.host.stack.info(owner: 1)?.slotsOrphaned == 2)
        for left in [2, 2, 1, 0] {
            script.host.stack.credit(one, owner: 1, slots: 1, linearBytes: 0)
            #expect(script.host.stack.info(owner: 1)?.slotsOrphaned == left)
            #expect(script.host.stack.info(owner: 1)?.slotsPromised == left)
        }
        script.host.stack.credit(one, owner: 1, slots: 5, linearBytes: 0)
        #expect(script.host.stack.info(owner: 1)?.slotsInUse == 0)
        for record in script.host.held { script.host.pools.returned(record.slot) }
        script.host.held = []
    }

    @Test(
        "whoever leaves without returning keeps what it holds, and no more: slots are free again when they come back (S2.15)"
    )
    func closedWithoutReturning() throws {
        let script = try OwnerBudgetTests.stack(slots: 8, guarantee: 4)
        for round in 0..<2000 {
            let id = try OwnerBudgetTests.open(script, port: 80, from: 1024 + UInt16(round))
            for n in 0..<3 { script.send(.ack, seq: script.seq &+ (n == 2 ? 300 : UInt32(n)), payload: [UInt8(n)]) }
            script.host.stack.leave(id, pools: &script.host.pools)
            #expect(script.host.stack.slotsPromised == 4)
            script.send(.rst)
            #expect(script.host.stack.info(owner: 0)?.slotsOrphaned == 2 && script.host.held.count == 2)
            // What the holder's token table does when the connection is closed.
            script.host.giveBack()
            #expect(script.host.stack.info(owner: 0)?.slotsInUse == 0)
            script.host.seen = [:]
            script.host.order = []
        }
        #expect(script.host.stack.slotsPromised == 0 && script.host.isBalanced && script.host.starved == 0)
    }
}
