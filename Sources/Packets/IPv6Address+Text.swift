/// The text form of RFC 5952.
extension IPv6Address: CustomStringConvertible {
    /// Parses what RFC 4291, section 2.2 allows: eight groups of up to four hexadecimal digits, one run of zero groups left
    /// out as `::`, the last two groups as an IPv4 address if need be. `nil` for anything else, zones and prefixes included.
    public init?(_ text: String) {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = Substring(text)
        if rest.hasPrefix("::") {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let part = rest.prefix { $0 != ":" }
            if part.contains(".") {
                // Only the end may look like this.
                guard part.endIndex == rest.endIndex, let address = IPv4Address(String(part)) else { return nil }
                groups += [
                    UInt16(truncatingIfNeeded: address.rawValue >> 16), UInt16(truncatingIfNeeded: address.rawValue),
                ]
                break
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(IPv6Address.isDigit),
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
            rest = rest[part.endIndex...]
            if rest.hasPrefix("::") {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix(":") {
                rest = rest.dropFirst()
                guard !rest.isEmpty else { return nil }
            }
        }
        // `::` stands for at least one group (RFC 5952, section 4.2.2 allows one on input).
        guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
        if let gap { groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap) }
        high = groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) }
        low = groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...70, 97...102: true
        default: false
        }
    }

    /// Lower case, no leading zeros, the first of the longest runs of two or more zero groups as `::` (RFC 5952, section 4),
    /// and mapped IPv4 addresses with dots (section 5).
    public var description: String {
        if isMappedIPv4 { return "::ffff:\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)))" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - 16 * ($0 & 3))) }
        var gap = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8 && groups[end] == 0 { end += 1 }
            if end - start > max(gap.count, 1) { gap = start..<end }
            start = max(end, start) + 1
        }
        func text(_ range: Range<Int>) -> String { groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        return gap.isEmpty ? text(0..<8) : "\(text(0..<gap.lowerBound))::\(text(gap.upperBound..<8))"
    }
}
