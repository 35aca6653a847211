import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// TCP over IPv6: what is not as it is over IPv4.
@Suite struct IPv6Tests {
    @Test(
        "O-03, O-12, H-02, M-05, E-02: the handshake over IPv6, from both of our addresses",
        arguments: [false, true])
    func handshake(onLink: Bool) throws {
        let script = try Script(isIPv6: true)
        if onLink {
            script.peer6 = linkLocal(9)
            script.host6 = linkLocal(1)
            script.introduce()
        }
        let answer = try #require(script.send(.syn, ack: 0, options: Script.usual).first)
        #expect(answer.flags == [.syn, .ack] && answer.ack == 1001 && answer.options.mss == 1440)
        #expect(answer.options.sackPermitted && answer.options.hasTimestamps && answer.checksumIsGood)
        let ip = try IPv6Header(script.view(answer.frame).from(14))
        #expect(ip.source == script.host6 && ip.destination == script.peer6 && ip.hopLimit == 64)
        #expect(ip.trafficClass == 0 && ip.payloadLength == answer.frame.count - 54)
        #expect(EthernetHeader(script.view(answer.frame))?.destination == mac(9))
        script.seq = 1001
        script.ack = answer.seq &+ 1
        script.timestamps = true
        script.clock = 2
        script.data([1, 2, 3])
        let id = try #require(script.host.order.first)
        #expect(script.host.seen[id]?.opened == 1 && script.host.seen[id]?.bytes == [1, 2, 3])
        let peer = try script.info(id).peer
        #expect(peer == InternetAddress(script.peer6))
        _ = script.host.stack.send(id, script.view(pattern(2856)))
        let sent = script.poll()
        #expect(
            sent.map(\.payload.count) == [1428, 1428] && sent.flatMap(\.payload) == pattern(2856))
        #expect(sent.allSatisfy { $0.checksumIsGood })
        // RFC 6437: one label for all segments of a flow.
        let labels = try sent.map { try IPv6Header(script.view($0.frame).from(14)).flowLabel }
        #expect(Set(labels) == [ip.flowLabel])
        #expect(script.host.seen[id]?.badSums == 0 && script.host.seen[id]?.deviceRecords == 1)
    }

    @Test("O-03: a connection is opened over IPv6 once the neighbour has answered")
    func activeOpen() throws {
        let script = try Script(isIPv6: true)
        script.peer6 = address6(77)
        script.peerMAC = mac(77)
        script.others = []
        let id = try script.host.stack.connect(
            to: InternetAddress(address6(77)), port: 5000, localPort: 80 + 1000, now: script.now)
        script.hostPort = 1080
        #expect(script.poll().isEmpty)
        let syn = try #require(script.poll().first)
        #expect(syn.flags == .syn && syn.options.mss == 1440 && syn.checksumIsGood)
        script.ack = syn.seq &+ 1
        script.send([.syn, .ack], options: Script.plain)
        script.seq &+= 1
        #expect(
            try script.info(id).state == .established
                && script.info(id).peer.description == "2001:db8::4d")
        script.data([5])
        #expect(script.host.seen[id]?.bytes == [5])
    }

    @Test(
        "H-03, H-04: a bad checksum over IPv6 leaves no trace, zero is none, and device bytes need a verdict"
    )
    func checksum() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        let before = script.host.stack.info(id)
        script.input(script.frame(.ack, payload: [1, 2, 3]), .bad)
        script.input(script.frame(.ack, payload: [1, 2, 3]), .unknown)
        script.host.layout = .unsplit
        for (at, bit): (Int, UInt8) in [(76, 1), (30, 4), (45, 4), (60, 1)] {
            var damaged = script.frame(.ack, payload: [1, 2, 3])
            damaged[at] ^= bit
            // A bit of an address: only the pseudo-header tells.
            if at == 45 { continue }
            script.input(damaged, .unknown)
        }
        var zero = script.frame(.ack, payload: [1, 2, 3])
        zero[70] = 0
        zero[71] = 0
        script.input(zero, .unknown)
        #expect(script.poll().isEmpty && script.host.seen[id]?.bytes == [])
        #expect(script.host.stack.info(id)?.rcvNxt == before?.rcvNxt)
        #expect(
            script.host.stack.statistics.badChecksums == 5 && script.host.stack.statistics.unverified == 1
        )
        script.input(script.frame(.ack, payload: [1, 2, 3]), .unknown)
        script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2, 3] && script.host.isBalanced)
    }

    @Test(
        "H-14: over IPv6 extension headers are skipped, fragments and what is not to be skipped dropped and counted"
    )
    func extensions() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        let padding: [UInt8] = [1, 4, 0, 0, 0, 0]
        script.extensions = (0, [60, 0] + padding + [43, 0] + padding + [6, 0, 0, 0, 0, 0, 0, 0])
        script.data([1, 2, 3])
        script.host.layout = .unsplit
        script.input(script.frame(.ack, payload: [4]), .unknown)
        script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4])
        script.seq &+= 1
        let before = script.host.stack.statistics
        script.extensions = (44, [6, 0, 0, 0, 0, 0, 0, 1])
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (60, [6, 0, 0xC2, 4, 0, 0, 0, 0])
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (43, [6, 0, 0, 1, 0, 0, 0, 0])
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (60, [6, 9, 1, 4, 0, 0, 0, 0])
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (60, [59, 0] + padding)
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (50, [])
        script.input(script.frame(.ack, payload: [9]))
        script.extensions = (6, [])
        var short = script.frame(.ack, payload: [9])
        short[19] = 19
        script.input(short)
        var wrong = script.frame(.ack, payload: [9])
        wrong[14] = 0x50
        script.input(wrong)
        script.poll()
        let after = script.host.stack.statistics
        #expect(
            after.ipFragments - before.ipFragments == 1
                && after.refusedExtensions - before.refusedExtensions == 2)
        #expect(
            after.unknownProtocol - before.unknownProtocol == 2 && after.malformed - before.malformed == 2
        )
        #expect(after.badHeaders - before.badHeaders == 1)
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4] && script.host.isBalanced)
    }

    @Test("H-13: IPv6's payload length decides, in host and in device memory", arguments: [0, 1, 7])
    func padding(payload: Int) throws {
        for layout in [Layout.split, .unsplit, .splitAfter(1)] {
            let script = try Script(isIPv6: true)
            let id = try script.open()
            script.host.layout = layout
            var frame = script.frame(.ack, payload: pattern(payload), padding: 5)
            for at in frame.count - 5..<frame.count { frame[at] = 0xEE }
            script.input(frame, layout.isHost ? .unknown : .good)
            script.poll()
            #expect(script.host.seen[id]?.bytes == pattern(payload))
            #expect(script.host.isBalanced && script.host.seen[id]?.badSums == 0)
        }
        let script = try Script(isIPv6: true)
        let id = try script.open()
        let frame = script.frame(.ack, payload: pattern(100))
        for cut in 1..<100 {
            script.host.receive(
                script.view(Array(frame.dropLast(cut))), boundary: 74, .good, now: script.now)
        }
        #expect(
            script.host.stack.statistics.malformed == 99 && script.host.seen[id]?.bytes == []
                && script.host.isBalanced)
    }

    @Test(
        "H-15, P-01: over IPv6 groups, nobody and ourselves are never answered, and others' datagrams are not ours"
    )
    func addresses() throws {
        let script = try Script(isIPv6: true)
        let peer = script.peer6
        script.others = []
        func syn(from source: IPv6Address, to destination: IPv6Address, group: Bool = false) {
            script.peer6 = source
            script.host6 = destination
            var frame = script.frame(.syn, ack: 0, options: Script.plain)
            if group { frame.replaceSubrange(0..<2, with: [0x33, 0x33]) }
            script.input(frame)
        }
        let bad: [IPv6Address] = [
            .unspecified, .allNodes, IPv6Address(high: 0, low: 1),
            IPv6Address(high: 0, low: 0xFFFF_0A00_0009),
            address6(1),
            linkLocal(1), address6(1).solicitedNode,
        ]
        for source in bad { syn(from: source, to: address6(1)) }
        #expect(script.host.stack.statistics.badSource == UInt64(bad.count))
        for group in [IPv6Address.allNodes, address6(1).solicitedNode, linkLocal(1).solicitedNode] {
            syn(from: peer, to: group)
        }
        syn(from: peer, to: address6(1), group: true)
        syn(from: peer, to: address6(2))
        syn(from: peer, to: IPv6Address(high: 0xFF02_0000_0000_0000, low: 2))
        #expect(script.host.stack.statistics.wrongDestination == 6)
        #expect(
            script.poll().isEmpty && script.others.isEmpty && script.host.stack.connectionCount == 0)
        syn(from: peer, to: address6(1))
        #expect(script.poll().map(\.flags) == [[.syn, .ack]])
    }

    @Test(
        "O-08, O-09: resets over IPv6 go back the way that their cause came", arguments: [false, true])
    func resets(onLink: Bool) throws {
        let script = try Script(isIPv6: true)
        if onLink {
            script.peer6 = linkLocal(9)
            script.host6 = linkLocal(1)
        }
        script.hostPort = 81
        let answer = try #require(script.send(.syn, ack: 0).first)
        #expect(answer.flags == [.rst, .ack] && answer.ack == script.seq &+ 1 && answer.checksumIsGood)
        let ip = try IPv6Header(script.view(answer.frame).from(14))
        #expect(ip.source == script.host6 && ip.destination == script.peer6)
        #expect(script.send(.ack, ack: 7).map(\.seq) == [7])
        #expect(script.send(.rst).isEmpty && script.host.stack.statistics.resetsSent == 2)
    }

    @Test(
        "O-14: the same ports over both families, from two addresses and to two of ours, are connections of their own"
    )
    func tuples() throws {
        let script = try Script(isIPv6: true)
        var all: [(IPv6Address, IPv6Address, UInt32, UInt32)] = []
        for (peer, host) in [
            (address6(9), address6(1)), (address6(10), address6(1)), (linkLocal(9), linkLocal(1)),
            (linkLocal(9), address6(1)), (address6(9), linkLocal(1)),
        ] {
            (script.peer6, script.host6) = (peer, host)
            script.seq = 1000
            script.introduce()
            let id = try script.open()
            #expect(try script.info(id).peer == InternetAddress(peer))
            all.append((peer, host, script.seq, script.ack))
        }
        for (n, flow) in all.enumerated() {
            (script.peer6, script.host6, script.seq, script.ack) = flow
            script.data([UInt8(n)])
        }
        #expect(
            script.host.order.count == 5
                && script.host.order.enumerated().allSatisfy { script.host.seen[$1]?.bytes == [UInt8($0)] })
        // One of them ends, and the others do not.
        (script.peer6, script.host6, script.seq, script.ack) = all[1]
        script.seq &+= 1
        script.send(.rst)
        #expect(script.host.stack.connectionCount == 4)
        (script.peer6, script.host6, script.seq, script.ack) = all[0]
        script.seq &+= 1
        script.data([99])
        #expect(script.host.seen[script.host.order[0]]?.bytes == [0, 99])
    }

    @Test("O-01, O-02: over IPv6 sequence numbers follow the clock and a keyed function of the flow")
    func initialSequence() throws {
        func iss(
            _ last: UInt8, _ port: UInt16, at nanoseconds: UInt64 = 6_000_000_000, onLink: Bool = false
        ) throws
            -> UInt32
        {
            let script = try Script(isIPv6: true)
            script.now = Instant(nanoseconds: nanoseconds)
            script.peer6 = address6(last)
            if onLink { script.host6 = linkLocal(1) }
            script.introduce()
            script.peerPort = port
            return try #require(script.send(.syn, ack: 0).first).seq
        }
        let base = try iss(9, 5000)
        #expect(try iss(9, 5000, at: 6_000_400_000) &- base == 100)
        #expect(try Set([base, iss(9, 5001), iss(10, 5000), iss(9, 5000, onLink: true)]).count == 4)
    }

    @Test(
        "M-02, M-03: over IPv6 a peer that names no segment size gets 1220 bytes, and a path carries the MTU less 60"
    )
    func segmentSize() throws {
        for (options, size): ([UInt8], Int) in [
            ([], 1220), ([2, 4, 0x02, 0x58], 600), (Script.plain, 1440), ([2, 4, 0xFF, 0xFF], 1440),
        ] {
            let script = try Script(isIPv6: true)
            let id = try script.open(options: options)
            #expect(try script.info(id).segmentSize == size)
        }
        let large = try Script({ $0.interface.mtu = 9000 }, isIPv6: true)
        #expect(large.send(.syn, ack: 0).map(\.options.mss) == [8940])
        let small = try Script({ $0.interface.mtu = 1280 }, isIPv6: true)
        #expect(small.send(.syn, ack: 0).map(\.options.mss) == [1220])
    }

    @Test("Without IPv6 addresses, or with links that cannot carry it, IPv6 is nobody's")
    func off() throws {
        for change: (inout Configuration) -> Void in [
            { $0.interface.ipv6 = nil }, { $0.interface.mtu = 1279 },
            { $0.interface.ipv6 = IPv6Configuration(linkLocal: address6(1), address: address6(2)) },
        ] {
            let script = try Script(change, isIPv6: true)
            #expect(script.others.isEmpty && script.send(.syn, ack: 0).isEmpty)
            #expect(
                script.host.stack.statistics.unknownProtocol == 2
                    && script.host.stack.statistics.ipv6Datagrams == 0)
            #expect(throws: TCPError.unreachable(InternetAddress(address6(9)))) {
                _ = try script.host.stack.connect(
                    to: InternetAddress(address6(9)), port: 1, localPort: nil, now: script.now)
            }
        }
    }

    @Test(
        "O-14: what cannot be connected to over IPv6 is refused with a reason; beyond the prefix the router is asked"
    )
    func routes() throws {
        let script = try Script(isIPv6: true)
        let now = script.now
        for text in ["::", "::1", "ff02::1", "2001:db8::1", "fe80::ff:fe00:1"] {
            let bad = try #require(InternetAddress(text))
            #expect(throws: TCPError.invalidAddress(bad), "\(text)") {
                _ = try script.host.stack.connect(to: bad, port: 1, localPort: nil, now: now)
            }
        }
        func asked(for text: String) throws -> (IPv6Address?, IPv6Address?) {
            script.others = []
            _ = try script.host.stack.connect(
                to: #require(InternetAddress(text)), port: 1, localPort: nil, now: now)
            script.poll()
            let request = try #require(script.firstMessage)
            return (request.neighbour?.target, request.ip.source)
        }
        #expect(try asked(for: "2001:db8::aa") == (IPv6Address("2001:db8::aa"), address6(1)))
        #expect(try asked(for: "fe80::aa") == (IPv6Address("fe80::aa"), linkLocal(1)))
        #expect(try asked(for: "2001:db9::aa") == (linkLocal(254), linkLocal(1)))
        let alone = try Script({ $0.interface.ipv6?.gateway = nil }, isIPv6: true)
        let onLink = try Script({ $0.interface.ipv6?.address = nil }, isIPv6: true)
        for other in [alone, onLink] {
            let beyond = try #require(InternetAddress("2001:db9::aa"))
            #expect(throws: TCPError.unreachable(beyond)) {
                _ = try other.host.stack.connect(to: beyond, port: 1, localPort: nil, now: now)
            }
        }
        // Nobody beyond the link gets an answer from an address that is good on the link alone.
        script.peer6 = try #require(IPv6Address("2001:db9::9"))
        script.host6 = linkLocal(1)
        #expect(script.send(.syn, ack: 0).isEmpty)
    }

    @Test("C-06, P-03: over IPv6 a flow is opened anew out of TIME-WAIT, from either side")
    func timeWait() throws {
        let script = try Script({ $0.slotBudget = 4096 }, isIPv6: true)
        let id = try script.open(options: Script.usual)
        script.host.stack.leave(id, pools: &script.host.pools)
        let fin = try #require(script.poll().last)
        #expect(fin.flags.contains(.fin))
        script.ack &+= 1
        script.send([.ack, .fin])
        script.seq &+= 1
        #expect(script.host.stack.info(id)?.state == .timeWait)
        let again: [UInt8] = [2, 4, 5, 0xB4, 8, 10] + be(99) + be(0)
        let fresh = script.send(.syn, seq: script.seq &- 9, ack: 0, options: again)
        #expect(fresh.map(\.flags) == [[.syn, .ack]] && script.host.stack.info(id) == nil)
        script.hostPort = 2000
        let first = try script.host.stack.connect(
            to: InternetAddress(script.peer6), port: 5000, localPort: 2000, now: script.now)
        #expect(throws: TCPError.portInUse(2000)) {
            _ = try script.host.stack.connect(
                to: InternetAddress(script.peer6), port: 5000, localPort: 2000, now: script.now)
        }
        let second = try script.host.stack.connect(
            to: InternetAddress(script.peer), port: 5000, localPort: 2000, now: script.now)
        let ports = try (0..<8).map { _ in
            let id = try script.host.stack.connect(
                to: InternetAddress(script.peer6), port: 5000, localPort: nil, now: script.now)
            return try script.info(id).localPort
        }
        #expect(Set(ports).count == 8 && first != second && ports.allSatisfy { $0 >= 49152 })
    }

    @Test("E-01, E-02: marked IPv6 packets are taken, and nothing of ours is marked")
    func trafficClass() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        var marked = script.frame(.ack, payload: [1])
        marked[14] = 0x60
        marked[15] = 0x30
        script.input(marked)
        script.seq &+= 1
        let answer = script.wait(.milliseconds(50))
        #expect(script.host.seen[id]?.bytes == [1] && answer.count == 1)
        #expect(
            answer.allSatisfy {
                $0.frame[14] == 0x60 && $0.frame[15] & 0xF0 == 0 && !$0.flags.contains(.ece)
            })
    }

    @Test("bytes of the region leave over IPv6 by reference, cut by the device at MSS (U.26, H-02)")
    func placed() throws {
        let script = try Script(
            {
                $0.transmitChecksumOffload = true
                $0.segmentationOffload = true
                $0.placedSends = 64
            }, isIPv6: true)
        let bytes = script.host.takeSlots(4)
        let id = try script.open(options: Script.sack)
        _ = try script.host.stack.send(
            id, from: 1, CollectionOfOne(SendRange(offset: 100, length: 6000)), pools: &script.host.pools)
        let sent = script.poll()
        #expect(
            sent.map(\.payload.count) == [1440, 1440, 1440, 1440, 240]
                && sent.allSatisfy { $0.checksumIsGood })
        #expect(sent.flatMap(\.payload) == Array(bytes[100..<6100]))
        #expect(
            sent.allSatisfy {
                $0.offload.isIPv6 && $0.offload.networkLength == 40 && $0.offload.tcpChecksum
            })
        #expect(script.host.stack.statistics.framesToCut == 1)
        script.host.returnSlots(4)
    }

    @Test("Headers over IPv6 that do not fit are booked with who they were for")
    func headerOverflow() throws {
        let script = try Script(isIPv6: true)
        try script.open()
        for port: UInt16 in [5000, 5001] {
            script.peerPort = port
            let frame = script.view(script.frame(.ack, payload: pattern(300)))
            script.host.receive(frame, boundary: 74, split: .headerOverflow, .good, now: script.now)
        }
        script.hostPort = 81
        let frame = script.view(script.frame(.ack, payload: pattern(300)))
        script.host.receive(frame, boundary: 74, split: .headerOverflow, .good, now: script.now)
        #expect(
            OwnerEventTests.counters(script, owner: 0)?.headerOverflow == 2 && script.host.isBalanced)
    }

    @Test(
        "R-01: streams over IPv6 arrive exactly, over wires that lose, repeat, reorder and damage",
        arguments: [Layout.split, .splitAfter(3), .unsplit])
    func transfers(layout: Layout) throws {
        for seed: UInt64 in 1...6 {
            let isHost = layout.isHost
            var impairments = Impairments()
            if seed > 1 {
                impairments.loss = Probability(0.02)
                impairments.duplication = Probability(0.01)
                impairments.reorder = Probability(0.05)
                impairments.corruption = Probability(0.01)
                impairments.verifies = !isHost
            }
            let server = seed & 1 == 0 ? linkLocal(2) : address6(2)
            let channel = try TransferTests.transfer(
                up: pattern(150_000, seed: seed), down: pattern(90_000, seed: seed &+ 9), seed: seed,
                impairments: impairments, layout: layout, to: InternetAddress(server))
            let received = channel.b.stack.statistics
            #expect(received.ipv6Datagrams > 100 && received.arpRequests == 0 && received.arpReplies == 0)
        }
    }
}

extension Layout {
    /// Whether nothing is in device memory.
    var isHost: Bool {
        if case .unsplit = self { true } else { false }
    }
}
