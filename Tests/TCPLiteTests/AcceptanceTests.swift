import Packets
import TCPLite
import Testing
import Timeline

/// Rows A.
@Suite struct AcceptanceTests {
    @Test("A-01, V-03: what is outside the window is acknowledged and dropped, a keepalive included")
    func outside() throws {
        let script = try Script()
        let id = try script.open()
        let info = try script.info(id)
        let edge = info.rcvAdv.rawValue
        for (seq, payload): (UInt32, [UInt8]) in [
            (script.seq &- 1, []), (script.seq &- 1, [0]), (script.seq &- 100, [1, 2, 3]), (edge, [1]),
            (edge &+ 9, [1]),
            (edge &+ 1, []), (script.seq &+ 0x8000_0000, [1]),
        ] {
            let answer = script.send(.ack, seq: seq, payload: payload)
            #expect(answer.count == 1 && answer[0].flags == .ack && answer[0].ack == script.seq, "seq \(seq)")
        }
        #expect(script.host.seen[id]?.bytes == [] && script.host.isBalanced)
        #expect(script.host.stack.info(id)?.outOfOrderBytes == 0)
    }

    @Test("A-02: a segment is trimmed at both edges of the window")
    func trimming() throws {
        let script = try Script { $0.slotsPerFlow = 8 }
        let id = try script.open()
        script.data([1, 2, 3])
        script.send(.ack, seq: script.seq &- 2, payload: [2, 3, 4, 5])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5])
        let info = try script.info(id)
        let left = info.rcvAdv.distance(from: info.rcvNxt)
        try #require(left > 100)
        let long = pattern(left + 50)
        var at = 0
        script.host.returnsAtOnce = false
        while at < long.count {
            let count = min(1400, long.count - at)
            script.input(
                script.frame(.ack, seq: info.rcvNxt.rawValue &+ UInt32(at), payload: Array(long[at..<at + count])))
            at += count
        }
        script.host.drain()
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5] + long.prefix(left))
        script.host.giveBack()
        #expect(script.host.isBalanced)
    }

    @Test("A-03, R-09, U-03: with a closed window ACK, RST and URG still work, data is not taken")
    func closedWindow() throws {
        let script = try Script { $0.slotsPerFlow = 4 }
        let id = try script.open()
        script.host.returnsAtOnce = false
        while script.host.stack.info(id).map({ $0.rcvAdv != $0.rcvNxt }) ?? false {
            let info = try script.info(id)
            script.data(pattern(min(1460, info.rcvAdv.distance(from: info.rcvNxt))))
        }
        let zero = try #require(script.send([.ack, .urg], payload: [7]).last)
        #expect(zero.header.window == 0 && zero.ack == script.seq)
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        let data = try #require(script.poll().first)
        let before = script.host.stack.info(id)?.sndUna
        script.send(.ack, ack: data.seq &+ 3, payload: [7])
        #expect(script.host.stack.info(id)?.sndUna != before)
        let reopened = try { () throws -> Sent in
            script.host.giveBack()
            return try #require(script.poll().first)
        }()
        #expect(reopened.header.window > 0)
        script.send(.rst)
        #expect(script.host.seen[id]?.closed == .reset)
        #expect(script.host.isBalanced)
    }

    @Test("A-04, A-13: a RST counts only at RCV.NXT; in the window it is challenged, outside ignored")
    func resets() throws {
        let script = try Script()
        let id = try script.open()
        #expect(script.send(.rst, seq: script.seq &- 1).isEmpty)
        let challenge = script.send(.rst, seq: script.seq &+ 1)
        #expect(challenge.count == 1 && challenge[0].flags == .ack && challenge[0].ack == script.seq)
        #expect(script.host.seen[id]?.closed == nil)
        #expect(script.send([.rst, .ack]).isEmpty)
        #expect(script.host.seen[id]?.closed == .reset && script.host.stack.connectionCount == 0)
    }

    @Test("A-05: a SYN in a synchronized state is challenged, wherever it stands")
    func lateSYN() throws {
        let script = try Script()
        let id = try script.open()
        for offset: UInt32 in [0, 5, 0xFFFF_FFFF, 0x7000_0000] {
            let answer = script.send(.syn, seq: script.seq &+ offset)
            #expect(answer.count == 1 && answer[0].flags == .ack && answer[0].ack == script.seq)
        }
        #expect(script.host.stack.info(id)?.state == .established)
    }

    @Test("A-06, A-09, A-10: ACKs of what was never sent, or of long ago, are challenged; old ones change nothing")
    func badACKs() throws {
        let script = try Script()
        let id = try script.open()
        for ack in [script.ack &+ 1, script.ack &- 70_000, script.ack &+ 0x4000_0000] {
            let answer = script.send(.ack, ack: ack, payload: [1])
            #expect(answer.count == 1 && answer[0].flags == .ack)
        }
        #expect(script.host.seen[id]?.bytes == [])
        script.data([1])
        let window = script.host.stack.info(id)?.sndWnd
        script.send(.ack, ack: script.ack &- 1, payload: [2], window: 5)
        #expect(script.host.stack.info(id)?.sndWnd == window && script.host.seen[id]?.bytes == [1, 2])
    }

    @Test("A-07: challenges are limited per connection, and one connection's say nothing of another's")
    func challengeLimit() throws {
        let script = try Script()
        try script.open()
        var answers = 0
        for _ in 0..<40 { answers += script.send(.syn).count }
        #expect(answers == 10 && script.host.stack.statistics.challengesHeldBack == 30)
        script.peerPort = 5001
        let other = (script.seq, script.ack)
        script.seq = 9000
        try script.open()
        #expect(script.send(.syn).count == 1)
        (script.seq, script.ack) = other
        script.peerPort = 5000
        script.now = script.now + .seconds(6)
        #expect(script.send(.syn).count == 1)
    }

    @Test("A-08, P-02: segments without ACK do nothing in synchronized states; strange flags are survived")
    func strangeFlags() throws {
        let script = try Script()
        let id = try script.open()
        #expect(script.send([], payload: [1]).isEmpty && script.send(.fin).isEmpty && script.send(.psh).isEmpty)
        #expect(script.host.seen[id]?.bytes == [] && script.host.stack.info(id)?.state == .established)
        for raw in UInt8.min...UInt8.max {
            script.peerPort = 9000
            script.input(script.frame(TCPFlags(rawValue: raw), seq: 77, payload: [1, 2]))
            _ = script.poll()
            script.peerPort = 5000
        }
        #expect(script.host.stack.info(id)?.state == .established && script.host.isBalanced)
    }

    @Test("A-11: everything works across the wrap of both sequence spaces", arguments: [0, 1, 500, 3000, 40_000])
    func wraparound(before: UInt32) throws {
        let script = try Script()
        script.seq = 0 &- before &- 1
        let id = try script.open(options: Script.sack)
        let data = pattern(60_000)
        var order = Array(stride(from: 0, to: data.count, by: 1000))
        order.swapAt(3, 4)
        order.swapAt(20, 25)
        let base = script.seq
        for at in order {
            script.send(.ack, seq: base &+ UInt32(at), payload: Array(data[at..<at + 1000]))
        }
        #expect(script.host.seen[id]?.bytes == data && script.host.isBalanced)
    }

    @Test("A-12: the send window follows only segments that are no older than the last that set it")
    func sendWindow() throws {
        let script = try Script()
        let id = try script.open()
        script.data([1], .ack)
        script.send(.ack, window: 3000)
        #expect(script.host.stack.info(id)?.sndWnd == 3000)
        script.send(.ack, seq: script.seq &- 1, payload: [1, 2], window: 9)
        #expect(script.host.stack.info(id)?.sndWnd == 3000)
        script.send(.ack, seq: script.seq &+ 50, window: 4000)
        script.seq &+= 1
        script.data([3, 4, 5])
        #expect(script.host.stack.info(id)?.sndWnd == 4000 && script.host.seen[id]?.bytes == [1, 2, 3, 4, 5])
    }
}
