import ArgumentParser
import Foundation
import Sessions

struct Peer: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sends TCP over a wire without any NIC: the far end for a receiver in another process or a guest.")

    @Option(help: "This end of the wire: dgram:LOCAL,REMOTE or tap:NAME.")
    var wire: String
    @Option(help: "Own address, in the receiver's /24, or /64 with IPv6.")
    var address = "10.0.0.2"
    @Option(help: "Address and port of the receiver; an IPv6 address is in brackets.")
    var to = "10.0.0.1:5001"
    @Option(help: "Bytes over all flows; K, M and G are binary.")
    var bytes = Size(64 << 20)
    @Option(help: "File that every flow sends; default is a pattern that follows from the seed.")
    var input: String?
    @Option(help: "TCP connections, all at once.")
    var flows = 1
    @Option(help: "Largest IP packet in bytes.")
    var mtu = 1500
    @Option(help: "Sizes of the messages, MIN..MAX, drawn evenly; default is one endless message.")
    var messageSize: String?
    @OptionGroup var impairments: ImpairmentArguments
    @Option(help: "Seed of everything random.")
    var seed: UInt64 = 1
    @Option(help: "Seconds that the receiver may be silent, also before it answers at all.")
    var patience: UInt64 = 60
    @OptionGroup var output: OutputArguments

    func run() {
        do {
            let options = try options()
            StopRequest.catchSignals()
            let total = options.input == nil ? options.bytes : nil
            let result = try Session.peer(options, progress: progressPrinter(total: total, json: output.json))
            output.finish(result, problems: result.problems) { printText(result) }
        } catch {
            fail(error)
        }
    }

    private func options() throws -> PeerOptions {
        var options = PeerOptions()
        guard bytes.bytes > 0 else { throw SessionError("0 bytes are nothing to send; choose a --bytes of at least 1") }
        guard (1...1000).contains(flows) else {
            throw SessionError("\(flows) flows cannot be run; choose from 1 to 1000")
        }
        guard (576...9702).contains(mtu) else {
            throw SessionError("an MTU of \(mtu) cannot be used; choose from 576 to 9702")
        }
        guard (1...3600).contains(patience) else {
            throw SessionError("a patience of \(patience) s cannot be used; choose from 1 to 3600")
        }
        options.wire = wire
        options.address = address
        options.receiver = to
        options.bytes = bytes.bytes
        options.input = input
        options.flows = flows
        options.mtu = mtu
        if let messageSize {
            let range = try parseMessageSize(messageSize)
            options.messageMinimum = range.lowerBound
            options.messageMaximum = range.upperBound
        }
        options.impairments = try impairments.options()
        options.seed = seed
        options.patienceS = patience
        return options
    }

    private func printText(_ result: PeerResult) {
        print(
            "\(result.ok ? "ok" : "FAILED"): \(result.bytes) bytes over \(result.digests.count) connections in \(format(result.elapsedS)) s (\(format(result.goodputGbps)) Gbit/s), \(result.retransmittedBytes) of them sent again"
        )
        for stream in result.digests { print("  \(stream.sha256)  \(stream.bytes) bytes from \(stream.peer)") }
    }
}
