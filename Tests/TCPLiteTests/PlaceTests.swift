import DeviceMemory
import Packets
import PagePool
import Testing
import Timeline

@testable import TCPLite

/// Tables that grow as connections open, and what an idle connection costs: nothing but its place.
@Suite struct PlaceTests {
    /// A flow as its peer knows it.
    private struct Peer {
        var port: UInt16
        var seq: UInt32
        var ack: UInt32
        var id: ConnectionID
    }

    private static func script(_ most: Int, _ change: (inout Configuration) -> Void = { _ in }) throws -> Script {
        try Script {
            $0.maxConnections = most
            $0.slotsPerFlow = 4
            $0.slotBudget = 20_000
            $0.acceptBacklog = 6000
            $0.sendBufferBytes = 256
            change(&$0)
        }
    }

    private static func open(_ script: Script, _ port: Int) throws -> Peer {
        script.peerPort = UInt16(port)
        script.seq = UInt32(port) * 1000
        let id = try script.open(options: Script.plain)
        return Peer(port: script.peerPort, seq: script.seq, ack: script.ack, id: id)
    }

    private static func become(_ peer: Peer, _ script: Script) {
        script.peerPort = peer.port
        script.seq = peer.seq
        script.ack = peer.ack
    }

    @Test(
        "flows are found, and keep their data, while the tables grow to the last place; then an opening is refused and counted"
    )
    func growth() throws {
        let most = TCPStack.firstPlaces + 100
        let script = try PlaceTests.script(most)
        var random = SeededGenerator(seed: 3)
        var peers: [Peer] = []
        var expected: [ConnectionID: [UInt8]] = [:]
        var wasMoving = 0
        var ids: Set<ConnectionID> = []
        for n in 0..<most {
            peers.append(try PlaceTests.open(script, 1024 + n))
            ids.insert(peers[n].id)
            let isMoving = script.host.stack.flows.isMoving
            if isMoving { wasMoving += 1 }
            guard n % (isMoving ? 1 : 16) == 0 else { continue }
            // Some flow, old or new, says something; another one ends now and then and comes back.
            let at = Int(random.below(UInt32(peers.count)))
            PlaceTests.become(peers[at], script)
            let bytes = pattern(8, seed: UInt64(n))
            script.data(bytes)
            peers[at].seq = script.seq
            expected[peers[at].id, default: []] += bytes
            if n % 64 == 0 {
                let victim = Int(random.below(UInt32(peers.count)))
                PlaceTests.become(peers[victim], script)
                script.send(.rst)
                #expect(script.host.seen[peers[victim].id]?.closed == .reset)
                peers[victim] = try PlaceTests.open(script, Int(peers[victim].port))
                let isNew = ids.insert(peers[victim].id).inserted
                #expect(isNew)
            }
        }
        #expect(wasMoving > 50)
        #expect(script.host.stack.connectionCount == most && script.host.stack.connections.count == most)
        for peer in peers {
            let info = try script.info(peer.id)
            #expect(info.peerPort == peer.port && info.state == .established)
            #expect(script.host.seen[peer.id]?.bytes ?? [] == expected[peer.id] ?? [])
        }
        // One more finds no place, is told nothing, and costs nobody anything.
        script.peerPort = 999
        let refused = script.send(.syn, ack: 0, options: Script.plain)
        #expect(refused.isEmpty && script.host.stack.statistics.synsOverBacklog == 1)
        #expect(throws: TCPError.tooManyConnections(limit: most)) {
            try script.host.stack.connect(to: address(9), port: 7, localPort: nil, now: script.now)
        }
        PlaceTests.become(peers[17], script)
        script.send(.rst)
        _ = try PlaceTests.open(script, 999)
        #expect(script.host.stack.statistics.growthsRefused == 0)
    }

    @Test("a tick touches no idle connection, and with keep-alive those that are due and no others")
    func idleWork() throws {
        let script = try PlaceTests.script(1000) {
            $0.keepAliveIdle = .seconds(50)
            var owner = OwnerConfiguration(slots: 20_000)
            owner.stallAfter = .milliseconds(20)
            $0.defaultOwner = owner
        }
        var peers: [Peer] = []
        for n in 0..<1000 {
            peers.append(try PlaceTests.open(script, 1024 + n))
            if n % 100 == 0 { script.data([1, 2, 3]) }
        }
        let holding = script.host.stack.holding.count
        #expect(holding > 0)
        // What opening has left to do is done.
        _ = script.wait(.seconds(400))
        let before = script.host.stack.statistics
        for _ in 0..<500 {
            script.now = script.now + .milliseconds(20)
            script.poll()
        }
        let idle = script.host.stack.statistics
        #expect(idle.timersDue == before.timersDue && idle.connectionsServed == before.connectionsServed)
        let waiting = (script.host.stack.holding.count, script.host.stack.pending.count, script.host.stack.timers.count)
        #expect(waiting == (0, 0, 0))
        // Three are watched. Their times come once, and each is asked; nobody else is looked at.
        for n in [3, 500, 999] { script.host.stack.setKeepAlive(peers[n].id, true, now: script.now) }
        let asked = script.wait(.seconds(60))
        let after = script.host.stack.statistics
        #expect(asked.count == 3 && after.keepAliveProbes == 3)
        #expect(after.timersDue - idle.timersDue == 3)
        // Each is served once for its question, and once more if the neighbour has to be asked for first.
        #expect((3...6).contains(after.connectionsServed - idle.connectionsServed))
    }

    @Test("ids tell a place's connections apart, whatever the size of the table, and are never all ones")
    func identifiers() {
        for places in [1, 2, 3, 4096, 65_535, 1 << 20] {
            let layout = IdentifierLayout(places: places)
            for place in [0, places / 2, places - 1] {
                var id = layout.first(place)
                var seen: Set<UInt32> = []
                for _ in 0..<4095 {
                    #expect(layout.place(id) == place && id != .max)
                    let isNew = seen.insert(id).inserted
                    #expect(isNew)
                    id = layout.next(id)
                }
            }
        }
        // The last number of the last place would be all ones.
        let layout = IdentifierLayout(places: 1 << 20)
        let last = UInt32.max - (1 << 20)
        #expect(layout.next(last) == 0xF_FFFF && layout.place(layout.next(last)) == (1 << 20) - 1)
    }

    @Test("the id of a connection that is gone names nobody, not even the next one in its place (S2.03)")
    func staleIDs() throws {
        let script = try PlaceTests.script(1)
        let first = try PlaceTests.open(script, 2000)
        script.send(.rst)
        let second = try PlaceTests.open(script, 2001)
        let places = (script.host.stack.identifiers.place(first.id.rawValue), script.host.stack.place(second.id))
        #expect(places == (0, 0) && first.id != second.id)
        #expect(script.host.stack.info(first.id) == nil)
        #expect(script.host.stack.send(first.id, script.view([1])) == 0)
        script.host.stack.abort(first.id, pools: &script.host.pools)
        #expect(try script.info(second.id).state == .established)
        // The number that the place's next connection will have names nobody yet.
        script.send(.rst)
        let next = script.host.stack.connections[0].id
        #expect(script.host.stack.info(ConnectionID(rawValue: next)) == nil)
    }
}
