/// An IPv4 address.
@frozen public struct IPv4Address: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// The address in host order: 10.0.0.1 is `0x0A000001`.
    public let rawValue: UInt32

    /// Wraps an address in host order.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Four bytes as written.
    @inlinable public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        rawValue = UInt32(a) &<< 24 | UInt32(b) &<< 16 | UInt32(c) &<< 8 | UInt32(d)
    }

    /// Parses four decimal numbers separated by dots, without signs or superfluous zeros; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard !part.isEmpty, part.utf8.count <= 3, part.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
                part.utf8.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        rawValue = value
    }

    /// 0.0.0.0.
    @inlinable public static var any: IPv4Address { IPv4Address(rawValue: 0) }
    /// 255.255.255.255.
    @inlinable public static var broadcast: IPv4Address { IPv4Address(rawValue: .max) }

    /// Class D (RFC 1112).
    @inlinable public var isMulticast: Bool { rawValue &>> 28 == 0xE }
    /// 127.0.0.0/8, never on a wire (RFC 1122, section 3.2.1.3).
    @inlinable public var isLoopback: Bool { rawValue &>> 24 == 127 }

    /// The netmask of a prefix of `length` bits, clamped to `0...32`.
    @inlinable public static func mask(prefixLength length: Int) -> UInt32 {
        length <= 0 ? 0 : length >= 32 ? .max : ~(UInt32.max &>> UInt32(truncatingIfNeeded: length))
    }

    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }
}
