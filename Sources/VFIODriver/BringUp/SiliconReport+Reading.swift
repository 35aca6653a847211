internal import NICRegisters

extension SiliconReport {
    /// Reads a report; an error names the line that is wrong.
    public init(parsing text: String) throws(DriverError) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        guard let first = lines.first, first.hasPrefix("uiodrv-report ") else {
            throw .badReport(line: 1, why: "does not say uiodrv-report")
        }
        guard first == "uiodrv-report \(Self.version)" else {
            throw .badReport(line: 1, why: "has a version other than \(Self.version)")
        }
        guard lines.last == "end \(lines.count - 1)" else {
            throw .badReport(
                line: lines.count, why: "is not the end that the report must have, so that its rest is missing")
        }
        var reader = ReportReader()
        for (index, line) in lines.dropFirst().dropLast().enumerated() {
            if let why = reader.take(line) { throw .badReport(line: index + 2, why: why) }
        }
        if let why = reader.missing { throw .badReport(line: lines.count, why: why) }
        self = reader.report
    }
}

/// A report while its lines are read.
private struct ReportReader {
    var report = SiliconReport(family: .igb)
    private var hasFamily = false
    private var offsets: [String: UInt32] = [:]
    private var pending: LoopbackFrame?

    /// What the report lacks at its end.
    var missing: String? {
        if !hasFamily { return "comes before any family" }
        if pending != nil { return "comes after a frame without an answer" }
        return report.macAddress.count == 6 ? nil : "comes before any mac"
    }

    /// Takes a line in; what is wrong with it, or `nil`.
    mutating func take(_ line: String) -> String? {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let rest = Array(words.dropFirst())
        guard (pending != nil) == (words[0] == "answer" || words[0] == "nothing") else {
            return pending == nil ? "answers no frame" : "comes where the answer to a frame must be"
        }
        switch words[0] {
        case "about" where rest.count >= 2:
            report.about.append((rest[0], rest.dropFirst().joined(separator: " ")))
            return nil
        case "family" where rest.count == 1: return takeFamily(rest[0])
        case "set" where rest.count == 2: return takeSetting(rest[0], rest[1])
        case "mac" where rest.count == 1:
            guard let bytes = bytes(rest[0]), bytes.count == 6 else { return "holds no address of 6 bytes" }
            report.macAddress = bytes
            return nil
        case "r" where rest.count == 2: return takeAccess(false, rest)
        case "w" where rest.count == 2: return takeAccess(true, rest)
        case "frame" where rest.count == 7: return takeFrame(rest)
        case "answer" where rest.count == 6: return takeAnswer(rest)
        case "nothing" where rest.isEmpty: return finish(nil)
        default: return "cannot be read (\(line.prefix(40)))"
        }
    }

    private mutating func takeFamily(_ name: String) -> String? {
        guard let family = NICFamily(rawValue: name) else {
            return "names a family that this program does not know"
        }
        report.family = family
        hasFamily = true
        for register in RegisterCatalog(family).registers { offsets[register.name] = register.offset }
        return nil
    }

    private mutating func takeSetting(_ key: String, _ value: String) -> String? {
        guard let number = number(value) else { return "holds no number" }
        switch key {
        case "queues" where (1...15).contains(number): report.queues = Int(number)
        case "mtu" where (576...9702).contains(number): report.mtu = Int(number)
        case "seed": report.seed = number
        default: return "sets \(key) to what it cannot be"
        }
        return nil
    }

    private mutating func takeAccess(_ isWrite: Bool, _ words: [String]) -> String? {
        guard let value = number(words[1]).flatMap({ UInt32(exactly: $0) }) else { return "holds no number of 32 bits" }
        let offset = offsets[words[0]] ?? number(words[0]).flatMap { UInt32(exactly: $0) }
        guard let offset, offset & 3 == 0 else { return "names no register of the family" }
        report.accesses.append(RegisterAccessRecord(isWrite: isWrite, offset: offset, value: value))
        return nil
    }

    private mutating func takeFrame(_ words: [String]) -> String? {
        var frame = LoopbackFrame()
        let keys = ["net", "tcp", "tag", "payload", "port", "seed"]
        let values = zip(keys, words.dropFirst()).compactMap { number(value($1, of: $0)) }
        guard let kind = LoopbackFrame.Kind(rawValue: words[0]), values.count == 6 else { return "is no frame" }
        guard (20...60).contains(values[0]), values[0] % 4 == 0, (20...60).contains(values[1]), values[1] % 4 == 0,
            values[2] <= 1, values[3] <= 9000, values[4] <= 65535
        else { return "is a frame that cannot be" }
        frame.kind = kind
        frame.networkLength = Int(values[0])
        frame.transportLength = Int(values[1])
        frame.tagged = values[2] == 1
        frame.payloadLength = Int(values[3])
        frame.port = UInt16(values[4])
        frame.seed = values[5]
        pending = frame
        return nil
    }

    private mutating func takeAnswer(_ words: [String]) -> String? {
        let payload = value(words[5], of: "payload")?.split(separator: ":").map(String.init) ?? []
        guard let queue = number(value(words[0], of: "queue")), queue < 128,
            let split = value(words[1], of: "split"), let checksum = value(words[2], of: "checksum"),
            let list = value(words[3], of: "words"), let header = value(words[4], of: "header").flatMap(bytes),
            payload.count == 2, let length = number(payload[0]), length <= 65535, let digest = number(payload[1])
        else { return "is no answer" }
        let descriptor = list.split(separator: ",").compactMap { number(String($0)) }
        return finish(
            FrameVector.Answer(
                queue: Int(queue), split: split, checksum: checksum, words: descriptor, header: header,
                payloadLength: Int(length), payloadDigest: digest))
    }

    private mutating func finish(_ answer: FrameVector.Answer?) -> String? {
        if let pending { report.vectors.append(FrameVector(frame: pending, answer: answer)) }
        pending = nil
        return nil
    }

    private func value(_ word: String, of key: String) -> String? {
        word.hasPrefix(key + "=") ? String(word.dropFirst(key.count + 1)) : nil
    }

    private func number(_ text: String?) -> UInt64? {
        guard let text else { return nil }
        return text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    private func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text)
        guard digits.count % 2 == 0 else { return nil }
        let result = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        return result.count == digits.count / 2 ? result : nil
    }
}
