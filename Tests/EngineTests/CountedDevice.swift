import DeviceMemory
import SoftNIC

/// What the driver and the engine have the device's address space made into.
final class Mappings {
    var mapped = 0
    var unmapped = 0
    /// Regions that the device can reach now.
    var regions: Set<UInt64> = []
}

/// The NIC model, with an account of its mappings.
struct CountedDevice: PCIDevice {
    let device: SoftPCIDevice
    let mappings: Mappings

    init(_ nic: SoftNIC) {
        device = SoftPCIDevice(nic)
        mappings = Mappings()
    }

    var flushWindow: SoftBus { device.flushWindow }
    func bar(_ index: Int) -> SoftBus? { device.bar(index) }
    func readConfig32(_ offset: Int) -> UInt32 { device.readConfig32(offset) }
    func writeConfig32(_ offset: Int, _ value: UInt32) { device.writeConfig32(offset, value) }
    func reset() { device.reset() }
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try device.map(object, offset: offset, length: length, rights: rights)
    }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        let iova = try device.mapRegion(region)
        mappings.mapped += 1
        mappings.regions.insert(iova.rawValue)
        return iova
    }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        if mappings.regions.remove(iova.rawValue) != nil { mappings.unmapped += 1 }
        try device.unmap(iova, length: length)
    }
}
