import Packets
import TCPLite
import Testing
import Timeline

/// What the simulation found, each as the least exchange that shows it.
@Suite struct SimulationFindingTests {
    @Test("a window belongs to its ACK: an old one is not moved up by a repeated segment that acknowledges more (S-16)")
    func windowMovesWithACK() throws {
        let (script, id, sent) = try SenderTests.opened(20_000, window: 5840)
        try #require(sent.count == 4)
        // The peer's next byte comes first, then the byte before it again, with a later ACK and a smaller window.
        script.send(.ack, seq: script.seq &+ 1, payload: [1], window: 5840)
        script.send(.ack, ack: sent[2].seq, payload: [1], window: 2920)
        #expect(try script.info(id).sndWnd == 2920)
        let edge = sent[2].seq &+ 2920
        #expect(script.poll().allSatisfy { Int32(bitPattern: $0.seq &+ UInt32($0.payload.count) &- edge) <= 0 })
    }

    @Test("what a SYN offered stays offered (R-07)")
    func offerOfSYN() throws {
        let script = try Script { $0.slotBudget = 64 }
        script.hostPort = 4000
        script.peerPort = 80
        _ = try script.host.stack.connect(
            to: script.peer, port: 80, localPort: 4000, now: script.now, flow: .shared)
        let syn = try #require(script.poll().first)
        #expect(syn.flags == .syn && syn.header.window > 0)
        // Its owner may have less since, and it is promised less from now on.
        try script.host.stack.setLimit(0, slots: 2)
        script.ack = syn.seq &+ 1
        let answer = script.send([.syn, .ack], options: Script.plain).first { $0.header.sourcePort == 4000 }
        #expect(try #require(answer).header.window >= syn.header.window)
    }

    @Test(
        "the window's shift is no larger than the largest window needs (T-01)",
        arguments: [(8, 0), (256, 3), (4096, 7)])
    func shift(slots: Int, shift: Int) throws {
        let script = try Script {
            $0.slotsPerFlow = slots
            $0.slotBudget = 4096
            $0.windowScale = 14
        }
        let answer = try #require(script.send(.syn, ack: 0, options: Script.usual).first)
        #expect(answer.options.windowScale.map(Int.init) == shift)
    }

    @Test("a flow of few slots whose peer sends single bytes is still offered a window (T-01, R-09)")
    func singleBytes() throws {
        let script = try Script {
            $0.slotsPerFlow = 24
            $0.windowScale = 14
        }
        let id = try script.open(options: Script.usual)
        for byte in 0..<100 { script.data([UInt8(byte)]) }
        let answers = script.wait(.milliseconds(100)) + script.data([0]) + script.wait(.milliseconds(100))
        #expect(answers.last.map { $0.header.window } ?? 0 > 0)
        #expect(try script.info(id).bytesPerSlot == 1)
    }

    @Test("what is sent after a pause has a timeout of its own, whatever timer runs (S-01)")
    func timerOfItsOwn() throws {
        let (script, id, sent) = try SenderTests.opened(1460, window: 60_000)
        script.send(.ack, ack: sent[0].seq &+ 1460, window: 100)
        // Less than a segment, and less than half of the largest window: it waits for the timer.
        _ = script.host.stack.send(id, script.view(pattern(3000)))
        #expect(script.poll().isEmpty)
        script.now = script.now + .milliseconds(150)
        let now = script.send(.ack, ack: sent[0].seq &+ 1460, window: 60_000)
        #expect(now.count == 2)
        #expect(try script.info(id).retransmitDeadline - script.now >= .milliseconds(200))
    }

    @Test("a window that takes a little each time is filled without back-off (S-17)")
    func littleByLittle() throws {
        let (script, id, sent) = try SenderTests.opened(1460, options: Script.plain, window: 60_000)
        // The first segment is lost twice: the timeout is four times what it was, until something is acknowledged that was
        // sent once.
        #expect(script.wait(.milliseconds(600)).count == 2)
        var ack = sent[0].seq &+ 1460
        script.send(.ack, ack: ack, window: 100)
        _ = script.host.stack.send(id, script.view(pattern(3000)))
        #expect(script.poll().isEmpty)
        var pauses: [UInt64] = []
        for _ in 0..<6 {
            let before = script.now
            script.now = try script.info(id).retransmitDeadline
            let forced = script.poll()
            try #require(forced.count == 1 && forced[0].payload.count == 100)
            pauses.append((script.now - before).nanoseconds / 1_000_000)
            ack = ack &+ 100
            script.send(.ack, ack: ack, window: 100)
        }
        #expect(pauses == [800, 200, 200, 200, 200, 200])
    }

    @Test("a closed window does not keep what its application has left (S-18, RFC 6429)")
    func orphanBehindClosedWindow() throws {
        let (script, id, sent) = try SenderTests.opened(20_000, window: 2920)
        let ack = sent[0].seq &+ 2920
        script.send(.ack, ack: ack, window: 0)
        script.host.stack.leave(id, pools: &script.host.pools)
        let start = script.now
        while script.host.stack.connectionCount > 0 && script.now - start < .seconds(1000) {
            script.now = script.host.stack.nextDeadline
            if !script.poll().isEmpty { script.send(.ack, ack: ack, window: 0) }
        }
        #expect(script.host.stack.connectionCount == 0)
        #expect(script.now - start < .seconds(300))
    }

    @Test(
        "the last word of a connection comes although nobody demanded what was before it, once that is aborted (S4.11)")
    func lastWordBehindData() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.data(pattern(500))
        script.send([.rst, .ack])
        #expect(script.host.seen[id]?.closed == nil)
        script.host.drain(owner: 0)
        script.host.stack.abort(id, pools: &script.host.pools)
        script.host.drain(owner: 0)
        #expect(script.host.seen[id]?.closed == .reset)
        #expect(script.host.stack.connectionCount == 0 && script.host.isBalanced)
    }
}
