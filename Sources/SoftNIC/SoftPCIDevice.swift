public import DeviceMemory

/// A ``SoftNIC`` as its driver sees it. Keeps the NIC alive.
public struct SoftPCIDevice: PCIDevice {
    /// The model behind.
    public let nic: SoftNIC

    /// A view of `nic`.
    public init(_ nic: SoftNIC) { self.nic = nic }

    public func readConfig32(_ offset: Int) -> UInt32 { nic.readConfig32(offset) }

    public func writeConfig32(_ offset: Int, _ value: UInt32) { nic.writeConfig32(offset, value) }

    public func bar(_ index: Int) -> SoftBus? { index == 0 ? SoftBus(nic, .registers) : nil }

    /// What stands for the readable flush page of a device region.
    public var flushWindow: SoftBus { SoftBus(nic, .flushPage) }

    public func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try nic.map(object, offset: offset, length: length, rights: rights, isRegion: false)
    }

    /// Maps payload memory for this device: all slots, not the flush page.
    public func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        try nic.map(region.object, offset: 0, length: region.slotBytes, rights: .readWrite, isRegion: true)
    }

    public func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) { try nic.unmap(iova, length: length) }

    public func reset() { nic.reset() }
}
