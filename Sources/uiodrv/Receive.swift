import ArgumentParser
import Foundation
import Sessions

struct Receive: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Listens on an address of its own and receives TCP connections into a device region.")

    @OptionGroup var device: DeviceArguments
    @OptionGroup var station: StationArguments
    @Option(help: "Port to listen on; may be given more than once.")
    var port: [UInt16] = [5001]
    @Option(
        help: "File for the bytes (with several connections: .1, .2, ... are appended); default keeps digests only.")
    var output: String?
    @Option(help: "Connections to serve before ending.")
    var connections = 1
    @Flag(help: "Take one HTTP PUT a connection (curl -T FILE) and keep its body.")
    var http = false
    @Flag(help: "Send every byte back, as it was received.")
    var echo = false
    @Flag(help: "Send every byte back from the slot that it arrived in: nobody but the device reads it.")
    var relay = false
    @Flag(help: "Serve iperf3's client: -c with TCP, -R, -P, -t, -n, -l. --connections then counts tests.")
    var iperf3 = false
    @Flag(help: "Take every frame instead of TCP connections: payload into the region, headers to --headers.")
    var raw = false
    @Option(help: "Take UDP datagrams for this port instead of TCP connections.")
    var udp: UInt16?
    @Option(help: "With --raw or --udp: end after so many frames; 0 is when told to (SIGINT).")
    var frames: UInt64 = 0
    @Option(help: "With --raw or --udp: capture file (pcapng) for the headers and the places of payload.")
    var headers: String?
    @Flag(help: "Run device and consumer in another process, so that the stack's process maps no slot.")
    var isolate = false
    @Option(
        help:
            "Take the region away under a PCI function after so many bytes: the IOMMU must stop it, and the run must fail."
    )
    var loseRegionAfter: Size?
    @OptionGroup var printing: OutputArguments

    func run() {
        do {
            let options = try options()
            StopRequest.catchSignals()
            let result = try Session.receive(
                options, log: makeLog(verbose: printing.verbose),
                progress: progressPrinter(total: nil, json: printing.json))
            printing.finish(result, result.transfer) { printText(result) }
        } catch {
            fail(error)
        }
    }

    private func options() throws -> ReceiveOptions {
        var options = ReceiveOptions()
        options.device = try device.options(defaultSeed: UInt64.random(in: .min ... .max))
        if let loseRegionAfter {
            guard case .pci = options.device.name else {
                throw SessionError(
                    "--lose-region-after is for a PCI function behind an IOMMU; name one as --device, for example 0000:01:00.0"
                )
            }
            options.device.loseRegionAfter = loseRegionAfter.bytes
        }
        guard (1...10_000).contains(connections) else {
            throw SessionError("\(connections) connections cannot be served; choose from 1 to 10000")
        }
        options.station = station.options
        options.ports = port
        options.output = output
        options.connections = connections
        guard [http, echo, iperf3, relay].count(where: { $0 }) <= 1 else {
            throw SessionError("--http, --echo, --iperf3 and --relay answer differently; keep one of them")
        }
        if (iperf3 || relay) && output != nil {
            throw SessionError("what iperf3 sends, or is relayed, is not kept; drop --output, or --iperf3 and --relay")
        }
        options.service = http ? .http : echo ? .echo : iperf3 ? .iperf3 : .take
        options.relay = relay
        if raw || udp != nil {
            guard !(raw && udp != nil) else { throw SessionError("--raw takes every frame already; drop it or --udp") }
            guard !http && !echo && !iperf3 && !relay else {
                throw SessionError(
                    "HTTP, echoes, iperf3 and relays need TCP; drop --http, --echo, --iperf3 and --relay, or --raw and --udp"
                )
            }
            if udp == 0 { throw SessionError("0 is no UDP port; choose from 1 to 65535") }
            var chosen = FrameOptions()
            chosen.udpPort = udp
            chosen.limit = frames
            chosen.capturePath = headers
            options.frames = chosen
        } else if headers != nil || frames != 0 {
            throw SessionError("--headers and --frames need --raw or --udp; add one of them")
        }
        options.placement = isolate ? .twoProcesses : .twoThreads
        return options
    }

    private func printText(_ result: ReceiveResult) {
        let transfer = result.transfer
        if let frames = result.frames {
            printFrames(frames, transfer)
            return
        }
        print(
            "\(transfer.ok ? "ok" : "FAILED"): \(transfer.bytes) bytes over \(result.connections) connections in \(format(transfer.elapsedS)) s (\(format(transfer.goodputGbps)) Gbit/s), \(transfer.deviceBytes) of them in device memory"
        )
        if let relayed = result.relayedBytes {
            print("  \(relayed) bytes went back from their slots, \(result.hostBytes ?? 0) from host memory")
        }
        for test in result.iperf3 ?? [] {
            print(
                "  iperf3 from \(test.client), \(test.streams.count) streams\(test.reverse ? " to it" : ""): \(test.bytes) bytes in \(format(test.elapsedS)) s"
            )
        }
        for stream in result.digests { print("  \(stream.sha256)  \(stream.bytes) bytes from \(stream.peer)") }
    }
}

/// What a run without TCP brought, for people.
func printFrames(_ frames: FrameResult, _ transfer: TransferResult) {
    let drops = frames.dropped
    print(
        """
        \(transfer.ok ? "ok" : "FAILED"): \(frames.frames) frames in \(format(transfer.elapsedS)) s, \(frames.verified) with checksums found good
          payload \(frames.payloadBytes) bytes, \(transfer.deviceBytes) of them put in device memory by the NIC
          SHA-256 \(frames.sha256)
          dropped: no room \(drops.noRoom), no free slot \(drops.noReplacement), bad checksum \(drops.badChecksum), unverifiable \(drops.unverifiable), malformed \(drops.malformed), header too long \(drops.headerOverflow), unusable \(drops.unusable), missed by the port \(drops.missed); not selected \(drops.notSelected)
        """)
}
