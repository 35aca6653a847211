import Packets
import TCPLite
import Testing
import Timeline

/// Rows S, and K-08, K-09.
@Suite struct SenderTests {
    /// A connection with timestamps off, so that segments are 1460 bytes, and what is sent at once of `bytes`.
    static func opened(
        _ bytes: Int, options: [UInt8] = Script.sack, window: UInt16 = 65535,
        change: (inout Configuration) -> Void = { _ in }
    ) throws -> (Script, ConnectionID, [Sent]) {
        let script = try Script(change)
        script.window = window
        let id = try script.open(options: options)
        _ = script.host.stack.send(id, script.view(pattern(bytes)))
        return (script, id, script.poll())
    }

    /// A SACK option.
    static func report(_ blocks: [(UInt32, UInt32)]) -> [UInt8] {
        [1, 1, 5, UInt8(2 + 8 * blocks.count)] + blocks.flatMap { be($0.0) + be($0.1) }
    }

    @Test("S-01, S-03, S-05, S-06, S-23: the timer's life, back-off, and identical bytes again")
    func timer() throws {
        let (script, id, sent) = try SenderTests.opened(100)
        let start = script.now
        #expect(sent.count == 1 && script.host.stack.info(id)?.retransmitDeadline != .never)
        var times: [UInt64] = []
        for _ in 0..<5 {
            let due = try script.info(id).retransmitDeadline
            script.now = due
            let again = script.poll()
            #expect(again.count == 1 && again[0].payload == sent[0].payload && again[0].seq == sent[0].seq)
            times.append((due - start).nanoseconds / 1_000_000)
        }
        // The handshake's round trip took no time, so the floor counts: 200 ms and its doublings.
        #expect(times == [200, 600, 1400, 3000, 6200])
        script.send(.ack, ack: sent[0].seq &+ 100)
        #expect(script.host.stack.info(id)?.retransmitDeadline == .never)
    }

    @Test("S-01, S-09: after a lost SYN the timeout is 3 s and the window one segment")
    func lostSYN() throws {
        let script = try Script()
        let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        #expect(script.wait(.milliseconds(1100)).map(\.flags) == [[.syn, .ack]])
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.send(.ack)
        let id = try #require(script.host.order.first)
        #expect(try script.info(id).retransmissionTimeout == .seconds(3) && script.info(id).cwnd == 1460)
    }

    @Test("S-02: the estimate follows RFC 6298")
    func estimate() throws {
        let script = try Script { $0.minimumRTO = .milliseconds(1) }
        let answer = try #require(script.send(.syn, ack: 0, options: Script.plain).first)
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.now = script.now + .milliseconds(80)
        script.send(.ack)
        let id = try #require(script.host.order.first)
        #expect(try script.info(id).smoothedRoundTrip == .milliseconds(80))
        #expect(try script.info(id).retransmissionTimeout == .milliseconds(80 + 4 * 40))
        _ = script.host.stack.send(id, script.view(pattern(100)))
        script.poll()
        script.now = script.now + .milliseconds(160)
        script.send(.ack, ack: script.ack &+ 100)
        #expect(try script.info(id).smoothedRoundTrip == .milliseconds(90))
        #expect(try script.info(id).retransmissionTimeout == .milliseconds(90 + 4 * 50))
    }

    @Test("S-07: unanswered data is given up after R2, and not before")
    func giveUp() throws {
        let (script, id, _) = try SenderTests.opened(100)
        _ = script.wait(.seconds(100))
        #expect(script.host.seen[id]?.closed == nil)
        _ = script.wait(.seconds(120))
        #expect(script.host.seen[id]?.closed == .timedOut && script.host.stack.connectionCount == 0)
        #expect(script.host.isBalanced)
    }

    @Test("S-07: patience begins when data goes out, not when the connection last spoke")
    func patience() throws {
        let script = try Script()
        let id = try script.open()
        _ = script.wait(.seconds(1000))
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        // The hardware address is asked for again first.
        #expect(script.poll().count + script.poll().count == 1)
        _ = script.wait(.seconds(60))
        #expect(script.host.seen[id]?.closed == nil)
    }

    @Test("S-09, S-10, S-16: slow start, congestion avoidance, and never beyond the window")
    func congestion() throws {
        let (script, id, sent) = try SenderTests.opened(60_000) { $0.slowStartLimit = 1 }
        #expect(sent.count == 10 && sent.allSatisfy { $0.payload.count == 1460 })
        let before = try script.info(id).cwnd
        let more = script.send(.ack, ack: script.ack &+ 2920)
        #expect(try script.info(id).cwnd == before + 1460)
        #expect(more.count == 3)
        let (narrow, _, few) = try SenderTests.opened(60_000, window: 4000)
        #expect(few.map(\.payload.count).reduce(0, +) <= 4000)
        #expect(narrow.wait(.milliseconds(150)).isEmpty)
    }

    @Test("S-11, K-08: a timeout halves, starts from one segment and forgets reports")
    func timeout() throws {
        let (script, id, sent) = try SenderTests.opened(60_000)
        script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[2].seq)]))
        script.now = try script.info(id).retransmitDeadline
        let again = script.poll()
        #expect(again.count == 1 && again[0].seq == sent[0].seq)
        #expect(try script.info(id).cwnd == 1460)
        #expect(try script.info(id).ssthresh >= 14600 / 2)
        let next = script.send(.ack, ack: sent[1].seq)
        #expect(next.first?.seq == sent[1].seq, "what was reported before the timeout is sent again")
        #expect(next.count == 2)
    }

    @Test("S-12, S-13, S-14: limited transmit, fast retransmit and partial ACKs without SACK")
    func newReno() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, options: Script.plain)
        #expect(script.send(.ack, ack: sent[0].seq, window: 60_000).isEmpty, "a window update is no duplicate")
        for _ in 0..<2 { #expect(script.send(.ack, window: 60_000).map(\.payload.count) == [1460]) }
        let third = script.send(.ack, window: 60_000)
        #expect(third.first?.seq == sent[0].seq && third.first?.payload == sent[0].payload)
        // Of the twelve that are out, two are beyond the window.
        #expect(try script.info(id).ssthresh == 10 * 1460 / 2)
        #expect(script.host.stack.statistics.fastRecoveries == 1)
        for _ in 0..<4 { script.send(.ack, window: 60_000) }
        let partial = script.send(.ack, ack: sent[3].seq, window: 60_000)
        #expect(partial.first?.seq == sent[3].seq)
        let done = try script.info(id).sndNxt.rawValue
        script.send(.ack, ack: done, window: 60_000)
        #expect(try script.info(id).cwnd <= 10 * 1460 / 2 && script.host.stack.statistics.timeouts == 0)
    }

    @Test("S-12: duplicates right after a timeout are no sign of a further loss")
    func afterTimeout() throws {
        let (script, id, _) = try SenderTests.opened(60_000, options: Script.plain)
        script.now = try script.info(id).retransmitDeadline
        let nxt = try script.info(id).sndNxt.rawValue
        #expect(script.poll().count == 1)
        #expect(script.send(.ack, ack: nxt).count > 1)
        for _ in 0..<5 { script.send(.ack, ack: nxt) }
        #expect(script.host.stack.statistics.fastRecoveries == 0)
        script.send(.ack, ack: nxt &+ 1460)
        for _ in 0..<3 { script.send(.ack, ack: nxt &+ 1460) }
        #expect(script.host.stack.statistics.fastRecoveries == 1)
    }

    @Test("K-08, K-09, S-12: recovery by reports: only holes are sent, within the pipe; nonsense is ignored")
    func sackRecovery() throws {
        let (script, id, sent) = try SenderTests.opened(60_000)
        let last = sent[9].seq &+ 1460
        for bad in [
            [(last, last &+ 10)], [(sent[3].seq, sent[3].seq)], [(sent[5].seq, sent[4].seq)],
            [(script.ack &- 50, script.ack &+ 3)],
        ] {
            script.send(.ack, options: SenderTests.report(bad), window: 50_000)
        }
        #expect(script.host.stack.statistics.fastRecoveries == 0 || script.host.stack.statistics.fastRecoveries == 1)
        let (clean, other, segments) = try SenderTests.opened(60_000)
        // 0 and 4 are lost.
        clean.send(.ack, options: SenderTests.report([(segments[1].seq, segments[2].seq)]))
        clean.send(.ack, options: SenderTests.report([(segments[1].seq, segments[3].seq)]))
        let recovery = clean.send(.ack, options: SenderTests.report([(segments[1].seq, segments[4].seq)]))
        #expect(recovery.first?.seq == segments[0].seq)
        let more = clean.send(
            .ack, options: SenderTests.report([(segments[5].seq, segments[9].seq), (segments[1].seq, segments[4].seq)]))
        #expect(more.first?.seq == segments[4].seq && more.dropFirst().allSatisfy { $0.seq >= segments[9].seq })
        #expect(clean.host.stack.statistics.bytesRetransmitted == 2920)
        _ = id
        _ = other
    }

    @Test("S-15: after a pause longer than the timeout the window is the initial one again")
    func idle() throws {
        let (script, id, _) = try SenderTests.opened(60_000)
        for _ in 0..<30 {
            let nxt = try script.info(id).sndNxt.rawValue
            script.send(.ack, ack: nxt)
        }
        #expect(try script.info(id).cwnd > 30_000)
        script.ack = try script.info(id).sndNxt.rawValue
        script.now = script.now + .seconds(10)
        _ = script.host.stack.send(id, script.view(pattern(60_000)))
        #expect(script.poll().count == 10)
    }

    @Test("S-17, S-18: a closed or shrunk window is probed with back-off for as long as the peer answers")
    func probing() throws {
        let (script, id, sent) = try SenderTests.opened(20_000, window: 2920) {
            $0.neighbourLifetime = .seconds(100_000)
        }
        script.send(.ack, ack: sent[0].seq &+ 2920, window: 0)
        var probes: [Instant] = []
        for _ in 0..<40 {
            let deadline = try script.info(id).retransmitDeadline
            try #require(deadline != .never)
            script.now = deadline
            let probe = script.poll()
            #expect(probe.count == 1 && probe[0].payload.count == 1 && probe[0].seq == sent[0].seq &+ 2920)
            probes.append(script.now)
            script.send(.ack, ack: sent[0].seq &+ 2920, window: 0)
        }
        #expect(probes[39] - probes[0] > .seconds(600) && script.host.seen[id]?.closed == nil)
        #expect(probes[39] - probes[38] == .seconds(60))
        let reopened = script.send(.ack, ack: sent[0].seq &+ 2920, window: 60_000)
        #expect(reopened.first?.seq == sent[0].seq &+ 2920 && reopened[1].payload.count == 1460)
        #expect(reopened.count > 1)
    }

    @Test("S-17, S-18: a probe that waits for the next hop's address has nothing to ask once the window is open")
    func probeWithoutHop() throws {
        let (script, id, sent) = try SenderTests.opened(20_000, window: 2920) { $0.neighbourLifetime = .seconds(10) }
        let edge = sent[0].seq &+ 2920
        script.send(.ack, ack: edge, window: 0)
        // The next hop's address is forgotten, and a probe is due that has nowhere to go.
        script.answersARP = false
        let probes = script.wait(.seconds(20))
        #expect(!probes.isEmpty)
        let isSilent = script.wait(.seconds(30)).isEmpty && script.send(.ack, ack: edge, window: 60_000).isEmpty
        #expect(isSilent)
        script.input(script.arpRequest())
        let reopened = script.poll().map(\.seq)
        #expect(reopened.first == edge && reopened.count > 1)
        #expect(Set(reopened).count == reopened.count)
        #expect(try script.info(id).counters.windowProbes == UInt32(probes.count))
    }

    @Test("S-18: an application may abort while the window is closed; a silent peer is given up")
    func probingEnds() throws {
        let (script, id, sent) = try SenderTests.opened(20_000, window: 2920)
        script.send(.ack, ack: sent[0].seq &+ 2920, window: 0)
        _ = script.wait(.seconds(250))
        #expect(script.host.seen[id]?.closed == .timedOut)
        let (other, second, data) = try SenderTests.opened(20_000, window: 2920)
        other.send(.ack, ack: data[0].seq &+ 2920, window: 0)
        other.host.stack.abort(second, pools: &other.host.pools)
        #expect(other.poll().map(\.flags) == [[.rst, .ack]] && other.host.seen[second]?.closed == .aborted)
    }

    @Test("S-17: a window that shrinks stops new data and ends nothing")
    func shrunk() throws {
        let (script, id, sent) = try SenderTests.opened(60_000, window: 20_000)
        #expect(sent.count == 10)
        #expect(script.send(.ack, ack: sent[1].seq, window: 2000).isEmpty)
        #expect(script.host.stack.info(id)?.state == .established)
        let again = script.wait(.milliseconds(400))
        #expect(again.map(\.seq) == [sent[1].seq])
        // The edge stays where it is, and so does what is sent again.
        let next = script.send(.ack, ack: sent[2].seq, window: 540)
        #expect(next.map(\.seq) == [sent[2].seq] && next[0].payload.count == 540)
    }

    @Test(
        "S-17, S-18: behind a probe, ACKs and a reset stand where the peer with its closed window hears them",
        arguments: [Script.sack, SenderTests.scaled])
    func behindProbe(options: [UInt8]) throws {
        let (script, id, _) = try SenderTests.opened(20_000, options: options, window: 2920)
        script.ack = try script.info(id).sndNxt.rawValue
        script.window = 0
        script.send(.ack)
        script.now = try script.info(id).retransmitDeadline
        #expect(script.poll().map(\.seq) == [script.ack])
        #expect(try script.info(id).sndNxt.rawValue == script.ack &+ 1)
        let answers = script.data(pattern(1460)) + script.data(pattern(1460))
        #expect(answers.map(\.ack) == [script.seq] && answers.map(\.seq) == [script.ack])
        script.host.stack.abort(id, pools: &script.host.pools)
        let reset = script.poll()
        #expect(reset.map(\.flags) == [[.rst, .ack]] && reset.map(\.seq) == [script.ack])
    }

    @Test("S-17: beyond a window that shrank, ACKs stand at its edge, unless that is as exact as its scale goes")
    func beyondShrunk() throws {
        let (script, id, sent) = try SenderTests.opened(
            60_000, options: SenderTests.scaled, window: 100)
        let first = try #require(sent.first?.seq)
        let nxt = try script.info(id).sndNxt.rawValue
        for (units, expected) in [(UInt32(92), nxt), (91, nxt), (90, first &+ 90 &* 128), (0, first)] {
            script.window = UInt16(units)
            script.ack = first
            let answers = script.data(pattern(1460)) + script.data(pattern(1460))
            #expect(nxt &- first == 11680 && answers.last?.seq == expected, "\(units)")
        }
    }

    /// A SYN's options with a scale of 7.
    static let scaled: [UInt8] = [2, 4, 0x05, 0xB4, 1, 3, 3, 7]

    @Test("S-19: silly windows are not filled")
    func silly() throws {
        let (script, _, sent) = try SenderTests.opened(20_000, window: 14_600)
        #expect(script.send(.ack, ack: sent[9].seq &+ 1460, window: 100).isEmpty)
        #expect(script.wait(.milliseconds(100)).isEmpty)
        let forced = script.wait(.milliseconds(250))
        #expect(forced.count == 1 && forced[0].payload.count == 100, "the override timer forces it out")
    }

    @Test(
        "S-20, S-21: small segments wait for outstanding data unless told otherwise; PSH on the last",
        arguments: [true, false])
    func nagle(isOn: Bool) throws {
        let script = try Script { $0.nagle = isOn }
        let id = try script.open()
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        let first = script.poll()
        #expect(first.count == 1 && first[0].flags == [.ack, .psh])
        _ = script.host.stack.send(id, script.view([4]))
        #expect(script.poll().count == (isOn ? 0 : 1))
        _ = script.host.stack.send(id, script.view([5]))
        let later = script.poll() + script.send(.ack, ack: script.ack &+ (isOn ? 3 : 4))
        #expect(later.first?.payload == (isOn ? [4, 5] : [5]))
        _ = script.host.stack.send(id, script.view(pattern(3000)))
        script.ack = try script.info(id).sndNxt.rawValue
        let bulk = script.send(.ack)
        #expect(bulk.dropLast().allSatisfy { !$0.flags.contains(.psh) })
        #expect(isOn || bulk.last?.flags.contains(.psh) != false)
    }

    @Test("S-16: a send buffer that is full takes nothing, and says when it takes again")
    func sendSpace() throws {
        let script = try Script { $0.sendBufferBytes = 8192 }
        let id = try script.open()
        #expect(script.host.stack.sendSpace(id) == 8192)
        #expect(script.host.stack.send(id, script.view(pattern(9000))) == 8192)
        #expect(script.host.stack.sendSpace(id) == 0 && script.host.stack.send(id, script.view([1])) == 0)
        let sent = script.poll()
        script.send(.ack, ack: script.ack &+ UInt32(sent.map(\.payload.count).reduce(0, +)))
        #expect(script.host.stack.sendSpace(id) > 4096 && script.host.spaceEvents == 1)
    }
}
