import Packets
import TCPLite
import Testing
import Timeline

/// Row O-13: the SYN queue and the accept queue have ends, and a flood of SYNs leaves room for who answers.
@Suite struct BacklogTests {
    /// Two SYN-ACKs and the application's silence: what `count` peers do that complete the handshake.
    func connect(_ script: Script, ports: Range<UInt16>) -> [Sent] {
        var answers: [Sent] = []
        for port in ports {
            script.peerPort = port
            script.input(script.frame(.syn, seq: 1000, ack: 0, options: Script.plain))
        }
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        while !script.host.stack.output.isEmpty {
            if let sent = Script.parse(script.host.stack.output.front) { answers.append(sent) }
            script.host.stack.output.popFront()
        }
        return answers
    }

    func complete(_ script: Script, _ answers: [Sent]) {
        for answer in answers {
            script.peerPort = answer.header.destinationPort
            script.input(script.frame(.ack, seq: 1001, ack: answer.seq &+ 1))
        }
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
    }

    @Test("O-13: connections that nobody takes are bounded: the last step waits, then SYNs are dropped, none is reset")
    func acceptQueue() throws {
        let script = try Script {
            $0.acceptBacklog = 3
            $0.slotsPerFlow = 4
        }
        let answers = connect(script, ports: 6000..<6005)
        #expect(answers.count == 5)
        complete(script, answers)
        #expect(script.host.stack.statistics.established == 3 && script.host.stack.statistics.opensOverBacklog == 2)
        #expect(connect(script, ports: 6005..<6006).isEmpty && script.host.stack.statistics.synsOverBacklog == 1)
        #expect(script.host.stack.statistics.resetsSent == 0)
        // The application takes them; the SYN-ACKs are sent again, and answered again.
        script.host.drain()
        #expect(script.host.order.count == 3)
        script.now = script.now + .milliseconds(1100)
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        var again: [Sent] = []
        while !script.host.stack.output.isEmpty {
            if let sent = Script.parse(script.host.stack.output.front) { again.append(sent) }
            script.host.stack.output.popFront()
        }
        #expect(Set(again.map(\.header.destinationPort)) == [6003, 6004])
        complete(script, again)
        script.host.drain()
        #expect(script.host.order.count == 5)
    }

    @Test("O-13, C-12: places in the accept queue come back, however their connections end")
    func acceptQueueLeavesNothing() throws {
        let script = try Script {
            $0.acceptBacklog = 2
            $0.slotsPerFlow = 4
        }
        for round in UInt16(0)..<6 {
            let first = 6000 + 10 * round
            complete(script, connect(script, ports: first..<first + 2))
            #expect(script.host.stack.statistics.established == 2 * UInt64(round) + 2, "round \(round)")
            for port in first..<first + 2 {
                script.peerPort = port
                if round % 3 == 0 { script.input(script.frame(.rst, seq: 1001)) }
            }
            script.host.drain()
            for id in script.host.order.suffix(2) {
                if round % 3 == 1 { script.host.stack.abort(id, pools: &script.host.pools) }
                if round % 3 == 2 { script.host.stack.leave(id, pools: &script.host.pools) }
            }
            script.poll()
        }
        // Left or aborted before anybody was told: the place comes back too.
        let untold = try Script { $0.acceptBacklog = 1 }
        complete(untold, connect(untold, ports: 6000..<6001))
        untold.host.stack.close(pools: &untold.host.pools)
        complete(untold, connect(untold, ports: 6001..<6002))
        #expect(untold.host.stack.statistics.established == 2)
    }

    @Test("O-13: each listener has a backlog of its own, also after its port was given to another")
    func perListener() throws {
        let script = try Script {
            $0.backlog = 4
            $0.slotsPerFlow = 4
            $0.giveUpOpening = .seconds(20)
        }
        try script.host.stack.listen(port: 81)
        #expect(connect(script, ports: 6000..<6010).count == 4)
        script.hostPort = 81
        #expect(connect(script, ports: 6000..<6010).count == 4)
        script.host.stack.unlisten(port: 81)
        try script.host.stack.listen(port: 82)
        script.hostPort = 82
        #expect(connect(script, ports: 6000..<6010).isEmpty, "the old ones are still there")
        _ = script.wait(.seconds(60))
        #expect(script.host.stack.connectionCount == 0)
        #expect(connect(script, ports: 6000..<6010).count == 4)
    }

    @Test("O-13: a peer gets in through a flood of SYNs that nobody answers for, memory and promises stay bounded")
    func flood() throws {
        let script = try Script {
            $0.backlog = 8
            $0.slotsPerFlow = 16
            $0.slotBudget = 160
            $0.openingGrace = .milliseconds(20)
        }
        let peerPort: UInt16 = 5000
        var random = SeededGenerator(seed: 3)
        var answer: Sent?
        var syns: [Instant] = []
        let start = script.now
        var step = 0
        while script.host.order.isEmpty && step < 20_000 {
            script.now = script.now + .milliseconds(5)
            step += 1
            script.peerPort = UInt16(10_000 + random.below(50_000))
            script.input(
                script.frame(.syn, seq: UInt32(truncatingIfNeeded: random.next()), ack: 0, options: Script.plain))
            script.peerPort = peerPort
            // SYNs at 1, 3, 7, 15, ... seconds, as a peer sends them.
            let due = start + .seconds((1 << UInt64(syns.count + 1)) - 1)
            if answer == nil && script.now >= due {
                syns.append(script.now)
                script.input(script.frame(.syn, seq: 1000, ack: 0, options: Script.plain))
            }
            for sent in script.poll() where sent.header.destinationPort == peerPort && answer == nil { answer = sent }
            #expect(script.host.stack.connectionCount <= 8 && script.host.stack.slotsPromised <= 160)
            // A round trip of 25 ms: longer than the grace, shorter than the flood takes to fill the queue anew.
            if let answer, script.now - syns[syns.count - 1] >= .milliseconds(25) {
                script.input(script.frame(.ack, seq: 1001, ack: answer.seq &+ 1))
                script.poll()
            }
        }
        #expect(script.host.order.count == 1 && syns.count == 1, "after \(syns.count) SYNs")
        #expect(script.host.stack.statistics.openingsRecycled > 0 && script.host.stack.statistics.resetsSent == 0)
        let id = try #require(script.host.order.first)
        script.host.stack.abort(id, pools: &script.host.pools)
        _ = script.wait(.seconds(400))
        #expect(script.host.stack.connectionCount == 0 && script.host.stack.slotsPromised == 0)
    }

    @Test("O-13: who is younger than the grace is never thrown out; slots are made free in the same way")
    func grace() throws {
        let script = try Script {
            $0.slotsPerFlow = 64
            $0.slotBudget = 128
        }
        let first = connect(script, ports: 6000..<6002)
        #expect(first.count == 2)
        script.now = script.now + .milliseconds(99)
        #expect(connect(script, ports: 6002..<6003).isEmpty && script.host.stack.statistics.synsWithoutSlots == 1)
        script.now = script.now + .milliseconds(1)
        #expect(!connect(script, ports: 6002..<6003).isEmpty)
        #expect(script.host.stack.statistics.openingsRecycled == 1 && script.host.stack.connectionCount == 2)
        // The first of all is gone; the second is not.
        complete(script, first.filter { $0.header.destinationPort == 6001 })
        #expect(script.host.stack.statistics.established == 1)
    }
}
