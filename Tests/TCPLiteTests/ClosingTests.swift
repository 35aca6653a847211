import DeviceMemory
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Rows C, U, E and P-03.
@Suite struct ClosingTests {
    @Test("C-01, S-23: the FIN follows all queued data, and is sent again like data")
    func finAfterData() throws {
        let script = try Script()
        let id = try script.open()
        _ = script.host.stack.send(id, script.view(pattern(2000)))
        script.host.stack.shutdown(id)
        #expect(script.host.stack.send(id, script.view([1])) == 0)
        let sent = script.poll()
        #expect(sent.map { $0.flags.contains(.fin) } == [false, true])
        let again = script.wait(.milliseconds(250))
        #expect(again.first?.seq == sent[0].seq)
        let rest = script.send(.ack, ack: sent[1].seq)
        #expect(rest.count == 1 && rest[0].flags.contains(.fin) && rest[0].payload == sent[1].payload)
        script.send(.ack, ack: sent[1].seq &+ 541)
        #expect(script.host.stack.info(id)?.state == .finWait2)
    }

    @Test("C-02: after our FIN data still arrives and is acknowledged")
    func halfClose() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        let answers = script.data(pattern(1000)) + script.data(pattern(1000, seed: 2))
        #expect(answers.last?.ack == script.seq && script.host.seen[id]?.bytes.count == 2000)
    }

    @Test("C-03, C-09: the peer's FIN ends its stream; ours still flows, and the end is a normal one")
    func closeWait() throws {
        let script = try Script()
        let id = try script.open()
        script.data([1, 2], [.ack, .fin])
        script.seq &+= 1
        #expect(script.host.seen[id]?.endOfStream == 1 && script.host.stack.info(id)?.state == .closeWait)
        _ = script.host.stack.send(id, script.view([9]))
        #expect(script.poll().last?.payload == [9])
        script.host.stack.shutdown(id)
        script.send(.ack, ack: script.ack &+ 1)
        #expect(script.host.stack.info(id)?.state == .lastACK)
        script.send(.ack, ack: script.ack &+ 2)
        #expect(script.host.seen[id]?.closed == .finished && script.host.stack.connectionCount == 0)
        #expect(script.host.stack.slotsPromised == 0 && script.host.isBalanced)
    }

    @Test("C-04: both close at once")
    func simultaneousClose() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.shutdown(id)
        script.poll()
        script.send([.ack, .fin])
        #expect(script.host.stack.info(id)?.state == .closing)
        script.seq &+= 1
        script.send(.ack, ack: script.ack &+ 1)
        #expect(script.host.stack.info(id)?.state == .timeWait && script.host.seen[id]?.closed == .finished)
    }

    /// A connection in TIME-WAIT.
    func timeWait(_ change: (inout Configuration) -> Void = { _ in }, options: [UInt8] = Script.plain) throws -> (
        Script, ConnectionID
    ) {
        let script = try Script(change)
        let id = try script.open(options: options)
        script.host.stack.shutdown(id)
        script.poll()
        script.ack &+= 1
        script.send([.ack, .fin])
        script.seq &+= 1
        try #require(script.host.stack.info(id)?.state == .timeWait)
        return (script, id)
    }

    @Test("C-05, C-12: TIME-WAIT lasts two lifetimes, answers the FIN again and starts over")
    func timeWaitLasts() throws {
        let (script, id) = try timeWait { $0.msl = .seconds(5) }
        _ = script.wait(.seconds(9))
        let answer = script.send([.ack, .fin], seq: script.seq &- 1)
        #expect(answer.map(\.ack) == [script.seq])
        _ = script.wait(.seconds(9))
        #expect(script.host.stack.info(id)?.state == .timeWait)
        _ = script.wait(.seconds(2))
        #expect(script.host.stack.info(id) == nil && script.host.stack.slotsPromised == 0)
        #expect(script.host.stack.nextDeadline > script.now + .seconds(5))
    }

    @Test(
        "C-06, P-03: a plainly newer SYN reopens a connection in TIME-WAIT, an older one does not",
        arguments: [false, true])
    func reopening(timestamps: Bool) throws {
        let (script, id) = try timeWait(options: timestamps ? Script.usual : Script.plain)
        let old: [UInt8] = timestamps ? [2, 4, 5, 0xB4, 8, 10] + be(0) + be(0) : Script.plain
        let answer = script.send(.syn, seq: script.seq &- 9, ack: 0, options: old)
        #expect(answer.allSatisfy { $0.flags == .ack } && script.host.stack.info(id)?.state == .timeWait)
        let new: [UInt8] = timestamps ? [2, 4, 5, 0xB4, 8, 10] + be(99) + be(0) : Script.plain
        let fresh = script.send(.syn, seq: timestamps ? script.seq &- 9 : script.seq &+ 1000, ack: 0, options: new)
        #expect(fresh.count == 1 && fresh[0].flags == [.syn, .ack])
        #expect(SequenceNumber(fresh[0].seq) > SequenceNumber(script.ack))
        #expect(script.host.stack.info(id) == nil)
    }

    @Test("C-07: a RST does not end TIME-WAIT")
    func resetInTimeWait() throws {
        let (script, id) = try timeWait()
        #expect(script.send(.rst).isEmpty && script.send(.rst, seq: script.seq &+ 5).isEmpty)
        #expect(script.host.stack.info(id)?.state == .timeWait)
    }

    @Test("C-08: leaving with unread data, or data after leaving, brings a RST; leaving cleanly brings a FIN")
    func leaving() throws {
        let unread = try Script()
        let first = try unread.open()
        unread.input(unread.frame(.ack, payload: [1, 2]))
        unread.host.stack.leave(first, pools: &unread.host.pools)
        #expect(unread.poll().map(\.flags) == [[.rst, .ack]] && unread.host.isBalanced)
        #expect(unread.host.stack.connectionCount == 0)
        let clean = try Script()
        let second = try clean.open()
        clean.host.stack.leave(second, pools: &clean.host.pools)
        #expect(clean.poll().map(\.flags) == [[.ack, .fin]])
        #expect(clean.send(.ack, ack: clean.ack &+ 1, payload: [1]).map(\.flags) == [[.rst, .ack]])
        #expect(clean.host.stack.connectionCount == 0 && clean.host.isBalanced)
        #expect(clean.host.seen[second]?.closed == nil)
    }

    @Test("C-10, C-12: an abort sends one RST at SND.NXT and frees everything; what the application holds stays valid")
    func abort() throws {
        let script = try Script()
        let id = try script.open()
        script.host.returnsAtOnce = false
        script.data([1, 2, 3])
        script.send(.ack, seq: script.seq &+ 10, payload: [5])
        script.input(script.frame(.ack, payload: [4]))
        _ = script.host.stack.send(id, script.view([1, 2, 3, 4]))
        let nxt = try script.info(id).sndNxt.rawValue
        script.host.stack.abort(id, pools: &script.host.pools)
        let sent = script.poll()
        #expect(sent.count == 1 && sent[0].flags == [.rst, .ack] && sent[0].seq == nxt)
        #expect(script.host.seen[id]?.closed == .aborted && script.host.stack.connectionCount == 0)
        #expect(script.host.isBalanced && script.host.pools.pools[1].ledger().application == 1)
        script.host.giveBack()
        #expect(script.host.pools.pools[1].ledger().pool == 1024)
        script.host.stack.abort(id, pools: &script.host.pools)
        script.host.stack.credit(id, slots: 5, linearBytes: 5)
        #expect(script.host.stack.nextDeadline > script.now + .seconds(1))
    }

    @Test("C-11: nobody waits for ever in FIN-WAIT-2 for an application that has left")
    func orphan() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.leave(id, pools: &script.host.pools)
        script.poll()
        script.send(.ack, ack: script.ack &+ 1)
        #expect(script.host.stack.connectionCount == 1)
        _ = script.wait(.seconds(61))
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test("C-12: many connections in TIME-WAIT make room for new ones")
    func churn() throws {
        let script = try Script {
            $0.maxConnections = 4
            $0.slotsPerFlow = 4
        }
        for n in 0..<40 {
            script.peerPort = UInt16(6000 + n)
            script.seq = 5000
            let id = try script.open()
            script.host.stack.shutdown(id)
            script.poll()
            script.ack &+= 1
            script.send([.ack, .fin])
            #expect(script.host.seen[id]?.closed == .finished)
        }
        #expect(script.host.stack.connectionCount == 4 && script.host.stack.slotsPromised == 0)
        _ = script.wait(.seconds(100))
        #expect(script.host.stack.connectionCount == 0 && script.host.stack.slotsPromised == 0)
    }

    @Test("C-09, C-12: a reset after data delivers the data first")
    func resetAfterData() throws {
        let script = try Script()
        let id = try script.open()
        script.input(script.frame(.ack, payload: [1, 2]))
        script.input(script.frame(.rst, seq: script.seq &+ 2))
        script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2] && script.host.seen[id]?.closed == .reset)
        #expect(script.host.stack.connectionCount == 0 && script.host.isBalanced)
    }

    @Test("U-01, U-02: urgent data stays in the stream, and none is sent")
    func urgent() throws {
        let script = try Script()
        let id = try script.open()
        for pointer: UInt16 in [0, 1, 2, 9, 65535] {
            script.input(script.frame([.ack, .urg], payload: [1, 2], urgent: pointer))
            script.seq &+= 2
        }
        let answers = script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2, 1, 2, 1, 2, 1, 2, 1, 2])
        #expect(answers.allSatisfy { !$0.flags.contains(.urg) && $0.header.urgentPointer == 0 })
    }

    @Test("E-01, E-02: an ECN SYN is answered without ECE, marked packets are taken, and nothing of ours is marked")
    func congestionMarks() throws {
        let script = try Script()
        let answer = try #require(script.send([.syn, .ece, .cwr], ack: 0, options: Script.plain).first)
        #expect(answer.flags == [.syn, .ack] && answer.frame[15] == 0)
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.send(.ack)
        var frame = script.frame([.ack, .cwr], payload: [3])
        frame[15] = 3
        script.input(frame)
        script.poll()
        #expect(script.host.seen[try #require(script.host.order.first)]?.bytes == [3])
    }

    @Test("Teardown returns every fragment, whatever state connections are in")
    func teardown() throws {
        let script = try Script()
        for n in 0..<6 {
            script.peerPort = UInt16(7000 + n)
            script.seq = 100
            script.poll()
            if n == 5 {
                script.send(.syn, ack: 0)
                continue
            }
            let id = try script.open()
            script.input(script.frame(.ack, payload: pattern(100)))
            script.input(script.frame(.ack, seq: script.seq &+ 500, payload: pattern(100)))
            if n == 1 { script.host.stack.shutdown(id) }
            if n == 2 { script.input(script.frame(.rst, seq: script.seq &+ 100)) }
            if n == 3 { script.host.stack.abort(id, pools: &script.host.pools) }
            if n == 4 { script.host.stack.leave(id, pools: &script.host.pools) }
        }
        script.host.stack.close(pools: &script.host.pools)
        #expect(script.host.isBalanced && script.host.stack.connectionCount == 0)
        #expect(script.host.pools.pools[1].ledger().pool == 1024 && script.host.stack.slotsPromised == 0)
        #expect(script.host.stack.linearBlocksFree == 1024)
    }
}
