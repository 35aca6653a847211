public import DeviceMemory

/// What one function can do: its family's facts, cut down to what its configuration space offers.
///
/// Made from a copy of the space, so that a driver, a probe and a test judge the same thing in the same way.
public struct DeviceCapabilities: Encodable, Sendable {
    /// Something that the family has and this function does not show.
    public struct Missing: Encodable, Sendable, Hashable {
        /// The capability by its name in the specification.
        public let name: String
        /// What does not work without it.
        public let consequence: String
        /// Without it the device cannot be used here at all.
        public let isEssential: Bool
    }

    /// Vendor id.
    public let vendor: PCIID
    /// Device id.
    public let device: PCIID
    /// The family whose driver takes charge; `nil` for a device of no known family.
    public let family: NICFamily?
    /// The family's facts.
    public let facts: NICFacts?
    /// Interrupt vectors offered; 0 without MSI-X.
    public let msixVectors: Int
    /// Whether the function can be reset alone (Device Capabilities bit 28).
    public let functionLevelReset: Bool
    /// Whether writes may overtake each other (Device Control bit 4); `nil` without a PCI Express capability.
    public let relaxedOrdering: Bool?
    /// Largest payload of a packet that it may send, in bytes.
    public let maxPayloadBytes: Int?
    /// Largest payload that it could send, in bytes.
    public let maxPayloadSupportedBytes: Int?
    /// Largest read that it may ask for, in bytes.
    public let maxReadRequestBytes: Int?
    /// D0 to D3hot; `nil` without power management.
    public let powerState: String?
    /// Virtual functions that are enabled now.
    public let enabledVirtualFunctions: Int
    /// Receive queues that were found; `nil` where no registers were looked at.
    public internal(set) var receiveQueues: Int?
    /// What the family has and this function does not show.
    public internal(set) var missing: [Missing]

    /// Judges a copy of a configuration space.
    public init(_ space: ConfigSpace) {
        vendor = PCIID(space.vendor)
        device = PCIID(space.device)
        family = NICFamily(vendor: space.vendor, device: space.device)
        facts = family?.facts
        let express = space.capability(ConfigCapabilityID.express).map { $0.offset }
        let msix = space.capability(ConfigCapabilityID.msix).map { $0.offset }
        let power = space.capability(ConfigCapabilityID.powerManagement).map { $0.offset }
        msixVectors = msix.map { Int(space.word($0 + 2) & 0x7FF) + 1 } ?? 0
        let capabilities = express.map { space.long($0 + 4) }
        let control = express.map { space.word($0 + 8) }
        functionLevelReset = capabilities.map { $0 & 1 << 28 != 0 } ?? false
        relaxedOrdering = control.map { $0 & 1 << 4 != 0 }
        maxPayloadBytes = control.flatMap { Self.bytes($0 >> 5) }
        maxPayloadSupportedBytes = capabilities.flatMap { Self.bytes(UInt16(truncatingIfNeeded: $0)) }
        maxReadRequestBytes = control.flatMap { Self.bytes($0 >> 12) }
        powerState = power.map { ["D0", "D1", "D2", "D3hot"][Int(space.word($0 + 4) & 3)] }
        let virtual = space.capability(ConfigCapabilityID.virtualFunctions, extended: true)?.offset
        enabledVirtualFunctions =
            virtual.map { space.word($0 + 8) & 1 != 0 ? Int(space.word($0 + 0x10)) : 0 } ?? 0

        var missing: [Missing] = []
        // Without privilege only the header is there, and nothing can be said of capabilities.
        if let facts, space.bytes.count > 64 {
            if msix == nil {
                missing.append(
                    Missing(
                        name: "MSI-X",
                        consequence:
                            "a receiver cannot sleep until a frame arrives; the controller has \(facts.msixVectors) vectors",
                        isEssential: false))
            }
            if express == nil {
                missing.append(
                    Missing(
                        name: "PCI Express", consequence: "ordering, payload size and reset cannot be read or set",
                        isEssential: false))
            } else if !functionLevelReset, family != .e1000e {
                missing.append(
                    Missing(
                        name: "function level reset", consequence: "the function is reset by its own register alone",
                        isEssential: false))
            }
            if power == nil {
                missing.append(
                    Missing(
                        name: "Power Management", consequence: "the function cannot be woken from a sleep state",
                        isEssential: false))
            }
        }
        self.missing = missing
    }

    /// Reads and judges a device; afterwards its configuration is what it was.
    public init(of device: some PCIDevice) { self.init(ConfigSpace(reading: device)) }

    /// 128 bytes, doubled so many times as the three bits say; `nil` for reserved values.
    private static func bytes(_ field: UInt16) -> Int? { field & 7 <= 5 ? 128 << Int(field & 7) : nil }
}
