import ArgumentParser
import Foundation
import Sessions

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures costs, as ratios in one process where there is something to compare with.",
        subcommands: [BenchTokens.self, BenchConnections.self])
}

struct BenchTokens: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "What issuing and returning a token costs, by style of return.")

    @Option(help: "Tokens of each style.")
    var count = 4_000_000
    @Option(help: "Records between two turns of the application, 1 to 512.")
    var batch = 32
    @Option(help: "One style alone: single, ranges, counter or call.")
    var style: String?
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            guard (1...512).contains(batch), count >= 20 * batch, count <= 1 << 40 else {
                throw SessionError("a batch has 1 to 512 records, and there must be 20 batches at least")
            }
            let costs = try Session.tokenCosts(style: style, count: count, batch: batch)
            printing.finish(costs, problems: []) {
                print("style    issue ns  client ns  take back ns  over ranges")
                for cost in costs {
                    print(
                        String(
                            format: "%@ %8.2f %10.2f %13.2f %12.2f",
                            cost.style.padding(toLength: 8, withPad: " ", startingAt: 0),
                            cost.issueNs, cost.clientNs, cost.takeBackNs, cost.ratioToRanges))
                }
            }
        } catch {
            fail(error)
        }
    }
}

struct BenchConnections: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connections",
        abstract: "What connections cost that have nothing to say: memory, and work per turn.")

    @Option(help: "Connections, 1 to 1M.")
    var count = Size(1_000_000)
    @Flag(help: "Watch their peers by keep-alive: two hours of virtual time, in which each is asked once.")
    var keepAlive = false
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            guard count.bytes >= 1, count.bytes <= 1 << 20 else {
                throw SessionError("a stack has 1 to 1048576 connections")
            }
            let cost = try Session.connectionCost(count: Int(count.bytes), keepAlive: keepAlive)
            // Without keep-alive nothing may be looked at, with it each connection once for its time and once to ask.
            let limit = keepAlive ? 2 * UInt64(cost.connections) : 0
            let problems = cost.idleTouched > limit ? ["idle connections were looked at \(cost.idleTouched) times"] : []
            printing.finish(cost, problems: problems) {
                print(
                    String(
                        format: """
                            %d connections: %.0f bytes each (%d in tables), %.1f MiB in all, %.1f MiB before the first
                            opening one: %.0f ns, at worst %.0f us
                            %d turns over %.0f s without a frame: looked at %d connections, %.1f ns a turn
                            a segment for one of them: %.0f ns
                            """,
                        cost.connections, cost.residentBytesPerConnection, cost.tableBytesPerConnection,
                        Double(cost.residentBytes) / 1_048_576, Double(cost.residentBytesBefore) / 1_048_576,
                        cost.openNs,
                        Double(cost.openWorstNs) / 1000, cost.idleTurns, cost.idleSeconds, cost.idleTouched,
                        cost.idleTurnNs, cost.segmentNs))
            }
        } catch {
            fail(error)
        }
    }
}
