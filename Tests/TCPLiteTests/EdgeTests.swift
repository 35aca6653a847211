import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// Where one byte, one segment or one flag more would be wrong.
@Suite struct EdgeTests {
    @Test("A-01, A-04: at the right edge an ACK without data counts, a reset is ignored, and a byte is refused")
    func rightEdge() throws {
        let script = try Script()
        let id = try script.open()
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        script.poll()
        let edge = try script.info(id).rcvAdv.rawValue
        #expect(script.send(.rst, seq: edge).isEmpty && script.host.seen[id]?.closed == nil)
        #expect(script.send(.rst, seq: edge &- 1).count == 1, "the last byte of the window")
        let dropped = script.host.stack.statistics.outOfWindow
        #expect(script.send(.ack, seq: edge, payload: [9]).count == 1)
        #expect(script.host.stack.statistics.outOfWindow == dropped + 1)
        #expect(try script.info(id).sndUna.rawValue == script.ack)
        #expect(script.send(.ack, seq: edge, ack: script.ack &+ 3).isEmpty)
        #expect(try script.info(id).sndUna.rawValue == script.ack &+ 3)
        #expect(script.host.stack.statistics.outOfWindow == dropped + 1)
    }

    @Test("A-02: one new byte at the end of an old segment is taken, and one old byte before a new one is not")
    func oneByte() throws {
        let script = try Script()
        let id = try script.open()
        script.data([1, 2, 3])
        script.send(.ack, seq: script.seq &- 1, payload: [0xEE, 4])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4])
        script.send(.ack, seq: script.seq &- 3, payload: [0xEE, 0xEE, 0xEE, 0xEE, 5])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5])
        script.send(.ack, seq: script.seq &- 3, payload: [0xEE, 0xEE, 0xEE, 0xEE, 0xEE])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5] && script.host.isBalanced)
    }

    @Test("O-03, A-13: in SYN-RECEIVED a wrong ACK is answered by a reset and opens nothing")
    func wrongThirdStep() throws {
        let script = try Script()
        let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        script.seq &+= 1
        for wrong in [answer.seq, answer.seq &+ 2, answer.seq &+ 0x8000_0000] {
            let reset = script.send(.ack, ack: wrong)
            #expect(reset.map(\.flags) == [.rst] && reset.first?.seq == wrong)
            #expect(script.host.order.isEmpty && script.host.stack.connectionCount == 1)
        }
        script.send(.ack, ack: answer.seq &+ 1)
        #expect(script.host.order.count == 1)
    }

    @Test("P-02, O-08, O-09: each of the 256 combinations of flags has its action, with a listener and without")
    func allFlags() throws {
        let script = try Script()
        for raw in UInt8.min...UInt8.max {
            let flags = TCPFlags(rawValue: raw)
            script.peerPort = 10_000 + UInt16(raw)
            script.hostPort = 81
            let closed = script.send(flags, seq: 77, ack: 99, payload: [1, 2])
            script.hostPort = 80
            let listening = script.send(flags, seq: 77, ack: 99, payload: [1, 2])
            let length = UInt32(2 + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0))
            if flags.contains(.rst) {
                #expect(closed.isEmpty && listening.isEmpty, "\(raw)")
            } else if flags.contains(.ack) {
                #expect(closed.count == 1 && closed[0].flags == .rst && closed[0].seq == 99, "\(raw)")
                #expect(listening.count == 1 && listening[0].flags == .rst && listening[0].seq == 99, "\(raw)")
            } else {
                #expect(closed.count == 1 && closed[0].flags == [.rst, .ack], "\(raw)")
                #expect(closed.first?.seq == 0 && closed.first?.ack == 77 &+ length, "\(raw)")
                let opens = flags.contains(.syn) && !flags.contains(.fin)
                #expect(listening.map(\.flags) == (opens ? [[.syn, .ack]] : []), "\(raw)")
                if opens { script.send(.rst, seq: 78) }
            }
            #expect(script.host.isBalanced && script.host.stack.connectionCount == 0)
        }
    }

    @Test(
        "P-02, A-08: on an open connection no combination of flags but a reset at RCV.NXT ends it, and none crashes it")
    func allFlagsOpen() throws {
        let script = try Script()
        for raw in UInt8.min...UInt8.max {
            let flags = TCPFlags(rawValue: raw)
            script.peerPort = 10_000 + UInt16(raw)
            let id = try script.open()
            // One segment first: the short way knows the connection from then on.
            script.data([9])
            script.send(flags, payload: [1, 2])
            let seen = try #require(script.host.seen[id])
            #expect((seen.closed == .reset) == flags.contains(.rst), "\(raw)")
            let takes = flags.contains(.ack) && flags.isDisjoint(with: [.rst, .syn])
            #expect(seen.bytes == (takes ? [9, 1, 2] : [9]), "\(raw)")
            #expect((seen.endOfStream == 1) == (takes && flags.contains(.fin)), "\(raw)")
            script.host.stack.abort(id, pools: &script.host.pools)
            script.poll()
            #expect(script.host.isBalanced && script.host.stack.connectionCount == 0)
        }
    }

    @Test("H-14, H-03: what is unusual in any respect does not take the short way")
    func predictionRefuses() throws {
        let script = try Script()
        let id = try script.open()
        script.data([9])
        for (at, value): (Int, UInt8) in [(20, 0x20), (21, 1), (5, 77), (33, 77), (23, 17), (14, 0x55)] {
            var frame = script.frame(.ack, payload: [1, 2])
            frame[at] = value
            script.input(frame)
        }
        script.input(script.frame(.ack, payload: [1, 2]), .bad)
        script.poll()
        #expect(script.host.seen[id]?.bytes == [9] && script.host.isBalanced)
        script.data([1, 2])
        #expect(script.host.seen[id]?.bytes == [9, 1, 2])
    }

    @Test("T-06: a segment of the same millisecond is not old, on either way")
    func equalTimestamp() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        script.clock = 40
        let base = script.seq
        script.data([1])
        script.data([2])
        script.send(.ack, seq: base &+ 3, payload: [4])
        script.send(.ack, seq: base &+ 2, payload: [3])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4] && script.host.stack.statistics.oldTimestamps == 0)
    }

    @Test("S-12: a partial ACK retransmits the next hole at once, however full the window is")
    func partialACK() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, options: Script.plain)
        for _ in 0..<3 { script.send(.ack) }
        let info = try script.info(id)
        #expect(info.sndNxt.distance(from: info.sndUna) > info.cwnd, "no room for anything")
        let answer = script.send(.ack, ack: sent[1].seq)
        #expect(answer.first?.seq == sent[1].seq && answer.first?.payload == sent[1].payload)
        #expect(try script.info(id).isInFastRecovery)
    }

    @Test("S-13: data with the same ACK, and an ACK while nothing is out, are no duplicates")
    func noDuplicates() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, options: Script.plain)
        for _ in 0..<5 {
            script.send(.ack, payload: [1])
            script.seq &+= 1
        }
        #expect(try script.info(id).counters.duplicateACKs == 0)
        #expect(script.host.stack.statistics.bytesRetransmitted == 0)
        script.send(.ack, ack: sent[9].seq &+ 1460, window: 0)
        for _ in 0..<5 { script.send(.ack, ack: sent[9].seq &+ 1460, window: 0) }
        #expect(try script.info(id).counters.duplicateACKs == 0 && script.info(id).counters.fastRecoveries == 0)
    }

    @Test("S-12, S-13, K-08: a report that comes with data is a duplicate too, an old one is none")
    func reportsOnData() throws {
        let (script, id, sent) = try SenderTests.opened(60_000)
        for n in 1...3 {
            let report = SenderTests.report([(sent[1].seq, sent[1 + n].seq)])
            for isNew in [true, false] {
                let answer = script.send(.ack, options: report, payload: [UInt8(n)])
                script.seq &+= 1
                #expect(answer.contains { $0.seq == sent[0].seq } == (n == 3 && isNew), "report \(n)")
            }
            #expect(try script.info(id).counters.duplicateACKs == UInt64(n))
            #expect(try script.info(id).counters.fastRecoveries == (n < 3 ? 0 : 1))
        }
        // Of the twelve segments that were out, two are beyond the window.
        #expect(try script.info(id).ssthresh == 10 * 1460 / 2)
        #expect(script.host.seen[id]?.bytes == [1, 1, 2, 2, 3, 3])
    }

    @Test("S-06, S-17: what was to go out again and is acknowledged in the same burst changes no later timeout")
    func needlessRetransmission() throws {
        let (script, id, sent) = try SenderTests.opened(2920, options: Script.plain)
        let end = sent[1].seq &+ 1460
        #expect(script.send(.ack, window: 0).isEmpty)
        // The window opens, for which everything is to be sent again, and everything is acknowledged.
        script.input(script.frame(.ack, window: 60_000))
        #expect(script.send(.ack, ack: end, window: 60_000).isEmpty)
        _ = script.host.stack.send(id, script.view(pattern(10)))
        #expect(script.poll().count == 1)
        #expect(script.wait(.milliseconds(599)).count == 1 && script.wait(.milliseconds(1)).count == 1)
    }

    @Test("S-12: two duplicates retransmit nothing, the third does, and a fourth is no new loss")
    func threshold() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, options: Script.plain)
        for n in 1...4 {
            let answer = script.send(.ack)
            #expect(answer.contains { $0.seq == sent[0].seq } == (n == 3), "duplicate \(n)")
            #expect(try script.info(id).counters.fastRecoveries == (n < 3 ? 0 : 1))
        }
    }

    @Test("S-10: in congestion avoidance a window's worth of ACKs adds one segment, no more and no less")
    func congestionAvoidance() throws {
        let (script, id, sent) = try SenderTests.opened(60_000) { $0.sendBufferBytes = 1 << 20 }
        script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[4].seq)]))
        // Back to the threshold, and some way beyond it.
        func acknowledge() throws {
            _ = script.host.stack.send(id, script.view(pattern(20_000)))
            script.poll()
            script.ack = try script.info(id).sndNxt.rawValue
            script.send(.ack)
        }
        while try script.info(id).cwnd < script.info(id).ssthresh || script.info(id).isInFastRecovery {
            try acknowledge()
        }
        for _ in 0..<5 {
            let before = try script.info(id).cwnd
            // One window in pieces of a segment.
            let base = script.ack
            var acked: UInt32 = 0
            var grown = 0
            while acked < UInt32(before) {
                acked = min(acked &+ 1460, UInt32(before))
                _ = script.host.stack.send(id, script.view(pattern(20_000)))
                script.send(.ack, ack: base &+ acked)
                let now = try script.info(id).cwnd
                if now > before && grown == 0 { grown = Int(acked) }
                #expect(now <= before + 1460)
            }
            #expect(try script.info(id).cwnd == before + 1460 && grown > 0)
            script.ack = base &+ acked
        }
    }

    @Test("S-14, K-09: each of the first two reports lets out one new segment, and the third begins recovery")
    func limitedTransmit() throws {
        let (script, id, sent) = try SenderTests.opened(60_000)
        for n in 1...2 {
            let next = try script.info(id).sndNxt.rawValue
            let answer = script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[1 + n].seq)]))
            #expect(answer.map(\.seq) == [next] && answer.first?.payload.count == 1460, "report \(n)")
        }
        let third = script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[4].seq)]))
        #expect(third.first?.seq == sent[0].seq)
    }

    @Test(
        "P-03, C-06: our own port in TIME-WAIT is used again a second later if timestamps tell old from new, above the old numbers",
        arguments: [true, false])
    func ownPortAgain(timestamps: Bool) throws {
        let script = try Script { $0.initialSequence = .fixed(500) }
        script.hostPort = 3333
        func connect() throws -> ConnectionID {
            try script.host.stack.connect(to: address(9), port: 5000, localPort: 3333, now: script.now)
        }
        let id = try connect()
        let syn = try #require(script.poll().first)
        script.ack = syn.seq &+ 1
        script.send([.syn, .ack], options: timestamps ? Script.usual : Script.plain)
        script.seq &+= 1
        script.timestamps = timestamps
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        script.clock = 2
        script.send([.ack, .fin])
        #expect(script.host.stack.info(id)?.state == .timeWait && script.host.seen[id]?.closed == .finished)
        #expect(throws: TCPError.portInUse(3333)) { _ = try connect() }
        script.now = script.now + .milliseconds(1001)
        guard timestamps else {
            #expect(throws: TCPError.portInUse(3333)) { _ = try connect() }
            return
        }
        let again = try connect()
        let next = try #require(script.poll().first)
        #expect(next.flags == .syn && SequenceNumber(next.seq) > SequenceNumber(script.ack))
        #expect(next.options.timestampValue &- syn.options.timestampValue > 1000)
        #expect(script.host.stack.info(id) == nil && script.host.stack.info(again)?.state == .synSent)
        #expect(script.host.stack.connectionCount == 1)
    }

    @Test("S-11: the threshold is never under two segments")
    func leastThreshold() throws {
        let (script, id, _) = try SenderTests.opened(100)
        script.now = try script.info(id).retransmitDeadline
        script.poll()
        #expect(try script.info(id).ssthresh == 2 * 1460 && script.info(id).cwnd == 1460)
    }

    @Test("K-01, T-01, T-09: an answer offers what the SYN offered and nothing else", arguments: 0..<8)
    func answeredOptions(mask: Int) throws {
        let script = try Script()
        var options = Script.plain
        if mask & 1 != 0 { options += [1, 1, 4, 2] }
        if mask & 2 != 0 { options += [1, 3, 3, 5] }
        if mask & 4 != 0 { options += [1, 1, 8, 10] + be(7) + be(0) }
        let answer = try #require(script.send(.syn, ack: 0, options: options).first)
        #expect(answer.options.sackPermitted == (mask & 1 != 0))
        #expect((answer.options.windowScale != nil) == (mask & 2 != 0))
        #expect(answer.options.hasTimestamps == (mask & 4 != 0))
    }

    @Test("O-06, O-05: a SYN that crosses ours is answered, its answer ends the exchange, and data flows")
    func crossing() throws {
        let script = try Script()
        let (id, syn) = try script.connect()
        let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        #expect(answer.flags == [.syn, .ack] && answer.seq == syn.seq && answer.ack == script.seq &+ 1)
        #expect(script.host.stack.info(id)?.state == .synReceived)
        // The peer's answer to our SYN, with the numbers of both.
        let last = script.send([.syn, .ack], ack: syn.seq &+ 1)
        #expect(last.map(\.flags) == [.ack] && last[0].ack == script.seq &+ 1)
        #expect(script.host.seen[id]?.opened == 1, "open by that answer, whatever becomes of the peer's next segment")
        script.seq &+= 1
        script.ack = syn.seq &+ 1
        script.data([1, 2, 3])
        #expect(script.host.seen[id]?.opened == 1 && script.host.seen[id]?.bytes == [1, 2, 3])
        #expect(script.host.stack.connectionCount == 1)
    }

    @Test("O-06, T-01: the answer to a SYN that crossed ours brings a window without scale, and no data")
    func crossingAnswer() throws {
        let script = try Script()
        let (id, syn) = try script.connect()
        script.send(.syn, ack: 0, options: Script.plain + [1, 3, 3, 5], window: 4000)
        for wrong in [syn.seq, syn.seq &+ 2, syn.seq &- 1] {
            let answers = script.send([.syn, .ack], ack: wrong, options: Script.plain)
            #expect(answers.map(\.flags) == [.ack], "\(wrong &- syn.seq)")
            #expect(try script.info(id).state == .synReceived)
        }
        let last = script.send([.syn, .ack], ack: syn.seq &+ 1, options: Script.plain, payload: [1, 2], window: 5000)
        #expect(last.map(\.flags) == [.ack] && last[0].ack == script.seq &+ 1)
        let info = try script.info(id)
        #expect(info.state == .established && info.sndUna == info.sndNxt && info.sndWnd == 5000)
        #expect(info.sendScale == 5 && info.sndWndLargest == 5000)
        #expect(script.wait(.seconds(60)).isEmpty)
    }

    @Test("O-05, O-06: a SYN-ACK opens nothing that a SYN has opened; a SYN with data, again, is answered as the first")
    func answerToAnAnswer() throws {
        let script = try Script()
        let first = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        let again = script.send(.syn, ack: 0, options: Script.plain, payload: [1, 2])
        #expect(again.map(\.flags) == [[.syn, .ack]] && again[0].seq == first.seq && again[0].ack == first.ack)
        #expect(script.send([.syn, .ack], ack: first.seq &+ 1).map(\.flags) == [.ack])
        #expect(script.host.order.isEmpty)
        script.seq &+= 1
        script.ack = first.seq &+ 1
        script.send(.ack)
        #expect(script.host.order.count == 1)
    }

    @Test("O-06, O-07: a reset refuses a connection that both sides were opening, and the application is told")
    func crossingRefused() throws {
        let script = try Script()
        let (id, _) = try script.connect()
        script.send(.syn, ack: 0, options: Script.plain)
        script.send(.rst, seq: script.seq &+ 1)
        #expect(script.host.seen[id]?.closed == .refused && script.host.stack.connectionCount == 0)
    }

    @Test("R-14, S-16: a FIN fits a window without room for data, and one with room for all but it waits")
    func finAtTheEdge() throws {
        let (script, id, sent) = try SenderTests.opened(1000, window: 1000)
        #expect(sent.map(\.payload.count) == [1000])
        script.host.stack.shutdown(id)
        #expect(script.poll().isEmpty, "the window ends where the FIN would stand")
        let answers = script.send(.ack, ack: sent[0].seq &+ 1000, window: 1)
        #expect(answers.map(\.flags) == [[.ack, .fin]])
    }

    @Test("I-01, I-02, I-03, M-07: ICMP about what is not in flight, or of another kind, changes nothing")
    func icmpEdges() throws {
        let (script, id, sent) = try SenderTests.opened(3000)
        let nxt = try script.info(id).sndNxt.rawValue
        for (type, code, about): (UInt8, UInt8, UInt32) in [
            (3, 4, nxt), (3, 4, sent[0].seq &- 1), (4, 4, sent[0].seq), (11, 4, sent[0].seq), (12, 4, sent[0].seq),
            (3, 0, sent[0].seq), (3, 1, sent[0].seq), (3, 2, sent[0].seq), (3, 3, sent[0].seq), (3, 5, sent[0].seq),
            (11, 0, sent[0].seq), (12, 0, sent[0].seq),
        ] {
            script.icmp(type: type, code: code, rest: 600, about: about)
            script.poll()
            #expect(
                try script.info(id).segmentSize == 1460 && script.info(id).state == .established, "\(type), \(code)")
        }
        script.icmp(type: 3, code: 4, rest: 600, about: nxt &- 1)
        #expect(try script.info(id).segmentSize == 560)
    }
}
