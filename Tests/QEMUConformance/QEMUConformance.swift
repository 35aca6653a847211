import ArgumentParser
import DeviceMemory
import SoftNIC
import Timeline
import VFIODriver

/// Frames of one batch: few enough that every queue has descriptors for all of them, whatever their length.
let batchSize = 12
/// Longest payload in a frame: four buffers of the smallest size.
let longestPayload = 3600
/// The address of both controllers.
let station: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]

@main struct QEMUConformance: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Gives the same frames to QEMU's controller and to the model of it, and compares what they write.")

    @Option(help: "Controller: igb or e1000e.")
    var family = "igb"
    @Option(help: "File of vectors, as in Tests/Vectors; may be given more than once.")
    var vectors: [String] = []
    @Option(help: "Frames to make up.")
    var frames = 2400
    @Option(help: "Seed of the frames that are made up.")
    var seed: UInt64 = 1

    func run() throws {
        do {
            switch family {
            case "igb":
                try compare(.igb, .i82576, I82576Rig<QEMUSubject>.self, I82576Rig<ModelSubject>.self)
            case "e1000e":
                try compare(.e1000e, .i82574, I82574Rig<QEMUSubject>.self, I82574Rig<ModelSubject>.self)
            default: throw ConformanceError("there is no controller \(family); use igb or e1000e")
            }
        } catch let error as ExitCode {
            throw error
        } catch {
            print("FAIL  \(error)\n0 passed, 1 failed")
            throw ExitCode.failure
        }
    }

    private func compare<Theirs: Rig, Ours: Rig>(
        _ family: NICFamily, _ model: SoftNICModel, _ theirs: Theirs.Type, _ ours: Ours.Type
    ) throws where Theirs.S == QEMUSubject, Ours.S == ModelSubject {
        var configuration = SoftNICConfiguration(model: model, preset: .qemu, macAddress: station)
        configuration.payloadDelay = .off
        let model = try ModelSubject(configuration, hostBytes: Ours.hostBytes, regionBytes: Ours.regionBytes)
        var comparison = try Comparison<Theirs, Ours>(model: model) {
            try QEMUSubject(
                family, hostBytes: Theirs.hostBytes, regionBytes: Theirs.regionBytes, macAddress: station)
        }
        for batch in try recorded() + random(family) {
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
            "\(comparison.compared) frames compared between \(comparison.version)'s \(family.rawValue) and \(model.name), \(comparison.different) answered differently, \(comparison.fatal) that QEMU did not survive; \(comparison.windows.count) words of split payload looked for in QEMU's RAM, \(leaks) found"
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
            return stride(from: 0, to: all.count, by: batchSize).map {
                Array(all[$0..<min($0 + batchSize, all.count)])
            }
        }
    }

    private func random(_ family: NICFamily) -> [[Vector]] {
        var generator = FrameGenerator(seed: seed, station: station)
        var draw = SeededGenerator(seed: seed, stream: 0x5E7)
        return stride(from: 0, to: frames, by: batchSize).map { start in
            let settings = Settings(for: family, random: &draw)
            return (start..<min(start + batchSize, frames)).map { number in
                Vector(
                    name: "seed \(seed) frame \(number)", settings: settings,
                    frame: generator.next(longest: longestPayload))
            }
        }
    }
}
