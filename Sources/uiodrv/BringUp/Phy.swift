import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Phy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phy", abstract: "Prints a device's PHY registers, decoded, and the state of its link.")

    @OptionGroup var device: BringUpArguments
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        do {
            let report = try Inspection.phy(device.options(), log: makeLog(verbose: false))
            if json { return printJSON(report) }
            print("PHY \(hexadecimal(UInt64(report.identifier), digits: 8))")
            print(
                "link \(report.linkUp ? "up" : "down"), auto-negotiation \(report.negotiated ? "complete" : "not complete")"
            )
            for reading in report.registers {
                let value = reading.value.map { hexadecimal(UInt64($0), digits: 4) } ?? "no answer"
                let says = reading.says.isEmpty ? "" : ": \(reading.says.joined(separator: ", "))"
                print("\(reading.register)  \(reading.name)  \(value)\(says)")
            }
        } catch {
            fail(error)
        }
    }
}
