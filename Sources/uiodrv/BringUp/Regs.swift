import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Regs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a device's registers by their datasheet names, with fields; writes them.",
        discussion:
            "Opening a device leaves its registers alone. Registers whose read changes the device (counters, causes, semaphores) are named and not read."
    )

    @OptionGroup var device: BringUpArguments
    @Argument(help: "Names, as CTRL, RDT or RDT[0]; all registers when there are none.")
    var names: [String] = []
    @Flag(help: "Read registers too whose read changes the device.")
    var sideEffects = false
    @Option(help: "NAME=VALUE, decimal or 0x hexadecimal: write before reading. Can be given several times.")
    var write: [String] = []
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        do {
            let readings = try Inspection.registers(
                device.options(), names: names, writes: write, sideEffects: sideEffects,
                log: makeLog(verbose: false)
            ) { write in
                let before = write.before.map { ", which holds \(hexadecimal(UInt64($0), digits: 8))" } ?? ""
                let text =
                    "writing \(hexadecimal(UInt64(write.value), digits: 8)) to \(write.name) at \(hexadecimal(UInt64(write.offset), digits: 5))\(before)\n"
                FileHandle.standardError.write(Data(text.utf8))
            }
            if json { return printJSON(["registers": readings]) }
            for reading in readings { print(Self.line(reading)) }
        } catch {
            fail(error)
        }
    }

    private static func line(_ reading: RegisterReading) -> String {
        let value = reading.value.map { hexadecimal(UInt64($0), digits: 8) } ?? "(\(reading.note ?? "not read"))"
        let fields = reading.fields.map { $0.width == 1 ? $0.value == 0 ? "" : $0.name : "\($0.name)=\($0.value)" }
        let text = fields.filter { !$0.isEmpty }.joined(separator: " ")
        let name = reading.name.padding(toLength: max(reading.name.count, 14), withPad: " ", startingAt: 0)
        return "\(hexadecimal(UInt64(reading.offset), digits: 5))  \(name) \(value)\(text.isEmpty ? "" : "  \(text)")"
    }
}
