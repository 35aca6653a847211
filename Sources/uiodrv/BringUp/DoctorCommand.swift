import ArgumentParser
import Foundation
import Sessions
import VFIODriver

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Says whether this machine can give real devices to user space, and what mends what is missing.",
        discussion: """
            The exit status is 0 when devices of this machine can be used (no finding is a problem), else 1. Soft \
            devices need nothing of this.
            """)

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let report = Doctor.examine(HostTree(), qemu: Doctor.qemu(searchPath: path))
        if json {
            printJSON(report)
        } else {
            print("real devices \(report.realDevicesUsable ? "can" : "cannot") be used on this machine")
            printFindings(report.findings)
        }
        finish(report.findings, subject: "devices of this machine")
    }
}
