import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a device's configuration space by name.")

    @Argument(
        help: "A PCI address (0000:01:00.0), softnic:igb, softnic:e1000e, softnic:ixgbe, qemu:igb or qemu:e1000e.")
    var device: String
    @Flag(help: "Print the bytes in hexadecimal instead.")
    var raw = false
    @Flag(help: "Print one JSON object.")
    var json = false

    private struct RawResult: Encodable {
        let device: String
        let lengthBytes: Int
        let bytes: String
    }

    private struct Result: Encodable {
        let device: String
        let listing: ConfigListing
    }

    func run() {
        do {
            let snapshot = try Inspection.snapshot(of: device, in: HostTree())
            if raw { return printRaw(snapshot.space) }
            let listing = ConfigListing(snapshot.space, bars: snapshot.bars)
            if json { return printJSON(Result(device: device, listing: listing)) }
            for section in listing.sections {
                let version = section.version.map { ", version \($0)" } ?? ""
                print("0x\(hex(section.offset, 3))  \(section.title)\(version)")
                for field in section.fields { print("         \(field.name): \(field.text)") }
            }
            if let fault = listing.fault { print("broken: \(fault)") }
            if listing.lengthBytes == 64 {
                print("only the header could be read; run as root for the capabilities")
            }
        } catch {
            fail(error)
        }
    }

    private func printRaw(_ space: ConfigSpace) {
        guard json else { return ConfigListing.raw(space).forEach { print($0) } }
        printJSON(
            RawResult(
                device: device, lengthBytes: space.bytes.count,
                bytes: space.bytes.map { hex($0, 2) }.joined()))
    }
}
