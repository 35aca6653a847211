public import DeviceMemory
internal import NICRegisters
public import Timeline

/// What the NVM holds: station address, checksum, and what the family's datasheet says of its words.
public struct NVMReport: Codable, Sendable, Equatable {
    /// A word and its meaning.
    public struct Word: Codable, Sendable, Equatable {
        /// Position, in words of 16 bits.
        public let address: Int
        /// The word.
        public let value: UInt16
        /// What it is, where it is known.
        public let meaning: String?
    }

    /// The words that the checksum covers.
    public let words: [Word]
    /// The station address, as text.
    public let macAddress: String
    /// What the words add up to, modulo 2^16.
    public let sum: UInt16
    /// Whether that is 0xBABA.
    public let checksumRight: Bool

    /// Reads the NVM of an 82574 or 82576 through EERD.
    public static func read<B: Bus>(
        _ bus: B, _ family: NICFamily, wait: (Interval) -> Void
    ) throws(DriverError) -> NVMReport {
        guard family != .ixgbe else { throw .nvmUnknown(family: family) }
        let port = Intel8257xPort(registers: bus)
        var values: [UInt16] = []
        for word in 0..<UInt32(Intel8257x.nvmChecksumWords) { values.append(try port.readNVM(word, wait: wait)) }
        let sum = values.reduce(0 as UInt16) { $0 &+ $1 }
        let mac = values.prefix(3).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
        return NVMReport(
            words: values.enumerated().map { Word(address: $0.offset, value: $0.element, meaning: meaning($0.offset)) },
            macAddress: mac.map { hexadecimal(UInt64($0), digits: 2, prefix: "") }.joined(separator: ":"),
            sum: sum, checksumRight: sum == Intel8257x.nvmChecksum)
    }

    /// 82576 datasheet, section 6.2 (hardware accessed words) and 6.3 (software); the 82574 has the same up to 0x0F.
    private static func meaning(_ address: Int) -> String? {
        switch address {
        case 0...2: "Ethernet individual address"
        case 0x03: "compatibility"
        case 0x05: "image version"
        case 0x08, 0x09: "printed board assembly"
        case 0x0A: "initialization control 1"
        case 0x0B: "subsystem id"
        case 0x0C: "subsystem vendor id"
        case 0x0D: "device id"
        case 0x0E: "vendor id"
        case 0x0F: "initialization control 2"
        case 0x37: "alternate Ethernet address pointer"
        case 0x3F: "checksum"
        default: nil
        }
    }
}

/// A number as hexadecimal digits, padded with zeros.
public func hexadecimal(_ value: UInt64, digits: Int = 1, prefix: String = "0x") -> String {
    let text = String(value, radix: 16)
    return prefix + String(repeating: "0", count: max(digits - text.count, 0)) + text
}
