import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a device's counters by datasheet name and Linux's name; the read clears them.")

    @OptionGroup var device: BringUpArguments
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        do {
            let counters = try Inspection.statistics(device.options(), log: makeLog(verbose: false))
            if json { return printJSON(["counters": counters]) }
            print("since the last read, which clears them:")
            for counter in counters {
                print("\(counter.name)\(counter.linuxName.map { " (\($0))" } ?? ""): \(counter.value)")
            }
        } catch {
            fail(error)
        }
    }
}
