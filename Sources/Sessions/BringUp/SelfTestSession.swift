internal import DeviceMemory
internal import Foundation
public import Logging
internal import SoftNIC
internal import Timeline
public import VFIODriver

/// What a self-test found, as it is printed.
public struct SelfTestResult: Codable, Sendable {
    /// Whether every check held.
    public var ok = false
    /// The device's name.
    public var device = ""
    /// Who sent the frames; `nil` is the device itself.
    public var sender: String?
    /// The checks, in the order in which they were made.
    public var checks: [SelfTestCheck] = []
    /// Frames that were sent.
    public var frames = 0
    /// Where an IOMMU's refusals are to be found, when the region was taken away.
    public var faultLog: String?

    init(_ device: DeviceName, _ outcome: SelfTestOutcome) {
        self.device = device.description
        checks = outcome.checks
        frames = outcome.vectors.count
    }

    /// Holds what models counted against the test, and judges.
    mutating func addFaults(_ counted: [String]) {
        checks.append(
            SelfTestCheck(
                name: "faults", ok: counted.isEmpty, expected: "no IOMMU fault, no driver error",
                seen: counted.isEmpty ? "none" : counted.joined(separator: "; ")))
        ok = checks.allSatisfy { $0.ok }
    }
}

/// What a replay found, as it is printed.
public struct ReplayResult: Codable, Sendable {
    /// Whether there was no difference.
    public var ok = false
    /// Who made the report, as it says itself.
    public var reported: [String] = []
    /// Register accesses that were repeated.
    public var accesses = 0
    /// Frames that were repeated.
    public var frames = 0
    /// What was different.
    public var differences: [ReportDifference] = []
}

/// Self-tests and their reports.
public enum SelfTestSession {
    /// Tests a device.
    ///
    /// - Parameters:
    ///   - fitsQueues: use fewer queues than `options` has where the family has fewer.
    ///   - unmapsRegion: take the region away on purpose, and expect that payload does not arrive.
    ///   - report: file for what the device did; `nil` is none.
    public static func run(
        _ options: DeviceOptions, fitsQueues: Bool = false, unmapsRegion: Bool, report: String?, log: Logger
    ) throws(SessionError) -> SelfTestResult {
        var options = options
        var plan = options.selfTest
        plan.unmapsRegion = unmapsRegion
        options.regionBytes = plan.regionBytes(slotSize: options.slotSize)
        let (result, text) = try options.withDevice(
            log: log, SelfTestUser(options: options, fitsQueues: fitsQueues, plan: plan, log: log))
        if let report {
            do {
                try Data(text.utf8).write(to: URL(fileURLWithPath: report))
            } catch {
                throw SessionError("cannot write the report to \(report); choose a file that can be written")
            }
        }
        return result
    }

    /// Repeats a report on the software model and compares.
    public static func replay(
        _ path: String, preset: DevicePreset, log: Logger
    ) throws(SessionError) -> ReplayResult {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 64 << 20,
            let text = String(data: data, encoding: .utf8)
        else { throw SessionError("\(path) cannot be read as text of at most 64 MiB; name a report") }
        let report: SiliconReport
        do {
            report = try SiliconReport(parsing: text)
        } catch {
            throw SessionError(error)
        }
        var options = DeviceOptions()
        options.name = .softnic(report.family)
        options.preset = preset
        options.queues = report.queues
        options.mtu = report.mtu
        options.slotSize = report.mtu > 4000 ? 16384 : 4096
        options.seed = report.seed
        options.regionBytes = options.selfTest.regionBytes(slotSize: options.slotSize)
        var model = options.model
        model.macAddress = report.macAddress
        return try options.replay(report, model, log)
    }
}

extension SelfTestPlan {
    /// The plan with no more queues than `family` has; queue 0 never splits.
    func fitting(_ family: NICFamily) -> SelfTestPlan {
        var plan = self
        plan.configuration.splitQueues = min(configuration.splitQueues, family.facts.receiveQueues - 1)
        return plan
    }
}

extension DeviceOptions {
    var selfTest: SelfTestPlan { SelfTestPlan(queues: queues, mtu: mtu, seed: seed) }

    fileprivate func replay(
        _ report: SiliconReport, _ model: SoftNICConfiguration, _ log: Logger
    ) throws(SessionError) -> ReplayResult {
        var result = ReplayResult()
        result.reported = report.about.map { "\($0.key) \($0.text)" }
        result.accesses = report.accesses.count
        result.frames = report.vectors.count
        let first = SoftPCIDevice(SoftNIC(configuration: model))
        let registers = try first.registers()
        first.writeConfig32(PCIConfig.command, first.readConfig32(PCIConfig.command) | PCIConfig.commandBusMaster)
        result.differences = ReportComparison.registers(report, on: registers) { first.wait($0) }
        let second = SoftPCIDevice(SoftNIC(configuration: model))
        let seen = try report.family.withDriver(
            ReplayRun(
                device: second, plan: selfTest, region: SessionPlan.region(self, VFIOSystem(log: log)),
                frames: report.vectors.map { $0.frame }, log: log))
        result.differences += ReportComparison.frames(report, seen)
        result.ok = result.differences.isEmpty
        extendLifetime(first)
        return result
    }
}

private struct ReplayRun: DriverUser, ~Copyable {
    typealias Device = SoftPCIDevice
    let device: SoftPCIDevice
    let plan: SelfTestPlan
    let region: DeviceRegion
    let frames: [LoopbackFrame]
    let log: Logger

    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> [FrameVector] where Driver.Device == SoftPCIDevice {
        let device = device
        do {
            return try SelfTest.repeating(
                frames, driver, on: device, plan: plan, region: region, flushWindow: device.flushWindow, log: log,
                wait: { device.wait($0) })
        } catch {
            throw SessionError(error)
        }
    }
}

private struct SelfTestUser: DeviceUser {
    let options: DeviceOptions
    let fitsQueues: Bool
    let plan: SelfTestPlan
    let log: Logger

    private static var placeOfFaults: String {
        "the kernel's log (dmesg) has a line with DMAR or AMD-Vi for each access that an IOMMU refused; none is readable here"
    }

    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> (SelfTestResult, String) {
        let plan = fitsQueues ? plan.fitting(opened.family) : plan
        let recorder = RegisterRecorder()
        let found = try opened.family.withDriver(
            SelfTestDriver(
                device: device, region: opened.takeRegion(), plan: plan, sender: nil, recorder: recorder, log: log,
                wait: { device.wait($0) }))
        var result = SelfTestResult(opened.name, found.outcome)
        let counted = opened.findings()
        if plan.unmapsRegion {
            result.faultLog = counted.isEmpty ? Self.placeOfFaults : counted.joined(separator: "; ")
            result.ok = result.checks.allSatisfy { $0.ok }
        } else {
            result.addFaults(counted)
        }
        var report = SiliconReport(family: opened.family)
        report.about = [
            ("device", opened.name.description), ("version", opened.version),
            ("identity", hexadecimal(UInt64(found.identity), digits: 8)),
            ("system", systemVersion),
        ]
        report.queues = plan.configuration.splitQueues
        report.mtu = plan.configuration.mtu
        report.seed = plan.configuration.hashSeed
        report.macAddress = found.outcome.macAddress
        report.accesses = recorder.accesses
        report.vectors = found.outcome.vectors
        return (result, report.text)
    }
}

struct SelfTestFinding {
    var outcome: SelfTestOutcome
    var identity: UInt32
}

struct SelfTestDriver<Base: RunDevice>: DriverUser, ~Copyable {
    typealias Device = RecordingDevice<Base>
    let device: Base
    let region: DeviceRegion
    let plan: SelfTestPlan
    /// `nil` is the device itself.
    let sender: (any FrameSender)?
    let recorder: RegisterRecorder
    let log: Logger
    let wait: (Interval) -> Void

    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> SelfTestFinding where Driver.Device == RecordingDevice<Base> {
        let device = device
        do {
            let outcome = try SelfTest.run(
                driver, on: RecordingDevice(device, recorder), plan: plan, region: region,
                flushWindow: RecordingBus(device.flushWindow(region), nil), sender: sender, recorder: recorder,
                log: log, wait: wait)
            return SelfTestFinding(outcome: outcome, identity: device.readConfig32(PCIConfig.identity))
        } catch {
            throw SessionError(error)
        }
    }
}

/// The operating system, for reports.
private var systemVersion: String { ProcessInfo.processInfo.operatingSystemVersionString }
