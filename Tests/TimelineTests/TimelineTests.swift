import Foundation
import Testing
import Timeline

@Suite struct InstantTests {
    @Test("never is later than everything, and time does not wrap into the past")
    func saturation() {
        #expect(Instant.never + .seconds(1) == .never)
        #expect(Instant(nanoseconds: .max - 5) + .nanoseconds(10) == .never)
        #expect(Instant.zero - Instant(nanoseconds: 5) == .zero)
        #expect(Instant(nanoseconds: 7) - Instant(nanoseconds: 5) == .nanoseconds(2))
        #expect(Interval.seconds(1) == .milliseconds(1000) && Interval.milliseconds(1) == .microseconds(1000))
    }
}

@Suite struct SeededGeneratorTests {
    @Test("the published sequence of SplitMix64 for seed 1234567")
    func sequence() {
        var generator = SeededGenerator(seed: 1_234_567)
        // Reference values of the algorithm's authors, as used by many implementations' tests.
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect((0..<5).map { _ in generator.next() } == expected)
    }

    @Test("streams of one seed are different, and a probability happens about as often as it says")
    func streams() {
        var a = SeededGenerator(seed: 1, stream: 1)
        var b = SeededGenerator(seed: 1, stream: 2)
        #expect(a.next() != b.next())
        var generator = SeededGenerator(seed: 3)
        let hits = (0..<100_000).count { _ in generator.happens(Probability(0.01)) }
        #expect((900...1100).contains(hits))
        #expect((0..<1000).count { _ in generator.happens(.never) } == 0)
        #expect((0..<1000).count { _ in generator.happens(Probability(1)) } == 1000)
        #expect((0..<1000).allSatisfy { _ in generator.below(7) < 7 })
    }
}

@Suite struct TraceTests {
    private func hash(_ change: (inout [UInt8], inout UInt64, inout UInt64) -> Void = { _, _, _ in }) throws -> String {
        let recorder = try TraceRecorder()
        var frame = [UInt8](repeating: 0x5A, count: 1514)
        var time: UInt64 = 1000
        var value: UInt64 = 7
        change(&frame, &time, &value)
        // More than one buffer's worth, so that what crosses a flush is covered too.
        for i in 0..<200 {
            recorder.trace.record(.registerWrite, at: Instant(nanoseconds: time + UInt64(i)), 0x2818, value)
            unsafe frame.withUnsafeBytes {
                unsafe recorder.trace.record(.frameToNIC, at: Instant(nanoseconds: time), 0, 0, bytes: $0)
            }
        }
        return recorder.hash()
    }

    @Test("one changed byte, time or number anywhere changes the hash; nothing changed changes nothing (G.06)")
    func sensitivity() throws {
        let base = try hash()
        #expect(try hash() == base && base.count == 64)
        for index in [0, 1, 700, 1513] {
            #expect(try hash { frame, _, _ in frame[index] ^= 1 } != base)
        }
        #expect(try hash { _, time, _ in time += 1 } != base)
        #expect(try hash { _, _, value in value ^= 1 << 63 } != base)
        #expect(try hash { frame, _, _ in frame.removeLast() } != base)
        #expect(try hash { frame, _, _ in frame.append(0) } != base)
    }

    @Test("a disabled trace records nothing")
    func disabled() {
        #expect(!Trace.disabled.isEnabled)
        Trace.disabled.record(.event, at: .zero, 1, 2)
    }

    @Test("the text has a line an entry, and a path that cannot be written is said")
    func text() throws {
        let path = NSTemporaryDirectory() + "uiodrv-trace-\(ProcessInfo.processInfo.processIdentifier)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        do {
            let recorder = try TraceRecorder(path: path)
            recorder.trace.record(.registerRead, at: Instant(nanoseconds: 42), 0x8, 0x80080483)
            #expect(recorder.count == 1)
            _ = recorder.hash()
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "42 registerRead 0x8 0x80080483\n")
        #expect(throws: TimelineError.self) { _ = try TraceRecorder(path: "/nonexistent/trace") }
    }
}
