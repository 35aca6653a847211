extension ConfigLayouts {
    /// Bits of the uncorrectable registers of Advanced Error Reporting.
    private static let uncorrectable: [(Int, String)] = [
        (4, "data link protocol error"), (5, "surprise down"), (12, "poisoned TLP"), (13, "flow control error"),
        (14, "completion timeout"), (15, "completer abort"), (16, "unexpected completion"), (17, "receiver overflow"),
        (18, "malformed TLP"), (19, "ECRC error"), (20, "unsupported request"), (21, "ACS violation"),
    ]
    private static let correctable: [(Int, String)] = [
        (0, "receiver error"), (6, "bad TLP"), (7, "bad DLLP"), (8, "replay number rollover"),
        (12, "replay timer timeout"), (13, "advisory non-fatal error"),
    ]
    static let errorReporting =
        uncorrectable.map { ConfigFieldLayout(0x04, $0.0, $0.1) }
        + [
            ConfigFieldLayout(0x08, 0, 32, "uncorrectable mask", .hex),
            ConfigFieldLayout(0x0C, 0, 32, "uncorrectable severity", .hex),
        ] + correctable.map { ConfigFieldLayout(0x10, $0.0, $0.1) }
        + [
            ConfigFieldLayout(0x14, 0, 32, "correctable mask", .hex),
            ConfigFieldLayout(0x18, 0, 5, "first error pointer", .decimal),
        ]
    static let serialNumber = [
        ConfigFieldLayout(4, 0, 32, "serial number, low half", .hex),
        ConfigFieldLayout(8, 0, 32, "serial number, high half", .hex),
    ]
    private static let accessControls = [
        "source validation", "translation blocking", "peer-to-peer request redirect",
        "peer-to-peer completion redirect", "upstream forwarding", "peer-to-peer egress control",
        "direct translated peer-to-peer",
    ]
    static let accessControl =
        accessControls.enumerated().map { ConfigFieldLayout(4, $0.offset, $0.element + " supported") }
        + accessControls.enumerated().map { ConfigFieldLayout(4, 16 + $0.offset, $0.element) }
    static let alternativeRouting = [
        ConfigFieldLayout(4, 1, "ACS function groups supported"),
        ConfigFieldLayout(4, 8, 8, "next function number", .decimal),
    ]
    static let virtualFunctions =
        [
            ConfigFieldLayout(0x08, 0, "VF enable"), ConfigFieldLayout(0x08, 3, "VF memory space"),
            ConfigFieldLayout(0x08, 4, "ARI capable hierarchy"),
            ConfigFieldLayout(0x0C, 0, 16, "initial VFs", .decimal),
            ConfigFieldLayout(0x0C, 16, 16, "total VFs", .decimal),
            ConfigFieldLayout(0x10, 0, 16, "VFs", .decimal),
            ConfigFieldLayout(0x14, 0, 16, "first VF offset", .decimal),
            ConfigFieldLayout(0x14, 16, 16, "VF stride", .decimal),
            ConfigFieldLayout(0x18, 16, 16, "VF device id", .hex),
            ConfigFieldLayout(0x1C, 0, 32, "supported page sizes", .hex),
            ConfigFieldLayout(0x20, 0, 32, "system page size", .hex),
        ] + (0..<6).map { ConfigFieldLayout(0x24 + 4 * $0, 0, 32, "VF BAR \($0)", .hex) }

    /// Names of the capability ids.
    static func name(_ capability: ConfigCapability) -> String {
        let names = capability.isExtended ? extendedNames : standardNames
        return names[capability.id] ?? "capability 0x\(hex(capability.id, capability.isExtended ? 4 : 2))"
    }

    /// The fields of a capability; empty for one that is listed by name alone.
    static func fields(_ capability: ConfigCapability, in space: ConfigSpace) -> [ConfigFieldLayout] {
        switch (capability.isExtended, capability.id) {
        case (false, ConfigCapabilityID.powerManagement): powerManagement
        case (false, ConfigCapabilityID.msi): msi
        case (false, ConfigCapabilityID.msix): msix
        case (false, 0x09): vendorSpecific
        case (false, ConfigCapabilityID.express):
            space.word(capability.offset + 2) & 0xF >= 2 ? express + express2 : express
        case (true, 0x0001): errorReporting
        case (true, 0x0003): serialNumber
        case (true, ConfigCapabilityID.accessControl): accessControl
        case (true, 0x000E): alternativeRouting
        case (true, ConfigCapabilityID.virtualFunctions): virtualFunctions
        default: []
        }
    }

    private static let standardNames: [UInt16: String] = [
        0x01: "Power Management", 0x02: "AGP", 0x03: "Vital Product Data", 0x04: "Slot Identification", 0x05: "MSI",
        0x06: "CompactPCI Hot Swap", 0x07: "PCI-X", 0x08: "HyperTransport", 0x09: "Vendor Specific", 0x0A: "Debug Port",
        0x0C: "Hot Plug", 0x0D: "Bridge Subsystem", 0x10: "PCI Express", 0x11: "MSI-X", 0x12: "SATA",
        0x13: "Advanced Features", 0x14: "Enhanced Allocation",
    ]
    private static let extendedNames: [UInt16: String] = [
        0x0001: "Advanced Error Reporting (AER)", 0x0002: "Virtual Channel", 0x0003: "Device Serial Number",
        0x0004: "Power Budgeting", 0x0005: "Root Complex Link Declaration", 0x000B: "Vendor Specific Extended",
        0x000D: "Access Control Services (ACS)", 0x000E: "Alternative Routing-ID (ARI)",
        0x000F: "Address Translation Services (ATS)", 0x0010: "Single Root I/O Virtualization (SR-IOV)",
        0x0012: "Multicast", 0x0013: "Page Request", 0x0015: "Resizable BAR", 0x0017: "TPH Requester",
        0x0018: "Latency Tolerance Reporting", 0x0019: "Secondary PCI Express", 0x001B: "Process Address Space ID",
        0x001D: "Downstream Port Containment", 0x001E: "L1 PM Substates", 0x001F: "Precision Time Measurement",
        0x0025: "Data Link Feature", 0x0026: "Physical Layer 16 GT/s", 0x0027: "Lane Margining",
    ]
}
