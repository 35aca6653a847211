import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Reassembly against a model that keeps bytes in an array.
@Suite struct ModelTests {
    /// Which byte of the stream was accepted first at each position, as the rules say.
    struct Model {
        var bytes: [UInt8?]
        var next = 0
        /// Bytes known beyond ``next``.
        var beyond = 0

        /// The first accepted copy wins.
        mutating func accept(_ at: Int, _ payload: [UInt8], edge: Int) {
            for (i, byte) in payload.enumerated() where at + i >= next && at + i < edge && bytes[at + i] == nil {
                bytes[at + i] = byte
                beyond += 1
            }
            while next < bytes.count, bytes[next] != nil {
                next += 1
                beyond -= 1
            }
        }
    }

    @Test("R-01, R-02, R-15, R-16: random overlapping segments, split anywhere", arguments: 0..<60)
    func overlaps(seed: Int) throws {
        let script = try Script {
            $0.slotsPerFlow = 250
            $0.linearBlocks = 4096
        }
        let id = try script.open(options: seed % 2 == 0 ? Script.sack : Script.plain)
        var random = SeededGenerator(seed: UInt64(seed))
        let base = script.seq
        var model = Model(bytes: Array(repeating: nil, count: 40_000))
        var value: UInt8 = 0
        for _ in 0..<250 {
            let spread = random.below(4) == 0 ? 15_000 : 1500
            let at = max(0, model.next - 200) + Int(random.below(UInt32(spread)))
            let count = 1 + Int(random.below(1400))
            guard at + count < model.bytes.count else { break }
            let info = try script.info(id)
            let edge = info.rcvAdv.distance(from: SequenceNumber(base))
            value &+= 1
            let payload = [UInt8](repeating: value, count: count)
            let kept = script.host.stack.statistics
            script.host.layout =
                [Layout.split, .split, .splitAfter(Int(random.below(600))), .unsplit][Int(random.below(4))]
            script.send(.ack, seq: base &+ UInt32(at), payload: payload)
            #expect(kept.droppedWithoutSlots == script.host.stack.statistics.droppedWithoutSlots)
            model.accept(at, payload, edge: edge)
            #expect(try script.info(id).rcvNxt.distance(from: SequenceNumber(base)) == model.next, "seed \(seed)")
            #expect(try script.info(id).outOfOrderBytes == model.beyond, "seed \(seed)")
        }
        let stream = model.bytes[0..<model.next].compactMap { $0 }
        #expect(script.host.seen[id]?.bytes == stream, "seed \(seed)")
        #expect(script.host.seen[id]?.badSums == 0)
        let s = script.host.stack.statistics
        #expect(Int(s.deviceBytes + s.linearBytes) == model.next + (try script.info(id).outOfOrderBytes))
        #expect(Int(s.bytesReceived) == model.next)
        script.host.stack.abort(id, pools: &script.host.pools)
        #expect(script.host.isBalanced && script.host.stack.linearBlocksFree == 4096)
    }

    @Test("A fragment that fills several gaps is cut, and every piece is returned once")
    func severalGaps() throws {
        let script = try Script()
        let id = try script.open(options: Script.sack)
        let base = script.seq
        let data = pattern(1000)
        for at in stride(from: 100, to: 900, by: 200) {
            script.send(.ack, seq: base &+ UInt32(at), payload: Array(data[at..<at + 100]))
        }
        #expect(try script.info(id).outOfOrderRanges == 4 && script.info(id).slotsHeld == 4)
        script.host.returnsAtOnce = false
        script.send(.ack, seq: base &+ 50, payload: Array(data[50..<1000]))
        #expect(try script.info(id).outOfOrderRanges == 1 && script.info(id).slotsHeld == 9)
        script.send(.ack, seq: base, payload: Array(data[0..<60]))
        #expect(script.host.seen[id]?.bytes == data && script.host.held.count == 10)
        script.host.giveBack()
        #expect(try script.info(id).slotsHeld == 0)
        #expect(script.host.pools.pools[1].ledger().pool == 1024)
    }

    @Test("Ranges beyond the limit are dropped, and the stream still completes")
    func rangeLimit() throws {
        let script = try Script { $0.outOfOrderRanges = 4 }
        let id = try script.open(options: Script.sack)
        let base = script.seq
        let data = pattern(40)
        for at in stride(from: 1, to: 40, by: 2) { script.send(.ack, seq: base &+ UInt32(at), payload: [data[at]]) }
        #expect(try script.info(id).outOfOrderRanges == 4)
        #expect(script.host.stack.statistics.droppedOverRanges == 16)
        for at in 0..<40 { script.send(.ack, seq: base &+ UInt32(at), payload: [data[at]]) }
        #expect(script.host.seen[id]?.bytes == data)
    }

    @Test("Random frames: every mutation is survived, every slot accounted for")
    func garbage() throws {
        #if DEBUG
            let rounds = 20_000
        #else
            let rounds = 2_000_000
        #endif
        let script = try Script {
            $0.maxConnections = 8
            $0.slotsPerFlow = 32
        }
        script.host.keepsBytes = false
        var random = SeededGenerator(seed: 99)
        var id = try script.open(options: Script.usual)
        var opened = 1
        let space = HeapBytes(count: 2048)
        let templates = [
            script.frame(.ack, payload: pattern(300)), script.frame(.syn, ack: 0, options: Script.usual),
            script.frame([.ack, .fin], payload: pattern(3)), script.frame(.rst),
            script.frame(.ack, options: [1, 1, 5, 18] + be(1) + be(2) + be(3) + be(4)),
            script.arpRequest(), script.icmpFrame(type: 3, code: 4, rest: 100, about: 5),
            script.icmpFrame(type: 8, code: 0, rest: 1, about: 5),
        ]
        for round in 0..<rounds {
            let template = templates[Int(random.below(UInt32(templates.count)))]
            var count = template.count
            for i in 0..<count { space.bytes[i] = template[i] }
            // Sequence numbers near the window keep the fuzz interesting.
            if template[12] == 8, template[13] == 0, template[23] == 6, let info = script.host.stack.info(id) {
                space.bytes.setBE32(38, info.rcvNxt.rawValue &+ random.below(3000) &- 1000)
                space.bytes.setBE32(42, info.sndNxt.rawValue &- random.below(3))
                if random.below(2) == 0, count > 66 { space.bytes.setBE32(58, UInt32(truncatingIfNeeded: round)) }
            }
            for _ in 0..<random.below(4) {
                space.bytes[Int(random.below(UInt32(count)))] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.below(8) == 0 { count = Int(random.below(UInt32(count) + 1)) }
            let frame = space.bytes.readOnly.slice(0, count)
            let verdicts: [ChecksumVerdict] = [.good, .good, .unknown, .bad]
            let boundary = Int(random.below(UInt32(count) + 1))
            script.host.receive(
                frame, boundary: random.below(4) == 0 ? boundary : min(Host.payloadStart(frame), count),
                split: random.below(50) == 0 ? .headerOverflow : .split, verdicts[Int(random.below(4))], now: script.now
            )
            if round % 16 == 0 {
                script.now = script.now + .milliseconds(UInt64(random.below(50)))
                script.host.stack.poll(now: script.now, pools: &script.host.pools)
                script.host.drain()
                while !script.host.stack.output.isEmpty { script.host.stack.output.popFront() }
            }
            if round % 64 == 0 && script.host.stack.info(id)?.state != .established {
                // A mutation ended it: the next ones shall meet a live connection again.
                script.host.stack.close(pools: &script.host.pools)
                script.now = script.now + .seconds(1)
                script.introduce()
                script.timestamps = false
                script.seq = UInt32(truncatingIfNeeded: random.next())
                id = try script.open(options: Script.usual)
                opened += 1
            }
            if round % 4096 == 0 { try #require(script.host.pools.pools[1].ledger().isBalanced) }
        }
        script.host.stack.close(pools: &script.host.pools)
        #expect(script.host.isBalanced && script.host.stack.slotsPromised == 0)
        #expect(opened > 1 && script.host.stack.statistics.bytesReceived > 1000)
    }
}
