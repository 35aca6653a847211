import Packets
import TCPLite
import Testing
import Timeline

/// Row K-07: what came twice is reported in the first SACK block (RFC 2883), and such reports are understood.
@Suite struct DuplicateReportTests {
    /// Blocks of the answer to a segment, relative to `base`.
    func report(_ script: Script, _ base: UInt32, _ from: UInt32, _ to: UInt32) throws -> [[UInt32]] {
        let payload = Array(pattern(1000)[Int(from)..<Int(to)])
        let answer = try #require(script.send(.ack, seq: base &+ from, payload: payload).last)
        return answer.blocks.map { [$0.left &- base, $0.right &- base] }
    }

    @Test("K-07: a duplicate is reported once, first, and with the range that holds it", arguments: [false, true])
    func reports(timestamps: Bool) throws {
        let script = try Script()
        try script.open(options: timestamps ? Script.usual : Script.sack)
        let base = script.seq
        script.data(Array(pattern(1000)[0..<100]))
        #expect(try report(script, base, 0, 100) == [[0, 100]], "all of it acknowledged")
        #expect(try report(script, base, 200, 300) == [[200, 300]], "once, and new data is none")
        #expect(try report(script, base, 50, 120) == [[50, 100], [200, 300]], "the part that is old")
        #expect(try report(script, base, 200, 300) == [[200, 300], [200, 300]], "all of a range")
        #expect(try report(script, base, 220, 240) == [[220, 240], [200, 300]], "within a range")
        #expect(try report(script, base, 250, 350) == [[250, 300], [200, 350]], "the end of a range")
        #expect(try report(script, base, 400, 450) == [[400, 450], [200, 350]])
        #expect(try report(script, base, 180, 500) == [[200, 350], [180, 500]], "of two ranges the first")
        #expect(try report(script, base, 600, 650) == [[600, 650], [180, 500]])
        #expect(try report(script, base, 120, 300) == [[180, 300], [600, 650]], "what closes a gap")
        #expect(try report(script, base, 490, 520) == [[490, 500], [600, 650]])
    }

    @Test("K-07: a burst's duplicates that touch are one block; without SACK, or switched off, there is none")
    func bursts() throws {
        let script = try Script()
        try script.open(options: Script.sack)
        script.data(pattern(300))
        for at in [UInt32(0), 100] {
            script.input(script.frame(.ack, seq: script.seq &- 300 &+ at, payload: pattern(100)))
        }
        let answers = script.poll()
        #expect(
            answers.map { $0.blocks.map { [$0.left &- script.seq &+ 300, $0.right &- script.seq &+ 300] } } == [
                [[0, 200]]
            ])
        for (isOn, options) in [(false, Script.sack), (true, Script.plain)] {
            let other = try Script { $0.duplicateReports = isOn }
            let id = try other.open(options: options)
            other.data(pattern(100))
            let answer = other.send(.ack, seq: other.seq &- 100, payload: pattern(100))
            #expect(answer.count == 1 && answer[0].blocks.isEmpty && answer[0].header.headerLength == 20)
            #expect(other.host.stack.info(id)?.counters.duplicateReportsSent == 0)
        }
    }

    @Test(
        "K-07, K-05: a first block below the ACK or within the second repeats only what had arrived", arguments: 0..<30)
    func againstASet(seed: Int) throws {
        let script = try Script()
        let id = try script.open(options: Script.sack)
        var random = SeededGenerator(seed: UInt64(seed))
        let base = script.seq
        let data = pattern(4000)
        var arrived = [Bool](repeating: false, count: data.count)
        var reported = 0
        for _ in 0..<120 {
            let from = Int(random.below(3000))
            let to = from + 1 + Int(random.below(900))
            let isRepeated = arrived[from..<to].allSatisfy { $0 }
            let answers = script.send(.ack, seq: base &+ UInt32(from), payload: Array(data[from..<to]))
            for answer in answers {
                guard let first = answer.blocks.first else { continue }
                let left = Int(first.left &- base)
                let right = Int(first.right &- base)
                let isBelow = right <= Int(answer.ack &- base)
                let isWithin =
                    answer.blocks.count > 1 && answer.blocks[1].left &- base <= UInt32(left)
                    && UInt32(right) <= answer.blocks[1].right &- base
                guard isBelow || isWithin else { continue }
                reported += 1
                #expect(arrived[left..<right].allSatisfy { $0 } && from <= left && right <= to)
                if isRepeated { #expect(left == from && right == to) }
            }
            if isRepeated { #expect(answers.contains { $0.blocks.first?.left == base &+ UInt32(from) }) }
            for i in from..<to { arrived[i] = true }
        }
        #expect(reported > 10 && script.host.stack.info(id)?.counters.duplicateReportsSent == UInt32(reported))
    }

    @Test("K-07, K-09: reports of duplicates are counted, are no sign of a loss, and undo nothing")
    func sender() throws {
        let (script, id, sent) = try SenderTests.opened(60_000)
        let second = sent[1].seq
        script.send(.ack, ack: second)
        let window = try script.info(id).cwnd
        for _ in 0..<5 {
            script.send(.ack, ack: second, options: SenderTests.report([(sent[0].seq, second)]))
        }
        #expect(script.host.stack.statistics.fastRecoveries == 0 && script.host.stack.statistics.duplicateReports == 5)
        #expect(try script.info(id).cwnd == window && script.info(id).counters.duplicateACKs == 0)
        // Within the second block, which is news once.
        let inner = [(sent[4].seq, sent[5].seq), (sent[3].seq, sent[6].seq)]
        for _ in 0..<2 { script.send(.ack, ack: second, options: SenderTests.report(inner)) }
        let counters = try script.info(id).counters
        #expect(counters.duplicateReports == 7 && counters.sackBlocks == 9 && counters.badBlocks == 0)
        #expect(counters.duplicateACKs == 1 && counters.fastRecoveries == 1, "three segments above the hole")
        let threshold = try script.info(id).ssthresh
        script.send(.ack, ack: second, options: SenderTests.report([(sent[0].seq, second)]))
        #expect(try script.info(id).ssthresh == threshold && script.info(id).cwnd == threshold)
    }
}
