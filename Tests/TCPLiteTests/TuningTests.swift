import DeviceMemory
import Packets
import TCPLite
import Testing
import Timeline

/// What can be tuned and what can be seen, where no other suite needs it.
@Suite struct TuningTests {
    @Test("H-01: windows are unsigned, also the largest that a scale allows", arguments: [0, 1, 7, 14] as [UInt8])
    func largeWindows(scale: UInt8) throws {
        let script = try Script()
        let id = try script.open(options: Script.plain + [1, 3, 3, scale])
        #expect(try script.info(id).sndWnd == 0xFFFF << Int(scale), "as the handshake's last step said")
        for window: UInt16 in [1, 0x7FFF, 0x8000, 0xFFFF] {
            script.send(.ack, window: window)
            #expect(try script.info(id).sndWnd == Int(window) << Int(scale))
        }
        #expect(try script.info(id).sndWndLargest == 0xFFFF << Int(scale))
        // And they count for what is sent.
        _ = script.host.stack.send(id, script.view(pattern(20_000)))
        #expect(script.poll().count == 10)
    }

    @Test(
        "A-11, S-16: sending works across the wrap of our numbers, with losses", arguments: [0, 1, 1460, 9000, 40_000])
    func ourWrap(before: UInt32) throws {
        let (script, id, _) = try SenderTests.opened(60_000) { $0.initialSequence = .fixed(0 &- before &- 1) }
        let iss = 0 &- before &- 1
        #expect(script.ack == iss &+ 1)
        var received = [UInt8?](repeating: nil, count: 60_000)
        var lost = Set([2, 9, 10])
        var count = 0
        func take(_ segments: [Sent]) {
            for sent in segments {
                defer { count += 1 }
                if lost.remove(count) != nil { continue }
                for (i, byte) in sent.payload.enumerated() { received[Int(sent.seq &- iss &- 1) + i] = byte }
            }
        }
        // The first ten went out already; nothing of them is acknowledged yet.
        script.now = script.now + .milliseconds(200)
        take(script.poll())
        for _ in 0..<400 where received.contains(where: { $0 == nil }) {
            let prefix = received.firstIndex { $0 == nil } ?? received.count
            var blocks: [(UInt32, UInt32)] = []
            if let left = received[prefix...].firstIndex(where: { $0 != nil }) {
                let right = received[left...].firstIndex { $0 == nil } ?? received.count
                blocks = [(iss &+ 1 &+ UInt32(left), iss &+ 1 &+ UInt32(right))]
            }
            let options = blocks.isEmpty ? [] : SenderTests.report(blocks)
            take(script.send(.ack, ack: iss &+ 1 &+ UInt32(prefix), options: options))
            take(script.wait(.milliseconds(300)))
        }
        #expect(received.compactMap { $0 } == pattern(60_000))
        #expect(try script.info(id).sndNxt.rawValue == iss &+ 60_001)
    }

    @Test("M-01, M-03, M-05: a smaller segment than the MTU allows can be asked for, and is what is sent")
    func segmentSize() throws {
        for (own, expected) in [(nil, 1460), (1000, 1000), (9000, 1460)] as [(Int?, Int)] {
            let script = try Script { $0.maximumSegmentSize = own }
            let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
            #expect(Int(answer.options.mss) == expected)
            script.seq &+= 1
            script.ack = answer.seq &+ 1
            script.send(.ack)
            let id = try #require(script.host.order.first)
            _ = script.host.stack.send(id, script.view(pattern(3000)))
            #expect(script.poll().first?.payload.count == expected)
            #expect(try script.info(id).segmentSize == expected && script.info(id).peerSegmentSize == 1460)
        }
    }

    @Test(
        "R-05, R-06: how many segments bring about an ACK can be chosen; the delay holds for the rest",
        arguments: [1, 2, 4])
    func acknowledgementPolicy(every: Int) throws {
        let script = try Script { $0.acknowledgeEvery = every }
        try script.open()
        for n in 1...8 {
            let answers = script.data(pattern(1000))
            #expect(answers.count == (n % every == 0 ? 1 : 0), "segment \(n)")
        }
        #expect(script.data([1]).count == (every == 1 ? 1 : 0))
        #expect(script.wait(.milliseconds(39)).isEmpty && script.wait(.milliseconds(2)).count == (every == 1 ? 0 : 1))
    }

    @Test("What happens to a connection is counted with it, by reason")
    func counters() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, options: Script.sack) { $0.maxConnections = 1 }
        script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[4].seq)]))
        script.send(.ack, options: SenderTests.report([(sent[1].seq &- 100_000, sent[1].seq &- 90_000)]))
        script.send(.ack, options: SenderTests.report([(sent[9].seq &+ 90_000, sent[9].seq &+ 99_000)]))
        script.send(.ack, seq: script.seq &- 1)
        script.send(.psh)
        script.send(.ack, ack: script.ack &+ 0x4000_0000)
        script.send(.rst, seq: script.seq &+ 1)
        script.send(.ack, window: 0)
        let counters = try script.info(id).counters
        #expect(counters.segmentsRetransmitted == 1 && counters.bytesRetransmitted == 1460)
        #expect(counters.fastRecoveries == 1 && counters.timeouts == 0 && counters.duplicateACKs == 1)
        #expect(counters.sackBlocks == 3 && counters.duplicateReports == 1 && counters.badBlocks == 1)
        #expect(counters.outOfWindow == 1 && counters.missingACK == 1 && counters.badACKs == 1)
        #expect(counters.challenges == 3 && counters.peerWindowClosings == 1)
        script.now = try script.info(id).retransmitDeadline
        script.poll()
        #expect(try script.info(id).counters.windowProbes == 1)
        // Of another connection in the same place nothing is left.
        script.host.stack.abort(id, pools: &script.host.pools)
        script.poll()
        script.peerPort = 5001
        script.seq = 1
        let next = try script.open()
        #expect(try script.info(next).counters == ConnectionCounters())
    }

    @Test("what stops and starts a sender is remembered: losses, time-outs, and windows that close")
    func windowHistory() throws {
        let (script, id, sent) = try SenderTests.opened(60_000) {
            $0.slotsPerFlow = 4
            $0.maxConnections = 1
        }
        #expect(try script.info(id).windows.isEmpty)
        let una = sent[0].seq
        let later = script.now + .milliseconds(1)
        script.now = later
        for last in [2, 3, 4] {
            script.send(.ack, ack: una, options: SenderTests.report([(una &+ 1460, una &+ UInt32(last) &* 1460)]))
        }
        var windows = try script.info(id).windows
        try #require(windows.count == 1)
        #expect(windows.map(\.cause) == [.lossReported] && windows[0].at == later)
        #expect(windows[0].cwnd == windows[0].ssthresh && windows[0].cwnd == 7300 && windows[0].inFlight >= 14_600)
        #expect(windows[0].peerWindow == 65535)
        script.ack = try script.info(id).sndNxt.rawValue
        script.send(.ack)
        script.now = try script.info(id).retransmitDeadline
        script.poll()
        windows = try script.info(id).windows
        try #require(windows.map(\.cause) == [.lossReported, .recovered, .timeout])
        #expect(windows[2].cwnd == 1460)
        // The peer's window, and this side's: four slots that the application keeps.
        script.window = 0
        script.ack = try script.info(id).sndNxt.rawValue
        script.send(.ack)
        script.window = 50_000
        script.send(.ack)
        script.host.returnsAtOnce = false
        for count in [1460, 730] { script.data(pattern(count)) }
        script.host.giveBack()
        script.poll()
        windows = try script.info(id).windows
        try #require(windows.dropFirst(3).map(\.cause) == [.recovered, .peerClosed, .peerReopened, .closed, .reopened])
        #expect(windows[4].peerWindow == 0 && windows[5].peerWindow == 50_000)
        #expect(windows[6].ownWindow == 0 && windows[7].ownWindow > 2000)
        // The oldest are forgotten.
        script.window = 0
        script.ack = try script.info(id).sndNxt.rawValue
        script.send(.ack)
        windows = try script.info(id).windows
        #expect(windows.count == 8 && windows.total == 9 && windows.first?.cause == .recovered)
        let again = try script.info(id).windows
        #expect(windows.last?.cause == .peerClosed && windows == again)
        // Of another connection in the same place nothing is left.
        script.host.stack.abort(id, pools: &script.host.pools)
        script.poll()
        script.peerPort = 5001
        script.seq = 1
        #expect(try script.info(try script.open()).windows.isEmpty)
    }

    @Test("opening a connection closes and opens no window", arguments: [false, true])
    func quietOpening(isPassive: Bool) throws {
        let a = Host(small(1))
        let b = Host(small(2))
        let channel = Channel(a, b)
        try b.stack.listen(port: 80)
        let id = try a.stack.connect(to: address(2), port: 80, localPort: nil, now: channel.now)
        let data = Bytes(pattern(50_000))
        var sent = 0
        channel.step = { if sent < data.view.count { sent += a.stack.send(id, data.view.from(sent)) } }
        withExtendedLifetime(data) { channel.run(limit: .seconds(5)) }
        let peer = try #require(b.order.first)
        let windows = isPassive ? b.stack.info(peer)?.windows : a.stack.info(id)?.windows
        #expect(sent == data.view.count && windows?.isEmpty == true)
    }

    @Test("R-09, R-10: how often a window was closed is counted, and no slot is no secret")
    func closings() throws {
        let script = try Script { $0.slotsPerFlow = 4 }
        let id = try script.open()
        for round: UInt32 in 1...3 {
            script.host.returnsAtOnce = false
            while try script.info(id).rcvAdv != script.info(id).rcvNxt {
                let info = try script.info(id)
                script.data(pattern(min(1460, info.rcvAdv.distance(from: info.rcvNxt))))
            }
            for _ in 0..<3 { script.send(.ack, seq: script.seq, payload: [1]) }
            #expect(try script.info(id).counters.windowClosings == round)
            script.host.giveBack()
            script.poll()
        }
    }

    @Test("T-06, T-08: dropped segments are counted by what their timestamps lacked")
    func timestampCounters() throws {
        let script = try Script()
        script.clock = 1000
        let id = try script.open(options: [2, 4, 5, 0xB4, 8, 10] + be(1000) + be(0))
        script.clock = 5
        script.send(.ack, payload: [1])
        script.timestamps = false
        script.send(.ack, payload: [1])
        let counters = try script.info(id).counters
        #expect(counters.oldTimestamps == 1 && counters.missingTimestamps == 1 && script.host.seen[id]?.bytes == [])
    }

    @Test("S-02: the variation of round trips is to be seen")
    func variation() throws {
        let script = try Script()
        let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.now = script.now + .milliseconds(80)
        script.send(.ack)
        #expect(try script.info(try #require(script.host.order.first)).roundTripVariation == .milliseconds(40))
    }
}
