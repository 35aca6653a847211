import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct NVM: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nvm", abstract: "Prints a device's NVM: station address, checksum, words.")

    @OptionGroup var device: BringUpArguments
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        do {
            let report = try Inspection.nvm(device.options(), log: makeLog(verbose: false))
            if json {
                printJSON(report)
            } else {
                print("MAC address \(report.macAddress)")
                print(
                    "checksum \(report.checksumRight ? "right" : "WRONG"): the words add up to \(hexadecimal(UInt64(report.sum), digits: 4)), and must to 0xbaba"
                )
                for word in report.words {
                    let meaning = word.meaning.map { "  \($0)" } ?? ""
                    print(
                        "\(hexadecimal(UInt64(word.address), digits: 2))  \(hexadecimal(UInt64(word.value), digits: 4))\(meaning)"
                    )
                }
            }
            if !report.checksumRight { Foundation.exit(1) }
        } catch {
            fail(error)
        }
    }
}
