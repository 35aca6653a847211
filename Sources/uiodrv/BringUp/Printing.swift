import Foundation
import Sessions

/// Prints a result as one JSON object.
func printJSON(_ result: some Encodable) {
    // Results are plain numbers and texts: they always encode.
    print(String(decoding: encodeJSON(result) ?? [], as: UTF8.self))
}

/// At least `digits` hexadecimal digits.
func hex(_ value: some BinaryInteger, _ digits: Int = 4) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(digits - text.count, 0)) + text
}
