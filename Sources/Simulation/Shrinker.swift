/// Makes a scenario that fails as small as it gets while it fails by the same rule.
package struct Shrinker {
    /// The least scenario that was found, and how it fails.
    package struct Result {
        package var scenario: Scenario
        package var failure: Failure
        /// Runs that it took.
        package var runs: Int
    }

    /// Runs a scenario, and writes down what happens to frames.
    private let run: (Scenario) -> Outcome
    /// Runs that may be spent.
    private let limit: Int

    package init(_ workspace: Workspace, limit: Int = 2_000) {
        self.init(limit: limit) { Simulator.run($0, workspace, isLogged: true) }
    }

    package init(limit: Int = 2_000, run: @escaping (Scenario) -> Outcome) {
        self.limit = limit
        self.run = run
    }

    /// Shrinks a scenario; one that does not fail stays as it is, with a failure that says so.
    package func shrink(_ scenario: Scenario) -> Result {
        let first = run(scenario)
        guard let failure = first.failure else {
            return Result(scenario: scenario, failure: Failure(.spins, "this scenario does not fail"), runs: 1)
        }
        var best = Result(scenario: scenario, failure: failure, runs: 1)
        simplify(&best)
        listFaults(&best)
        while true {
            let before = best.scenario
            simplify(&best)
            shortenFaults(&best)
            shortenLies(&best)
            if best.scenario == before || best.runs >= limit { return best }
        }
    }

    /// Takes a candidate if it fails by the same rule.
    @discardableResult private func attempt(_ best: inout Result, _ change: (inout Scenario) -> Void) -> Bool {
        guard best.runs < limit else { return false }
        var candidate = best.scenario
        change(&candidate)
        guard candidate != best.scenario else { return false }
        best.runs += 1
        let outcome = run(candidate)
        guard let failure = outcome.failure, failure.rule == best.failure.rule else { return false }
        best.scenario = candidate
        best.failure = failure
        return true
    }

    /// Switches off what can be switched off, and shortens transfers.
    private func simplify(_ best: inout Result) {
        var flow = best.scenario.flows.count - 1
        while flow >= 0 && best.scenario.flows.count > 1 {
            let at = flow
            attempt(&best) { $0.flows.remove(at: at) }
            flow -= 1
        }
        let plain = (LinePlan(), StationPlan(), FlowPlan(), EndPlan())
        attempt(&best) { $0.isIPv6 = false }
        for i in 0...1 {
            for field in Fields<LinePlan>.line { attempt(&best) { field.reset(&$0.lines[i], plain.0) } }
            attempt(&best) { $0.stations[i] = plain.1 }
            for field in Fields<StationPlan>.station { attempt(&best) { field.reset(&$0.stations[i], plain.1) } }
        }
        for flow in best.scenario.flows.indices {
            attempt(&best) { $0.flows[flow].isSimultaneous = false }
            attempt(&best) { $0.flows[flow].opensAt = 0 }
            for end in 0...1 {
                attempt(&best) { $0.flows[flow].ends[end].ending = plain.3.ending }
                attempt(&best) { $0.flows[flow].ends[end].writeEvery = 0 }
                attempt(&best) { $0.flows[flow].ends[end].write = plain.3.write }
                attempt(&best) { $0.flows[flow].ends[end].bytes = 0 }
                while attempt(&best, { $0.flows[flow].ends[end].bytes /= 2 }) {}
                attempt(&best) { $0.flows[flow].ends[end].bytes = $0.flows[flow].ends[end].bytes * 3 / 4 }
            }
        }
    }

    /// Puts what happened to frames in place of what might.
    private func listFaults(_ best: inout Result) {
        let outcome = run(best.scenario)
        best.runs += 1
        attempt(&best) {
            for i in 0...1 {
                $0.lines[i].script = outcome.faults[i]
                for field in Fields<LinePlan>.impairments { field.reset(&$0.lines[i], LinePlan()) }
            }
        }
    }

    private func shortenFaults(_ best: inout Result) {
        for i in 0...1 where best.scenario.lines[i].script != nil {
            shorten(&best, best.scenario.lines[i].script?.count ?? 0) { $0.lines[i].script?.removeSubrange($1) }
        }
    }

    private func shortenLies(_ best: inout Result) {
        guard best.scenario.liar != nil else { return }
        shorten(&best, best.scenario.liar?.count ?? 0) { $0.liar?.removeSubrange($1) }
    }

    /// Removes parts of a list, halves first, single items last (Zeller and Hildebrandt's ddmin, its complements alone).
    private func shorten(_ best: inout Result, _ count: Int, _ remove: (inout Scenario, Range<Int>) -> Void) {
        var count = count
        var size = count
        while size >= 1 {
            var at = count - size
            while at >= 0 && best.runs < limit {
                let range = at..<(at + size)
                if attempt(&best, { remove(&$0, range) }) { count -= size }
                at -= size
                if at + size > count { at = count - size }
            }
            size /= 2
        }
    }
}

/// Fields that can be set to what they are in a plan that says nothing.
struct Fields<Plan> {
    let reset: (inout Plan, Plan) -> Void

    static func field<T>(_ path: WritableKeyPath<Plan, T>) -> Fields<Plan> {
        Fields { $0[keyPath: path] = $1[keyPath: path] }
    }
}

extension Fields where Plan == LinePlan {
    static var impairments: [Fields] {
        [
            field(\.silences), field(\.burst), field(\.loss), field(\.reorder), field(\.duplicate),
            field(\.corruptHeader), field(\.corruptPayload),
        ]
    }

    static var line: [Fields] { impairments + [field(\.mtu), field(\.queue), field(\.byteTime), field(\.delay)] }
}

extension Fields where Plan == StationPlan {
    static var station: [Fields] {
        [
            field(\.sleep), field(\.sleepAfter), field(\.hold), field(\.demand), field(\.readEvery),
            field(\.readRecords), field(\.unverified), field(\.coalescing), field(\.burst), field(\.layout),
            field(\.boundary), field(\.isShared), field(\.mtu), field(\.slots), field(\.guarantee),
            field(\.blocks),
            field(\.linearBytes), field(\.sendBuffer), field(\.ranges), field(\.output), field(\.scale),
            field(\.timestamps), field(\.sack), field(\.nagle), field(\.offload), field(\.delayedACK),
            field(\.initialWindow), field(\.acknowledgeEvery), field(\.isCubic), field(\.wraps), field(\.placed),
            field(\.placedSlots), field(\.placedRuns), field(\.segmentation), field(\.release), field(\.relays),
        ]
    }
}
