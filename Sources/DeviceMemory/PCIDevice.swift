public import Logging

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
    /// Does that although the device may be writing there: for the proof that its IOMMU stops it.
    func unmapUnderDMA(_ iova: IOVA, length: Int) throws(DeviceMemoryError)
    /// Resets the function: afterwards it does no DMA until it is set up again.
    func reset()
    /// Allocates host memory that this device reaches, mapped on both sides; it must not outlive the device.
    ///
    /// - Parameter node: NUMA node, where the device's memory can be placed; `nil` is where the caller runs.
    func hostMemory(
        name: String, size: Int, node: Int?, log: Logger
    ) throws(DeviceMemoryError) -> HostMemory

    /// Enables MSI-X with vectors 0 to `vectors` - 1, unmasked, before the driver routes causes to them.
    func enableInterrupts(vectors: Int) throws(DeviceMemoryError)
    /// Descriptors that are readable while a vector has fired and was not taken: to sleep on. Empty for a device that signals
    /// by writing to memory, which must be asked with ``takeInterrupts()`` from time to time.
    var interruptDescriptors: [Int32] { get }
    /// The vectors that have fired since the last call, as bits.
    func takeInterrupts() -> UInt64
}

extension PCIDevice {
    /// Where capability `identifier` is in configuration space; `nil` when the function has none.
    public func capability(_ identifier: UInt32) -> Int? { PCIConfig.capability(identifier, reading: readConfig32) }

    public func hostMemory(
        name: String, size: Int, node: Int?, log: Logger
    ) throws(DeviceMemoryError) -> HostMemory {
        var memory = try HostMemory(name: name, size: size, node: node, log: log)
        try memory.map(for: self)
        return memory
    }

    public func unmapUnderDMA(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        try unmap(iova, length: length)
    }

    public func enableInterrupts(vectors: Int) throws(DeviceMemoryError) { throw .noInterrupts(vectors: vectors) }
    public var interruptDescriptors: [Int32] { [] }
    public func takeInterrupts() -> UInt64 { 0 }
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
    /// The first capability's offset, 7:0.
    public static let capabilities = 0x34
    /// Base address register `index`, 0 to 5.
    public static func bar(_ index: Int) -> Int { 0x10 + 4 * index }
    /// Capability id of PCI Express: device capabilities at +4, device control at +8.
    public static let expressCapability: UInt32 = 0x10
    /// Capability id of MSI-X: control 31:16, table at +4.
    public static let msixCapability: UInt32 = 0x11
    /// Device capabilities: the function can be reset by itself.
    public static let functionLevelReset: UInt32 = 1 << 28
    /// Device control: resets the function.
    public static let initiateFunctionLevelReset: UInt32 = 1 << 15
    /// MSI-X control, as the upper half of its dword: vectors are delivered.
    public static let msixEnable: UInt32 = 1 << 31
    /// MSI-X control: all vectors are held back.
    public static let msixMask: UInt32 = 1 << 30

    /// Walks the capability list of the function whose configuration space `read` reads (6.7).
    public static func capability(_ identifier: UInt32, reading read: (Int) -> UInt32) -> Int? {
        var offset = Int(read(capabilities) & 0xFC)
        // 48 capabilities fill the space: a list that is longer goes round in circles.
        for _ in 0..<48 where offset >= 0x40 {
            let header = read(offset)
            guard header != .max else { return nil }
            if header & 0xFF == identifier { return offset }
            offset = Int(header >> 8 & 0xFC)
        }
        return nil
    }
}
