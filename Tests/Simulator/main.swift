import ArgumentParser
import Foundation
import Simulation

/// Runs stacks over impaired wires in virtual time, one scenario a seed, and looks at everything that can be seen of them.
struct TCPSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcp-sim",
        abstract:
            "Two TCP stacks over impaired wires in virtual time, one scenario a seed; exit status 1 when a rule was broken."
    )

    @Option(help: "How many seeds.") var seeds = 1000
    @Option(help: "The first seed.") var from: UInt64 = 0
    @Option(help: "One seed alone.") var seed: UInt64?
    @Option(help: "The scenarios of a file, one a line, as failures print them.") var script: String?
    @Option(help: "Threads.") var threads = 1
    @Option(help: "Failures after which to stop.") var failures = 3
    @Flag(help: "Show every frame of the one seed or scenario.") var trace = false
    @Flag(help: "Print the one seed's scenario instead of running it.") var show = false
    @Flag(help: "Leave failures as they are instead of shrinking them.") var noShrink = false

    func validate() throws {
        if seeds < 1 { throw ValidationError("--seeds takes a number from 1 up.") }
        if !(1...64).contains(threads) { throw ValidationError("--threads takes a number from 1 to 64.") }
        if failures < 1 { throw ValidationError("--failures takes a number from 1 up.") }
        if seed != nil && script != nil { throw ValidationError("Give --seed or --script, not both.") }
        if show && seed == nil { throw ValidationError("--show needs --seed.") }
        if trace && seed == nil && script == nil { throw ValidationError("--trace needs --seed or --script.") }
    }

    func run() throws {
        if let seed {
            if show { return print(Scenario(seed: seed).script) }
            return try one(Scenario(seed: seed))
        }
        if let script {
            guard let text = try? String(contentsOfFile: script, encoding: .utf8) else {
                throw ValidationError("\(script) cannot be read.")
            }
            var scenarios: [Scenario] = []
            for (number, line) in text.split(separator: "\n").enumerated() where !line.hasPrefix("#") {
                guard let scenario = try? Scenario(script: String(line)) else {
                    throw ValidationError("\(script) holds no scenario in its line \(number + 1), without empty lines.")
                }
                scenarios.append(scenario)
            }
            if scenarios.isEmpty { throw ValidationError("\(script) holds no scenario.") }
            return try all(scenarios)
        }
        let campaign = Campaign(from: from, count: seeds, threads: threads, failureLimit: failures)
        let report = campaign.run()
        print(report.summary)
        for found in report.failures {
            print("\nFAILED  seed \(found.seed): \(found.failure)")
            if !noShrink { explain(Scenario(seed: found.seed)) }
        }
        if !report.failures.isEmpty { throw ExitCode(1) }
    }

    private func all(_ scenarios: [Scenario]) throws {
        var failed = false
        for scenario in scenarios {
            do { try one(scenario) } catch { failed = true }
        }
        if failed { throw ExitCode(1) }
    }

    private func one(_ scenario: Scenario) throws {
        let outcome = Simulator.run(scenario, Workspace(), isTraced: trace)
        for line in outcome.trace { print(line) }
        print("\(outcome.frames) frames, \(outcome.bytes) bytes, \(Double(outcome.elapsed) / 1e6) s of virtual time")
        guard let failure = outcome.failure else { return }
        print("FAILED  \(failure)")
        if !noShrink && !trace { explain(scenario) }
        throw ExitCode(1)
    }

    /// The least scenario that fails likewise, and how to see it again.
    private func explain(_ scenario: Scenario) {
        let least = Shrinker(Workspace()).shrink(scenario)
        print("least: \(least.failure)")
        print("tcp-sim --trace --script FILE, with this in FILE:")
        print(least.scenario.script)
    }
}

TCPSim.main()
