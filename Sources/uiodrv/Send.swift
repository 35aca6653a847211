import ArgumentParser
import Foundation
import Sessions

struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Opens a TCP connection from an address of its own, and sends a file, standard input or a pattern.")

    @OptionGroup var device: DeviceArguments
    @OptionGroup var station: StationArguments
    @Option(help: "Address and port of the receiver.")
    var to: String
    @Option(help: "File to send; - is standard input; default is a pattern that follows from the seed.")
    var input: String?
    @Option(help: "Bytes of the pattern; K, M and G are binary.")
    var bytes: Size?
    @Flag(help: "Write the bytes into the region and send them from there: the device alone reads them.")
    var fromRegion = false
    @Option(help: "Seconds that the receiver may leave everything unanswered, also before it answers at all.")
    var patience: UInt64 = 60
    @Flag(help: "Run device and source in another process, so that the stack's process maps no slot.")
    var isolate = false
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            let options = try options()
            StopRequest.catchSignals()
            let result = try Session.send(
                options, log: makeLog(verbose: printing.verbose), progress: { _ in })
            printing.finish(result, problems: result.problems) {
                print(
                    "\(result.ok ? "ok" : "FAILED"): \(result.bytes) bytes to \(result.receiver) in \(format(result.elapsedS)) s (\(format(result.goodputGbps)) Gbit/s), \(result.retransmittedBytes) of them sent again"
                )
                print("  \(result.sha256)")
                if result.placedBytes > 0 { print("  \(result.placedBytes) bytes read in the region by the device") }
            }
        } catch {
            fail(error)
        }
    }

    private func options() throws -> SendOptions {
        var options = SendOptions()
        options.device = try device.options(defaultSeed: UInt64.random(in: .min ... .max))
        guard input == nil || bytes == nil else {
            throw SessionError("--input says how much there is to send; drop it or --bytes")
        }
        guard (1...3600).contains(patience) else {
            throw SessionError("a patience of \(patience) s cannot be used; choose from 1 to 3600")
        }
        if bytes?.bytes == 0 { throw SessionError("0 bytes are nothing to send; choose a --bytes of at least 1") }
        options.station = station.options
        options.receiver = to
        options.patienceS = patience
        options.fromRegion = fromRegion
        options.source =
            input.map { $0 == "-" ? .standardInput : .file(path: $0) } ?? .pattern(bytes: bytes?.bytes ?? 64 << 20)
        options.placement = isolate ? .twoProcesses : .twoThreads
        return options
    }
}
