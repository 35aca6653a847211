public import DeviceMemory

/// A ``SoftNIC`` as its driver sees it. Keeps the NIC alive.
public struct SoftPCIDevice: PCIDevice {
    /// The model behind.
    public let nic: SoftNIC

    /// A view of `nic`.
    public init(_ nic: SoftNIC) { self.nic = nic }

    public func readConfig32(_ offset: Int) -> UInt32 { nic.readConfig32(offset) }

    public func writeConfig32(_ offset: Int, _ value: UInt32) { nic.writeConfig32(offset, value) }

    public func bar(_ index: Int) -> SoftBus? {
        switch index {
        case 0: SoftBus(nic, .registers)
        case nic.vectorWindow: SoftBus(nic, .vectors)
        default: nil
        }
    }

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

    /// Opens the first `vectors` entries of the MSI-X table and enables the capability, as an operating system does.
    public func enableInterrupts(vectors: Int) throws(DeviceMemoryError) {
        var offset = Int(nic.readConfig32(Self.capabilities) & 0xFC)
        // A list that goes round in circles ends here.
        for _ in 0..<48 where offset != 0 && nic.readConfig32(offset) & 0xFF != Self.messageX {
            offset = Int(nic.readConfig32(offset) >> 8 & 0xFC)
        }
        let control = nic.readConfig32(offset)
        let limit = offset != 0 && control & 0xFF == Self.messageX ? Int(control >> 16 & 0x7FF) + 1 : 0
        guard vectors >= 1, vectors <= limit else { throw .noInterrupts(vectors: vectors) }
        let table = Int(nic.readConfig32(offset + 4) & 7)
        for vector in 0..<UInt32(vectors) {
            // The address of the local interrupt controllers on x86; the model counts messages and writes none.
            nic.write32(bar: table, offset: vector * 16, 0xFEE0_0000)
            nic.write32(bar: table, offset: vector * 16 + 8, vector)
            nic.write32(bar: table, offset: vector * 16 + 12, 0)
        }
        nic.writeConfig32(offset, control & 0x3FFF_FFFF | 1 << 31)
    }

    /// Vectors that fired since the last call, a bit each.
    public func takeInterrupts() -> UInt64 { nic.takeInterrupts() }

    /// Capabilities Pointer (PCI Local Bus 3.0, section 6.7), and the identifier of MSI-X.
    private static var capabilities: Int { 0x34 }
    private static var messageX: UInt32 { 0x11 }
}
