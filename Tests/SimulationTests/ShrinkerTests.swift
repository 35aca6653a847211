import Testing

@testable import Simulation

/// Failing scenarios get small, and their text says the same.
@Suite struct ShrinkerTests {
    /// A world that fails whenever frames 7 and 30 of line 0 are lost and a thousand bytes are sent.
    private static func fake(_ scenario: Scenario) -> Outcome {
        var outcome = Outcome()
        let random = scenario.lines[0].loss > 0
        outcome.faults = [(1...40).map { Fault(frame: $0, kind: .drop) }, []]
        let lost = random ? Set(1...40) : Set((scenario.lines[0].script ?? []).map(\.frame))
        let bytes = scenario.flows.reduce(0) { $0 + $1.ends[0].bytes }
        if lost.isSuperset(of: [7, 30]) && bytes >= 1000 { outcome.failure = Failure(.stall, "as made") }
        return outcome
    }

    @Test("what does not matter is switched off, transfers get short, frames lost become a list of those that matter")
    func shrinks() {
        var scenario = Scenario(seed: 12)
        scenario.liar = nil
        scenario.lines[0].loss = 10_000
        scenario.lines[1].duplicate = 500
        scenario.stations[0].isShared = true
        scenario.stations[1].hold = 16
        scenario.flows = [FlowPlan(), FlowPlan(), FlowPlan()]
        for i in 0..<3 { scenario.flows[i].ends[0].bytes = 60_000 }
        let result = Shrinker(run: ShrinkerTests.fake).shrink(scenario)
        #expect(result.failure.rule == .stall)
        #expect(result.scenario.flows.count == 1 && (1000..<2000).contains(result.scenario.flows[0].ends[0].bytes))
        #expect(result.scenario.lines[0].script?.map(\.frame) == [7, 30])
        #expect(result.scenario.lines[0].loss == 0 && result.scenario.lines[1].duplicate == 0)
        #expect(result.scenario.stations == [StationPlan(), StationPlan()])
    }

    @Test("a failure by another rule is not taken for the same")
    func sameRule() {
        var scenario = Scenario(seed: 3)
        scenario.liar = nil
        scenario.flows = [FlowPlan()]
        scenario.flows[0].ends[0].bytes = 5000
        let result = Shrinker { scenario in
            var outcome = Outcome()
            let bytes = scenario.flows[0].ends[0].bytes
            outcome.faults = [[], []]
            outcome.failure = Failure(bytes >= 3000 ? .leak : .stall, "as made")
            return outcome
        }.shrink(scenario)
        #expect(result.failure.rule == .leak && result.scenario.flows[0].ends[0].bytes >= 3000)
    }

    @Test("a scenario that does not fail stays as it is")
    func sound() {
        let scenario = Scenario(seed: 1)
        let result = Shrinker { _ in Outcome() }.shrink(scenario)
        #expect(result.scenario == scenario && result.runs == 1)
    }

    @Test("a script says all of a scenario, and the least says little")
    func scripts() throws {
        for seed in 0..<200 {
            let scenario = Scenario(seed: UInt64(seed))
            #expect(try Scenario(script: scenario.script) == scenario, "seed \(seed)")
        }
        var small = Scenario()
        small.flows = [FlowPlan()]
        small.flows[0].ends[1].bytes = 3
        #expect(small.script == #"{"flows":[{"ends":[{},{"bytes":3}]}]}"#)
        #expect(throws: (any Error).self) { try Scenario(script: "{") }
        #expect(throws: ScriptError.shape) { try Scenario(script: #"{"flows":[{"ends":[]}]}"#) }
        #expect(throws: ScriptError.shape) { try Scenario(script: "{}") }
    }
}
