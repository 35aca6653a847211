import ArgumentParser
import Foundation

/// Kills clients of a controller under load, by SIGKILL at random moments, and looks after each one whether the law holds:
/// every slot of the dead one back, no slot of another touched, no stream of another disturbed.
struct ClientChaos: ParsableCommand {
    @Option(help: "Clients to kill.") var kills = 1000
    @Option(help: "Clients at once; the first is never killed.") var clients = 4
    @Option(help: "Seed of what is random here; the moment of a kill is also the machine's.") var seed: UInt64 = 1
    @Option(help: "Path of the victim's program.") var victim: String
    @Option(help: "Instead: kill one client that holds so many tokens, and time its slots.") var hold = 0

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let chaos = Chaos(clients: hold > 0 ? 2 : clients, seed: seed, victim: victim, hold: hold)
        let problems = hold > 0 ? try chaos.runHold() : try chaos.run(kills: kills)
        for problem in problems { print("FAILED: \(problem)") }
        if !problems.isEmpty { throw ExitCode(1) }
    }
}

ClientChaos.main()
