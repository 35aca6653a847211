internal import DeviceMemory

/// Why a device cannot be looked at, handed over or given back; each case says what to do.
public enum BringUpError: Error, CustomStringConvertible, Equatable {
    case badAddress(String)
    case noSuchFunction(PCIAddress)
    case unreadable(PCIAddress)
    case badDriver(String)
    case driverNotLoaded(String)
    case bridge(PCIAddress)
    case noIOMMU(PCIAddress, remedy: String)
    case groupInTheWay(PCIAddress, members: [String])
    case carriesDefaultRoute(PCIAddress, interfaces: [String])
    case storage(PCIAddress)
    case virtualFunctions(PCIAddress, count: Int)
    case noRecord(PCIAddress, driver: String?)
    case notOurs(PCIAddress, driver: String)
    case inUse(PCIAddress, holder: String)
    case rolledBack(reason: String)
    case leftHalfDone(reason: String, left: [String])

    public var description: String {
        switch self {
        case .badAddress(let text):
            "\(text) is no PCI address; write it as 0000:01:00.0 (uiodrv list shows them)"
        case .noSuchFunction(let address):
            "there is no PCI function \(address); uiodrv list --all shows those of this machine"
        case .unreadable(let address):
            "the configuration space of \(address) cannot be read; run as root, and check that the function has not been removed"
        case .badDriver(let name):
            "\(name) is no name of a driver; /sys/bus/pci/drivers lists those that are loaded"
        case .driverNotLoaded(let name):
            "the driver \(name) is not loaded; run modprobe \(name)"
        case .bridge(let address):
            "\(address) is a bridge, which the kernel must keep; name the device behind it"
        case .noIOMMU(let address, let remedy):
            "\(address) is behind no IOMMU, so no process could use it; \(remedy)"
        case .groupInTheWay(let address, let members):
            "\(address) shares its IOMMU group with \(members.joined(separator: ", ")); add --group to hand them over together, or move the card to another slot"
        case .carriesDefaultRoute(let address, let interfaces):
            "\(address) is \(interfaces.joined(separator: ", ")), which carries this machine's default route; move the route first, or add --force to lose the connection"
        case .storage(let address):
            "\(address) is a storage controller in use by the kernel; unmount what it holds, then add --force"
        case .virtualFunctions(let address, let count):
            "\(address) has \(count) virtual functions enabled; end them with: echo 0 > \(address.sysfs)/sriov_numvfs"
        case .noRecord(let address, let driver):
            "\(address) was not bound by uiodrv (it has \(driver.map { "driver \($0)" } ?? "no driver")); name the driver that is to have it with --driver"
        case .notOurs(let address, let driver):
            "\(address) has been given to \(driver) since uiodrv bound it; if that is right, remove \(BindRecord.path(address)), else give it back by hand"
        case .inUse(let address, let holder):
            "\(address) is in use by \(holder); end that process first"
        case .rolledBack(let reason):
            "\(reason); everything is as it was before"
        case .leftHalfDone(let reason, let left):
            "\(reason); and not everything could be taken back: \(left.joined(separator: "; ")); uiodrv unbind tries again"
        }
    }
}
