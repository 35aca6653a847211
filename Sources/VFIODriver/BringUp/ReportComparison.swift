public import DeviceMemory
internal import NICRegisters
public import Timeline

/// Something that another device does otherwise than the one of a report.
public struct ReportDifference: Codable, Sendable, Equatable {
    /// A register, or a frame.
    public let subject: String
    /// What the report says.
    public let reported: String
    /// What the other device did.
    public let seen: String
}

/// Makes another device do what a report says, and tells where it answers differently.
public enum ReportComparison {
    /// Longest polling for a register that the report shows with another value, per access.
    private static var patience: Int { 2000 }

    /// Repeats the register accesses of a report's bring-up on a device that was just reset.
    ///
    /// Reads in a row are one poll, of which the last counts. Counters are not compared, because they hold what
    /// happened before, nor words of the NVM, which are the board's own.
    public static func registers<B: Bus>(
        _ report: SiliconReport, on bus: B, wait: (Interval) -> Void
    ) -> [ReportDifference] {
        let catalog = RegisterCatalog(report.family)
        var described: [UInt32: RegisterDescription] = [:]
        for register in catalog.registers { described[register.offset] = register.description }
        let nvmRead = report.family == .ixgbe ? I82599.eerd.offset : Intel8257x.eerd.offset
        var differences: [ReportDifference] = []
        var index = 0
        while index < report.accesses.count {
            let access = report.accesses[index]
            wait(.microseconds(20))
            guard !access.isWrite else {
                bus.write32(access.offset, access.value)
                index += 1
                continue
            }
            var count = 1
            while index + count < report.accesses.count, !report.accesses[index + count].isWrite,
                report.accesses[index + count].offset == access.offset
            {
                count += 1
            }
            let reported = report.accesses[index + count - 1].value
            // What an NVM holds is the board's own: only that it answered is compared.
            let ownBits = access.offset == nvmRead ? UInt32(0xFFFF_0000) : 0
            let expected = reported & ~ownBits
            index += count
            let description = described[access.offset]
            let keepsState = !(description?.readChangesState ?? true)
            var value = bus.read32(access.offset) & ~ownBits
            for _ in 1..<(keepsState ? patience : max(count, 2)) where value != expected && (keepsState || count > 1) {
                wait(.milliseconds(1))
                value = bus.read32(access.offset) & ~ownBits
            }
            guard value != expected, description?.access != .readClear else { continue }
            let difference = ReportDifference(
                subject: "register \(catalog.name(at: access.offset))",
                reported: text(expected, against: value, description),
                seen: text(value, against: expected, description))
            if !differences.contains(difference) { differences.append(difference) }
        }
        return differences
    }

    /// A value with the fields in which it differs from `other`.
    private static func text(_ value: UInt32, against other: UInt32, _ description: RegisterDescription?) -> String {
        let fields = (description?.fields ?? []).filter { $0.value(in: value) != $0.value(in: other) }
        let names = fields.map { "\($0.name)=\($0.value(in: value))" }.joined(separator: " ")
        return hexadecimal(UInt64(value)) + (names.isEmpty ? "" : " (\(names))")
    }

    /// Compares a report's frames with what another device did with the same ones.
    public static func frames(_ report: SiliconReport, _ seen: [FrameVector]) -> [ReportDifference] {
        var differences: [ReportDifference] = []
        for (reported, other) in zip(report.vectors, seen) where reported.answer != other.answer {
            let subject = SiliconReport.line(reported.frame)
            guard let a = reported.answer, let b = other.answer else {
                differences.append(
                    ReportDifference(
                        subject: subject, reported: reported.answer == nil ? "nothing came back" : "it came back",
                        seen: other.answer == nil ? "nothing came back" : "it came back"))
                continue
            }
            let pairs = zip(parts(a), parts(b)).filter { $0 != $1 }
            differences.append(
                ReportDifference(
                    subject: subject, reported: pairs.map { $0.0 }.joined(separator: ", "),
                    seen: pairs.map { $0.1 }.joined(separator: ", ")))
        }
        return differences
    }

    private static func parts(_ answer: FrameVector.Answer) -> [String] {
        SiliconReport.line(answer).split(separator: " ").dropFirst().map(String.init)
    }
}
