import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct Probe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says whether a device can be used, what it can do, and what mends what is in the way.",
        discussion: "The exit status is 0 only when nothing is in the way.")

    @Argument(
        help: "A PCI address (0000:01:00.0), softnic:igb, softnic:e1000e, softnic:ixgbe, qemu:igb or qemu:e1000e.")
    var device: String
    @Option(help: "PCI address of a second device, whose memory is to take the payload: tells how far it is.")
    var peer: String?
    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        do {
            let report = try Inspection.probe(device, peer: peer, in: HostTree())
            if json { printJSON(report) } else { printText(report) }
            finish(report.findings, subject: device)
        } catch {
            fail(error)
        }
    }

    private func printText(_ report: ProbeReport) {
        print("\(report.device): \(report.usable ? "can be used" : "cannot be used")")
        printFindings(report.findings)
        if let facts = report.capabilities.facts {
            print("  splits: \(facts.splitModes.joined(separator: "; "))")
            print("  queues: \(facts.receiveQueues) receive, \(facts.transmitQueues) transmit")
            print("  steering: \(facts.steering.joined(separator: "; "))")
            print("  offloads: \(facts.offloads.joined(separator: "; "))")
        }
        for bar in report.bars {
            print("  BAR \(bar.index): \(bar)\(bar.isMappable ? "" : ", cannot be mapped")")
        }
    }
}

/// A line for each finding, and its remedy below it.
func printFindings(_ findings: [Finding]) {
    for finding in findings {
        print(
            "  \(finding.state.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)) \(finding.name): \(finding.text)"
        )
        if let remedy = finding.remedy { print("           \(remedy)") }
    }
}

/// Ends with status 1 and one sentence when a finding is a problem.
func finish(_ findings: [Finding], subject: String) {
    let problems = findings.filter { $0.state == .problem }
    guard let first = problems.first else { return }
    let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
    fail(SessionError("\(subject) cannot be used: \(first.name): \(first.text)\(more); \(first.remedy ?? "see above")"))
}
