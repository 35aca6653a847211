/// An address of either family.
///
/// IPv4 addresses are kept as RFC 4291, section 2.5.5.2 maps them into IPv6, which no datagram carries: sixteen bytes, no tag,
/// and equal where family and address are.
@frozen public struct InternetAddress: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// The address, mapped if it is IPv4.
    public let mapped: IPv6Address

    /// An IPv4 address.
    @inlinable public init(_ address: IPv4Address) {
        mapped = IPv6Address(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.rawValue))
    }

    /// An IPv6 address; one that is a mapped IPv4 address counts as IPv4.
    @inlinable public init(_ address: IPv6Address) { mapped = address }

    /// Parses either family's text; `nil` for anything else.
    public init?(_ text: String) {
        if let address = IPv4Address(text) {
            self.init(address)
        } else if let address = IPv6Address(text) {
            self.init(address)
        } else {
            return nil
        }
    }

    @inlinable public var isIPv4: Bool { mapped.isMappedIPv4 }
    @inlinable public var isIPv6: Bool { !mapped.isMappedIPv4 }

    /// The IPv4 address; `nil` for IPv6.
    @inlinable public var ipv4: IPv4Address? {
        isIPv4 ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: mapped.low)) : nil
    }

    /// The IPv6 address; `nil` for IPv4.
    @inlinable public var ipv6: IPv6Address? { isIPv4 ? nil : mapped }

    /// As ``IPv4Address`` and ``IPv6Address`` write it.
    public var description: String { ipv4?.description ?? mapped.description }

    /// With a port: `10.0.0.1:80`, `[fe80::1]:80` (RFC 3986, section 3.2.2).
    public func description(port: UInt16) -> String { isIPv4 ? "\(self):\(port)" : "[\(self)]:\(port)" }

    /// Parses an address and a port, of IPv6 the address in brackets; `nil` for anything else.
    public static func parse(withPort text: String) -> (address: InternetAddress, port: UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port != 0,
            text[text.index(after: colon)...].allSatisfy(\.isNumber)
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            return IPv6Address(String(host.dropFirst().dropLast())).map { (InternetAddress($0), port) }
        }
        return IPv4Address(String(host)).map { (InternetAddress($0), port) }
    }
}
