/// A PCI function as its driver sees it: provided by transports and by SoftNIC, driven by the families.
public protocol PCIDevice<BusType> {
    associatedtype BusType: Bus

    /// Reads 32 bits of configuration space at `offset`, a multiple of 4.
    func readConfig32(_ offset: Int) -> UInt32
    /// Writes 32 bits of configuration space at `offset`, a multiple of 4.
    func writeConfig32(_ offset: Int, _ value: UInt32)
    /// The registers behind base address register `index`; `nil` when the function has none there.
    func bar(_ index: Int) -> BusType?
    /// Maps memory for this device.
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA
    /// Maps payload memory for this device: all slots, not the flush page.
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA
    /// Takes a mapping back; afterwards the device faults on it.
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError)
    /// Resets the function: afterwards it does no DMA until it is set up again.
    func reset()
}

/// Offsets and bits of the configuration header that drivers touch (PCI Local Bus 3.0, section 6.1).
public enum PCIConfig {
    /// Vendor id 15:0, device id 31:16.
    public static let identity = 0x00
    /// Command 15:0, status 31:16.
    public static let command = 0x04
    /// Command: the function answers memory cycles.
    public static let commandMemory: UInt32 = 1 << 1
    /// Command: the function may start DMA.
    public static let commandBusMaster: UInt32 = 1 << 2
}
