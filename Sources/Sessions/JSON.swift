internal import Foundation

/// Snake-case keys, sorted, so that equal results print equally.
public func encodeJSON<T: Encodable>(_ value: T) -> [UInt8]? {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return nil }
    return Array(data)
}

func decodeJSON<T: Decodable>(_ type: T.Type, _ bytes: [UInt8]) -> T? {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try? decoder.decode(type, from: Data(bytes))
}
