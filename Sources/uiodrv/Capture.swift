import ArgumentParser
import Foundation
import Sessions

struct Capture: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Writes the headers of received frames to a pcapng file, with the places of their payload in the region.")

    @OptionGroup var device: DeviceArguments
    @OptionGroup var station: StationArguments
    @Option(name: .shortAndLong, help: "File to write, or a named pipe that somebody reads.")
    var output: String
    @Option(help: "Take UDP datagrams for this port alone instead of every frame.")
    var udp: UInt16?
    @Option(help: "End after so many frames; 0 is when told to (SIGINT).")
    var frames: UInt64 = 0
    @Flag(help: "Write the payload too, as the consumer sees it in the region.")
    var payload = false
    @Flag(help: "Run device and consumer in another process, so that the stack's process maps no slot.")
    var isolate = false
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            if udp == 0 { throw SessionError("0 is no UDP port; choose from 1 to 65535") }
            var options = ReceiveOptions()
            options.device = try device.options(defaultSeed: UInt64.random(in: .min ... .max))
            options.station = station.options
            var chosen = FrameOptions()
            chosen.udpPort = udp
            chosen.limit = frames
            chosen.capturePath = output
            chosen.capturesPayload = payload
            options.frames = chosen
            options.placement = isolate ? .twoProcesses : .twoThreads
            StopRequest.catchSignals()
            let result = try Session.receive(
                options, log: makeLog(verbose: printing.verbose),
                progress: progressPrinter(total: nil, json: printing.json))
            printing.finish(result, result.transfer) {
                if let frames = result.frames { printFrames(frames, result.transfer) }
            }
        } catch {
            fail(error)
        }
    }
}
