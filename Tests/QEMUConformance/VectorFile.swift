import Foundation

/// One frame under one set-up.
struct Vector {
    var name: String
    var settings: Settings
    var frame: [UInt8]
    /// What QEMU was recorded to answer, as the file has it; `nil` for a frame that was just made up.
    var recorded: String?

    /// The line of a vector file, without an answer.
    var line: String {
        ([name] + settings.fields.map(String.init) + [hex(frame)]).joined(separator: "|")
    }
}

/// The format of `Tests/Vectors`: a line a vector, `name|settings|frame|RDH|answers`, and comments with a number sign.
enum VectorFile {
    static func read(_ path: String) throws -> [Vector] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 11, let settings = Settings(fields: fields[1...9]), let frame = bytes(fields[10])
            else { return nil }
            return Vector(
                name: fields[0], settings: settings, frame: frame,
                recorded: fields.count >= 13 ? fields[11] + "|" + fields[12] : nil)
        }
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        return (0..<(digits.count / 2)).map { index in
            func nibble(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
            return nibble(digits[2 * index]) << 4 | nibble(digits[2 * index + 1])
        }
    }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func hex(_ word: UInt64) -> String {
    let text = String(word, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
}
