internal import DeviceMemory

/// Why a device cannot be looked at, handed over or given back; each case says what to do.
public enum BringUpError: Error, CustomStringConvertible, Equatable {
    case badAddress(String)
    case noSuchFunction(PCIAddress)
    case unreadable(PCIAddress)

    public var description: String {
        switch self {
        case .badAddress(let text):
            "\(text) is no PCI address; write it as 0000:01:00.0 (uiodrv list shows them)"
        case .noSuchFunction(let address):
            "there is no PCI function \(address); uiodrv list --all shows those of this machine"
        case .unreadable(let address):
            "the configuration space of \(address) cannot be read; run as root, and check that the function has not been removed"
        }
    }
}
