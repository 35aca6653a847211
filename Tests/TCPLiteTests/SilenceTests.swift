import Packets
import TCPLite
import Testing
import Timeline

/// Rows V, and what of S-07 a connection sets for itself.
@Suite struct SilenceTests {
    @Test("V-01: nobody is asked unless a connection is told to, and then after two hours and no sooner")
    func offByDefault() throws {
        let script = try Script { $0.neighbourLifetime = .seconds(1_000_000) }
        let id = try script.open()
        #expect(try script.wait(.seconds(86_400)).isEmpty && !script.info(id).keepsAlive)
        script.peerPort = 5001
        script.seq = 9000
        let other = try script.open()
        script.host.stack.setKeepAlive(other, true, now: script.now)
        #expect(try script.wait(.seconds(7199)).isEmpty && script.info(other).keepsAlive)
        let probes = script.wait(.seconds(2))
        #expect(probes.count == 1 && probes[0].header.destinationPort == 5001)
        #expect(probes[0].seq == script.ack &- 1 && probes[0].payload.isEmpty && probes[0].flags == .ack)
        #expect(script.send(.ack).isEmpty)
        #expect(script.wait(.seconds(7198)).isEmpty, "an answer is good for as long again")
        #expect(script.wait(.seconds(3)).count == 1)
        script.send(.ack)
        script.host.stack.setKeepAlive(other, false, now: script.now)
        #expect(script.wait(.seconds(86_400)).isEmpty && script.host.seen[other]?.closed == nil)
    }

    @Test("V-01: whatever moves counts as heard; a connection that waits for its own data is not asked")
    func activity() throws {
        let script = try Script {
            $0.keepAlive = true
            $0.keepAliveIdle = .seconds(100)
        }
        let id = try script.open()
        #expect(try script.info(id).keepsAlive)
        #expect(script.wait(.seconds(90)).isEmpty)
        script.data([1])
        #expect(script.wait(.seconds(95)).allSatisfy { $0.seq == script.ack }, "no question, an ACK")
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        script.poll()
        let waiting = script.wait(.seconds(100))
        #expect(!waiting.isEmpty && waiting.allSatisfy { $0.payload == [1, 2, 3] })
    }

    @Test("V-02: nine questions without an answer end a connection, and one fewer does not")
    func lostAnswers() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setKeepAlive(id, true, now: script.now)
        #expect(script.wait(.seconds(7200 + 7 * 75 + 1)).count == 8)
        script.send(.ack)
        #expect(script.wait(.seconds(7199)).isEmpty && script.host.seen[id]?.closed == nil)
        let last = script.wait(.seconds(1 + 8 * 75 + 76))
        #expect(last.count == 10 && last.last?.flags == [.rst, .ack])
        #expect(script.host.seen[id]?.closed == .timedOut && script.host.stack.connectionCount == 0)
        #expect(script.host.stack.statistics.keepAliveProbes == 17 && script.host.isBalanced)
    }

    @Test("V-02: one is not enough, whatever is configured; what was left has other limits")
    func limits() throws {
        let script = try Script {
            $0.keepAlive = true
            $0.keepAliveProbes = 0
            $0.keepAliveIdle = .seconds(10)
            $0.keepAliveInterval = .seconds(10)
        }
        let id = try script.open()
        #expect(script.wait(.seconds(25)).count == 2 && script.host.seen[id]?.closed == nil)
        script.host.stack.leave(id, pools: &script.host.pools)
        script.poll()
        script.send(.ack, ack: script.ack &+ 1)
        #expect(script.wait(.seconds(59)).isEmpty && script.host.stack.connectionCount == 1, "the orphan's time")
        _ = script.wait(.seconds(2))
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test("V-01, C-02: half closed, and in TIME-WAIT, nothing is asked that the state does not allow")
    func otherStates() throws {
        let script = try Script {
            $0.keepAlive = true
            $0.keepAliveIdle = .seconds(10)
        }
        let id = try script.open()
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        script.send(.ack)
        #expect(script.host.stack.info(id)?.state == .finWait2)
        let probes = script.wait(.seconds(25))
        #expect(probes.count == 1 && probes[0].seq == script.ack &- 1)
        script.send([.ack, .fin])
        script.seq &+= 1
        #expect(script.host.stack.info(id)?.state == .timeWait)
        #expect(script.wait(.seconds(59)).isEmpty)
        _ = script.wait(.seconds(2))
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test("S-07: a connection's own time-out ends it exactly then, open or opening, and can be taken back")
    func userTimeout() throws {
        let (script, id, _) = try SenderTests.opened(100)
        #expect(try script.info(id).userTimeout == .seconds(120))
        script.host.stack.setUserTimeout(id, .seconds(5))
        #expect(try script.info(id).userTimeout == .seconds(5))
        _ = script.wait(.milliseconds(4999))
        #expect(script.host.seen[id]?.closed == nil)
        _ = script.wait(.milliseconds(2))
        #expect(script.host.seen[id]?.closed == .timedOut && script.host.isBalanced)

        let (other, second, sent) = try SenderTests.opened(100)
        other.host.stack.setUserTimeout(second, .seconds(5))
        _ = other.wait(.seconds(4))
        other.ack = sent[0].seq &+ 100
        other.send(.ack)
        _ = other.host.stack.send(second, other.view([1]))
        _ = other.wait(.seconds(4))
        #expect(other.host.seen[second]?.closed == nil, "progress starts it anew")
        other.host.stack.setUserTimeout(second, nil)
        _ = other.wait(.seconds(100))
        #expect(other.host.seen[second]?.closed == nil)

        let opening = try Script()
        let third = try opening.host.stack.connect(to: address(9), port: 5000, localPort: 3333, now: opening.now)
        opening.host.stack.setUserTimeout(third, .seconds(7))
        _ = opening.wait(.milliseconds(6999))
        #expect(opening.host.stack.info(third)?.state == .synSent)
        _ = opening.wait(.milliseconds(2))
        #expect(opening.host.seen[third]?.closed == .timedOut)
    }

    @Test("S-22: nothing is sent again before the timeout, and each wait is twice the one before")
    func conservative() throws {
        let (script, id, sent) = try SenderTests.opened(6 * 1460)
        // Two reports above a hole are less than the threshold, and no timer is shorter than the timeout.
        script.send(.ack, options: SenderTests.report([(sent[1].seq, sent[3].seq)]))
        let timeout = try script.info(id).retransmissionTimeout
        let start = script.now
        #expect(script.wait(Interval(nanoseconds: timeout.nanoseconds - 1)).isEmpty)
        var waits: [UInt64] = []
        var last = start
        for _ in 0..<4 {
            script.now = try script.info(id).retransmitDeadline
            #expect(script.poll().map(\.seq) == [sent[0].seq])
            waits.append((script.now - last).nanoseconds / timeout.nanoseconds)
            last = script.now
        }
        #expect(waits == [1, 2, 4, 8])
    }
}
