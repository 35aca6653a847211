import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// Neighbour discovery and ICMPv6.
@Suite struct NeighbourDiscoveryTests {
    /// A script whose peer keeps silent, and the stack's connection to it; what it asked is in `others`.
    func asking(_ change: (inout Configuration) -> Void = { _ in }) throws -> (Script, ConnectionID) {
        let script = try Script(change, isIPv6: true)
        script.peer6 = address6(50)
        script.answersARP = false
        script.others = []
        let id = try script.host.stack.connect(
            to: InternetAddress(address6(50)), port: 5000, localPort: 4000, now: script.now)
        #expect(script.poll().isEmpty)
        return (script, id)
    }

    @Test(
        "RFC 4861, 7.2.4: a solicitation of one of our addresses is answered, to who asked", arguments: [false, true])
    func answers(onLink: Bool) throws {
        let script = try Script(isIPv6: true)
        let target = onLink ? linkLocal(1) : address6(1)
        script.peer6 = onLink ? linkLocal(9) : address6(9)
        script.others = []
        script.input(script.solicitation(for: target))
        script.poll()
        let frame = try #require(script.others.first)
        let answer = try #require(script.sent6(frame))
        #expect(frame.count == 14 + 40 + 32 && script.others.count == 1)
        #expect(answer.message.type == 136 && answer.message.code == 0 && answer.message.rest == 0x6000_0000)
        #expect(answer.ip.hopLimit == 255 && answer.ip.source == target && answer.ip.destination == script.peer6)
        #expect(answer.neighbour == NeighbourMessage(target: target, mac: mac(1)))
        #expect(answer.ethernet.destination == mac(9) && answer.ethernet.source == mac(1))
        // It taught us who asked: no question goes before the answer to a SYN.
        script.others = []
        #expect(script.send(.syn, ack: 0).count == 1 && script.others.isEmpty)
        // Others' addresses, and groups that only look like ours, are not answered for.
        script.input(script.solicitation(for: address6(3)))
        script.input(script.solicitation(for: IPv6Address(high: 0x2001_0DB8_0000_0009, low: 1)))
        script.poll()
        #expect(script.others.isEmpty)
    }

    @Test(
        "RFC 4291, 2.7.1: addresses that end differently have a group each, and both are heard",
        arguments: [false, true])
    func groups(onLink: Bool) throws {
        let wide = IPv6Address(high: 0xFD00_0000_0000_0001, low: 0x0055_0001)
        let script = try Script(
            {
                $0.interface.ipv6 = IPv6Configuration(linkLocal: linkLocal(1), address: wide)
            }, isIPv6: true)
        let target = onLink ? linkLocal(1) : wide
        #expect(linkLocal(1).solicitedNode != wide.solicitedNode)
        script.peer6 = onLink ? linkLocal(9) : address6(9)
        script.others = []
        script.input(script.solicitation(for: target))
        script.poll()
        let frame = try #require(script.others.first)
        let answer = try #require(script.sent6(frame))
        #expect(answer.neighbour == NeighbourMessage(target: target, mac: mac(1)))
    }

    @Test("RFC 4861, 7.2.4: who has no address yet is told before all nodes, and not remembered")
    func duplicateDetection() throws {
        let script = try Script(isIPv6: true)
        script.others = []
        let target = address6(1)
        script.input(
            script.message6(
                ICMPv6Message(type: 135), body: script.bytes(target), from: .unspecified, to: target.solicitedNode))
        script.poll()
        let answer = try #require(script.firstMessage)
        #expect(answer.message.rest == 0x2000_0000 && answer.ip.destination == .allNodes)
        #expect(answer.ethernet.destination == MACAddress(0x33, 0x33, 0, 0, 0, 1) && answer.ip.source == target)
        #expect(script.host.stack.statistics.neighbourSolicitations == 2)
    }

    @Test("RFC 4861, 7.1: what is no valid message, or was forwarded, is dropped and counted")
    func invalid() throws {
        let (script, _) = try asking()
        script.others = []
        let target = address6(1)
        let ask = ICMPv6Message(type: 135)
        let body = script.bytes(target) + script.option(1, mac(50))
        let group = target.solicitedNode
        for bad in [
            script.message6(ask, body: body, to: group, hopLimit: 254),
            script.message6(ICMPv6Message(type: 135, code: 1), body: body, to: group),
            script.message6(ask, body: Array(body.prefix(15)), to: group),
            script.message6(ask, body: script.bytes(.allNodes) + script.option(1, mac(50)), to: group),
            script.message6(ask, body: script.bytes(target) + [1, 0, 0, 0, 0, 0, 0, 0], to: group),
            script.message6(ask, body: script.bytes(target) + [1, 2, 0, 0, 0, 0, 0, 0], to: group),
            script.message6(ask, body: body, from: .unspecified, to: group),
            script.message6(ask, body: script.bytes(target), from: .unspecified, to: target),
        ] { script.input(bad) }
        let say = ICMPv6Message(type: 136, rest: 0x6000_0000)
        let told = script.bytes(address6(50)) + script.option(2, mac(50))
        for bad in [
            script.message6(say, body: told, hopLimit: 64),
            script.message6(ICMPv6Message(type: 136, code: 2, rest: 0x6000_0000), body: told),
            script.message6(say, body: told, to: .allNodes), script.message6(say, body: Array(told.prefix(12))),
            script.message6(say, body: script.bytes(address6(50)) + [2, 0, 0, 0, 0, 0, 0, 0]),
        ] { script.input(bad) }
        #expect(script.poll().isEmpty && script.others.isEmpty)
        #expect(script.host.stack.statistics.invalidNeighbourMessages == 13)
        script.input(script.message6(say, body: told, damage: true))
        script.input(script.message6(say, body: told, from: .unspecified))
        #expect(script.poll().isEmpty && script.host.stack.statistics.badChecksums == 1)
        #expect(
            script.host.stack.statistics.badSource == 1 && script.host.stack.statistics.neighbourAdvertisements == 0)
        script.input(script.message6(say, body: told))
        #expect(script.poll().map(\.flags) == [.syn] && script.host.stack.statistics.neighbourAdvertisements == 1)
    }

    @Test("RFC 4861, 7.2.2: a neighbour is looked for by its group, once a second, three times, then given up")
    func questions() throws {
        let (script, _) = try asking()
        let question = try #require(script.firstMessage)
        #expect(question.message.type == 135 && question.ip.hopLimit == 255 && question.ip.source == address6(1))
        #expect(question.ip.destination == address6(50).solicitedNode)
        #expect(question.ethernet.destination == MACAddress(0x33, 0x33, 0xFF, 0, 0, 50))
        #expect(question.neighbour == NeighbourMessage(target: address6(50), mac: mac(1)))
        #expect(script.wait(.milliseconds(900)).isEmpty && script.others.count == 1)
        _ = script.wait(.milliseconds(1000))
        #expect(script.others.count == 2)
        _ = script.wait(.milliseconds(1000))
        #expect(script.others.count == 3)
        // The connection's own timer asks again; it ends like one to an IPv4 address that nobody has.
        let ended = script.wait(.seconds(400))
        #expect(ended.isEmpty && script.host.stack.connectionCount == 0 && script.host.stack.nextDeadline == .never)
    }

    @Test("RFC 4861, 7.2.5: advertisements teach who was asked for; a known address changes only by override")
    func advertisements() throws {
        let (script, id) = try asking()
        // Nobody asked for this one.
        script.input(script.advertisement(address6(60), mac: mac(60)))
        // Without an address there is nothing to learn.
        script.input(script.advertisement(mac: nil))
        script.input(script.advertisement(mac: .broadcast))
        script.input(script.advertisement(mac: .zero))
        #expect(script.poll().isEmpty)
        script.input(script.advertisement(mac: mac(50)))
        let syn = try #require(script.poll().first)
        #expect(EthernetHeader(script.view(syn.frame))?.destination == mac(50))
        script.peerMAC = mac(50)
        script.hostPort = 4000
        script.ack = syn.seq &+ 1
        script.send([.syn, .ack], options: Script.plain)
        script.seq &+= 1
        func destination(after frame: [UInt8]) throws -> MACAddress? {
            script.input(frame)
            _ = script.host.stack.send(id, script.view([1]))
            let sent = try #require(script.poll().first)
            script.send(.ack, ack: sent.seq &+ 1)
            return EthernetHeader(script.view(sent.frame))?.destination
        }
        #expect(try destination(after: script.advertisement(mac: mac(51), flags: 0x4000_0000)) == mac(50))
        #expect(try destination(after: script.advertisement(mac: mac(51), flags: 0x6000_0000)) == mac(51))
        #expect(try destination(after: script.advertisement(mac: mac(52), flags: 0x2000_0000)) == mac(52))
        #expect(try destination(after: script.advertisement(mac: nil, flags: 0x4000_0000)) == mac(52))
        #expect(throws: Never.self) {
            _ = try script.host.stack.connect(
                to: InternetAddress(address6(60)), port: 1, localPort: nil, now: script.now)
        }
        script.others = []
        script.poll()
        #expect(script.firstMessage?.neighbour?.target == address6(60))
    }

    @Test("RFC 4861, 7.3: what is not confirmed is asked for after 5 s of use, what is after 30 s, itself first")
    func refreshing() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        script.answersARP = false
        script.others = []
        _ = script.wait(.milliseconds(5100))
        let probe = try #require(script.firstMessage)
        #expect(
            probe.message.type == 135 && probe.ip.destination == address6(9) && probe.ethernet.destination == mac(9))
        script.input(script.advertisement(mac: nil, flags: 0x4000_0000))
        script.poll()
        script.others = []
        script.data([1])
        _ = script.wait(.seconds(29))
        #expect(script.others.isEmpty)
        _ = script.wait(.seconds(2))
        #expect(script.others.count == 2)
        // Nobody answers: three questions, and the next segment has to look for the neighbour among all.
        _ = script.wait(.seconds(5))
        script.others = []
        script.data([2])
        _ = script.wait(.milliseconds(100))
        let search = try #require(script.firstMessage)
        #expect(search.ip.destination == address6(9).solicitedNode)
        script.input(script.advertisement(mac: mac(9)))
        #expect(!script.poll().isEmpty && script.host.seen[id]?.bytes == [1, 2])
    }

    @Test("A flood of solicitations fills the table and no more, and pushes out nobody who is in use")
    func flood() throws {
        let script = try Script({ $0.neighbours = 4 }, isIPv6: true)
        let id = try script.open()
        script.others = []
        for last in 10..<200 {
            script.input(
                script.message6(
                    ICMPv6Message(type: 135), body: script.bytes(address6(1)) + script.option(1, mac(UInt8(last))),
                    from: address6(UInt8(last)), to: address6(1).solicitedNode))
        }
        script.poll()
        #expect(script.others.count == 190)
        script.others = []
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        #expect(script.poll().count == 1 && script.others.isEmpty)
    }

    @Test("RFC 4443, 4: echo requests are answered as they are, and no others")
    func echo() throws {
        let script = try Script(isIPv6: true)
        script.others = []
        let request = ICMPv6Message(type: ICMPv6Message.echoRequest, rest: 0x1234_0001)
        script.input(script.message6(request, body: pattern(100), hopLimit: 9))
        script.poll()
        let reply = try #require(script.firstMessage)
        #expect(reply.message == ICMPv6Message(type: 129, rest: 0x1234_0001) && reply.ip.hopLimit == 64)
        #expect(reply.ip.source == address6(1) && reply.ip.destination == address6(9))
        #expect(script.others.first.map { Array($0[62...]) } == pattern(100))
        script.others = []
        script.input(script.message6(request, body: pattern(100), damage: true))
        script.input(script.message6(request, body: pattern(100), to: .allNodes))
        script.input(script.message6(request, body: pattern(100), mac: IPv6Address.allNodes.groupMAC))
        script.input(script.message6(request, body: pattern(1453)))
        script.input(script.message6(ICMPv6Message(type: 129), body: []))
        script.input(script.message6(ICMPv6Message(type: 134), body: pattern(8)))
        let inDevice = script.view(script.message6(request, body: pattern(100)))
        script.host.receive(inDevice, boundary: 80, .good, now: script.now)
        script.poll()
        #expect(script.others.isEmpty && script.host.isBalanced)
        let statistics = script.host.stack.statistics
        #expect(statistics.badChecksums == 1 && statistics.icmpIgnored == 5 && statistics.repliesDropped == 1)
    }

    @Test(
        "M-03, M-07: packet too big lowers the segment size for what is in flight, not below 1280, and never raises it")
    func pathMTU() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        _ = script.host.stack.send(id, script.view(pattern(6000)))
        let first = try #require(script.poll().first)
        #expect(first.payload.count == 1440)
        script.icmp6(type: 2, code: 0, rest: 1400, about: first.seq &- 5)
        script.icmp6(type: 2, code: 0, rest: 1400, about: first.seq &+ 6000)
        script.icmp6(type: 2, code: 0, rest: 1279, about: first.seq)
        script.icmp6(type: 2, code: 0, rest: 0, about: first.seq)
        script.icmp6(type: 2, code: 0, rest: 1500, about: first.seq)
        script.icmp6(type: 2, code: 0, rest: .max, about: first.seq)
        script.icmp6(type: 2, code: 0, rest: 1400, about: first.seq, from: address6(2))
        #expect(try script.poll().isEmpty && script.info(id).segmentSize == 1440)
        #expect(script.host.stack.statistics.icmpIgnored == 7)
        script.icmp6(type: 2, code: 0, rest: 1400, about: first.seq)
        let again = script.poll()
        #expect(try script.info(id).segmentSize == 1340 && script.info(id).state == .established)
        #expect(again.first?.seq == first.seq && again.first?.payload.count == 1340)
        script.icmp6(type: 2, code: 0, rest: 1280, about: first.seq)
        #expect(try script.info(id).segmentSize == 1220)
    }

    @Test("I-01, I-02: ICMPv6 ends a connection only while it opens, by a hard error about its SYN")
    func errors() throws {
        let script = try Script(isIPv6: true)
        let id = try script.open()
        _ = script.host.stack.send(id, script.view(pattern(100)))
        let sequence = try #require(script.poll().first).seq
        for type: UInt8 in [1, 3, 4, 100, 127] {
            for code: UInt8 in 0...6 { script.icmp6(type: type, code: code, about: sequence) }
        }
        script.poll()
        #expect(try script.info(id).state == .established && script.host.seen[id]?.closed == nil)
        script.hostPort = 4444
        func opening() throws -> (ConnectionID, UInt32) {
            script.hostPort &+= 1
            let id = try script.host.stack.connect(
                to: InternetAddress(script.peer6), port: 5000, localPort: script.hostPort, now: script.now)
            return (id, try #require(script.poll().first).seq)
        }
        let (soft, number) = try opening()
        for (type, code): (UInt8, UInt8) in [(1, 0), (1, 2), (1, 3), (1, 5), (1, 6), (3, 0), (4, 0), (4, 2)] {
            script.icmp6(type: type, code: code, about: number)
        }
        script.icmp6(type: 1, code: 4, about: number &+ 1)
        script.icmp6(type: 1, code: 4, about: number, from: linkLocal(1))
        script.poll()
        #expect(try script.info(soft).state == .synSent)
        for (type, code): (UInt8, UInt8) in [(1, 1), (1, 4), (4, 1)] {
            let (hard, number) = try opening()
            script.icmp6(type: type, code: code, about: number)
            script.poll()
            #expect(script.host.seen[hard]?.closed == .refused)
        }
    }
}
