import ArgumentParser
import Foundation
import Sessions

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Owns a device and lends queues, regions and ports to unprivileged clients over a Unix socket.")

    @OptionGroup var device: DeviceArguments
    @OptionGroup var station: StationArguments
    @Option(help: "Path of the socket that clients connect to.")
    var socket = "/run/uiodrv.sock"
    @Option(help: "Permissions of the socket, octal: who may be a client.")
    var mode = "600"
    @Option(help: "Bytes that one client's region may have.")
    var mostRegion = Size(256 << 20)
    @Option(help: "Slots that a client may hold on average; default is all that it has.")
    var quota: Int?
    @Option(help: "With --quota: what it may hold beyond that, in slots times seconds.")
    var quotaBurst = 1024
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            let options = try options()
            StopRequest.catchSignals()
            let result = try Session.serve(options, log: makeLog(verbose: printing.verbose)) {
                FileHandle.standardError.write(Data("uiodrv: serving at \(options.socketPath)\n".utf8))
            }
            printing.finish(result, problems: result.problems) { printText(result) }
        } catch {
            fail(error)
        }
    }

    private func options() throws -> ServeOptions {
        var options = ServeOptions()
        options.device = try device.options(defaultSeed: UInt64.random(in: .min ... .max))
        guard let mode = UInt16(mode, radix: 8), mode <= 0o777 else {
            throw SessionError("\(mode) are no permissions; write them as 600 or 660")
        }
        guard quota ?? 1 > 0, quotaBurst >= 0 else {
            throw SessionError("a quota is a number of slots of at least 1, and its burst is not negative")
        }
        // A rule of the device for each client, and a queue; the 82576 has eight rules.
        if device.queues == nil { options.device.queues = options.device.name.mostClients }
        options.station = station.options
        options.socketPath = socket
        options.socketMode = mode
        options.mostRegionBytes = Int(clamping: mostRegion.bytes)
        options.quotaSlots = quota
        options.quotaBurst = quotaBurst
        return options
    }

    private func printText(_ result: ServeResult) {
        print(
            """
            \(result.ok ? "ok" : "FAILED"): \(result.clients) clients in \(format(result.elapsedS)) s, \(result.clientsDied) went without a word
              \(result.deviceBytes) bytes in regions, \(result.linearBytes) in host memory
              \(result.tokensReclaimed) tokens taken back from those who went, the slowest in \(format(result.slowestReclaimUs)) us
              \(result.requestsRefused) requests refused, \(result.badMessages) messages and \(result.badReturns) returns that made no sense
            """)
    }
}
