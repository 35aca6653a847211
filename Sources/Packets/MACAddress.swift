/// A 48-bit Ethernet address.
@frozen public struct MACAddress: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// The address in the low 48 bits, first byte on the wire uppermost.
    public let rawValue: UInt64

    /// Keeps the low 48 bits of `rawValue`.
    @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

    /// Six bytes as on the wire.
    @inlinable public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ e: UInt8, _ f: UInt8) {
        let high = UInt64(a) &<< 40 | UInt64(b) &<< 32 | UInt64(c) &<< 24
        rawValue = high | UInt64(d) &<< 16 | UInt64(e) &<< 8 | UInt64(f)
    }

    /// Parses six pairs of hexadecimal digits separated by colons or hyphens; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
        guard parts.count == 6 else { return nil }
        var value: UInt64 = 0
        for part in parts {
            guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let byte = UInt8(part, radix: 16) else {
                return nil
            }
            value = value << 8 | UInt64(byte)
        }
        rawValue = value
    }

    /// All ones: every station.
    @inlinable public static var broadcast: MACAddress { MACAddress(rawValue: 0xFFFF_FFFF_FFFF) }
    /// All zero: no station.
    @inlinable public static var zero: MACAddress { MACAddress(rawValue: 0) }

    /// Whether the group bit (IEEE 802.3, 3.2.3) is set: multicast or broadcast.
    @inlinable public var isGroup: Bool { rawValue &>> 40 & 1 != 0 }

    public var description: String {
        (0..<6).map { i in
            let byte = UInt8(truncatingIfNeeded: rawValue >> UInt64(40 - 8 * i))
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined(separator: ":")
    }
}
