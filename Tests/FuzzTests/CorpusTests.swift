import DeviceMemory
import Foundation
import FuzzTargets
import Testing

/// The fuzzers' seeds, run as tests: what once reached a place, or found something, goes on doing so on every change.
@Suite struct CorpusTests {
    static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fuzz/corpus")

    @Test("no seed of a fuzzer finds anything", arguments: FuzzTarget.allCases)
    func seeds(_ target: FuzzTarget) throws {
        let folder = CorpusTests.corpus.appendingPathComponent(target.rawValue)
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let bytes = try [UInt8](Data(contentsOf: file))
            let space = HeapBytes(count: bytes.count)
            for (i, byte) in bytes.enumerated() { space.bytes[i] = byte }
            do throws(Finding) { try target.run(space.bytes.readOnly) } catch {
                Issue.record("\(file.lastPathComponent): \(error)")
            }
            extendLifetime(space)
        }
    }

    @Test("an input without bytes is one like any other", arguments: FuzzTarget.allCases)
    func nothing(_ target: FuzzTarget) throws {
        let space = HeapBytes(count: 0)
        try target.run(space.bytes.readOnly)
        extendLifetime(space)
    }
}
