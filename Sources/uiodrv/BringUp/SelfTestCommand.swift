import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct SelfTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract:
            "Sends frames through a device to itself, or between two, and checks what came, into host memory and region."
    )

    @OptionGroup var device: BringUpArguments
    @Option(help: "Queues that split; default is as many as the family has, up to 4.")
    var queues: Int?
    @Option(help: "Largest IP packet in bytes.")
    var mtu = 1500
    @Option(help: "Seed of payloads and RSS key.")
    var seed: UInt64 = 1
    @Flag(help: "Take the region away from the device on purpose, and expect that payload does not arrive.")
    var unmapCanary = false
    @Option(help: "Write what the device did to this file, for uiodrv replay.")
    var report: String?
    @Option(help: "A second device, joined to the first by a cable: each sends to the other.")
    var peer: String?
    @OptionGroup var output: OutputArguments

    func run() {
        do {
            var options = try device.options()
            guard (576...9702).contains(mtu) else {
                throw SessionError("an MTU of \(mtu) cannot be used; choose from 576 to 9702")
            }
            let asked = queues ?? 4
            guard (1...15).contains(asked) else {
                throw SessionError("\(asked) queues cannot be used; choose from 1 to 15")
            }
            guard !unmapCanary || report == nil else {
                throw SessionError("a report of a device without its region is of no use; drop --report")
            }
            guard peer == nil || (report == nil && !unmapCanary) else {
                throw SessionError("--report and --unmap-canary look at one device alone; drop them or --peer")
            }
            options.queues = asked
            options.mtu = mtu
            options.slotSize = mtu > 4000 ? 16384 : 4096
            options.seed = seed
            let log = makeLog(verbose: output.verbose)
            if let peer {
                let result = try SelfTestSession.run(
                    options, peer: DeviceName(parsing: peer), fitsQueues: queues == nil, log: log)
                if output.json { printJSON(result) } else { result.directions.forEach(printText) }
                if !result.ok { Foundation.exit(1) }
                return
            }
            let result = try SelfTestSession.run(
                options, fitsQueues: queues == nil, unmapsRegion: unmapCanary, report: report,
                log: log)
            if output.json { printJSON(result) } else { printText(result) }
            if !result.ok { Foundation.exit(1) }
        } catch {
            fail(error)
        }
    }

    private func printText(_ result: SelfTestResult) {
        for check in result.checks {
            print(
                check.ok
                    ? "ok      \(check.name): \(check.seen)"
                    : "FAILED  \(check.name): expected \(check.expected); seen: \(check.seen)")
        }
        if let log = result.faultLog { print("IOMMU: \(log)") }
        let failed = result.checks.count { !$0.ok }
        print(
            "\(result.ok ? "ok" : "FAILED"): \(result.sender.map { "\($0) to " } ?? "")\(result.device), \(result.checks.count) checks, \(failed) failed, \(result.frames) frames"
        )
    }
}
