import DeviceMemory
import Packets
import TCPLite
import Testing
import Timeline

/// Streams between two stacks.
@Suite struct TransferTests {
    /// Sends `up` from a to b and `down` back on one connection, closes both directions, and checks everything.
    static func transfer(
        up: [UInt8], down: [UInt8] = [], seed: UInt64 = 1, impairments: Impairments = Impairments(),
        layout: Layout = .split, limit: Interval = .seconds(3600), slots: Int = 1024, slotSize: Int = 2048,
        to server: InternetAddress = InternetAddress(address(2)),
        change: (inout Configuration) -> Void = { _ in }, watch: ((ByteView, Bool) -> Void)? = nil
    ) throws -> Channel {
        let a = Host(small(1, change), slots: slots, secret: seed, slotSize: slotSize)
        let b = Host(small(2, change), slots: slots, secret: seed &+ 1, slotSize: slotSize)
        a.layout = layout
        b.layout = layout
        let channel = Channel(a, b, seed: seed)
        channel.impairments = impairments
        channel.watch = watch
        try b.stack.listen(port: 80)
        let id = try a.stack.connect(to: server, port: 80, localPort: nil, now: channel.now)
        var sentUp = 0
        var sentDown = 0
        let upBytes = Bytes(up)
        let downBytes = Bytes(down)
        channel.step = {
            if a.seen[id]?.opened == 1 && sentUp <= up.count {
                sentUp += a.stack.send(id, upBytes.view.from(sentUp))
                if sentUp == up.count {
                    a.stack.shutdown(id)
                    sentUp += 1
                }
            }
            if let peer = b.order.first, sentDown <= down.count {
                sentDown += b.stack.send(peer, downBytes.view.from(sentDown))
                if sentDown == down.count {
                    b.stack.shutdown(peer)
                    sentDown += 1
                }
            }
        }
        withExtendedLifetime((upBytes, downBytes)) {
            channel.run(limit: limit) {
                guard let peer = b.order.first else { return false }
                return a.seen[id]?.closed != nil && b.seen[peer]?.closed != nil
            }
        }
        let peer = try #require(b.order.first)
        #expect(b.seen[peer]?.bytes == up, "seed \(seed)")
        #expect(a.seen[id]?.bytes ?? [] == down, "seed \(seed)")
        #expect(b.seen[peer]?.closed == .finished, "seed \(seed)")
        #expect(a.seen[id]?.closed == .finished, "seed \(seed)")
        #expect(b.seen[peer]?.endOfStream == 1 && a.seen[id]?.endOfStream == 1)
        #expect(b.seen[peer]?.badSums == 0 && a.seen[id]?.badSums == 0)
        #expect(a.isBalanced && b.isBalanced, "seed \(seed)")
        return channel
    }

    @Test("R-01, O-03, C-03: a stream arrives exactly, through slots alone")
    func bulk() throws {
        let data = pattern(1_000_000)
        let channel = try TransferTests.transfer(up: data)
        let seen = try #require(channel.b.order.first.flatMap { channel.b.seen[$0] })
        #expect(seen.linearRecords == 0)
        #expect(seen.checkedSums == seen.deviceRecords)
        #expect(channel.a.stack.statistics.bytesRetransmitted == 0)
        #expect(channel.a.stack.statistics.timeouts == 0)
    }

    @Test("R-01, M-01, S-01: an MTU of 65000 in both directions, clean and with 2 % lost each way", arguments: [0, 20])
    func largestFrames(lostPerThousand: Int) throws {
        var impairments = Impairments()
        impairments.loss = Probability(Double(lostPerThousand) / 1000)
        var largest = 0
        let channel = try TransferTests.transfer(
            up: pattern(8_000_000), down: pattern(4_000_000, seed: 9), impairments: impairments, slots: 140,
            slotSize: 64 << 10,
            change: {
                $0.interface.mtu = 65_000
                $0.slotBudget = 128
                $0.slotsPerFlow = 64
                $0.sendBufferBytes = 1 << 20
            },
            watch: { frame, _ in largest = max(largest, frame.count) })
        let a = channel.a.stack.statistics
        #expect(largest == 65_014)
        #expect((a.bytesRetransmitted > 0) == (lostPerThousand > 0))
    }

    @Test("R-01: both directions at once, payload split at any boundary", arguments: [0, 1, 7, 64, 255, 256, 257, 700])
    func boundaries(after count: Int) throws {
        let channel = try TransferTests.transfer(
            up: pattern(60_000), down: pattern(50_001, seed: 9), layout: .splitAfter(count))
        let seen = try #require(channel.b.order.first.flatMap { channel.b.seen[$0] })
        #expect(seen.checkedSums == seen.deviceRecords + seen.linearRecords)
    }

    @Test("R-01: a stack without slots lives on host memory")
    func hostMemoryOnly() throws {
        _ = try TransferTests.transfer(up: pattern(100_000), down: pattern(30_000, seed: 3), layout: .unsplit) {
            $0.slotsPerFlow = 0
            $0.slotBudget = 0
        }
    }

    @Test(
        "R-01, R-15, S-12, S-23: any stream survives loss, reordering, duplication and corruption", arguments: 0..<200)
    func impaired(seed: Int) throws {
        var impairments = Impairments()
        impairments.loss = Probability(0.01)
        impairments.reorder = Probability(0.02)
        impairments.duplication = Probability(0.01)
        impairments.corruption = Probability(0.001)
        let layouts: [Layout] = [.split, .splitAfter(100), .unsplit, .split]
        impairments.verifies = seed % 4 != 2
        _ = try TransferTests.transfer(
            up: pattern(100_000, seed: UInt64(seed)), down: pattern(20_000, seed: UInt64(seed) + 500),
            seed: UInt64(seed), impairments: impairments, layout: layouts[seed % 4]
        ) {
            $0.selectiveAcknowledgement = seed & 8 == 0
            $0.timestamps = seed & 16 == 0
            $0.nagle = seed & 32 == 0
            $0.congestionControl = seed & 64 == 0 ? .newReno : .cubic
            $0.duplicateReports = seed & 1 == 0
            // Half of them wrap on the way.
            $0.initialSequence = seed & 2 == 0 ? .keyed : .fixed(0xFFFF_8000)
        }
    }

    @Test("R-01: very bad paths still deliver", arguments: 0..<10)
    func terrible(seed: Int) throws {
        var impairments = Impairments()
        impairments.loss = Probability(0.2)
        impairments.reorder = Probability(0.3)
        impairments.duplication = Probability(0.1)
        impairments.corruption = Probability(0.02)
        _ = try TransferTests.transfer(
            up: pattern(40_000, seed: UInt64(seed)), seed: UInt64(seed), impairments: impairments,
            limit: .seconds(36000))
    }
}
