import ArgumentParser
import Foundation
import Sessions

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures costs as ratios, side by side in one process.", subcommands: [BenchTokens.self])
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
