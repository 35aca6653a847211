import DeviceMemory
import Foundation
import NICRegisters
import SoftNIC
import Testing

/// §9: the same vectors against this model and QEMU's; any difference is a bug of this one.
///
/// The answers were recorded from QEMU; the file says how, so that they can be taken again. Frames include ones whose headers
/// lie. Left out: an IPv4 header length beyond the frame, which makes QEMU abort, and the home address of a type 2 routing
/// header in the RSS input.
@Suite struct ObservedTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var name: String
        var settings: [UInt32]
        var frame: [UInt8]
        var head: UInt32
        var answers: [String]
        var testDescription: String { name }
    }

    static let vectors: [Vector] = {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Vectors/qemu-10.0.2-igb.txt")
        guard let text = try? String(contentsOf: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            let digits = Array(fields[10].utf8)
            func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
            return Vector(
                name: fields[0], settings: fields[1...9].compactMap { UInt32($0) },
                frame: (0..<(digits.count / 2)).map { nibble(digits[2 * $0]) << 4 | nibble(digits[2 * $0 + 1]) },
                head: UInt32(fields[11]) ?? .max, answers: fields[12].split(separator: ";").map(String.init))
        }
    }()

    private static func hex(_ word: UInt64) -> String {
        let text = String(word, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    private static func used(_ bytes: ArraySlice<UInt8>) -> Int {
        (bytes.lastIndex { $0 != Bench.fill } ?? bytes.startIndex - 1) - bytes.startIndex + 1
    }

    private func prepare(_ vector: Vector) throws -> Bench {
        let bench = try Bench(.qemu)
        bench.link()
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(HashTests.key[4 * word + byte]) << UInt32(8 * byte) }
            bench.bus.write(I82576.rssrk(word), PlainValue(value))
        }
        let set = vector.settings
        bench.openQueue(0, type: 1)
        bench.bus.write(I82576.rxdctl(0), .init())
        bench.bus.write(I82576.srrctl(0), .init(rawValue: set[0] << 25 | set[1] << 8 | set[2]))
        bench.bus.write(I82576.rfctl, .init(rawValue: set[4]))
        bench.bus.write(I82576.rxcsum, .init(rawValue: set[5]))
        bench.bus.write(I82576.mrqc, .init(rawValue: set[6]))
        bench.bus.modify(I82576.ctrl) { $0[.vlanMode] = set[8] != 0 }
        bench.bus.write(I82576.rxdctl(0), .init(rawValue: 1 << 25 | 1 << 16))
        bench.bus.write(I82576.rctl, .init(rawValue: 2 | 1 << 15 | set[3] << 26 | set[7] << 5))
        bench.fillDescriptors(0, 0..<16)
        bench.bus.write(I82576.rdt(0), PlainValue(15))
        return bench
    }

    @Test func thereAreVectors() { #expect(Self.vectors.count == 337) }

    @Test(arguments: vectors)
    func answersAsQEMUDid(_ vector: Vector) throws {
        let bench = try prepare(vector)
        bench.send(vector.frame)
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == vector.head)
        for (index, answer) in vector.answers.enumerated() {
            let done = bench.completion(0, index)
            let header = Self.used(bench.header(0, index)[...])
            let payload = Self.used(bench.payload(0, index)[..<0x2000])
            #expect("\(Self.hex(done.first)) \(Self.hex(done.second)) \(header) \(payload)" == answer)
        }
    }
}
