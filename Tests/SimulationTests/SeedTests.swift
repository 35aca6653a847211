import Testing
import Timeline

@testable import Simulation

/// Seeds, which are what the planted bugs of Tests/Mutants/simulation.mutants must not survive.
@Suite struct SeedTests {
    @Test("three hundred seeds break no rule", arguments: 0..<6)
    func seeds(part: Int) {
        let report = Campaign(from: UInt64(part * 50), count: 50, threads: 1, failureLimit: 1).run()
        #expect(report.failures.isEmpty, "\(report.failures.map { "seed \($0.seed): \($0.failure)" })")
        #expect(report.seeds == 50 || !report.failures.isEmpty)
    }

    @Test("every impairment happens, in a hundred seeds or so")
    func coverage() {
        let report = Campaign(from: 0, count: 200, threads: 1, failureLimit: 1).run()
        // A stack that promises no more than there is leaves no frame without a slot.
        for dimension in Dimension.allCases where dimension != .starvation {
            #expect(report.happened[dimension] > 0, "\(dimension)")
        }
    }

    @Test(
        "bytes that are sent from device memory arrive, lost and repeated, whole, cut and sent on",
        arguments: [false, true])
    func placed(segmentation: Bool) {
        var scenario = Scenario()
        scenario.flows = [FlowPlan()]
        scenario.flows[0].ends[0].bytes = 100_000
        scenario.flows[0].ends[1].ending = .afterPeer
        for i in 0...1 {
            scenario.stations[i].offload = true
            scenario.stations[i].segmentation = segmentation
            scenario.stations[i].release = 200
            scenario.lines[i].loss = 50_000
        }
        scenario.stations[0].placed = 700_000
        scenario.stations[1].relays = true
        let outcome = Simulator.run(scenario, Workspace())
        #expect(outcome.failure == nil)
        #expect(outcome.bytes == 200_000 && outcome.coverage[.relay] > 50)
        #expect(outcome.coverage[.placedBytes] > 50 && outcome.coverage[.loss] > 5)
        #expect((outcome.coverage[.segmentation] > 5) == segmentation)
    }

    @Test("a seed replays frame by frame")
    func replay() {
        for seed: UInt64 in [1, 2, 9] {
            let first = Simulator.run(Scenario(seed: seed), Workspace(), isTraced: true)
            let workspace = Workspace()
            _ = Simulator.run(Scenario(seed: 77), workspace)
            let second = Simulator.run(Scenario(seed: seed), workspace, isTraced: true)
            #expect(first.trace == second.trace && !first.trace.isEmpty)
        }
    }

    @Test("what happened to frames, listed, happens again")
    func listed() {
        var scenario = Scenario(seed: 0)
        scenario.liar = nil
        scenario.flows = [FlowPlan()]
        scenario.flows[0].ends[0].bytes = 60_000
        scenario.lines[0].loss = 50_000
        scenario.lines[1].reorder = 100_000
        let random = Simulator.run(scenario, Workspace(), isTraced: true, isLogged: true)
        #expect(random.faults[0].count > 0 && random.faults[1].count > 0)
        for i in 0...1 {
            var line = LinePlan()
            line.delay = scenario.lines[i].delay
            line.byteTime = scenario.lines[i].byteTime
            line.queue = scenario.lines[i].queue
            line.mtu = scenario.lines[i].mtu
            line.script = random.faults[i]
            scenario.lines[i] = line
        }
        let listed = Simulator.run(scenario, Workspace(), isTraced: true)
        #expect(listed.trace == random.trace)
    }

    @Test("impairments can be switched off one by one without changing what the others do")
    func independence() {
        var scenario = Scenario()
        scenario.flows = [FlowPlan()]
        scenario.lines[0].loss = 100_000
        var line = Line(scenario.lines[0], seed: 5, stream: 20, healsAt: .never, isLogged: true)
        scenario.lines[0].duplicate = 100_000
        var more = Line(scenario.lines[0], seed: 5, stream: 20, healsAt: .never, isLogged: true)
        for _ in 0..<500 {
            _ = line.next(.zero, headerBits: 400, bits: 800)
            _ = more.next(.zero, headerBits: 400, bits: 800)
        }
        let lost = line.log?.map(\.frame) ?? []
        #expect(lost.count > 20 && more.log?.filter { $0.kind == .drop }.map(\.frame) == lost)
        #expect(more.log?.contains { $0.kind == .duplicate } == true)
    }
}
