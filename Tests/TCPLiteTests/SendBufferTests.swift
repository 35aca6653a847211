import DeviceMemory
import Packets
import PagePool
import Testing
import Timeline

@testable import TCPLite

/// Send buffers and SACK's scoreboards are owned only by connections that have something out.
@Suite struct SendBufferTests {
    /// A flow as its peer knows it.
    private struct Peer {
        var port: UInt16
        var seq: UInt32
        var ack: UInt32
        var id: ConnectionID
    }

    private static func peers(_ script: Script, _ count: Int) throws -> [Peer] {
        try (0..<count).map { n in
            script.peerPort = UInt16(3000 + n)
            script.seq = 77
            let id = try script.open(options: Script.sack)
            return Peer(port: script.peerPort, seq: script.seq, ack: script.ack, id: id)
        }
    }

    /// The peer acknowledges so many bytes.
    private static func acknowledge(_ peer: inout Peer, _ bytes: Int, _ script: Script) -> [Sent] {
        script.peerPort = peer.port
        script.seq = peer.seq
        peer.ack &+= UInt32(bytes)
        script.ack = peer.ack
        return script.send(.ack)
    }

    private static func script(buffers: Int) throws -> Script {
        try Script {
            $0.sendBuffers = buffers
            $0.sendBufferBytes = 1024
        }
    }

    @Test("an idle connection owns no send buffer: it has one from its first byte until the last is acknowledged")
    func onDemand() throws {
        let script = try SendBufferTests.script(buffers: 2)
        var peers = try SendBufferTests.peers(script, 1)
        let i = script.host.stack.place(peers[0].id) ?? -1
        #expect(script.host.stack.buffers.freeCount == 2)
        let bytes = pattern(700)
        #expect(script.host.stack.send(peers[0].id, script.view(bytes)) == 700)
        #expect(script.host.stack.sendSpace(peers[0].id) == 324 && script.host.stack.buffers.freeCount == 1)
        #expect(script.poll().map(\.payload) == [bytes])
        _ = SendBufferTests.acknowledge(&peers[0], 699, script)
        let has = script.host.stack.buffers.has(i)
        #expect(has && script.host.stack.buffers.freeCount == 1)
        _ = SendBufferTests.acknowledge(&peers[0], 1, script)
        #expect(script.host.stack.buffers.freeCount == 2 && script.host.stack.sendSpace(peers[0].id) == 1024)
        #expect(try script.info(peers[0].id).sendBuffered == 0)
    }

    @Test(
        "when no buffer is left, sending takes nothing, and those that wanted to send are told in turn as buffers come back"
    )
    func bounded() throws {
        let script = try SendBufferTests.script(buffers: 2)
        var peers = try SendBufferTests.peers(script, 5)
        for n in 0..<2 {
            #expect(script.host.stack.send(peers[n].id, script.view(pattern(100, seed: UInt64(n)))) == 100)
        }
        for n in 2..<5 {
            #expect(script.host.stack.sendSpace(peers[n].id) == 0)
            #expect(script.host.stack.send(peers[n].id, script.view([1])) == 0)
        }
        #expect(script.host.stack.statistics.buffersRefused == 3)
        script.poll()
        #expect(script.host.spaceEvents == 0 && script.host.stack.nextDeadline > script.now)
        // Two come back: two are told, and the third as soon as it turns out that they have no use for it.
        script.peerPort = peers[0].port
        script.seq = peers[0].seq
        peers[0].ack &+= 100
        script.ack = peers[0].ack
        script.input(script.frame(.ack))
        script.peerPort = peers[1].port
        script.seq = peers[1].seq
        peers[1].ack &+= 100
        script.ack = peers[1].ack
        script.input(script.frame(.ack))
        #expect(script.host.stack.nextDeadline == .zero)
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        var told: [ConnectionID] = []
        while let delivery = script.host.stack.nextDelivery() { told.append(delivery.connection) }
        #expect(told == [peers[2].id, peers[3].id])
        let hasWork = !script.host.stack.pending.isEmpty
        #expect(!hasWork && script.host.stack.nextDeadline == .zero)
        #expect(script.host.stack.send(peers[2].id, script.view(pattern(50))) == 50)
        script.poll()
        #expect(script.host.spaceEvents == 1)
        #expect(script.host.stack.send(peers[4].id, script.view(pattern(50))) == 50)
        #expect(script.poll().map(\.payload) == [pattern(50)])
    }

    @Test("whichever way a connection ends, its send buffer and its place among those that wait are others' again")
    func comesBack() throws {
        let script = try SendBufferTests.script(buffers: 1)
        for way in 0..<3 {
            let peers = try SendBufferTests.peers(script, 2)
            #expect(script.host.stack.send(peers[0].id, script.view([1, 2, 3])) == 3)
            #expect(script.host.stack.send(peers[1].id, script.view([1])) == 0)
            for peer in [peers[1], peers[0]] {
                script.peerPort = peer.port
                script.seq = peer.seq
                script.ack = peer.ack
                switch way {
                case 0: script.send(.rst)
                case 1: script.host.stack.abort(peer.id, pools: &script.host.pools)
                default: script.host.stack.setUserTimeout(peer.id, .seconds(1))
                }
            }
            if way == 2 {
                script.host.stack.abort(peers[1].id, pools: &script.host.pools)
                _ = script.wait(.seconds(10))
            }
            script.poll()
            let free = (script.host.stack.buffers.freeCount, script.host.stack.bufferless.count)
            #expect(free == (1, 0), "way \(way)")
            #expect(script.host.stack.connectionCount == 0)
        }
    }

    @Test(
        "K-09: a scoreboard is taken with the first report, and given back when all of it is acknowledged or forgotten")
    func boards() throws {
        let script = try SendBufferTests.script(buffers: 3)
        var peers = try SendBufferTests.peers(script, 1)
        script.host.stack.connections[0].snd.mss = 100
        #expect(script.host.stack.send(peers[0].id, script.view(pattern(500))) == 500)
        script.poll()
        #expect(script.host.stack.scoreboard.freeCount == 3)
        let left = peers[0].ack &+ 100
        script.send(.ack, options: [1, 1, 5, 10] + be(left) + be(left &+ 100))
        #expect(script.host.stack.scoreboard.freeCount == 2)
        _ = SendBufferTests.acknowledge(&peers[0], 150, script)
        #expect(script.host.stack.scoreboard.freeCount == 2)
        _ = SendBufferTests.acknowledge(&peers[0], 100, script)
        #expect(script.host.stack.scoreboard.freeCount == 3)
        #expect(script.host.stack.reportsForgotten == 0)
    }

    #if DEBUG
        @Test("K-09: without a board a report is forgotten and counted, and nothing else is")
        func noBoard() {
            var board = Scoreboard(connections: 2, boards: 1)
            let hasRoom = board.grow(to: 2)
            let at = SequenceNumber(100)
            let first = board.add(0, at + 10, at + 20)
            let second = board.add(1, at + 10, at + 20)
            #expect(hasRoom && first && !second)
            let empty = (board.isEmpty(0), board.isEmpty(1), board.forgotten)
            #expect(empty == (false, true, 1))
            let reported = (board.bytes(0, from: at, to: at + 50), board.bytes(1, from: at, to: at + 50))
            #expect(reported == (10, 0))
            let hole = board.hole(1, from: at, limit: at + 50)
            #expect(hole.start == at && hole.end == at + 50)
            board.clear(0)
            board.clear(0)
            let again = board.add(1, at + 10, at + 20)
            #expect(again && board.freeCount == 0)
        }
    #endif
}
