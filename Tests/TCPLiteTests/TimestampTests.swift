import Packets
import TCPLite
import Testing
import Timeline

/// Rows T-04 to T-09.
@Suite struct TimestampTests {
    static func stamped(_ value: UInt32, _ echo: UInt32 = 0) -> [UInt8] { [1, 1, 8, 10] + be(value) + be(echo) }

    @Test("T-04, M-03: agreed on, they are on every segment but RST, and cost their space")
    func everySegment() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        #expect(script.host.stack.info(id)?.usesTimestamps == true && script.host.stack.info(id)?.segmentSize == 1448)
        script.clock = 50
        _ = script.host.stack.send(id, script.view(pattern(4000)))
        let data = script.poll()
        #expect(data.count >= 2 && data.allSatisfy { $0.options.hasTimestamps && $0.header.headerLength == 32 })
        script.clock = 51
        let answers = script.data([1]) + script.data([2])
        #expect(answers.count == 1 && answers[0].options.timestampEcho == 51)
        script.host.stack.abort(id, pools: &script.host.pools)
        let reset = try #require(script.poll().last)
        #expect(reset.flags.contains(.rst) && !reset.options.hasTimestamps)
    }

    @Test("T-05: TS.Recent follows only segments that reach back to the last ACK")
    func recent() throws {
        let script = try Script()
        try script.open(options: Script.usual)
        let base = script.seq
        script.send(.ack, seq: base &+ 100, options: TimestampTests.stamped(900), payload: [1])
        let gap = try #require(
            script.send(.ack, seq: base &+ 50, options: TimestampTests.stamped(901), payload: [1]).first)
        #expect(gap.options.timestampEcho != 900 && gap.options.timestampEcho != 901)
        let filled = try #require(
            script.send(.ack, seq: base, options: TimestampTests.stamped(902), payload: pattern(50)).first)
        #expect(filled.options.timestampEcho == 902)
    }

    @Test("T-06: a segment with an old timestamp is acknowledged and dropped, but a RST counts")
    func paws() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        script.clock = 1000
        script.data([1])
        script.clock = 999
        let answer = script.send(.ack, payload: [2])
        #expect(answer.count == 1 && answer[0].ack == script.seq)
        #expect(script.host.seen[id]?.bytes == [1] && script.host.stack.statistics.oldTimestamps == 1)
        script.clock = 1000
        script.data([2])
        script.send(.rst, options: TimestampTests.stamped(5))
        #expect(script.host.seen[id]?.bytes == [1, 2] && script.host.seen[id]?.closed == .reset)
    }

    @Test("T-07: after 24 days of silence any timestamp is new")
    func longIdle() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        script.clock = 0x8000_0100
        script.now = script.now + .seconds(25 * 86_400)
        script.data([1])
        #expect(script.host.seen[id]?.bytes == [1])
    }

    @Test("T-08: a segment without the timestamp that was agreed on is dropped silently; RSTs need none")
    func missing() throws {
        let script = try Script()
        let id = try script.open(options: Script.usual)
        script.timestamps = false
        #expect(script.send(.ack, payload: [1]).isEmpty && script.host.seen[id]?.bytes == [])
        #expect(script.host.stack.statistics.missingTimestamps == 1)
        script.send(.rst)
        #expect(script.host.seen[id]?.closed == .reset)
    }

    @Test("T-09: switched off or not offered, they are never sent and received ones ignored", arguments: [true, false])
    func off(offered: Bool) throws {
        let script = try Script { $0.timestamps = !offered }
        let answer = try #require(script.send(.syn, ack: 0, options: offered ? Script.usual : Script.plain).first)
        #expect(!answer.options.hasTimestamps)
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.send(.ack, options: TimestampTests.stamped(7))
        let id = try #require(script.host.order.first)
        script.send(.ack, options: TimestampTests.stamped(3), payload: [1])
        #expect(script.host.seen[id]?.bytes == [1])
        #expect(script.wait(.seconds(1)).allSatisfy { !$0.options.hasTimestamps })
    }

    @Test("S-04: retransmitted segments give samples by timestamp alone", arguments: [true, false])
    func karn(timestamps: Bool) throws {
        let script = try Script { $0.timestamps = timestamps }
        let id = try script.open(options: timestamps ? Script.usual : Script.plain)
        _ = script.host.stack.send(id, script.view(pattern(100)))
        let first = try #require(script.poll().first)
        let before = try script.info(id).smoothedRoundTrip
        let again = script.wait(.milliseconds(1500))
        #expect(again.first?.seq == first.seq)
        let echo = again.last?.options.timestampValue ?? 0
        script.now = script.now + .milliseconds(100)
        script.send(
            .ack, ack: first.seq &+ 100, options: timestamps ? TimestampTests.stamped(script.clock + 1, echo) : [])
        let after = try script.info(id).smoothedRoundTrip
        #expect((after != before) == timestamps)
    }
}
