internal import TCPLite

/// What came of one run.
package struct Outcome: Sendable {
    package var failure: Failure?
    package var coverage = Coverage()
    package var trace: [String] = []
    /// What happened to frames, by line, if it was to be written down.
    package var faults: [[Fault]] = []
    package var frames = 0
    package var bytes = 0
    /// Microseconds of virtual time.
    package var elapsed = 0
}

package enum Simulator {
    /// Runs a scenario to its end.
    package static func run(
        _ scenario: Scenario, _ workspace: Workspace, isTraced: Bool = false, isLogged: Bool = false
    ) -> Outcome {
        var world = World(scenario, workspace, isTraced: isTraced, isLogged: isLogged)
        var outcome = Outcome()
        do throws(Failure) { try world.run(workspace) } catch { outcome.failure = error }
        world.dismantle()
        outcome.coverage = world.coverage()
        outcome.trace = world.trace ?? []
        outcome.faults = world.lines.map { $0.log ?? [] }
        outcome.frames = world.frames
        outcome.elapsed = world.elapsed
        for station in world.stations {
            for end in station?.application.ends ?? [] { outcome.bytes += end.read }
        }
        return outcome
    }
}

extension World {
    /// Ends what a failed run left, so that nothing is lost that traps when it is.
    mutating func dismantle() {
        for station in stations {
            guard let station else { continue }
            station.stack.close(pools: &station.pools)
        }
    }

    /// What this run was made of, and how often it came to pass.
    func coverage() -> Coverage {
        var total = counts
        for line in lines { total.add(line.counts) }
        for station in stations {
            guard let station else { continue }
            total.add(station.counts)
            total.add(station.application.counts)
            if station.plan.isShared { total[.sharedSlots] += 1 }
            if station.plan.coalescing > 0 { total[.coalescing] += 1 }
            if station.plan.mtu < 576 { total[.smallSegments] += 1 }
            if !station.plan.timestamps { total[.withoutTimestamps] += 1 }
            if !station.plan.sack { total[.withoutSACK] += 1 }
        }
        if scenario.isIPv6 { total[.ipv6] += 1 }
        if scenario.flows.count > 1 { total[.manyFlows] += 1 }
        if lines[0].plan.delay != lines[1].plan.delay || lines[0].plan.byteTime != lines[1].plan.byteTime {
            total[.asymmetry] += 1
        }
        if scenario.liar == nil {
            for flow in scenario.flows where flow.isSimultaneous { total[.simultaneousOpen] += 1 }
        }
        return total
    }
}
