internal import DeviceMemory

/// The PCI Express capability as drivers set it (PCI Express Base 4.0, section 7.5.3).
enum PCIExpress {
    /// Device Control: 15:0 of the dword at +8, status above it.
    static let deviceControl = 0x08
    /// Link Control: 15:0 of the dword at +0x10, status above it.
    static let linkControl = 0x10
    /// Device Control: the function may let writes overtake each other.
    static let relaxedOrdering: UInt32 = 1 << 4
    /// Device Control: the function may bypass caches.
    static let noSnoop: UInt32 = 1 << 11
    /// Link Control: L0s and L1 of active state power management.
    static let powerManagement: UInt32 = 3

    /// Keeps writes in order and, where `alwaysOn`, the link out of its power states. A function without the capability, or
    /// a kernel that keeps these registers to itself, leaves things as they are.
    static func prepare<D: PCIDevice>(_ device: D, alwaysOn: Bool) {
        guard let capability = device.capability(PCIConfig.expressCapability) else { return }
        // The status halves are cleared by writing ones: written as zeros.
        clear(device, capability + deviceControl, relaxedOrdering | noSnoop)
        if alwaysOn { clear(device, capability + linkControl, powerManagement) }
    }

    private static func clear<D: PCIDevice>(_ device: D, _ offset: Int, _ bits: UInt32) {
        let value = device.readConfig32(offset) & 0xFFFF
        if value & bits != 0 { device.writeConfig32(offset, value & ~bits) }
    }
}
