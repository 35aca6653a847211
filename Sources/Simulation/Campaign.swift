internal import Synchronization

/// Many seeds, on some threads.
package struct Campaign: Sendable {
    /// A seed that failed.
    package struct Found: Sendable {
        package var seed: UInt64
        package var failure: Failure
    }

    /// What came of all of them.
    package struct Report: Sendable {
        package var seeds = 0
        package var frames = 0
        package var bytes = 0
        /// Wall-clock time, and virtual time, in seconds.
        package var took = 0.0
        package var elapsed = 0.0
        /// Seeds in which something happened, and how often it happened in all.
        package var presence = Coverage()
        package var happened = Coverage()
        package var failures: [Found] = []
    }

    private let from: UInt64
    private let count: Int
    private let threads: Int
    private let failureLimit: Int

    package init(from: UInt64, count: Int, threads: Int, failureLimit: Int) {
        self.from = from
        self.count = count
        self.threads = threads
        self.failureLimit = failureLimit
    }

    /// Runs all seeds, or until so many have failed.
    package func run() -> Report {
        let clock = ContinuousClock()
        let start = clock.now
        let total = Mutex(Report())
        let next = Atomic<Int>(0)
        let failed = Atomic<Int>(0)
        let work: @Sendable () -> Void = {
            let workspace = Workspace()
            var own = Report()
            while failed.load(ordering: .relaxed) < failureLimit {
                let i = next.add(1, ordering: .relaxed).oldValue
                guard i < count else { break }
                let seed = from &+ UInt64(i)
                let outcome = Simulator.run(Scenario(seed: seed), workspace)
                own.take(outcome, seed)
                if outcome.failure != nil { failed.add(1, ordering: .relaxed) }
            }
            let mine = own
            total.withLock { $0.add(mine) }
        }
        Threads.run(threads, work)
        var report = total.withLock { $0 }
        report.failures.sort { $0.seed < $1.seed }
        let took = clock.now - start
        report.took = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        return report
    }
}

extension Campaign.Report {
    mutating func take(_ outcome: Outcome, _ seed: UInt64) {
        seeds += 1
        frames += outcome.frames
        bytes += outcome.bytes
        elapsed += Double(outcome.elapsed) / 1e6
        presence.add(outcome.coverage.presence)
        happened.add(outcome.coverage)
        if let failure = outcome.failure { failures.append(Campaign.Found(seed: seed, failure: failure)) }
    }

    mutating func add(_ other: Campaign.Report) {
        seeds += other.seeds
        frames += other.frames
        bytes += other.bytes
        elapsed += other.elapsed
        presence.add(other.presence)
        happened.add(other.happened)
        failures += other.failures
    }

    /// Lines for people.
    package var summary: String {
        var text = "\(seeds) seeds, \(failures.count) failed, \(frames) frames, \(bytes) bytes, "
        text += "\(Int(elapsed)) s of virtual time in \(Int(took * 10) / 10) s: "
        text += "\(Int(Double(seeds) * 60 / max(took, 0.001))) seeds per minute\n"
        for dimension in Dimension.allCases {
            text += "  \(dimension): \(presence[dimension]) seeds, \(happened[dimension]) times\n"
        }
        return text
    }
}
