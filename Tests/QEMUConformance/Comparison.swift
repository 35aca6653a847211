import DeviceMemory
import VFIODriver

/// Gives the same frames to both controllers under the same set-up and compares everything that they left behind.
struct Comparison<Theirs: Rig, Ours: Rig> where Theirs.S == QEMUSubject, Ours.S == ModelSubject {
    private var qemu: Theirs
    private let makeQEMU: () throws -> QEMUSubject
    private let model: Ours
    private var marks: UInt32 = 0
    /// Frames that were compared.
    private(set) var compared = 0
    /// Frames about which the two differ.
    private(set) var different = 0
    /// Frames that QEMU did not survive: nothing to compare with.
    private(set) var fatal = 0
    /// Parts of payload that were split off, to be looked for in host memory.
    private(set) var windows: Set<UInt64> = []

    init(model: ModelSubject, makeQEMU: @escaping () throws -> QEMUSubject) throws {
        self.model = Ours(subject: model)
        self.makeQEMU = makeQEMU
        qemu = Theirs(subject: try makeQEMU())
        try qemu.bringUp()
        try self.model.bringUp()
    }

    /// What QEMU calls itself.
    var version: String { qemu.subject.name }

    /// Compares a batch; when it differs, each frame by itself. Returns what is to be said about it.
    mutating func compare(_ vectors: [Vector]) throws -> [String] {
        guard let settings = vectors.first?.settings else { return [] }
        if let found = try differences(settings, vectors.map(\.frame)), found.isEmpty {
            compared += vectors.count
            return []
        }
        var report: [String] = []
        let survived = fatal
        for vector in vectors {
            guard let found = try differences(settings, [vector.frame]) else {
                fatal += 1
                print("QEMU does not survive \(vector.line)")
                continue
            }
            compared += 1
            if !found.isEmpty { report.append("\(vector.line)\n    " + found.prefix(6).joined(separator: "\n    ")) }
        }
        // A difference that no frame shows alone depends on its neighbours.
        if report.isEmpty && fatal == survived {
            report = ["only together:\n  " + vectors.map(\.line).joined(separator: "\n  ")]
        }
        different += report.count
        return report
    }

    /// `nil` when QEMU ended over it; another one has taken its place then.
    private mutating func differences(_ settings: Settings, _ frames: [[UInt8]]) throws -> [String]? {
        marks += 1
        let mark = marker(marks)
        let theirs: Image
        do {
            theirs = try Self.run(qemu, settings, frames, mark)
        } catch {
            qemu.subject.machine.look()
            guard qemu.subject.machine.isGone else { throw error }
            qemu = Theirs(subject: try makeQEMU())
            try qemu.bringUp()
            return nil
        }
        let ours = try Self.run(model, settings, frames, mark)
        collect(settings, theirs)
        return theirs.differences(
            ours, headerSize: Theirs.headerSize, slotSize: Theirs.slotSize,
            perQueue: Theirs.descriptors)
    }

    private static func run<R: Rig>(
        _ rig: R, _ settings: Settings, _ frames: [[UInt8]], _ mark: [UInt8]
    ) throws -> Image {
        rig.prepare(settings)
        for frame in frames { try rig.subject.inject(frame) }
        // What is refused leaves no trace: a frame that no filter touches says when all are through.
        try rig.subject.inject(mark)
        try rig.subject.settle { rig.hasArrived(settings, mark) }
        return rig.image(settings)
    }

    /// A frame of a protocol that nobody knows, different each time.
    private func marker(_ number: UInt32) -> [UInt8] {
        var frame = station + [2, 0, 0, 0, 0, 9, 0x88, 0xB5]
        for shift in [24, 16, 8, 0] { frame.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
        return frame + [UInt8](repeating: 0x5A, count: 60 - frame.count)
    }

    /// Remembers parts of the payload that the controller put into the region of its own accord, after a split.
    private mutating func collect(_ settings: Settings, _ image: Image) {
        for queue in 0..<Theirs.queues {
            for (index, words) in image.descriptors[queue].enumerated() where !words.isEmpty {
                guard let length = qemu.splitPayload(settings, words), length >= 64, windows.count < 1 << 20 else {
                    continue
                }
                let start = (queue * Theirs.descriptors + index) * Theirs.slotSize
                for offset in stride(from: 16, to: min(length, Theirs.slotSize) - 8, by: 8) {
                    var word: UInt64 = 0
                    for byte in 0..<8 { word |= UInt64(image.payload[start + offset + byte]) << UInt64(8 * byte) }
                    windows.insert(word)
                }
            }
        }
    }

    /// Positions of QEMU's RAM that hold payload of split frames, once what was posted for whole frames is cleared.
    func payloadInHostMemory() -> Int {
        qemu.subject.host.bytes.fill(0)
        let memory = qemu.subject.machine.memory.readOnly
        return (0...(memory.count - 8)).count { offset in
            let word = memory.le64(offset)
            return word != 0 && windows.contains(word)
        }
    }
}
