import Testing
import Timeline

@testable import Simulation

/// The set that says what was heard.
@Suite struct IntervalsTests {
    @Test("random intervals give what a set of positions gives", arguments: 0..<20)
    func model(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var intervals = Intervals()
        var model = Set<Int>()
        for _ in 0..<60 {
            let start = Int(random.below(100))
            let end = start + Int(random.below(15))
            intervals.insert(start, end)
            model.formUnion(start..<end)
            var prefix = 0
            while model.contains(prefix) { prefix += 1 }
            #expect(intervals.prefix == prefix)
            #expect(zip(intervals.list, intervals.list.dropFirst()).allSatisfy { $0.end < $1.start })
            let from = Int(random.below(110))
            #expect(intervals.contains(from, from + 1) == model.contains(from))
        }
    }
}
