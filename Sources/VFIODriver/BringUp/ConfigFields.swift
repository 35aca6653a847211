/// How a field of configuration space is shown.
enum ConfigFormat {
    case hex
    case decimal
    case flag
    /// Stored as one less.
    case plusOne
    /// 128 bytes, doubled so many times.
    case payloadBytes
    /// 1, doubled so many times.
    case powerOfTwo
    /// An index into names; others are shown as numbers.
    case named([String])
}

/// Place and name of one field, relative to its capability or header.
struct ConfigFieldLayout {
    let offset: Int
    let low: Int
    let width: Int
    let name: String
    let format: ConfigFormat

    /// A field of `width` bits from bit `low` of the 32 bits at `offset`.
    init(_ offset: Int, _ low: Int, _ width: Int, _ name: String, _ format: ConfigFormat) {
        self.offset = offset
        self.low = low
        self.width = width
        self.name = name
        self.format = format
    }

    /// A one-bit field.
    init(_ offset: Int, _ bit: Int, _ name: String) { self.init(offset, bit, 1, name, .flag) }

    func value(_ space: ConfigSpace, at base: Int) -> UInt32 {
        let raw = space.long(base + offset) >> UInt32(low)
        return width >= 32 ? raw : raw & (1 << UInt32(width) - 1)
    }

    func text(_ value: UInt32) -> String {
        switch format {
        case .hex: "0x" + hex(value, (width + 3) / 4)
        case .decimal: "\(value)"
        case .flag: value == 0 ? "off" : "on"
        case .plusOne: "\(UInt64(value) + 1)"
        case .payloadBytes: value <= 5 ? "\(128 << value) bytes" : "reserved (\(value))"
        case .powerOfTwo: value <= 16 ? "\(1 << value)" : "reserved (\(value))"
        case .named(let names): Int(value) < names.count ? names[Int(value)] : "reserved (\(value))"
        }
    }
}

/// Layouts by the names of the PCI Local Bus 3.0 and PCI Express Base specifications.
enum ConfigLayouts {
    static let command = [
        ConfigFieldLayout(0x04, 0, "I/O space"), ConfigFieldLayout(0x04, 1, "memory space"),
        ConfigFieldLayout(0x04, 2, "bus master"), ConfigFieldLayout(0x04, 6, "parity error response"),
        ConfigFieldLayout(0x04, 8, "SERR# enable"), ConfigFieldLayout(0x04, 10, "interrupt disable"),
    ]
    static let status = [
        ConfigFieldLayout(0x04, 19, "interrupt pending"), ConfigFieldLayout(0x04, 20, "capability list"),
        ConfigFieldLayout(0x04, 24, "master data parity error"), ConfigFieldLayout(0x04, 27, "signalled target abort"),
        ConfigFieldLayout(0x04, 28, "received target abort"), ConfigFieldLayout(0x04, 29, "received master abort"),
        ConfigFieldLayout(0x04, 30, "signalled system error"), ConfigFieldLayout(0x04, 31, "detected parity error"),
    ]
    static let header =
        [
            ConfigFieldLayout(0x00, 0, 16, "vendor id", .hex), ConfigFieldLayout(0x00, 16, 16, "device id", .hex),
        ] + command + status + [
            ConfigFieldLayout(0x08, 0, 8, "revision id", .hex), ConfigFieldLayout(0x08, 8, 24, "class code", .hex),
            ConfigFieldLayout(0x0C, 0, 8, "cache line size", .decimal),
            ConfigFieldLayout(0x0C, 16, 7, "header type", .named(["endpoint", "bridge"])),
            ConfigFieldLayout(0x0C, 23, "multi-function device"),
        ]
    static let endpoint = [
        ConfigFieldLayout(0x2C, 0, 16, "subsystem vendor id", .hex),
        ConfigFieldLayout(0x2C, 16, 16, "subsystem id", .hex),
        ConfigFieldLayout(0x30, 0, "expansion ROM enable"),
        ConfigFieldLayout(0x3C, 0, 8, "interrupt line", .decimal),
        ConfigFieldLayout(0x3C, 8, 8, "interrupt pin", .named(["none", "INTA", "INTB", "INTC", "INTD"])),
    ]
    static let bridge = [
        ConfigFieldLayout(0x18, 0, 8, "primary bus", .hex), ConfigFieldLayout(0x18, 8, 8, "secondary bus", .hex),
        ConfigFieldLayout(0x18, 16, 8, "subordinate bus", .hex),
        ConfigFieldLayout(0x20, 0, 16, "memory base", .hex), ConfigFieldLayout(0x20, 16, 16, "memory limit", .hex),
        ConfigFieldLayout(0x24, 0, 16, "prefetchable base", .hex),
        ConfigFieldLayout(0x24, 16, 16, "prefetchable limit", .hex),
    ]
    static let powerManagement = [
        ConfigFieldLayout(0, 16, 3, "version", .decimal), ConfigFieldLayout(0, 25, "D1 support"),
        ConfigFieldLayout(0, 26, "D2 support"), ConfigFieldLayout(0, 27, 5, "PME support", .hex),
        ConfigFieldLayout(4, 0, 2, "power state", .named(["D0", "D1", "D2", "D3hot"])),
        ConfigFieldLayout(4, 3, "no soft reset"), ConfigFieldLayout(4, 8, "PME enable"),
        ConfigFieldLayout(4, 15, "PME status"),
    ]
    static let msi = [
        ConfigFieldLayout(0, 16, "MSI enable"), ConfigFieldLayout(0, 17, 3, "vectors", .powerOfTwo),
        ConfigFieldLayout(0, 20, 3, "vectors enabled", .powerOfTwo), ConfigFieldLayout(0, 23, "64-bit address"),
        ConfigFieldLayout(0, 24, "per-vector masking"),
    ]
    static let msix = [
        ConfigFieldLayout(0, 16, 11, "vectors", .plusOne), ConfigFieldLayout(0, 30, "function mask"),
        ConfigFieldLayout(0, 31, "MSI-X enable"), ConfigFieldLayout(4, 0, 3, "table BAR", .decimal),
        ConfigFieldLayout(4, 0, 32, "table offset and BAR", .hex),
        ConfigFieldLayout(8, 0, 3, "pending-bits BAR", .decimal),
        ConfigFieldLayout(8, 0, 32, "pending-bits offset and BAR", .hex),
    ]
    static let vendorSpecific = [ConfigFieldLayout(0, 16, 8, "length", .decimal)]

    private static let linkSpeeds = ConfigFormat.named([
        "none", "2.5 GT/s", "5 GT/s", "8 GT/s", "16 GT/s", "32 GT/s", "64 GT/s",
    ])
    private static let activeStates = ConfigFormat.named(["none", "L0s", "L1", "L0s and L1"])
    static let express = [
        ConfigFieldLayout(0, 16, 4, "version", .decimal),
        ConfigFieldLayout(
            0, 20, 4, "port type",
            .named([
                "endpoint", "legacy endpoint", "reserved", "reserved", "root port", "switch upstream port",
                "switch downstream port", "PCI Express to PCI bridge", "PCI to PCI Express bridge",
                "root complex integrated endpoint", "root complex event collector",
            ])),
        ConfigFieldLayout(4, 0, 3, "max payload supported", .payloadBytes),
        ConfigFieldLayout(4, 5, "extended tag supported"), ConfigFieldLayout(4, 15, "role-based error reporting"),
        ConfigFieldLayout(4, 28, "function level reset"),
        ConfigFieldLayout(8, 0, "correctable error reporting"), ConfigFieldLayout(8, 1, "non-fatal error reporting"),
        ConfigFieldLayout(8, 2, "fatal error reporting"), ConfigFieldLayout(8, 3, "unsupported request reporting"),
        ConfigFieldLayout(8, 4, "relaxed ordering"), ConfigFieldLayout(8, 5, 3, "max payload", .payloadBytes),
        ConfigFieldLayout(8, 8, "extended tag"), ConfigFieldLayout(8, 11, "no snoop"),
        ConfigFieldLayout(8, 12, 3, "max read request", .payloadBytes),
        ConfigFieldLayout(8, 16, "correctable error detected"), ConfigFieldLayout(8, 17, "non-fatal error detected"),
        ConfigFieldLayout(8, 18, "fatal error detected"), ConfigFieldLayout(8, 19, "unsupported request detected"),
        ConfigFieldLayout(8, 21, "transactions pending"),
        ConfigFieldLayout(12, 0, 4, "max link speed", linkSpeeds),
        ConfigFieldLayout(12, 4, 6, "max link width", .decimal),
        ConfigFieldLayout(12, 10, 2, "active state power management", activeStates),
        ConfigFieldLayout(16, 0, 2, "active state power management enabled", activeStates),
        ConfigFieldLayout(16, 4, "link disable"), ConfigFieldLayout(16, 16, 4, "link speed", linkSpeeds),
        ConfigFieldLayout(16, 20, 6, "link width", .decimal),
    ]
    /// What version 2 of the structure added.
    static let express2 = [
        ConfigFieldLayout(0x24, 5, "ARI forwarding supported"),
        ConfigFieldLayout(0x28, 0, 4, "completion timeout", .hex),
        ConfigFieldLayout(0x28, 4, "completion timeout disable"), ConfigFieldLayout(0x28, 5, "ARI forwarding"),
        ConfigFieldLayout(0x28, 8, "ID-based ordering of requests"),
        ConfigFieldLayout(0x28, 10, "latency tolerance reporting"),
        ConfigFieldLayout(0x30, 0, 4, "target link speed", linkSpeeds),
    ]
}
