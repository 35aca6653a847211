internal import NICRegisters

/// What a device did in a self-test, as text that can be sent to somebody who does not have the device.
///
/// One statement a line, the first word says which:
///
///     uiodrv-report 1                          the format's version, always first
///     about KEY TEXT                           device, identity, versions: for people
///     set KEY NUMBER                           family-independent settings that the frames depend on
///     mac BYTES                                the station address, hexadecimal
///     r NAME NUMBER, w NAME NUMBER             register reads and writes of the bring-up, in order
///     frame KIND net=N tcp=N tag=N payload=N port=N seed=N
///     answer queue=N split=S checksum=S words=N,N.. header=BYTES payload=N:DIGEST
///     nothing                                  instead of an answer: no frame came back
///     end N                                    number of lines before it, always last
///
/// A frame's bytes follow from its line; payload is told by length and digest alone.
public struct SiliconReport: Sendable, Equatable {
    /// The newest version that is understood.
    public static let version = 1

    /// For people: keys without blanks.
    public var about: [(key: String, text: String)] = []
    /// The family, as devices are named.
    public var family: NICFamily
    /// The port's set-up.
    public var queues = 2
    /// Largest IP packet.
    public var mtu = 1500
    /// Seed of the RSS key.
    public var seed: UInt64 = 1
    /// The station address, 6 bytes.
    public var macAddress: [UInt8] = []
    /// Accesses of the bring-up, by the registers' names.
    public var accesses: [RegisterAccessRecord] = []
    /// Frames and answers.
    public var vectors: [FrameVector] = []

    /// A report without content.
    public init(family: NICFamily) { self.family = family }

    public static func == (a: SiliconReport, b: SiliconReport) -> Bool {
        a.text == b.text
    }

    /// The report as text.
    public var text: String {
        let catalog = RegisterCatalog(family)
        var lines = ["uiodrv-report \(Self.version)"]
        lines += about.map { "about \($0.key) \($0.text)" }
        lines += [
            "family \(family.rawValue)", "set queues \(queues)", "set mtu \(mtu)", "set seed \(seed)",
            "mac \(Self.hex(macAddress))",
        ]
        lines += accesses.map { access in
            let name = catalog.name(at: access.offset)
            return "\(access.isWrite ? "w" : "r") \(name) \(hexadecimal(UInt64(access.value)))"
        }
        for vector in vectors {
            lines.append(Self.line(vector.frame))
            lines.append(vector.answer.map(Self.line) ?? "nothing")
        }
        lines.append("end \(lines.count)")
        return lines.joined(separator: "\n") + "\n"
    }

    static func line(_ frame: LoopbackFrame) -> String {
        "frame \(frame.kind.rawValue) net=\(frame.networkLength) tcp=\(frame.transportLength) tag=\(frame.tagged ? 1 : 0) payload=\(frame.payloadLength) port=\(frame.port) seed=\(frame.seed)"
    }

    static func line(_ answer: FrameVector.Answer) -> String {
        let words = answer.words.map { hexadecimal($0) }.joined(separator: ",")
        return
            "answer queue=\(answer.queue) split=\(answer.split) checksum=\(answer.checksum) words=\(words) header=\(hex(answer.header)) payload=\(answer.payloadLength):\(hexadecimal(answer.payloadDigest))"
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { hexadecimal(UInt64($0), digits: 2, prefix: "") }.joined()
    }
}
