import Foundation
import Logging
import Sessions
import Testing
import VFIODriver

/// Reports of self-tests: what one model did is what the same model does again, and a difference is shown.
@Suite struct ReportTests {
    private func path() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)").path
    }

    private func report(_ preset: DevicePreset, _ family: NICFamily = .igb) throws -> String {
        var options = DeviceOptions()
        options.name = .softnic(family)
        options.preset = preset
        options.queues = options.name.defaultQueues
        let path = path()
        let result = try SelfTestSession.run(options, unmapsRegion: false, report: path, log: Logger(label: "test"))
        #expect(result.checks.filter { !$0.ok } == [])
        #expect(result.ok)
        return path
    }

    private func replay(_ text: String, _ preset: DevicePreset) throws -> ReplayResult {
        let path = path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try SelfTestSession.replay(path, preset: preset, log: Logger(label: "test"))
    }

    @Test(arguments: [DevicePreset.strict, .qemu], NICFamily.allCases)
    func aReportReplaysWithoutDifference(_ preset: DevicePreset, _ family: NICFamily) throws {
        let path = try report(preset, family)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let result = try SelfTestSession.replay(path, preset: preset, log: Logger(label: "test"))
        #expect(result.differences == [])
        #expect(result.ok && result.frames > 250 && result.accesses > 100)
    }

    @Test func differencesAreShown() throws {
        let path = try report(.qemu)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(try replay(text, .qemu).ok)
        let status = text.split(separator: "\n").first { $0.hasPrefix("r STATUS") }.map(String.init) ?? ""
        let changed = try replay(text.replacingOccurrences(of: status, with: "r STATUS 0x0"), .qemu)
        #expect(
            changed.differences.contains {
                $0.subject == "register STATUS" && $0.reported.hasPrefix("0x0") && $0.seen.contains("FD=1")
            })
        let frame = try replay(text.replacingOccurrences(of: "checksum=bad", with: "checksum=good"), .qemu)
        #expect(
            frame.differences.contains { $0.reported.contains("checksum=good") && $0.seen.contains("checksum=bad") })
        #expect(!frame.ok)
    }

    @Test(arguments: [
        (1, "something else"), (2, "about"), (3, "family i225"), (4, "set queues 99"), (8, "r NOSUCH 0x0"),
        (9, "w CTRL 0x100000000"), (10, "answer queue=1"),
        (11, "frame tcp net=21 tcp=20 tag=0 payload=1 port=1 seed=1"),
        (12, ""),
    ])
    func aBadLineIsNamed(_ number: Int, _ line: String) throws {
        let path = try report(.qemu)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var lines = try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
        lines[number - 1] = line
        #expect {
            _ = try replay(lines.joined(separator: "\n"), .qemu)
        } throws: { "\($0)".hasPrefix("line \(number) of the report ") }
    }

    @Test func aReportThatWasCutIsRefused() throws {
        let path = try report(.qemu)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(throws: SessionError.self) { _ = try replay(String(text.prefix(text.count / 2)), .qemu) }
        #expect(throws: SessionError.self) { _ = try replay("", .qemu) }
    }
}
