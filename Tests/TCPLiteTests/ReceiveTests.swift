import DeviceMemory
import Packets
import TCPLite
import Testing
import Timeline

/// Rows R and K of the receiver.
@Suite struct ReceiveTests {
    @Test("R-04, R-06: a burst is answered once; two segments at once, one after the delay")
    func acknowledgements() throws {
        let script = try Script()
        try script.open()
        for i in 0..<32 {
            script.input(script.frame(.ack, payload: pattern(1000, seed: UInt64(i))))
            script.seq &+= 1000
        }
        let burst = script.poll()
        #expect(burst.count == 1 && burst[0].ack == script.seq)
        // The application has returned 32 slots: that is worth telling.
        #expect(script.poll().map(\.ack) == [script.seq])
        #expect(script.data(pattern(1460)).isEmpty)
        #expect(script.data(pattern(1460)).count == 1)
    }

    @Test("R-05: an ACK is never delayed for half a second")
    func delayed() throws {
        let script = try Script()
        try script.open()
        #expect(script.data([1]).isEmpty)
        let start = script.now
        #expect(script.host.stack.nextDeadline - start < .milliseconds(500))
        #expect(script.wait(.milliseconds(30)).isEmpty)
        #expect(script.wait(.milliseconds(15)).map(\.ack) == [script.seq])
        #expect(script.wait(.seconds(10)).isEmpty)
    }

    @Test("R-02, R-03, S-13: out-of-order data is kept and answered at once, once a segment without SACK")
    func duplicates() throws {
        let script = try Script()
        let id = try script.open()
        let base = script.seq
        for n: UInt32 in [1, 2, 4] {
            script.input(script.frame(.ack, seq: base &+ n * 100, payload: pattern(100, seed: UInt64(n))))
        }
        let answers = script.poll()
        #expect(
            answers.count == 3 && answers.allSatisfy { $0.ack == base && $0.header.window == answers[0].header.window })
        #expect(script.host.stack.info(id)?.outOfOrderRanges == 2)
        let gap = script.send(.ack, seq: base, payload: pattern(100, seed: 0))
        #expect(gap.count == 1 && gap[0].ack == base &+ 300)
        let last = script.send(.ack, seq: base &+ 300, payload: pattern(100, seed: 3))
        #expect(last.count == 1 && last[0].ack == base &+ 500)
        #expect(script.host.seen[id]?.bytes == (0..<5).flatMap { pattern(100, seed: $0) })
        #expect(script.host.isBalanced)
    }

    @Test("R-13: PSH changes nothing")
    func push() throws {
        let script = try Script()
        let id = try script.open()
        script.data([1], [.ack, .psh])
        script.data([2])
        #expect(script.host.seen[id]?.bytes == [1, 2])
    }

    @Test("R-14, C-03: a FIN counts when everything before it is there; what is beyond is not stream")
    func finOutOfOrder() throws {
        let script = try Script()
        let id = try script.open()
        let base = script.seq
        script.send([.ack, .fin], seq: base &+ 4, payload: [5, 6])
        script.send(.ack, seq: base &+ 8, payload: [99, 99])
        #expect(script.host.seen[id]?.endOfStream == 0)
        let answer = script.send(.ack, seq: base, payload: [1, 2, 3, 4])
        #expect(answer.map(\.ack) == [base &+ 7])
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5, 6] && script.host.seen[id]?.endOfStream == 1)
        #expect(script.host.stack.info(id)?.state == .closeWait && script.host.isBalanced)
    }

    @Test("R-14: a bare FIN that came early counts when the gap closes, and nothing beyond it is taken")
    func bareFIN() throws {
        for payload in [[1, 2, 3, 4], [1, 2, 3, 4, 5, 6]] as [[UInt8]] {
            let script = try Script()
            let id = try script.open()
            script.send([.ack, .fin], seq: script.seq &+ 4)
            script.send(.ack, payload: payload)
            #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4] && script.host.seen[id]?.endOfStream == 1)
        }
    }

    @Test("R-15: the first accepted copy of a byte wins")
    func overlap() throws {
        let script = try Script()
        let id = try script.open()
        let base = script.seq
        script.send(.ack, seq: base &+ 2, payload: [3, 4])
        script.send(.ack, seq: base &+ 1, payload: [0xEE, 0xEE, 0xEE, 0xEE, 0xEE])
        script.send(.ack, seq: base, payload: [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 7])
        #expect(script.host.seen[id]?.bytes == [1, 0xEE, 3, 4, 0xEE, 0xEE, 7])
        #expect(script.host.isBalanced && script.host.seen[id]?.badSums == 0)
    }

    @Test("K-01: no SACK unless both sides agreed")
    func sackOff() throws {
        for (offer, options) in [(false, Script.sack), (true, Script.plain)] {
            let script = try Script { $0.selectiveAcknowledgement = offer }
            let id = try script.open(options: options)
            #expect(script.host.stack.info(id)?.usesSACK == false)
            let answer = script.send(.ack, seq: script.seq &+ 10, payload: [1])
            #expect(answer.allSatisfy { $0.blocks.isEmpty })
        }
    }

    @Test(
        "K-02, K-03, K-04, K-05: blocks are the latest first, disjoint, beyond the ACK, on every ACK",
        arguments: [false, true])
    func blocks(timestamps: Bool) throws {
        let script = try Script()
        let id = try script.open(options: timestamps ? Script.usual : Script.sack)
        let base = script.seq
        var last: [Sent] = []
        for n: UInt32 in [2, 6, 4, 8, 10] { last = script.send(.ack, seq: base &+ n * 10, payload: pattern(10)) }
        let answer = try #require(last.first)
        #expect(answer.ack == base && answer.blocks.count == (timestamps ? 3 : 4))
        #expect(answer.blocks.map { $0.left &- base } == Array([100, 80, 40, 60].prefix(answer.blocks.count)))
        #expect(answer.blocks.allSatisfy { $0.right &- $0.left == 10 })
        // Joins three ranges.
        let joined = try #require(script.send(.ack, seq: base &+ 50, payload: pattern(10)).first)
        #expect(joined.blocks[0].left == base &+ 40 && joined.blocks[0].right == base &+ 70)
        #expect(Set(joined.blocks.map(\.left)).count == joined.blocks.count)
        // A duplicate of something queued comes first again.
        let again = try #require(script.send(.ack, seq: base &+ 20, payload: pattern(10)).first)
        #expect(again.blocks[0].left == base &+ 20)
        _ = script.host.stack.send(id, script.view([1, 2, 3]))
        let data = try #require(script.poll().first)
        #expect(data.payload == [1, 2, 3] && !data.blocks.isEmpty)
    }

    @Test("K-05, K-06: whatever is reported is kept until it is delivered", arguments: 0..<20)
    func reneging(seed: Int) throws {
        let script = try Script()
        let id = try script.open(options: Script.sack)
        let base = script.seq
        let data = pattern(30_000, seed: UInt64(seed))
        var random = SeededGenerator(seed: UInt64(seed))
        var reported = [Bool](repeating: false, count: data.count)
        for _ in 0..<60 {
            let at = 1 + Int(random.below(25_000))
            let count = 1 + Int(random.below(1400))
            for answer in script.send(.ack, seq: base &+ UInt32(at), payload: Array(data[at..<at + count])) {
                #expect(answer.ack == base)
                for block in answer.blocks {
                    let left = Int(block.left &- base)
                    for i in left..<Int(block.right &- base) { reported[i] = true }
                }
            }
        }
        let missing = reported.firstIndex(of: true).map { $0 } ?? 1
        script.send(.ack, seq: base, payload: Array(data[0..<min(missing, 1400)]))
        // Fill every gap that was not reported: nothing else may be needed.
        var at = 0
        while at < data.count {
            if at < data.count, reported[at] {
                at += 1
                continue
            }
            var end = at
            while end < data.count && !reported[end] && end - at < 1400 { end += 1 }
            script.send(.ack, seq: base &+ UInt32(at), payload: Array(data[at..<end]))
            at = end
        }
        #expect(script.host.seen[id]?.bytes == data && script.host.isBalanced)
    }
}
