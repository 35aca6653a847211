import DeviceMemory
import Packets
import Testing
import Timeline

@testable import Wire

private func kinds(_ change: (inout Impairments) -> Void) -> Impairments {
    var kinds = Impairments()
    change(&kinds)
    return kinds
}

/// Sends `count` frames in bursts of 32 and then only time, until nothing is inside.
private func run(_ kinds: Impairments, seed: UInt64 = 7, count: Int, length: Int = 64) -> (
    frames: [[UInt8]], marks: [FrameMark], statistics: ImpairmentStatistics
) {
    var stage = Impairment(kinds, seed: seed, stream: 0, frameCapacity: 2048)
    var input = FrameQueue(depth: 64, frameCapacity: 2048)
    var output = FrameQueue(depth: 256, frameCapacity: 2048)
    var frames: [[UInt8]] = []
    var marks: [FrameMark] = []
    var now = Instant.zero
    var sent = 0
    while sent < count || stage.inFlight > 0 || !input.isEmpty {
        let burst = min(32, count - sent)
        if input.count + burst <= input.depth {
            fill(&input, sent..<sent + burst, length: length)
            sent += burst
        }
        _ = stage.pass(from: &input, to: &output, now: now, limit: 64)
        while !output.isEmpty {
            frames.append(output.front.array())
            marks.append(output.frontMark)
            output.popFront()
        }
        now = now + .microseconds(10)
    }
    return (frames, marks, stage.statistics)
}

/// T12.04: loss, duplication, reordering, corruption, truncation and checksum lies at exact rates, from a seed.
@Suite struct ImpairmentTests {
    @Test func nothingIsDoneByDefault() {
        let result = run(Impairments(), count: 500)
        #expect(result.frames.map(number) == Array(0..<500))
        #expect(result.frames == (0..<500).map { frame($0) })
        #expect(result.marks.allSatisfy { $0 == .none })
        #expect(result.statistics.delivered == 500)
    }

    /// The counts are those of the generator for this seed: debug and release builds must agree on them.
    @Test func exactCountsForASeed() {
        let all = kinds {
            $0.loss = Probability(0.01)
            $0.duplicate = Probability(0.01)
            $0.reorder = Reordering(probability: Probability(0.02), depth: 8)
            $0.corrupt = Probability(0.03)
            $0.truncate = Probability(0.005)
            $0.lie = Probability(0.02)
            $0.jitter = .microseconds(30)
        }
        let result = run(all, seed: 42, count: 10_000)
        let s = result.statistics
        #expect(s.frames == 10_000)
        #expect(s.delivered == UInt64(result.frames.count))
        #expect(s.delivered == s.frames - s.lost + s.duplicated)
        #expect(
            [s.lost, s.duplicated, s.heldBack, s.flushed, s.corrupted, s.truncated, s.liedAboutGood, s.liedAboutBad]
                == [109, 116, 206, 0, 323, 53, 201, 5])
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in result.frames.joined() { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        #expect(hash == 16_989_746_287_380_438_908)
    }

    @Test func sameSeedSameFramesAnotherSeedOthers() {
        let all = kinds {
            $0.loss = Probability(0.1)
            $0.corrupt = Probability(0.1)
            $0.reorder = Reordering(probability: Probability(0.1), depth: 4)
        }
        let first = run(all, seed: 1, count: 1000)
        let second = run(all, seed: 1, count: 1000)
        let other = run(all, seed: 2, count: 1000)
        #expect(first.frames == second.frames)
        #expect(first.statistics == second.statistics)
        #expect(first.frames != other.frames)
    }

    /// A kind's draws are its own: switching another kind on does not change which frames are lost.
    @Test func kindsDrawIndependently() {
        let loss = kinds { $0.loss = Probability(0.1) }
        let more = kinds {
            $0.loss = Probability(0.1)
            $0.corrupt = Probability(0.5)
            $0.lie = Probability(0.5)
        }
        #expect(run(loss, count: 2000).statistics.lost == run(more, count: 2000).statistics.lost)
        let lost = Set(0..<2000).subtracting(run(loss, count: 2000).frames.map(number))
        let jittered = kinds {
            $0.loss = Probability(0.1)
            $0.jitter = .microseconds(50)
        }
        #expect(lost == Set(0..<2000).subtracting(run(jittered, count: 2000).frames.map(number)))
    }

    @Test func directionsDrawIndependently() {
        let loss = kinds { $0.loss = Probability(0.5) }
        var survivors: [[Int]] = []
        for stream in 0..<2 {
            var stage = Impairment(loss, seed: 9, stream: UInt64(stream), frameCapacity: 64)
            var input = FrameQueue(depth: 64, frameCapacity: 64)
            var output = FrameQueue(depth: 64, frameCapacity: 64)
            fill(&input, 0..<64)
            _ = stage.pass(from: &input, to: &output, now: .zero, limit: 64)
            survivors.append(drainNumbers(&output))
        }
        #expect(survivors[0] != survivors[1])
    }

    @Test func certainLossLosesAll() {
        let result = run(kinds { $0.loss = Probability(1) }, count: 100)
        #expect(result.frames.isEmpty)
        #expect(result.statistics.lost == 100)
    }

    @Test func certainDuplicationDoublesEach() {
        let result = run(kinds { $0.duplicate = Probability(1) }, count: 100)
        #expect(result.frames.map(number) == (0..<100).flatMap { [$0, $0] })
    }

    /// Corruption changes exactly one byte, and in time every byte of a frame.
    @Test func corruptionReachesEveryByte() {
        let result = run(kinds { $0.corrupt = Probability(1) }, count: 4000, length: 60)
        var hit = Set<Int>()
        for (n, damaged) in result.frames.enumerated() {
            let differing = zip(frame(n, length: 60), damaged).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
            #expect(differing.count == 1)
            hit.formUnion(differing)
        }
        #expect(hit == Set(0..<60))
    }

    @Test func truncationKeepsAPrefix() {
        let result = run(kinds { $0.truncate = Probability(1) }, count: 1000, length: 100)
        for (n, cut) in result.frames.enumerated() {
            #expect((1...99).contains(cut.count))
            #expect(Array(frame(n, length: 100).prefix(cut.count)) == cut)
        }
        #expect(Set(result.frames.map(\.count)).count > 90)
    }

    /// A lie is always the wrong verdict: intact frames are never claimed good, damaged ones always.
    @Test func liesAreWrong() {
        let intact = run(kinds { $0.lie = Probability(1) }, count: 200)
        #expect(intact.marks.allSatisfy { $0 == .claimBad || $0 == .claimNothing })
        #expect(Set(intact.marks).count == 2)
        #expect(intact.frames == (0..<200).map { frame($0) })
        let damaged = run(
            kinds {
                $0.lie = Probability(1)
                $0.corrupt = Probability(1)
            }, count: 200)
        #expect(damaged.marks.allSatisfy { $0 == .claimGood })
        #expect(damaged.statistics.liedAboutBad == 200)
    }

    /// No frame is overtaken by more than DEPTH later ones, and some are by exactly DEPTH.
    @Test(arguments: [1, 3, 8, 64]) func reorderingStaysWithinItsDepth(depth: Int) {
        let few = kinds { $0.reorder = Reordering(probability: Probability(0.02), depth: UInt32(depth)) }
        let result = run(few, count: 20_000)
        let order = result.frames.map(number)
        #expect(order.sorted() == Array(0..<20_000))
        var place = [Int](repeating: 0, count: order.count)
        for (at, n) in order.enumerated() { place[n] = at }
        var deepest = 0
        for (at, n) in order.enumerated() where at > n {
            // Later frames that arrived earlier.
            var overtakers = 0
            for later in max(0, at - 3 * depth - 8)..<at where order[later] > n { overtakers += 1 }
            // Other held frames may come back in between; frames that kept their place may not exceed the depth.
            deepest = max(deepest, overtakers)
        }
        #expect(deepest >= depth)
        #expect(deepest <= depth + 8)
        #expect(result.statistics.heldBack > 300)
    }

    @Test func aSwapWithTheNeighbourIsExact() {
        var stage = Impairment(
            kinds { $0.reorder = Reordering(probability: Probability(1), depth: 1) }, seed: 1, stream: 0,
            frameCapacity: 64)
        var input = FrameQueue(depth: 128, frameCapacity: 64)
        var output = FrameQueue(depth: 128, frameCapacity: 64)
        // All want to be held: the first 64 are, then the store is full and the next passes, which releases them.
        fill(&input, 0..<65)
        _ = stage.pass(from: &input, to: &output, now: .zero, limit: 128)
        #expect(drainNumbers(&output) == [64] + Array(0..<64))
        #expect(stage.statistics.flushed == 0)
    }

    /// The last frame of a burst comes out by time when nothing follows.
    @Test func theTailIsNeverStuck() {
        var stage = Impairment(
            kinds { $0.reorder = Reordering(probability: Probability(1), depth: 8) }, seed: 3, stream: 0,
            frameCapacity: 64, holdTime: .microseconds(500))
        var input = FrameQueue(depth: 8, frameCapacity: 64)
        var output = FrameQueue(depth: 8, frameCapacity: 64)
        let start = Instant(nanoseconds: 1000)
        fill(&input, 0..<3)
        #expect(stage.pass(from: &input, to: &output, now: start, limit: 8) == 0)
        #expect(stage.nextDeadline == start + .microseconds(500))
        #expect(stage.release(to: &output, now: start + .microseconds(499), limit: 8) == 0)
        #expect(stage.release(to: &output, now: stage.nextDeadline, limit: 8) == 3)
        #expect(drainNumbers(&output) == [0, 1, 2])
        #expect(stage.nextDeadline == .never)
        #expect(stage.statistics.flushed == 3)
    }

    @Test func jitterDelaysWithinItsBoundAndKeepsOrder() {
        var stage = Impairment(
            kinds { $0.jitter = .microseconds(100) }, seed: 5, stream: 0, frameCapacity: 64)
        var input = FrameQueue(depth: 64, frameCapacity: 64)
        var output = FrameQueue(depth: 64, frameCapacity: 64)
        fill(&input, 0..<50)
        let start = Instant(nanoseconds: 77)
        var arrived = stage.pass(from: &input, to: &output, now: start, limit: 64)
        #expect(arrived < 50)
        var now = start
        while arrived < 50 {
            #expect(stage.nextDeadline > now)
            now = stage.nextDeadline
            let count = stage.release(to: &output, now: now, limit: 64)
            #expect(count > 0)
            arrived += count
        }
        #expect(now <= start + .microseconds(100))
        #expect(drainNumbers(&output) == Array(0..<50))
    }

    /// A full queue holds frames up; it never loses them.
    @Test func backPressureLosesNothing() {
        var stage = Impairment(
            kinds {
                $0.duplicate = Probability(0.3)
                $0.reorder = Reordering(probability: Probability(0.3), depth: 8)
                $0.jitter = .microseconds(3)
            }, seed: 5, stream: 0, depth: 8, frameCapacity: 64)
        var input = FrameQueue(depth: 512, frameCapacity: 64)
        var output = FrameQueue(depth: 2, frameCapacity: 64)
        fill(&input, 0..<500)
        var numbers: [Int] = []
        var now = Instant.zero
        while !input.isEmpty || stage.inFlight > 0 {
            let moved = stage.pass(from: &input, to: &output, now: now, limit: 100)
            #expect(moved <= 2)
            numbers += drainNumbers(&output)
            now = now + .microseconds(1)
        }
        #expect(Set(numbers) == Set(0..<500))
        #expect(numbers.count == 500 + Int(stage.statistics.duplicated))
    }

    @Test func limitBoundsABurst() {
        var stage = Impairment(kinds { $0.duplicate = Probability(1) }, seed: 5, stream: 0, frameCapacity: 64)
        var input = FrameQueue(depth: 64, frameCapacity: 64)
        var output = FrameQueue(depth: 64, frameCapacity: 64)
        fill(&input, 0..<10)
        #expect(stage.pass(from: &input, to: &output, now: .zero, limit: 5) == 5)
        #expect(output.count == 5)
        #expect(stage.nextDeadline <= .zero)
        #expect(stage.pass(from: &input, to: &output, now: .zero, limit: 64) == 15)
        #expect(drainNumbers(&output) == (0..<10).flatMap { [$0, $0] })
    }
}
