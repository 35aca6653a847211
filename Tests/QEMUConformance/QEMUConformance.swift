import ArgumentParser
import DeviceMemory
import SoftNIC
import Timeline
import VFIODriver

/// The address of both controllers.
let station: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]

@main struct QEMUConformance: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Gives the same frames to QEMU's controller and to the model of it, and compares what they write.")

    @Option(help: "File of vectors, as in Tests/Vectors; may be given more than once.")
    var vectors: [String] = []
    @Option(help: "Frames to make up.")
    var frames = 2400
    @Option(help: "Seed of the frames that are made up.")
    var seed: UInt64 = 1

    func run() throws {
        do {
            try compare()
        } catch let error as ExitCode {
            throw error
        } catch {
            print("FAIL  \(error)\n0 passed, 1 failed")
            throw ExitCode.failure
        }
    }

    private func compare() throws {
        typealias Rig = I82576Rig
        let configuration = SoftNICConfiguration(preset: .qemu, macAddress: station)
        let model = try ModelSubject(
            configuration, hostBytes: Rig<ModelSubject>.hostBytes, regionBytes: Rig<ModelSubject>.regionBytes)
        var comparison = try Comparison(model: model) {
            try QEMUSubject(
                .igb, hostBytes: Rig<QEMUSubject>.hostBytes, regionBytes: Rig<QEMUSubject>.regionBytes,
                macAddress: station)
        }
        for batch in try recorded() + random() {
            do {
                for difference in try comparison.compare(batch) {
                    print("FAIL  \(difference)")
                }
            } catch {
                print("in this batch:\n  " + batch.map(\.line).joined(separator: "\n  "))
                throw error
            }
        }
        let leaks = comparison.payloadInHostMemory()
        print(
            "\(comparison.compared) frames compared between \(comparison.version)'s igb and \(model.name), \(comparison.different) answered differently, \(comparison.fatal) that QEMU did not survive; \(comparison.windows.count) words of split payload looked for in QEMU's RAM, \(leaks) found"
        )
        let failures = comparison.different + (leaks == 0 ? 0 : 1)
        let checks = comparison.compared + 1
        print("\(checks - failures) passed, \(failures) failed")
        // A QEMU that dies of everything compares nothing.
        if failures != 0 || comparison.fatal * 50 > comparison.compared || comparison.windows.isEmpty {
            throw ExitCode.failure
        }
    }

    /// The vectors of the files, in batches of equal settings.
    private func recorded() throws -> [[Vector]] {
        var groups: [Settings: [Vector]] = [:]
        var order: [Settings] = []
        for path in vectors {
            let found = try VectorFile.read(path)
            guard !found.isEmpty else { throw ConformanceError("\(path) holds no vectors") }
            for vector in found {
                if groups[vector.settings] == nil { order.append(vector.settings) }
                groups[vector.settings, default: []].append(vector)
            }
        }
        return order.flatMap { settings in
            let all = groups[settings] ?? []
            return stride(from: 0, to: all.count, by: Comparison.batch).map {
                Array(all[$0..<min($0 + Comparison.batch, all.count)])
            }
        }
    }

    private func random() -> [[Vector]] {
        var generator = FrameGenerator(seed: seed, station: station)
        var draw = SeededGenerator(seed: seed, stream: 0x5E7)
        return stride(from: 0, to: frames, by: Comparison.batch).map { start in
            let settings = Settings(random: &draw)
            return (start..<min(start + Comparison.batch, frames)).map { number in
                Vector(
                    name: "seed \(seed) frame \(number)", settings: settings,
                    frame: generator.next(longest: Comparison.longest))
            }
        }
    }
}
