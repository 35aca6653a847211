import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Rows H, and everything below TCP.
@Suite struct HeaderTests {
    @Test("H-03: a bad checksum leaves no trace, whoever found it")
    func badChecksum() throws {
        let script = try Script()
        let id = try script.open()
        let before = script.host.stack.info(id)
        script.input(script.frame(.ack, payload: [1, 2, 3]), .bad)
        var damaged = script.frame(.ack, payload: [1, 2, 3])
        damaged[damaged.count - 1] ^= 1
        script.host.layout = .unsplit
        script.input(damaged, .unknown)
        damaged = script.frame(.ack, payload: [1, 2, 3])
        damaged[24] ^= 1
        script.input(damaged, .unknown)
        #expect(script.poll().isEmpty && script.host.stack.info(id) == before)
        #expect(script.host.stack.statistics.badChecksums == 3 && script.host.isBalanced)
        script.input(script.frame(.ack, payload: [1, 2, 3]), .unknown)
        script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2, 3])
    }

    @Test("H-04: device bytes that nobody verified are dropped, and after some in a row the application hears of it")
    func unverified() throws {
        let script = try Script { $0.untrustedLimit = 4 }
        let id = try script.open()
        for _ in 0..<3 { script.input(script.frame(.ack, payload: [1, 2, 3]), .unknown) }
        script.data([7])
        for _ in 0..<4 { script.input(script.frame(.ack, payload: [1, 2, 3]), .unknown) }
        script.poll()
        #expect(script.host.seen[id]?.bytes == [7] && script.host.seen[id]?.untrusted == 1)
        #expect(script.host.stack.statistics.unverified == 7 && script.host.isBalanced)
    }

    @Test("H-05, H-06, H-07, H-09: options in any order and alignment, on any segment")
    func optionOrder() throws {
        let orders: [[UInt8]] = [
            [1, 2, 4, 0x02, 0x58, 0], [254, 4, 9, 9, 2, 4, 0x02, 0x58], [1, 1, 1, 4, 2, 2, 4, 0x02, 0x58],
            [3, 3, 2, 2, 4, 0x02, 0x58, 0], [30, 6, 1, 2, 3, 4, 1, 2, 4, 0x02, 0x58],
        ]
        for options in orders {
            let script = try Script()
            let id = try script.open(options: options)
            #expect(script.host.stack.info(id)?.segmentSize == 600, "\(options)")
            script.input(script.frame(.ack, options: [254, 3, 1, 1, 2, 4, 1, 1], payload: [5]))
            script.poll()
            #expect(script.host.seen[id]?.bytes == [5])
        }
    }

    @Test(
        "H-08: options with illegal lengths are ignored and counted",
        arguments: [
            [2, 0, 1, 1], [2, 1, 1, 1], [2, 5, 1, 1], [1, 1, 1, 2], [254, 0], [5, 11, 0, 0], [8, 255, 0, 0],
            [2, 3, 9, 0],
        ] as [[UInt8]])
    func illegalOptions(options: [UInt8]) throws {
        let script = try Script()
        let id = try script.open(options: options)
        #expect(script.host.stack.statistics.badOptions >= 1)
        #expect(script.host.stack.info(id)?.segmentSize == 536)
    }

    @Test("H-11, H-12: data offset out of range; reserved bits")
    func dataOffset() throws {
        let script = try Script()
        let id = try script.open()
        for offset: UInt8 in [0, 1, 4, 6, 15] {
            var frame = script.frame(.ack)
            frame[46] = offset << 4
            script.host.layout = .unsplit
            script.input(frame)
        }
        #expect(script.host.stack.statistics.badHeaders == 5)
        script.host.layout = .split
        var frame = script.frame(.ack, payload: [1])
        frame[46] |= 0x0F
        script.input(frame)
        script.input(script.frame(.ack, seq: script.seq + 1, payload: [2]))
        let answer = try #require(script.poll().last)
        #expect(script.host.seen[id]?.bytes == [1, 2])
        #expect(answer.frame[46] & 0x0F == 0)
    }

    @Test("H-13: the IP length decides, in host and in device memory", arguments: [0, 1, 3, 6])
    func padding(payload: Int) throws {
        for layout in [Layout.split, .unsplit, .splitAfter(1), .splitAfter(4)] {
            let script = try Script()
            let id = try script.open()
            script.host.layout = layout
            script.input(script.frame(.ack, payload: pattern(payload), padding: 46 - 40 - payload + 4))
            script.poll()
            #expect(script.host.seen[id]?.bytes == pattern(payload))
            #expect(script.host.stack.info(id)?.rcvNxt.rawValue == script.seq &+ UInt32(payload))
            #expect(script.host.isBalanced && script.host.seen[id]?.badSums == 0)
        }
    }

    @Test(
        "H-13, H-04: padding need not be zero, and is no part of what is verified in host memory", arguments: [1, 2, 5])
    func dirtyPadding(payload: Int) throws {
        let script = try Script()
        let id = try script.open()
        script.host.layout = .unsplit
        let frame = script.frame(.ack, payload: pattern(payload))
        script.input(frame + [UInt8](repeating: 0xEE, count: 60 - frame.count), .unknown)
        script.poll()
        #expect(script.host.seen[id]?.bytes == pattern(payload))
        #expect(script.host.stack.statistics.badChecksums == 0 && script.host.seen[id]?.badSums == 0)
        #expect(script.host.isBalanced)
    }

    @Test("H-13: a fragment shorter than the datagram says is dropped whole")
    func shortFragment() throws {
        let script = try Script()
        let id = try script.open()
        let frame = script.frame(.ack, payload: pattern(100))
        for cut in 1..<100 {
            let bytes = script.view(Array(frame.dropLast(cut)))
            script.host.receive(bytes, boundary: 54, .good, now: script.now)
        }
        script.poll()
        #expect(script.host.stack.statistics.malformed == 99 && script.host.seen[id]?.bytes == [])
        #expect(script.host.isBalanced)
    }

    @Test("H-14: fragments, versions, lengths and addresses; IP options are skipped")
    func datagrams() throws {
        let script = try Script()
        let id = try script.open()
        func broken(_ change: (inout [UInt8]) -> Void) {
            var frame = script.frame(.ack, payload: [1, 2, 3, 4])
            change(&frame)
            fixIP(&frame, script)
            script.input(frame)
        }
        broken { $0[14] = 0x55 }
        broken { $0[14] = 0x44 }
        broken { $0[17] = 10 }
        broken { $0[20] = 0x20 }
        broken { $0[21] = 5 }
        broken { $0[33] = 99 }
        broken { $0[5] = 77 }
        broken { $0[23] = 99 }
        #expect(script.poll().isEmpty && script.host.seen[id]?.bytes == [])
        let s = script.host.stack.statistics
        #expect(s.malformed == 3 && s.ipFragments == 2 && s.wrongDestination == 2 && s.unknownProtocol == 1)
        // Four bytes of options.
        var frame = script.frame(.ack, payload: [1, 2, 3, 4])
        frame.insert(contentsOf: [1, 1, 1, 0], at: 34)
        frame[14] = 0x46
        frame[17] += 4
        fixIP(&frame, script)
        script.input(frame)
        script.poll()
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4] && script.host.isBalanced)
    }

    @Test("H-15, P-01: groups as destination or source are never answered, nor is our own address (LAND)")
    func groups() throws {
        let script = try Script()
        for source in [
            IPv4Address(224, 0, 0, 5), .broadcast, address(255), address(1), IPv4Address(127, 0, 0, 1), .any,
        ] {
            script.input(script.frame(.syn, ack: 0, from: source))
            script.input(script.frame(.ack, from: source))
        }
        #expect(script.host.stack.statistics.badSource == 12)
        var frame = script.frame(.syn, ack: 0)
        frame[33] = 255
        fixIP(&frame, script)
        script.input(frame)
        frame = script.frame(.syn, ack: 0)
        frame[0] = 0xFF
        script.input(frame)
        #expect(script.poll().isEmpty && script.host.stack.connectionCount == 0)
        for port: UInt16 in [0, 80] {
            script.hostPort = port
            script.peerPort = port == 0 ? 5000 : 0
            #expect(script.send(.syn, ack: 0).isEmpty)
        }
    }

    @Test("H-02: checksums are complete, or prepared for the device with the length in the pseudo-header")
    func transmitChecksum() throws {
        let script = try Script()
        let id = try script.open()
        let data = script.view(pattern(3333))
        _ = script.host.stack.send(id, data)
        let sent = script.poll()
        #expect(sent.count >= 2 && sent.allSatisfy { $0.checksumIsGood && $0.offload == .none })
        let offloading = try Script { $0.transmitChecksumOffload = true }
        offloading.host.leavesOffload = true
        let other = try offloading.open()
        _ = offloading.host.stack.send(other, data)
        for segment in offloading.poll() {
            #expect(segment.offload.tcpChecksum && segment.offload.linkLength == 14)
            #expect(
                segment.offload.networkLength == 20
                    && Int(segment.offload.transportLength) == segment.header.headerLength)
            // The device adds up header and payload and stores the complement.
            var sum = InternetChecksum()
            let tcp = script.view(Array(segment.frame[34...]))
            sum.add(tcp)
            var whole = IPv4Header(
                source: address(1), destination: address(9), transport: 6, payloadLength: tcp.count
            ).pseudoHeader(length: tcp.count)
            let field = segment.header.checksum
            #expect(field == whole.folded)
            whole.add(tcp.slice(0, 16))
            whole.add(tcp.from(18))
            #expect(sum.complement == whole.complement)
        }
    }

    @Test("R-16: a header that did not fit its buffer is dropped, counted, and its slot comes back")
    func headerOverflow() throws {
        let script = try Script()
        _ = try script.open()
        let bytes = script.view(script.frame(.ack, payload: pattern(500)))
        script.host.receive(bytes, boundary: 40, split: .headerOverflow, .good, now: script.now)
        #expect(script.host.stack.statistics.headerOverflows == 1 && script.host.isBalanced)
    }

    /// The IP header's checksum again.
    func fixIP(_ frame: inout [UInt8], _ script: Script) {
        let length = min(max(Int(frame[14] & 15) * 4, 20), frame.count - 14)
        frame[24] = 0
        frame[25] = 0
        let bytes = script.view(Array(frame[14..<14 + length]))
        var sum = InternetChecksum()
        sum.add(bytes)
        frame[24] = UInt8(sum.complement >> 8)
        frame[25] = UInt8(sum.complement & 255)
    }
}
