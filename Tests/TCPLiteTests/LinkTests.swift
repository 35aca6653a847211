import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// ARP, VLAN tags and ICMP.
@Suite struct LinkTests {
    @Test func requestForUsIsAnsweredOthersAreNot() throws {
        let script = try Script()
        let reply = try #require(script.others.first)
        let bytes = script.view(reply)
        let packet = try #require(ARPPacket(bytes.from(14)))
        #expect(packet.operation == 2 && packet.senderMAC == mac(1) && packet.senderAddress == address(1))
        #expect(packet.targetMAC == mac(9) && packet.targetAddress == address(9))
        #expect(EthernetHeader(bytes)?.destination == mac(9))
        script.others = []
        var other = [UInt8](repeating: 0, count: 60)
        script.write(&other) { view in
            EthernetHeader(destination: .broadcast, source: mac(9), type: EthernetHeader.typeARP).write(to: view)
            ARPPacket(
                operation: 1, senderMAC: mac(9), senderAddress: address(9), targetMAC: .zero, targetAddress: address(3)
            ).write(to: view.from(14))
        }
        script.input(other)
        script.poll()
        #expect(script.others.isEmpty)
    }

    @Test func requestsAreRepeatedOncePerSecondAndGivenUp() throws {
        let script = try Script()
        script.others = []
        _ = try script.host.stack.connect(to: address(50), port: 1, localPort: nil, now: script.now)
        #expect(script.wait(.milliseconds(900)).isEmpty && script.others.count == 1)
        _ = script.wait(.milliseconds(1000))
        #expect(script.others.count == 2)
        let request = script.view(script.others[0])
        #expect(ARPPacket(request.from(14))?.targetAddress == address(50))
    }

    @Test func offLinkGoesToTheGateway() throws {
        let script = try Script()
        script.others = []
        _ = try script.host.stack.connect(to: IPv4Address(192, 168, 1, 1), port: 1, localPort: nil, now: script.now)
        _ = script.wait(.zero)
        let request = script.view(try #require(script.others.first))
        #expect(ARPPacket(request.from(14))?.targetAddress == address(254))
        var configuration = small(1)
        configuration.interface.gateway = nil
        let host = Host(configuration)
        #expect(throws: TCPError.unreachable(InternetAddress(IPv4Address(8, 8, 8, 8)))) {
            _ = try host.stack.connect(to: IPv4Address(8, 8, 8, 8), port: 1, localPort: nil, now: script.now)
        }
    }

    @Test func manyNeighboursNeverExceedTheTable() throws {
        let script = try Script {
            $0.neighbours = 4
            $0.slotBudget = 4096
        }
        for last in 10..<60 {
            script.peer = address(UInt8(last))
            script.peerMAC = mac(UInt8(last))
            script.introduce()
            #expect(script.send(.syn, ack: 0).count == (last < 42 ? 1 : 0))
        }
    }

    @Test(
        "Tags are skipped, and answers carry the same",
        arguments: [
            LinkTags(outer: 0x8100_0005, inner: 0), LinkTags(outer: 0x88A8_0007, inner: 0x8100_6009),
        ])
    func tags(tags: LinkTags) throws {
        let script = try Script()
        script.tags = tags
        script.introduce()
        let id = try script.open()
        script.data([1, 2, 3])
        script.data([4])
        let answer = script.wait(.milliseconds(100))
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4])
        for frame in answer.map(\.frame) + [try #require(script.others.last)] {
            let bytes = script.view(frame)
            #expect(EthernetHeader(bytes)?.tags == tags)
        }
    }

    @Test func echoIsAnswered() throws {
        let script = try Script()
        script.others = []
        script.input(echo(script, payload: pattern(100)))
        script.poll()
        let reply = script.view(try #require(script.others.first))
        let message = reply.from(34)
        #expect(message[0] == 0 && ICMPMessage.checksumIsGood(message) && message.from(8).array() == pattern(100))
        #expect(message.be32(4) == 0x1234_0001)
        script.others = []
        var damaged = echo(script, payload: pattern(100))
        damaged[60] ^= 1
        script.input(damaged)
        let inDevice = script.view(echo(script, payload: pattern(100)))
        script.host.receive(inDevice, boundary: 60, .good, now: script.now)
        script.poll()
        #expect(script.others.isEmpty && script.host.isBalanced)
        #expect(script.host.stack.statistics.badChecksums == 1 && script.host.stack.statistics.icmpIgnored == 1)
    }

    func echo(_ script: Script, payload: [UInt8]) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: 42 + payload.count)
        script.write(&frame) { view in
            EthernetHeader(destination: mac(1), source: mac(9), type: EthernetHeader.typeIPv4).write(to: view)
            IPv4Header(
                source: address(9), destination: address(1), transport: 1, payloadLength: 8 + payload.count
            ).write(to: view.from(14))
            for (i, byte) in payload.enumerated() { view[42 + i] = byte }
            ICMPMessage(type: 8, code: 0, rest: 0x1234_0001).write(to: view.from(34))
        }
        return frame
    }

    @Test("I-01, I-02, I-03: ICMP ends a connection only while it opens, by a hard error about its SYN")
    func errors() throws {
        let script = try Script()
        let id = try script.open()
        let data = script.view(pattern(100))
        _ = script.host.stack.send(id, data)
        let sequence = try #require(script.poll().first).seq
        for (type, code): (UInt8, UInt8) in [(3, 0), (3, 1), (3, 2), (3, 3), (3, 13), (4, 0), (5, 1), (11, 0), (12, 0)]
        {
            script.icmp(type: type, code: code, rest: 0, about: sequence)
        }
        script.poll()
        #expect(script.host.stack.info(id)?.state == .established && script.host.seen[id]?.closed == nil)
        script.hostPort = 4444
        let opening = try script.host.stack.connect(to: address(9), port: 5000, localPort: 4444, now: script.now)
        let syn = try #require(script.poll().first)
        script.icmp(type: 3, code: 1, rest: 0, about: syn.seq)
        script.icmp(type: 3, code: 3, rest: 0, about: syn.seq &+ 1)
        script.poll()
        #expect(script.host.stack.info(opening)?.state == .synSent)
        script.icmp(type: 3, code: 3, rest: 0, about: syn.seq)
        script.poll()
        #expect(script.host.seen[opening]?.closed == .refused)
    }

    @Test func fullOutputLosesNothing() throws {
        let data = pattern(200_000)
        let channel = try TransferTests.transfer(up: data, down: data) { $0.outputDepth = 4 }
        #expect(channel.a.stack.output.depth == 4)
    }
}
