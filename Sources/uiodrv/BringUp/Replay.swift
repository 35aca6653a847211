import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Repeats a self-test's report on the NIC model and shows every difference.")

    @Argument(help: "A report of uiodrv selftest --report.")
    var file: String
    @Option(help: "How the model behaves: strict or qemu.")
    var preset = "strict"
    @OptionGroup var output: OutputArguments

    func run() {
        do {
            guard let preset = DevicePreset(rawValue: preset) else {
                throw SessionError("there is no preset \(preset); use strict or qemu")
            }
            let result = try SelfTestSession.replay(file, preset: preset, log: makeLog(verbose: output.verbose))
            if output.json {
                printJSON(result)
            } else {
                for line in result.reported { print("report: \(line)") }
                for difference in result.differences {
                    print("\(difference.subject)\n  report \(difference.reported)\n  model  \(difference.seen)")
                }
                print(
                    "\(result.ok ? "ok" : "FAILED"): \(result.accesses) register accesses and \(result.frames) frames, \(result.differences.count) differences"
                )
            }
            if !result.ok { Foundation.exit(1) }
        } catch {
            fail(error)
        }
    }
}
