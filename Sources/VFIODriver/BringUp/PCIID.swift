/// A 16-bit id of a vendor, device or class, written as four hexadecimal digits everywhere.
public struct PCIID: Hashable, Sendable, Encodable, CustomStringConvertible {
    /// The number.
    public let rawValue: UInt16

    init(_ rawValue: UInt16) { self.rawValue = rawValue }

    public var description: String { hex(rawValue, 4) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
