import NICRegisters
import SoftNIC
import Testing
import VFIODriver

/// A part that is taken from a model is named by the probe, and nothing else is.
@Suite struct ProbeTests {
    /// Those whose registers the probe examines; the 82599's parts cannot be switched off one by one.
    private static let examined: [SoftNICModel] = [.i82576, .i82574]

    private func report(
        _ model: SoftNICModel, _ change: (inout SoftNICCapabilities) -> Void = { _ in }
    ) -> (ProbeReport, SoftNIC) {
        var configuration = SoftNICConfiguration(model: model, preset: .strict)
        change(&configuration.capabilities)
        let nic = SoftNIC(configuration: configuration)
        return (ProbeReport(name: "softnic", SoftPCIDevice(nic)), nic)
    }

    private func missing(_ model: SoftNICModel, _ change: (inout SoftNICCapabilities) -> Void) -> [String] {
        report(model, change).0.capabilities.missing.map(\.name)
    }

    @Test("a complete model lacks nothing, can be used, and is left as it was", arguments: examined)
    func complete(_ model: SoftNICModel) {
        let (report, nic) = report(model)
        #expect(report.usable && report.capabilities.missing.isEmpty, "\(report.findings)")
        #expect(report.capabilities.receiveQueues == report.capabilities.facts?.receiveQueues)
        #expect(report.capabilities.msixVectors == report.capabilities.facts?.msixVectors)
        #expect(nic.flags.total == 0, "\(nic.flags)")
        let untouched = SoftNIC(configuration: SoftNICConfiguration(model: model, preset: .strict))
        for offset in stride(from: 0, to: 256, by: 4) {
            #expect(nic.readConfig32(offset) == untouched.readConfig32(offset), "configuration at \(offset)")
        }
        nic.writeConfig32(4, 2)
        untouched.writeConfig32(4, 2)
        for offset in [0x100, 0x5818, 0x5000, 0xC04C, 0xC044, 0x2904] as [UInt32] {
            #expect(nic.read32(bar: 0, offset: offset) == untouched.read32(bar: 0, offset: offset), "\(offset)")
        }
    }

    @Test("each part that is taken away is named", arguments: examined)
    func takenAway(_ model: SoftNICModel) {
        #expect(missing(model) { $0.headerSplit = false } == ["header split"])
        #expect(missing(model) { $0.receiveSideScaling = false } == ["receive-side scaling"])
        // The 82599 has no register that verdicts depend on.
        let verdicts = model == .i82599 ? [] : ["receive checksum offload"]
        #expect(missing(model) { $0.receiveChecksum = false } == verdicts)
        #expect(missing(model) { $0.vectors = 0 } == ["MSI-X"])
        let (report, _) = report(model) { $0.headerSplit = false }
        #expect(!report.usable)
        #expect(report.findings.contains { $0.state == .problem && $0.text.hasPrefix("header split is missing") })
    }

    @Test("fewer queues than the part has are counted")
    func fewerQueues() {
        let (report, _) = report(.i82576) { $0.queues = 5 }
        #expect(report.usable && report.capabilities.receiveQueues == 5)
        #expect(report.capabilities.missing.map(\.name) == ["receive queues 5 to 15"])
        #expect(missing(.i82576) { $0.queues = 1 } == ["a second receive queue"])
    }
}
