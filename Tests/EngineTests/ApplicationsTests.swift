import ClientKit
import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// Several applications at one engine: none is in another's way, and each gets its own.
@Suite struct ApplicationsTests {
    /// Each application has a queue and a rule of its own.
    private func rig(
        _ count: Int = 2, slots: Int = 200, perFlow: Int = 32, shape: ChannelShape = .standard,
        port: PortConfiguration = PortConfiguration(tokenLimit: 4096), quantum: Int = 1 << 20
    ) throws -> (Rig, [UInt16]) {
        let rig = try Rig(
            queues: count, applications: count, slots: slots, perFlow: perFlow, shape: shape, port: port,
            quantum: quantum)
        var numbers: [UInt16] = []
        for owner in 0..<count {
            let number = try rig.bind([owner + 1], owner: owner) { $0.steering = .rules }
            try rig.addRule(SteeringRule(localPort: UInt16(5001 + owner)), binding: number) { [nic = rig.nic] in
                _ = nic.step(now: nic.now + $0)
            }
            numbers.append(number)
        }
        return (rig, numbers)
    }

    private func settle(_ rig: Rig, _ owners: [Int], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(rig.run(60_000) { owners.allSatisfy { rig.isComplete($0) } }, sourceLocation: sourceLocation)
        rig.run(60)
        #expect(rig.faults == [] && rig.report().delivery.lostRecords == 0, sourceLocation: sourceLocation)
    }

    @Test("an application that never takes anything stops nobody else (S2.16, Z.05)")
    func neverTakes() throws {
        let (rig, _) = try rig(3, shape: ChannelShape(recordCapacity: 16))
        rig.sleeping = [0]
        for owner in 0..<3 {
            for i in 0..<2 {
                try rig.peer.connect(owner + 3 * i, to: UInt16(5001 + owner), limit: 300_000, now: rig.now)
            }
        }
        #expect(rig.run { rig.isComplete(1) && rig.isComplete(2) && rig.applications[2].bytes == 600_000 })
        #expect(rig.applications[1].bytes == 600_000 && rig.applications[0].bytes == 0)
        // It wakes up, and everything is there.
        rig.sleeping = []
        #expect(rig.run(60_000) { rig.applications[0].bytes == 600_000 })
        settle(rig, [0, 1, 2])
    }

    @Test("an application that returns nothing uses up its own slots, is told so, and nobody else's (S2.16, U.12)")
    func neverReturns() throws {
        let (rig, _) = try rig(2, slots: 60, perFlow: 24)
        rig.applications[0].keeps = .max
        rig.engine.stack.unlisten(port: 5001)
        try rig.engine.stack.listen(port: 5001, owner: 0, flow: .shared)
        for i in 0..<4 { try rig.peer.connect(i, to: UInt16(5001 + i % 2), limit: 400_000, now: rig.now) }
        #expect(rig.run { rig.applications[1].bytes == 800_000 } && rig.isComplete(1))
        #expect(rig.applications[0].held.count <= 60 && rig.applications[0].wrong == 0)
        rig.run(50)
        let info = rig.info(owner: 0)
        #expect((info?.slotsInUse ?? 0) > 30 && rig.info(owner: 1)?.slotsInUse == 0, "\(String(describing: info))")
        #expect(rig.applications[0].events.filter { $0 == .exhausted }.count == 1)
        #expect(!rig.applications[1].events.contains(.exhausted))
        // It has promises beyond which it gets nothing, but the region is not used up.
        #expect(rig.report().split.noReplacement == 0)
        rig.applications[0].keeps = 0
        settle(rig, [0, 1])
    }

    @Test("one turn delivers a quantum to each application, whoever has more (Z.05)")
    func quantum() throws {
        let (rig, _) = try rig(2, slots: 200, perFlow: 60, quantum: 3000)
        rig.sleeping = [0, 1]
        // Both have a backlog: nothing is taken, and the record rings are small.
        for i in 0..<4 { try rig.peer.connect(i, to: UInt16(5001 + i % 2), limit: 80_000, now: rig.now) }
        var before = [UInt64](repeating: 0, count: 2)
        for _ in 0..<400 {
            rig.turn()
            for owner in 0..<2 {
                let now = rig.delivery(owner).deviceBytes
                #expect(now - before[owner] < 3000 + 1460)
                before[owner] = now
            }
        }
        #expect(before.allSatisfy { $0 > 50_000 })
        rig.sleeping = []
        settle(rig, [0, 1])
    }

    @Test(
        "closing a port gives back exactly its slots, resets its connections, and disturbs nobody (S2.12, S2.18, S2.19)"
    )
    func closePort() throws {
        let (rig, numbers) = try rig(3, slots: 150, perFlow: 48)
        rig.applications[1].keeps = 60
        rig.applications[2].keeps = 30
        for owner in 0..<3 {
            for i in 0..<2 { try rig.peer.connect(owner + 3 * i, to: UInt16(5001 + owner), now: rig.now) }
        }
        #expect(rig.run { rig.applications[1].held.count >= 60 && rig.applications[2].held.count >= 30 })
        rig.turn()
        let expected = rig.held(by: 1, now: rig.now).tokens
        let others = rig.held(by: 2, now: rig.now).tokens
        #expect(expected > 0 && others > 0)
        let held = rig.close(1)
        #expect(held == expected && rig.held(by: 2, now: rig.now).tokens == others)
        #expect(rig.ledger(ofRegion: numbers[1]) == nil && rig.device.mappings.regions.count == 2)
        #expect(rig.ruleCount.used == 2 && !rig.isPortOpen(1) && rig.faults == [])
        rig.sleeping = [1]
        rig.run(200)
        // Its peers were told; the others' were not.
        for flow in rig.peer.flows { #expect(rig.peer.accepts(flow) == (flow.stream % 3 != 1)) }
        let before = rig.applications.map(\.bytes)
        #expect(
            rig.run { rig.applications[0].bytes > before[0] + 50_000 && rig.applications[2].bytes > before[2] + 50_000 }
        )
        // The next application has all of it.
        let next = Application()
        rig.applications[1] = next
        rig.sleeping = []
        try rig.engine.openPort(
            1, next.channel, PortConfiguration(tokenLimit: 4096), flows: OwnerConfiguration(slots: 150))
        try rig.engine.stack.listen(port: 5002, owner: 1)
        let number = try rig.bind([2], owner: 1) { $0.steering = .rules }
        try rig.addRule(SteeringRule(localPort: 5002), binding: number) { [nic = rig.nic] in
            _ = nic.step(now: nic.now + $0)
        }
        #expect(rig.info(owner: 1)?.slotsPromised == 0)
        rig.peer.flows.removeAll { $0.stream % 3 == 1 }
        for i in 2..<4 { try rig.peer.connect(1 + 3 * i, to: 5002, limit: 100_000, now: rig.now) }
        #expect(rig.run { next.bytes == 200_000 } && next.device > 150_000)
        for i in rig.peer.flows.indices { rig.peer.flows[i].limit = rig.peer.flows[i].sent }
        settle(rig, [0, 1, 2])
    }

    @Test("numbers of another application's tokens mean nothing here (Z.13, G.02)")
    func otherTokens() throws {
        let (rig, _) = try rig(2)
        rig.applications[1].keeps = 20
        try rig.peer.connect(1, to: 5002, now: rig.now)
        #expect(rig.run { rig.applications[1].held.count >= 20 })
        rig.turn()
        let before = rig.held(by: 1, now: rig.now).tokens
        for token in rig.applications[1].held {
            #expect(rig.giveBack([TokenRange(start: token, count: 1)], owner: 0)?.freed == 0)
            _ = rig.applications[0].client.giveBack(token)
        }
        rig.applications[0].client.giveBack(through: .max)
        // Nor can its connections be named.
        let connection = rig.applications[1].opened[0]
        for kind in [CommandKind.abort, .leave, .shutdown] { _ = rig.applications[0].client.ask(kind, on: connection) }
        _ = rig.applications[0].client.discard(1_000_000, on: connection)
        rig.applications[0].client.flush()
        rig.peer.flows[0].limit = rig.peer.flows[0].sent
        rig.sleeping = [1]
        rig.run(3)
        #expect(rig.held(by: 1, now: rig.now).tokens >= before)
        #expect(rig.delivery(0).badCommands == 4 && rig.delivery(0).tokensReturned == 0)
        rig.sleeping = []
        rig.applications[1].keeps = 0
        settle(rig, [1])
    }

    @Test("record rings of eight slow the stream down; nothing is lost and nothing ends (Z.07, A.09)")
    func tinyRings() throws {
        let shape = ChannelShape(
            recordCapacity: 8, returnCapacity: 2, returnLanes: 1, commandCapacity: 2, linearBytes: 512, sendBytes: 64)
        let rig = try Rig(queues: 1, shape: shape)
        _ = try rig.bind([1])
        rig.takes = 1
        try rig.peer.connect(0, to: 5001, limit: 200_000, now: rig.now)
        try rig.peer.connect(1, to: 5001, limit: 20_000, piece: 90, now: rig.now)
        #expect(rig.run(60_000) { rig.applications[0].bytes == 220_000 })
        #expect(rig.report().delivery.pauses > 0 && rig.applications[0].linear > 1000)
        settle(rig, [0])
    }

    @Test("connections that end while their tokens are out take nothing from their application for good (S2.16, S2.20)")
    func orphans() throws {
        for lifetime in [TokenLifetime.binding, .connection] {
            var port = PortConfiguration(tokenLimit: 4096)
            port.lifetime = lifetime
            let (rig, _) = try rig(2, slots: 100, perFlow: 40, port: port)
            for round in 0..<8 {
                rig.applications[1].keeps = .max
                try rig.peer.connect(1 + 2 * round, to: 5002, limit: 40_000, now: rig.now)
                #expect(rig.run { rig.applications[1].held.count >= 20 }, "\(lifetime) \(round)")
                // The peer goes; tokens stay out, and come back afterwards.
                rig.peer.abort(rig.peer.flows.count - 1)
                rig.run(20)
                _ = rig.peer.flows.popLast()
                #expect(!rig.applications[1].held.isEmpty)
                rig.applications[1].keeps = 0
                rig.run(20)
                let info = rig.info(owner: 1)
                #expect(info?.slotsOrphaned == 0 && info?.slotsPromised == 0, "\(lifetime) \(round)")
            }
            #expect(rig.faults == [] && rig.info(owner: 0)?.slotsPromised == 0)
        }
    }

    @Test(
        "lifetimes side by side: leaving returns a connection's tokens, and leaves a binding's alone (S2.15, S2.20, S4.15)"
    )
    func lifetimes() throws {
        let (rig, numbers) = try rig(2, slots: 150, perFlow: 40)
        _ = rig.close(1)
        var port = PortConfiguration(tokenLimit: 4096)
        port.lifetime = .binding
        rig.applications[1] = Application()
        try rig.engine.openPort(1, rig.applications[1].channel, port, flows: OwnerConfiguration(slots: 150))
        try rig.engine.stack.listen(port: 5002, owner: 1)
        let number = try rig.bind([2], owner: 1) { $0.steering = .rules }
        try rig.addRule(SteeringRule(localPort: 5002), binding: number) { [nic = rig.nic] in
            _ = nic.step(now: nic.now + $0)
        }
        for round in 0..<30 {
            for owner in 0..<2 {
                rig.applications[owner].keeps = .max
                rig.applications[owner].held = []
                try rig.peer.connect(owner + 2 * round, to: UInt16(5001 + owner), limit: 20_000, now: rig.now)
            }
            #expect(rig.run { (0..<2).allSatisfy { rig.applications[$0].held.count >= 14 } }, "\(round)")
            rig.run(20)
            for owner in 0..<2 {
                if let connection = rig.applications[owner].opened.last {
                    _ = rig.applications[owner].client.ask(.leave, on: connection)
                }
                rig.applications[owner].client.flush()
            }
            rig.run(3)
            for i in rig.peer.flows.indices { rig.peer.abort(i) }
            rig.run(3)
            rig.peer.flows = []
            #expect(rig.held(by: 0, now: rig.now).tokens == 0)
            #expect(rig.held(by: 1, now: rig.now).tokens == rig.applications[1].held.count)
            #expect(rig.ledger(ofRegion: numbers[0])?.application == 0)
            rig.applications[1].keeps = 0
            rig.run(3)
            #expect(rig.held(by: 1, now: rig.now).tokens == 0 && rig.faults == [])
        }
        #expect(rig.applications.allSatisfy { $0.wrong == 0 })
    }

    @Test("everything that was returned is taken on an idle link too (Z.08)")
    func idle() throws {
        let (rig, _) = try rig(1, slots: 200, perFlow: 150)
        rig.applications[0].keeps = .max
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        #expect(rig.run { rig.applications[0].bytes == 100_000 })
        rig.applications[0].keeps = 0
        rig.applications[0].giveBack()
        let left = rig.takeReturns()
        #expect(left == 0 && rig.report().ledger.application == 0 && rig.faults == [])
    }
}
