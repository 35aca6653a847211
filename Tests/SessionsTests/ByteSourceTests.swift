import DeviceMemory
import Foundation
import Testing

@testable import Sessions

/// Where bytes come from that are sent outwards.
@Suite struct ByteSourceTests {
    private func all(_ source: SendSource, seed: UInt64 = 1, portion: Int = 700) throws -> [UInt8] {
        var source = try ByteSource(source, seed: seed)
        let space = HeapBytes(count: portion)
        var bytes: [UInt8] = []
        while case .bytes(let count) = try source.read(into: space.bytes) {
            bytes += space.bytes.readOnly.slice(0, count).array()
            guard bytes.count < 100_000 else { throw SessionError("it has no end") }
        }
        guard case .end = try source.read(into: space.bytes) else { throw SessionError("not at its end") }
        return bytes
    }

    @Test("a pattern is so many bytes, the same for the same seed however they are asked for")
    func pattern() throws {
        let bytes = try all(.pattern(bytes: 2001))
        #expect(bytes.count == 2001)
        #expect(try all(.pattern(bytes: 2001), portion: 13) == bytes)
        #expect(try all(.pattern(bytes: 2001), seed: 2) != bytes)
    }

    @Test("a file is its bytes, also an empty one; what is no file is refused in a sentence")
    func file() throws {
        let path = NSTemporaryDirectory() + "byte-source-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let content = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 * 7) })
        try content.write(to: URL(fileURLWithPath: path))
        #expect(try all(.file(path: path)) == [UInt8](content))
        try Data().write(to: URL(fileURLWithPath: path))
        #expect(try all(.file(path: path)).isEmpty)
        #expect(throws: SessionError.self) { try all(.file(path: "/nonexistent")) }
        #expect(throws: SessionError.self) { try all(.file(path: "/tmp")) }
    }

    @Test(
        "receivers are named by address and port",
        arguments: ["10.0.0.2", "10.0.0.2:0", "10.0.0.2:70000", ":1", "a:1", ""])
    func receivers(_ name: String) throws {
        var options = SendOptions()
        options.receiver = name
        #expect(throws: SessionError.self) { try ConnectPlan(options) }
    }
}
