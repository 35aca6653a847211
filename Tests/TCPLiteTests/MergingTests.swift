import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Segments of one flow that follow each other in a burst: one ACK, and one record where their bytes lie one behind the other.
@Suite struct MergingTests {
    /// A record as an application gets it.
    private struct Record: Equatable {
        var device: Bool
        var length: Int
        var sum: Bool
    }

    /// Segments of so many bytes each, in order, as one burst; the stack has not been polled.
    private static func burst(_ script: Script, _ lengths: [Int]) -> [UInt8] {
        var all: [UInt8] = []
        for (n, length) in lengths.enumerated() {
            let bytes = pattern(length, seed: UInt64(n) + 3)
            script.input(script.frame(.ack, payload: bytes))
            script.seq &+= UInt32(length)
            all += bytes
        }
        return all
    }

    /// Two segments whose payload a device put into one slot, the second `gap` bytes behind the first, or in front of it.
    private static func shared(
        _ script: Script, _ first: [UInt8], _ second: [UInt8], gap: Int = 0, isSwapped: Bool = false, back: Int = 0
    ) throws {
        let host = script.host
        let free = host.pools.pools[1].lend()
        let slot = try #require(free)
        let total = first.count + gap + second.count
        var whole = host.pools.pools[1].arrive(slot, offset: 0, length: UInt32(total))
        let (low, high) = isSwapped ? (second, first) : (first, second)
        let place = Int(slot) * host.slotSize
        for (i, byte) in low.enumerated() { host.region.bytes[place + i] = byte }
        for (i, byte) in high.enumerated() { host.region.bytes[place + low.count + gap + i] = byte }
        var rest = host.pools.split(&whole, at: UInt32(low.count))
        rest.trimFront(UInt32(gap))
        let headers = [
            script.frame(.ack, payload: first),
            script.frame(.ack, seq: script.seq &+ UInt32(first.count - back), payload: second),
        ]
        .map { script.view($0).slice(0, 54) }
        if isSwapped {
            host.stack.receive(frame(headers[0], rest), now: script.now, pools: &host.pools)
            host.stack.receive(frame(headers[1], whole), now: script.now, pools: &host.pools)
        } else {
            host.stack.receive(frame(headers[0], whole), now: script.now, pools: &host.pools)
            host.stack.receive(frame(headers[1], rest), now: script.now, pools: &host.pools)
        }
        script.seq &+= UInt32(first.count + second.count - back)
    }

    private static func frame(_ header: ByteView, _ fragment: consuming Fragment) -> ReceivedFrame {
        ReceivedFrame(header: header, fragment: fragment, split: .split, checksum: .good)
    }

    @Test(
        "small segments in host memory fill a block before the next is begun, and their records are one, with the sum of all",
        arguments: [[7, 7, 7, 7, 7], [1, 2, 3, 4, 5, 6], [256, 1], [100, 100, 100, 101], [255, 3, 300, 9]])
    func linear(_ lengths: [Int]) throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        script.host.layout = .unsplit
        let blocks = script.host.stack.linearBlocksFree
        let bytes = MergingTests.burst(script, lengths)
        let needed = (bytes.count + 255) / 256
        #expect(blocks - script.host.stack.linearBlocksFree == needed)
        let acks = script.poll()
        let seen = try #require(script.host.seen[id])
        #expect(seen.bytes == bytes && seen.linearRecords == needed)
        #expect(seen.checkedSums == needed && seen.badSums == 0)
        // One ACK decides for the burst.
        #expect(acks.count == 1 && acks.first?.ack == script.seq)
        #expect(try script.info(id).linearBytesHeld == 0 && script.host.stack.linearBlocksFree == blocks)
        #expect((script.host.stack.statistics.linearRecordsMerged > 0) == (lengths.count > needed))
    }

    @Test(
        "records are not merged across memory that can be read and memory that cannot, nor what was delivered already")
    func kinds() throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        var expected: [UInt8] = []
        for layout in [Layout.unsplit, .split, .unsplit, .splitAfter(5), .unsplit] {
            script.host.layout = layout
            expected += MergingTests.burst(script, [20])
        }
        script.poll()
        var seen = try #require(script.host.seen[id])
        // 20 | device 20 | 20 and 5 | device 15 | 20
        #expect(seen.bytes == expected && seen.linearRecords == 3 && seen.deviceRecords == 2 && seen.badSums == 0)
        #expect(seen.checkedSums == 5)
        script.host.layout = .unsplit
        for _ in 0..<3 {
            expected += MergingTests.burst(script, [20])
            script.host.drain()
        }
        seen = try #require(script.host.seen[id])
        #expect(seen.bytes == expected && seen.linearRecords == 6)
    }

    @Test(
        "out of order too: what touches shares a block, and a trimmed piece takes the sum away",
        arguments: [false, true])
    func outOfOrder(_ isTrimmed: Bool) throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        script.host.layout = .unsplit
        let stream = pattern(90)
        let start = script.seq
        func send(_ from: Int, _ to: Int) {
            script.input(script.frame(.ack, seq: start &+ UInt32(from), payload: Array(stream[from..<to])))
        }
        send(30, 60)
        send(isTrimmed ? 55 : 60, 90)
        send(0, 30)
        script.seq = start &+ 90
        script.poll()
        let seen = try #require(script.host.seen[id])
        #expect(seen.bytes == stream && seen.linearRecords == 2 && seen.badSums == 0)
        #expect(seen.checkedSums == (isTrimmed ? 1 : 2))
    }

    @Test(
        "two segments one behind the other in a slot are one record, one slot and one token, with the sum of both",
        arguments: [100, 101])
    func device(_ first: Int) throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        script.host.returnsAtOnce = false
        let (a, b) = (pattern(first), pattern(77, seed: 9))
        try MergingTests.shared(script, a, b)
        #expect(try script.info(id).slotsHeld == 1)
        let acks = script.poll()
        let seen = try #require(script.host.seen[id])
        #expect(seen.bytes == a + b && seen.deviceRecords == 1 && seen.checkedSums == 1 && seen.badSums == 0)
        #expect(acks.count == 1 && script.host.stack.statistics.deviceRecordsMerged == 1)
        #expect(script.host.held.count == 1)
        script.host.giveBack()
        #expect(try script.info(id).slotsHeld == 0 && script.host.isBalanced)
        #expect(script.host.pools.pools[1].ledger().application == 0)
    }

    @Test("bytes of a slot that do not touch, come in another order, or are trimmed, stay what they are")
    func notAdjacent() throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        let (a, b) = (pattern(100), pattern(50, seed: 9))
        try MergingTests.shared(script, a, b, gap: 1)
        script.poll()
        var seen = try #require(script.host.seen[id])
        #expect(seen.deviceRecords == 2 && seen.bytes == a + b)
        try MergingTests.shared(script, a, b, isSwapped: true)
        script.poll()
        seen = try #require(script.host.seen[id])
        #expect(seen.deviceRecords == 4 && seen.bytes == a + b + a + b && seen.badSums == 0)
        // The second one's first three bytes came before: what is left of it does not touch.
        try MergingTests.shared(script, a, Array(a.suffix(3)) + b, back: 3)
        script.poll()
        seen = try #require(script.host.seen[id])
        #expect(seen.deviceRecords == 6 && seen.bytes == a + b + a + b + a + b && seen.badSums == 0)
        #expect(script.host.stack.statistics.deviceRecordsMerged == 0)
        // Slots of their own, however alike: each begins at its own first byte.
        let more = MergingTests.burst(script, [100, 50])
        script.poll()
        seen = try #require(script.host.seen[id])
        #expect(seen.deviceRecords == 8 && seen.bytes.suffix(150) == more[...])
        #expect(script.host.isBalanced)
    }

    @Test("a slot's number counts: bytes at the next offset of another slot are another record")
    func otherSlot() throws {
        let script = try Script { $0.timestamps = false }
        let id = try script.open(options: Script.plain)
        let (a, b) = (pattern(100), pattern(50, seed: 9))
        for (n, payload) in [a, b].enumerated() {
            let free = script.host.pools.pools[1].lend()
            let slot = try #require(free)
            let offset = n * 100
            for (i, byte) in payload.enumerated() {
                script.host.region.bytes[Int(slot) * script.host.slotSize + offset + i] = byte
            }
            let header = script.view(script.frame(.ack, payload: payload)).slice(0, 54)
            let fragment = script.host.pools.pools[1].arrive(
                slot, offset: UInt32(offset), length: UInt32(payload.count))
            script.host.stack.receive(
                MergingTests.frame(header, fragment), now: script.now, pools: &script.host.pools)
            script.seq &+= UInt32(payload.count)
        }
        script.poll()
        let seen = try #require(script.host.seen[id])
        #expect(seen.bytes == a + b && seen.deviceRecords == 2 && seen.badSums == 0)
    }

    @Test("a train of one flow ends where the flow does, also when another one gets its place with the same numbers")
    func trains() throws {
        let script = try Script {
            $0.timestamps = false
            $0.maxConnections = 1
            $0.initialSequence = .fixed(7777)
        }
        let first = try script.open(options: Script.plain)
        let before = MergingTests.burst(script, [500, 500])
        script.poll()
        #expect(script.host.seen[first]?.bytes == before)
        script.send(.rst)
        // Nothing of the next one's takes the usual way in before the stranger does, not even the ACK of its handshake.
        script.host.layout = .unsplit
        script.seq = 1000
        script.peerPort = 5001
        script.send(.syn, ack: 0, options: Script.plain)
        script.seq &+= 1
        let opening = MergingTests.burst(script, [20])
        script.poll()
        let second = try #require(script.host.order.last)
        #expect(try script.info(second).state == .established && second != first)
        // The usual way asks for the pool that its slots are of.
        script.host.layout = .splitAfter(5)
        let more = MergingTests.burst(script, [30])
        script.poll()
        script.host.layout = .split
        // Somebody with the numbers of the second, from the ports of the first.
        script.peerPort = 5000
        let refused = script.send(.ack, payload: pattern(10))
        #expect(refused.first?.flags.contains(.rst) == true && script.host.seen[second]?.bytes == opening + more)
        script.peerPort = 5001
        let after = MergingTests.burst(script, [400, 400])
        script.poll()
        #expect(script.host.seen[second]?.bytes == opening + more + after)
    }
}
