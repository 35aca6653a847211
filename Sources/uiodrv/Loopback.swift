import ArgumentParser
import Foundation
import Sessions

struct Loopback: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Sends TCP from a peer through a NIC model, driver and stack into a device region, and compares digests.")

    @OptionGroup var device: DeviceArguments
    @Option(help: "Bytes over all flows; K, M and G are binary.")
    var bytes = Size(64 << 20)
    @Option(help: "TCP connections, all at once.")
    var flows = 4
    @Flag(name: .customLong("ipv6"), help: "Connect over IPv6.")
    var isIPv6 = false
    @Option(help: "Sizes of the peer's messages, MIN..MAX, drawn evenly; default is one endless message.")
    var messageSize: String?
    @OptionGroup var impairments: ImpairmentArguments
    @Option(help: "Frames for which the NIC claims a wrong checksum verdict.")
    var lie = "0"
    @Option(help: "Tokens that the consumer keeps back before it returns the oldest.")
    var hold = 0
    @Option(
        help:
            "1: everything in one thread and virtual time, which replays exactly; 2: the device in a thread of its own (default: 1, and 2 with QEMU's devices)."
    )
    var threads: Int?
    @Flag(help: "Run device, peer and consumer in another process, so that the stack's process maps no slot.")
    var isolate = false
    @Option(help: "Restart a receive queue so many times while data flows; one thread only.")
    var restartQueues = 0
    @Option(help: "Change the region for another so many times while data flows; one thread only.")
    var changeRegions = 0
    @Flag(
        help:
            "Put bytes that arrive in host memory into the region too, so that every record is of the region; one thread only."
    )
    var uniform = false
    @Option(help: "Write the trace as text; one thread only.")
    var trace: String?
    @OptionGroup var output: OutputArguments

    func run() {
        do {
            let options = try options()
            StopRequest.catchSignals()
            let result = try Session.loopback(
                options, log: makeLog(verbose: output.verbose),
                progress: progressPrinter(total: options.bytes, json: output.json))
            output.finish(result, result.transfer) { printText(result, options) }
        } catch {
            fail(error)
        }
    }

    private func options() throws -> LoopbackOptions {
        var options = LoopbackOptions()
        options.device = try device.options(defaultSeed: 1)
        guard bytes.bytes > 0 else { throw SessionError("0 bytes are nothing to send; choose a --bytes of at least 1") }
        guard (1...1000).contains(flows) else {
            throw SessionError("\(flows) flows cannot be run; choose from 1 to 1000")
        }
        let threads = threads ?? (options.device.name.hasClock ? 2 : 1)
        guard threads == 1 || threads == 2 else {
            throw SessionError("\(threads) threads cannot be used; choose 1 or 2")
        }
        let spare =
            options.device.regionBytes / options.device.slotSize - options.device.queues * options.device.descriptors
        guard hold >= 0 && hold <= max(spare / 2, 0) else {
            throw SessionError(
                "\(hold) tokens cannot be held: \(max(spare, 0)) slots are not in rings and half of them must keep moving; enlarge --region or hold fewer"
            )
        }
        options.bytes = bytes.bytes
        options.flows = flows
        options.isIPv6 = isIPv6
        guard !isIPv6 || options.device.mtu >= 1280 else {
            throw SessionError("IPv6 needs an MTU of 1280 at least; raise --mtu or drop --ipv6")
        }
        if let messageSize {
            let range = try parseMessageSize(messageSize)
            options.messageMinimum = range.lowerBound
            options.messageMaximum = range.upperBound
        }
        options.impairments = try impairments.options(lie: lie)
        guard !options.device.name.hasClock || options.impairments.lie == 0 else {
            throw SessionError("\(options.device.name) cannot be made to lie about checksums; drop --lie")
        }
        options.hold = hold
        options.placement = isolate ? .twoProcesses : threads == 2 ? .twoThreads : .oneThread
        guard trace == nil || options.placement == .oneThread else {
            throw SessionError(
                "a trace needs one thread, because two do not replay; drop --trace or --threads and --isolate")
        }
        options.tracePath = trace
        guard restartQueues >= 0, changeRegions >= 0 else {
            throw SessionError("queues and regions are changed 0 times or more; choose numbers that are not negative")
        }
        guard restartQueues + changeRegions == 0 && !uniform || options.placement == .oneThread else {
            throw SessionError(
                "--restart-queues, --change-regions and --uniform need one thread; drop them, or --threads and --isolate"
            )
        }
        options.restarts = restartQueues
        options.regionChanges = changeRegions
        options.uniform = uniform
        return options
    }

    private func printText(_ result: LoopbackResult, _ options: LoopbackOptions) {
        let transfer = result.transfer
        let header = transfer.ok ? "ok" : "FAILED"
        print(
            """
            \(header): \(transfer.bytes) bytes over \(options.flows) TCP connections in \(format(transfer.elapsedS)) s (\(format(transfer.goodputGbps)) Gbit/s)
              in device memory, put there by the NIC: \(transfer.deviceBytes) bytes
              in host memory, because the frame fit the header buffer: \(transfer.linearBytes) bytes
              moved by the stack: \(transfer.movedBytes) bytes
              frames split \(transfer.split), whole \(transfer.unsplit), header too long \(transfer.headerOverflow)
              sent     SHA-256 \(result.digestExpected)
              received SHA-256 \(result.digestReceived)
              slots: pool \(transfer.ledger.pool) + ring \(transfer.ledger.ring) + stack \(transfer.ledger.stack) + transmit \(transfer.ledger.transmit) + application \(transfer.ledger.application) = \(transfer.ledger.total), leaked \(transfer.leakedSlots)
            """)
        if let hash = result.traceHash { print("  trace    SHA-256 \(hash) (seed \(options.device.seed))") }
        if let words = transfer.payloadWordsInHostMemory {
            print("  words of the streams found in the device's host memory: \(words)")
        }
        if let mapped = transfer.stackMapsSlots {
            print("  mappings of slots in the stack's process: \(mapped)")
        }
    }
}
