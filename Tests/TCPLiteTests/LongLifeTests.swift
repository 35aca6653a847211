import DeviceMemory
import Packets
import Testing
import Timeline

@testable import TCPLite

extension Script {
    /// Where the stack keeps a connection.
    fileprivate func place(_ id: ConnectionID) throws -> Int {
        let place = host.stack.place(id)
        return try #require(place)
    }
}

/// What goes wrong only after gigabytes, minutes or a silence: comparisons that come round, timers that nobody armed.
@Suite struct LongLifeTests {
    /// A connection whose numbers say that `bytes` have been sent and acknowledged since its SYN.
    private func aged(_ bytes: Int, _ script: Script) throws -> ConnectionID {
        let id = try script.open(options: Script.plain)
        let i = try script.place(id)
        script.host.stack.connections[i].snd.iss = script.host.stack.connections[i].snd.una - bytes
        return id
    }

    @Test(
        "S-23: the send buffer never overwrites what is not acknowledged, however much was sent before",
        arguments: [0, 1 << 31, 3 << 30, (1 << 32) - 1])
    func room(_ bytes: Int) throws {
        let script = try Script()
        let id = try aged(bytes, script)
        let space = script.host.stack.sendSpace(id)
        #expect(script.host.stack.send(id, script.view(pattern(space))) == space)
        #expect(script.host.stack.sendSpace(id) == 0)
        #expect(script.host.stack.send(id, script.view([1])) == 0)
        let sent = script.poll()
        script.send(.ack, ack: sent[0].seq &+ UInt32(sent[0].payload.count))
        #expect(script.host.stack.sendSpace(id) == sent[0].payload.count)
    }

    @Test(
        "S-12: the mark of the last recovery moves along with ACKs, so that it cannot come round, and a loss is still seen"
    )
    func fastRetransmit() throws {
        let script = try Script()
        let id = try script.open()
        _ = script.host.stack.send(id, script.view(pattern(20_000)))
        let first = script.poll()
        // An ACK moves the mark along; then three duplicates say that the next segment is lost.
        let lost = first[0].seq &+ UInt32(first[0].payload.count)
        script.send(.ack, ack: lost)
        let i = try script.place(id)
        let snd = script.host.stack.connections[i].snd
        #expect(snd.recover == snd.una - 1)
        for _ in 0..<2 { script.send(.ack, ack: lost) }
        let again = script.send(.ack, ack: lost)
        #expect(again.contains { $0.seq == lost })
    }

    @Test("R-03: ACKs go out also where RCV.NXT has come round to IRS")
    func receiveWrap() throws {
        let script = try Script()
        let id = try script.open()
        let i = try script.place(id)
        script.host.stack.connections[i].rcv.irs = SequenceNumber(script.seq &+ 10)
        let answer = script.send(.ack, seq: script.seq, payload: pattern(10)) + script.wait(.milliseconds(100))
        #expect(answer.contains { $0.ack == script.seq &+ 10 })
    }

    @Test("S-07: data for a neighbour that stopped answering is given up, and goes out when it answers again")
    func lostNeighbour() throws {
        for comesBack in [true, false] {
            let script = try Script()
            let id = try script.open()
            // Unused for longer than an entry lives: the address has to be asked for again.
            _ = script.wait(.seconds(200))
            script.answersARP = false
            _ = script.host.stack.send(id, script.view(pattern(10)))
            #expect(script.wait(.seconds(20)).isEmpty)
            if comesBack {
                script.answersARP = true
                script.input(script.arpRequest())
                #expect((script.poll() + script.wait(.seconds(2))).contains { $0.payload == pattern(10) })
            } else {
                _ = script.wait(.seconds(400))
                #expect(script.host.seen[id]?.closed == .timedOut && script.host.isBalanced)
            }
        }
    }

    @Test(
        "S-06, S-09: what waited for its neighbour's address was not lost: for it no timeout is doubled, no window less"
    )
    func waitedForNeighbour() throws {
        // Data with nothing out, a retransmission, and a probe of a closed window.
        for (isOut, isClosed) in [(false, false), (true, false), (true, true)] {
            let script = try Script {
                $0.neighbourLifetime = .seconds(10)
                $0.giveUp = .seconds(600)
            }
            let id = try script.open()
            if isClosed { script.send(.ack, window: 0) }
            if isOut {
                _ = script.host.stack.send(id, script.view(pattern(10)))
                #expect(script.poll().count == (isClosed ? 0 : 1))
            }
            script.answersARP = false
            let before = script.wait(.seconds(100))
            if !isOut { _ = script.host.stack.send(id, script.view(pattern(10))) }
            let timeout = try script.info(id).retransmissionTimeout
            #expect(script.wait(.seconds(19)).isEmpty)
            script.answersARP = true
            script.input(script.arpRequest())
            #expect(script.poll().map(\.payload) == [pattern(isClosed ? 1 : 10)])
            if isOut {
                // 200, 400 ... 12,800 ms later it went out again, until the address was forgotten. Of the timeouts since, each
                // but the first found the last one's retransmission or probe still there.
                #expect(before.count == 6 && timeout == .milliseconds(25_600))
                #expect(script.wait(timeout).count == 1)
            } else {
                #expect(try script.info(id).retransmitDeadline == script.now + timeout)
                #expect(script.wait(timeout + timeout + timeout).count == 2)
            }
        }
        // A SYN.
        let script = try Script()
        script.peer = address(77)
        script.answersARP = false
        let id = try script.host.stack.connect(to: script.peer, port: 9, localPort: 40_000, now: script.now)
        #expect(script.wait(.seconds(20)).isEmpty)
        script.answersARP = true
        script.hostPort = 40_000
        script.peerPort = 9
        script.input(script.arpRequest())
        let syn = try #require(script.poll().first)
        #expect(syn.flags == .syn && script.wait(.milliseconds(999)).isEmpty)
        script.seq = 500
        script.send([.syn, .ack], seq: 500, ack: syn.seq &+ 1, options: Script.plain)
        #expect(try script.info(id).state == .established && script.info(id).cwnd == 10 * 1460)
    }

    @Test("S-18: what was left behind goes as far as the peer makes room, and not an octet for each probe for ever")
    func leftToATrickle() throws {
        for opens in [false, true] {
            let (script, id, sent) = try SenderTests.opened(20_000, window: 1460)
            script.send(.ack, ack: sent[0].seq &+ 1460, window: 0)
            script.ack = sent[0].seq &+ 1460
            script.host.stack.shutdown(id)
            script.host.stack.leave(id, pools: &script.host.pools)
            script.poll()
            func take(_ sent: [Sent]) {
                for segment in sent where segment.payload.count > 0 && segment.seq == script.ack {
                    script.ack &+= UInt32(segment.payload.count)
                    script.send(.ack, window: 0)
                }
            }
            let start = script.now
            // Each octet of a probe is taken, or also a segment every 50 seconds.
            while script.host.stack.connectionCount > 0, script.now < start + .seconds(600) {
                take(script.wait(.seconds(50)))
                if opens { take(script.send(.ack, window: 1460)) }
            }
            let lasted = script.now - start
            #expect(opens ? lasted >= .seconds(600) : lasted <= .seconds(200), "\(opens) \(lasted)")
        }
    }

    @Test("C-11: an application that leaves a half closed connection gives the peer the orphan's time, not a RST")
    func leaveHalfClosed() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        script.send(.ack)
        #expect(try script.info(id).state == .finWait2)
        script.host.stack.leave(id, pools: &script.host.pools)
        let soon = script.poll() + script.wait(.seconds(30))
        #expect(!soon.contains { $0.flags.contains(.rst) })
        let later = script.wait(.seconds(60))
        #expect(later.contains { $0.flags.contains(.rst) })
    }

    @Test("R-10: a flow whose peer has finished keeps no slots promised, through TIME-WAIT and after")
    func promises() throws {
        let script = try Script { $0.slotBudget = 64 }
        let id = try script.open()
        #expect(script.host.stack.slotsPromised == 64)
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        script.send([.ack, .fin])
        #expect(try script.info(id).state == .timeWait && script.host.stack.slotsPromised == 0)
        // The next flow finds them, minutes before the first one's place is free.
        script.peerPort += 1
        script.seq = 77_000
        _ = try script.open()
        _ = script.wait(.seconds(120))
        #expect(script.host.stack.slotsPromised == 64 && script.host.isBalanced)
    }

    @Test("R-14: a FIN before data that is held already is ignored, and the stream goes on")
    func finBeforeData() throws {
        let script = try Script()
        let id = try script.open()
        let seq = script.seq
        script.send(.ack, seq: seq &+ 100, payload: pattern(200))
        script.send([.ack, .fin], seq: seq &+ 100, payload: pattern(100))
        script.send(.ack, seq: seq, payload: pattern(100, seed: 3))
        #expect(script.host.seen[id]?.bytes.count == 300 && script.host.seen[id]?.endOfStream == 0)
        script.seq = seq &+ 300
        script.data([1], [.ack, .fin])
        #expect(script.host.seen[id]?.endOfStream == 1)
    }

    @Test("S-18: a window that reopens brings what it had refused at once, not at the next probe")
    func reopened() throws {
        let script = try Script()
        let id = try script.open()
        _ = script.host.stack.send(id, script.view([7]))
        #expect(script.poll().count == 1)
        script.send(.ack, window: 0)
        _ = script.wait(.seconds(20))
        let answer = script.send(.ack, window: 60_000)
        #expect(answer.contains { $0.payload == [7] })
    }

    @Test("S-18: a forced segment leaves room for the SACK blocks that go with it")
    func probeWithBlocks() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        // 128 bytes of window: too little to send into unasked, so the timer runs with nothing in flight.
        script.send(.ack, window: 1)
        _ = script.host.stack.send(id, script.view(pattern(30_000)))
        #expect(script.poll().isEmpty)
        // A hole, a large window, and the timer in one burst: the forced segment is a full one, with a SACK block.
        script.input(script.frame(.ack, seq: script.seq &+ 1000, payload: pattern(100), window: 65535))
        script.now = script.now + .seconds(10)
        let sent = script.poll()
        #expect(sent.contains { $0.payload.count == 1436 && $0.blocks.count == 1 })
        #expect(sent.allSatisfy { $0.frame.count <= 1514 })
        #expect(try script.info(id).state == .established)
    }
}
