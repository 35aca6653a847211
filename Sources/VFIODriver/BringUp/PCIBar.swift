public import DeviceMemory

/// A base address register with the size of its window.
public struct PCIBar: Encodable, Sendable, Hashable, CustomStringConvertible {
    /// What it decodes.
    public enum Kind: String, Encodable, Sendable {
        case memory, io
    }

    /// Number of its (first) register, 0 to 5.
    public let index: Int
    /// Memory or I/O ports.
    public let kind: Kind
    /// Where it is now; 0 when it was given no address.
    public let address: UInt64
    /// Length in bytes; `nil` when it is not known.
    public let sizeBytes: UInt64?
    /// Takes two registers and an address beyond 4 GiB.
    public let is64Bit: Bool
    /// Reads have no side effects.
    public let isPrefetchable: Bool

    /// Smallest page of the machines this runs on; a smaller window shares its page with others and is not mapped.
    static let page: UInt64 = 4096

    /// Whether a process can map it.
    public var isMappable: Bool { kind == .memory && (sizeBytes ?? 0) >= Self.page }

    private enum CodingKeys: String, CodingKey {
        case index, kind, address, sizeBytes
        case is64Bit = "is64_bit"
        case isPrefetchable, isMappable
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(index, forKey: .index)
        try container.encode(kind, forKey: .kind)
        try container.encode(address, forKey: .address)
        try container.encode(sizeBytes, forKey: .sizeBytes)
        try container.encode(is64Bit, forKey: .is64Bit)
        try container.encode(isPrefetchable, forKey: .isPrefetchable)
        try container.encode(isMappable, forKey: .isMappable)
    }

    /// One line: what, how long, where.
    public var description: String {
        let size = sizeBytes.map { PCIBar.size($0) } ?? "unknown size"
        let place = address == 0 ? "not assigned" : "at 0x\(hex(address, 8))"
        guard kind == .memory else { return "\(size) of I/O ports, \(place)" }
        let width = is64Bit ? "64-bit" : "32-bit"
        return "\(size) of \(width)\(isPrefetchable ? " prefetchable" : "") memory, \(place)"
    }

    /// A size in the largest binary unit that leaves a whole number.
    static func size(_ bytes: UInt64) -> String {
        for (shift, unit) in [(UInt64(30), "GiB"), (20, "MiB"), (10, "KiB")] where bytes >= 1 << shift {
            if bytes % (1 << shift) == 0 { return "\(bytes >> shift) \(unit)" }
        }
        return "\(bytes) bytes"
    }

    /// The windows of a function with what the kernel found out about them (`resource`: start, end, flags a line).
    public static func all(of address: PCIAddress, _ space: ConfigSpace, in tree: some SystemTree) -> [PCIBar] {
        let resources = tree.lines(address.sysfs + "/resource").map { line in
            line.split(separator: " ").map { UInt64($0.dropFirst(2), radix: 16) ?? 0 }
        }
        return decode(space) { index, _ in
            guard index < resources.count, resources[index].count >= 2, resources[index][1] > resources[index][0]
            else { return nil }
            return resources[index][1] - resources[index][0] + 1
        }
    }

    /// The windows of a function that no kernel has sized: each register is written with ones, read and restored, with
    /// decoding off meanwhile (PCI Local Bus 3.0, 6.2.5.1).
    public static func sizing(_ device: some PCIDevice) -> [PCIBar] {
        let command = device.readConfig32(PCIConfig.command) & 0xFFFF
        // The upper half is status, whose set bits a write would clear.
        device.writeConfig32(PCIConfig.command, command & ~(PCIConfig.commandMemory | 1))
        defer { device.writeConfig32(PCIConfig.command, command) }
        func mask(_ index: Int) -> UInt32 {
            let offset = 0x10 + 4 * index
            let old = device.readConfig32(offset)
            device.writeConfig32(offset, .max)
            defer { device.writeConfig32(offset, old) }
            return device.readConfig32(offset)
        }
        return decode(ConfigSpace(reading: device)) { index, kind in
            let low = mask(index)
            guard low != 0, low != .max else { return nil }
            switch kind {
            case (.io, _): return UInt64(~(low & ~3) & 0xFFFF) + 1
            case (.memory, false): return UInt64(~(low & ~0xF)) + 1
            case (.memory, true):
                let full = UInt64(mask(index + 1)) << 32 | UInt64(low & ~0xF)
                return full == 0 ? nil : ~full &+ 1
            }
        }
    }

    /// Decodes the registers; a 64-bit window takes two of them. Registers that read zero and have no size are absent.
    private static func decode(
        _ space: ConfigSpace, size: (Int, (Kind, is64Bit: Bool)) -> UInt64?
    ) -> [PCIBar] {
        let count = space.headerType == 0 ? 6 : space.headerType == 1 ? 2 : 0
        var result: [PCIBar] = []
        var index = 0
        while index < count {
            let low = space.long(0x10 + 4 * index)
            let kind: Kind = low & 1 != 0 ? .io : .memory
            let is64Bit = kind == .memory && low & 6 == 4 && index + 1 < count
            let high = is64Bit ? UInt64(space.long(0x14 + 4 * index)) << 32 : 0
            let bytes = size(index, (kind, is64Bit))
            if bytes != nil || low != 0 {
                result.append(
                    PCIBar(
                        index: index, kind: kind, address: high | UInt64(low & (kind == .io ? ~3 : ~0xF)),
                        sizeBytes: bytes,
                        is64Bit: is64Bit, isPrefetchable: kind == .memory && low & 8 != 0))
            }
            index += is64Bit ? 2 : 1
        }
        return result
    }
}
