/// Where a PCI function sits: domain, bus, device, function, written `0000:01:00.0`.
public struct PCIAddress: Hashable, Comparable, Sendable, CustomStringConvertible, Encodable {
    /// PCI segment; 16 bits but for domains that the kernel numbers itself (Intel VMD).
    public let domain: UInt32
    /// Bus number within the domain.
    public let bus: UInt8
    /// Device number on the bus, 0 to 31.
    public let device: UInt8
    /// Function number of the device, 0 to 7.
    public let function: UInt8

    init(domain: UInt32, bus: UInt8, device: UInt8, function: UInt8) {
        self.domain = domain
        self.bus = bus
        self.device = device
        self.function = function
    }

    /// Reads `0000:01:00.0`, or `01:00.0` of domain 0; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3 else { return nil }
        let last = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
        guard last.count == 2, last[0].utf8.count == 2, last[1].utf8.count == 1,
            parts[parts.count - 2].utf8.count == 2,
            let domain = parts.count == 3 ? Self.hexadecimal(parts[0]) : 0,
            let bus = Self.hexadecimal(parts[parts.count - 2]).flatMap({ UInt8(exactly: $0) }),
            let device = Self.hexadecimal(last[0]), device < 32,
            let function = Self.hexadecimal(last[1]), function < 8
        else { return nil }
        if parts.count == 3, !(4...8).contains(parts[0].utf8.count) { return nil }
        self.init(domain: domain, bus: bus, device: UInt8(device), function: UInt8(function))
    }

    /// Reads an address.
    ///
    /// - Throws: ``BringUpError/badAddress(_:)``.
    public init(parsing text: String) throws(BringUpError) {
        guard let address = PCIAddress(text) else { throw .badAddress(text) }
        self = address
    }

    /// Digits alone: the library's parser would take a sign.
    private static func hexadecimal(_ text: Substring) -> UInt32? {
        text.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") } ? UInt32(text, radix: 16) : nil
    }

    /// The form that sysfs uses.
    public var description: String {
        "\(hex(domain, 4)):\(hex(UInt32(bus), 2)):\(hex(UInt32(device), 2)).\(function)"
    }

    public static func < (a: PCIAddress, b: PCIAddress) -> Bool {
        (a.domain, a.bus, a.device, a.function) < (b.domain, b.bus, b.device, b.function)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// `value` in hexadecimal with at least `digits` digits.
func hex(_ value: some BinaryInteger, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(digits - text.utf8.count, 0)) + text
}
