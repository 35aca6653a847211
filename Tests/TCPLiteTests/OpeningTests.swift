import Packets
import TCPLite
import Testing
import Timeline

/// Rows O and M.
@Suite struct OpeningTests {
    @Test("O-03, O-12, H-10, M-01, M-04, M-05: the handshake, its options, and data on the last ACK")
    func handshake() throws {
        let script = try Script()
        let answer = try #require(script.send(.syn, ack: 0, options: Script.usual).first)
        #expect(answer.flags == [.syn, .ack] && answer.ack == 1001)
        #expect(answer.options.mss == 1460 && answer.options.sackPermitted && answer.options.hasTimestamps)
        #expect(answer.options.windowScale == 1 && answer.options.timestampEcho == 1)
        #expect(answer.header.headerLength % 4 == 0 && answer.checksumIsGood && answer.header.urgentPointer == 0)
        script.seq = 1001
        script.ack = answer.seq &+ 1
        script.timestamps = true
        script.clock = 2
        #expect(script.host.order.isEmpty)
        script.data([1, 2, 3])
        let id = try #require(script.host.order.first)
        #expect(script.host.seen[id]?.opened == 1 && script.host.seen[id]?.bytes == [1, 2, 3])
        let reply = script.wait(.milliseconds(50))
        #expect(reply.allSatisfy { $0.options.mss == 0 && $0.options.windowScale == nil && !$0.options.sackPermitted })
    }

    @Test("O-01, O-02: sequence numbers follow a 4 us clock and a keyed function of the flow")
    func initialSequence() throws {
        func iss(_ port: UInt16, at nanoseconds: UInt64) throws -> UInt32 {
            let script = try Script()
            script.now = Instant(nanoseconds: nanoseconds)
            script.peerPort = port
            return try #require(script.send(.syn, ack: 0).first).seq
        }
        let base = try iss(5000, at: 6_000_000_000)
        #expect(try iss(5000, at: 6_000_400_000) &- base == 100)
        #expect(try iss(5001, at: 6_000_000_000) != base)
    }

    @Test("O-04, O-05, S-01, S-06: a lost SYN-ACK is sent again with back-off, and given up")
    func synAckRetransmission() throws {
        let script = try Script()
        let first = try #require(script.send(.syn, ack: 0).first)
        let again = script.send(.syn, ack: 0)
        #expect(again.count == 1 && again[0].seq == first.seq && again[0].flags == [.syn, .ack])
        #expect(script.host.stack.connectionCount == 1)
        let start = script.now
        let more = script.wait(.seconds(400))
        #expect(more.count >= 6 && more.allSatisfy { $0.flags == [.syn, .ack] && $0.seq == first.seq })
        #expect(script.host.stack.connectionCount == 0 && script.host.order.isEmpty)
        #expect(script.host.stack.nextDeadline == .never || script.host.stack.nextDeadline > start)
        #expect(script.host.stack.slotsPromised == 0)
    }

    @Test("O-06: both sides open at once")
    func simultaneousOpen() throws {
        let a = Host(small(1))
        let b = Host(small(2))
        let channel = Channel(a, b)
        let one = try a.stack.connect(to: address(2), port: 7000, localPort: 6000, now: channel.now)
        let two = try b.stack.connect(to: address(1), port: 6000, localPort: 7000, now: channel.now)
        channel.run(limit: .seconds(20))
        #expect(a.stack.info(one)?.state == .established && b.stack.info(two)?.state == .established)
        #expect(a.seen[one]?.opened == 1 && b.seen[two]?.opened == 1)
    }

    @Test("O-07, A-13: a RST in SYN-RCVD goes back to listening, unseen by the application")
    func resetWhileOpening() throws {
        let script = try Script()
        _ = script.send(.syn, ack: 0)
        #expect(script.send(.rst, seq: 1001).isEmpty)
        #expect(script.host.stack.connectionCount == 0 && script.host.order.isEmpty)
        try script.open()
    }

    @Test("O-08, O-09, A-13: what LISTEN and CLOSED answer")
    func closedAndListening() throws {
        let script = try Script()
        for port in [UInt16(80), 81] {
            script.hostPort = port
            let reset = script.send(.ack, ack: 777)
            #expect(reset.count == 1 && reset[0].flags == .rst && reset[0].seq == 777 && reset[0].checksumIsGood)
            #expect(script.send(.rst).isEmpty && script.send([.rst, .ack]).isEmpty)
        }
        script.hostPort = 81
        let refused = script.send(.syn, seq: 500, ack: 0, payload: [1, 2])
        #expect(refused.count == 1 && refused[0].flags == [.rst, .ack] && refused[0].seq == 0)
        #expect(refused[0].ack == 503)
        script.hostPort = 80
        #expect(script.send([], ack: 0).isEmpty && script.send(.fin, ack: 0).isEmpty)
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test("O-10: SYN-SENT refuses wrong ACKs and believes only a RST that acknowledges its SYN")
    func synSent() throws {
        let script = try Script()
        let (id, syn) = try script.connect()
        #expect(syn.flags == .syn && syn.ack == 0)
        let reset = script.send([.syn, .ack], seq: 1, ack: syn.seq)
        #expect(reset.count == 1 && reset[0].flags == .rst && reset[0].seq == syn.seq)
        #expect(script.send(.rst, ack: syn.seq &+ 1).isEmpty)
        #expect(script.send([.rst, .ack], ack: syn.seq &+ 2).isEmpty)
        #expect(script.host.stack.info(id)?.state == .synSent)
        #expect(script.send([.rst, .ack], ack: syn.seq &+ 1).isEmpty)
        #expect(script.host.seen[id]?.closed == .refused)
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test("O-11: data on a SYN is neither acknowledged nor delivered")
    func dataOnSYN() throws {
        let script = try Script()
        let answer = try #require(script.send(.syn, ack: 0, payload: [9, 9, 9]).first)
        #expect(answer.ack == 1001)
        script.seq = 1001
        script.ack = answer.seq &+ 1
        script.data([1, 2])
        #expect(script.host.seen[try #require(script.host.order.first)]?.bytes == [1, 2])
        #expect(script.host.isBalanced)
    }

    @Test("O-13, C-12: SYNs beyond the backlog or the slots are dropped and leave nothing")
    func limits() throws {
        let script = try Script { $0.backlog = 3 }
        for port in 0..<10 {
            script.peerPort = UInt16(6000 + port)
            _ = script.send(.syn, ack: 0)
        }
        #expect(script.host.stack.connectionCount == 3 && script.host.stack.statistics.synsOverBacklog == 7)
        let scarce = try Script { $0.slotBudget = 130 }
        for port in 0..<5 {
            scarce.peerPort = UInt16(6000 + port)
            #expect(scarce.send(.syn, ack: 0).count == (port < 2 ? 1 : 0))
        }
        #expect(scarce.host.stack.statistics.synsWithoutSlots == 3 && scarce.host.stack.slotsPromised == 128)
        _ = scarce.wait(.seconds(400))
        #expect(scarce.host.stack.slotsPromised == 0)
    }

    @Test("O-14: what cannot be connected to is refused with a reason")
    func refusals() throws {
        let script = try Script()
        let now = script.now
        for bad in [address(1), address(255), .any, .broadcast, IPv4Address(224, 0, 0, 1), IPv4Address(127, 0, 0, 1)] {
            #expect(throws: TCPError.invalidAddress(InternetAddress(bad))) {
                _ = try script.host.stack.connect(to: bad, port: 1, localPort: nil, now: now)
            }
        }
        #expect(throws: TCPError.invalidPort) {
            _ = try script.host.stack.connect(to: address(9), port: 0, localPort: nil, now: now)
        }
        #expect(throws: TCPError.invalidPort) { try script.host.stack.listen(port: 0) }
        _ = try script.host.stack.connect(to: address(9), port: 1, localPort: 9, now: now)
        #expect(throws: TCPError.portInUse(9)) {
            _ = try script.host.stack.connect(to: address(9), port: 1, localPort: 9, now: now)
        }
    }

    @Test("S-08: a SYN that nobody answers is given up after three minutes, also without a hardware address")
    func unanswered() throws {
        let script = try Script()
        let silent = try script.host.stack.connect(to: address(9), port: 1, localPort: nil, now: script.now)
        let absent = try script.host.stack.connect(to: address(77), port: 1, localPort: nil, now: script.now)
        let syns = script.wait(.seconds(170))
        #expect(script.host.seen[silent] == nil && script.host.seen[absent] == nil)
        #expect(syns.count >= 6 && syns.allSatisfy { $0.flags == .syn && $0.seq == syns[0].seq })
        _ = script.wait(.seconds(200))
        #expect(script.host.seen[silent]?.closed == .timedOut && script.host.seen[absent]?.closed == .timedOut)
        #expect(script.host.stack.connectionCount == 0)
    }

    @Test(
        "M-02, M-03, M-06: segment size without the option, with it, and absurdly small",
        arguments: [0, 1, 48, 100, 536])
    func segmentSizes(mss: Int) throws {
        let script = try Script { $0.nagle = false }
        let options: [UInt8] = mss == 0 ? [] : [2, 4, UInt8(mss >> 8), UInt8(mss & 255)]
        let id = try script.open(options: options)
        let expected = mss == 0 ? 536 : max(mss, 64)
        #expect(script.host.stack.info(id)?.segmentSize == expected)
        let data = script.view(pattern(3000))
        #expect(script.host.stack.send(id, data) == 3000)
        let sent = script.poll()
        #expect(sent.count > 0 && sent.allSatisfy { $0.payload.count <= expected })
    }

    @Test("M-03, M-07: ICMP lowers the segment size only for what is in flight, and not below the floor")
    func pathMTU() throws {
        let script = try Script()
        let id = try script.open()
        let data = script.view(pattern(6000))
        _ = script.host.stack.send(id, data)
        let first = try #require(script.poll().first)
        #expect(first.payload.count == 1460)
        script.icmp(type: 3, code: 4, rest: 1000, about: first.seq &- 5)
        #expect(script.host.stack.info(id)?.segmentSize == 1460)
        script.icmp(type: 3, code: 4, rest: 1000, about: first.seq)
        let again = script.poll()
        #expect(script.host.stack.info(id)?.segmentSize == 960)
        #expect(again.first?.seq == first.seq && again.first?.payload.count == 960)
        script.icmp(type: 3, code: 4, rest: 68, about: first.seq)
        #expect(script.host.stack.info(id)?.segmentSize == 512)
        #expect(script.host.stack.info(id)?.state == .established)
    }

    @Test("M-06: the smallest MTU works, reports included")
    func smallestMTU() throws {
        let script = try Script { $0.interface.mtu = 68 }
        let id = try script.open(options: Script.usual)
        for n: UInt32 in [2, 4, 6, 8, 10] { script.send(.ack, seq: script.seq &+ n, payload: [1]) }
        _ = script.host.stack.send(id, script.view(pattern(200)))
        let sent = script.poll()
        #expect(!sent.isEmpty && sent.allSatisfy { !$0.payload.isEmpty && $0.checksumIsGood })
        #expect(script.host.stack.info(id)?.segmentSize == 16)
    }
}
