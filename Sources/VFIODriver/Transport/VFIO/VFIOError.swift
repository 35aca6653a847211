internal import DeviceMemory

/// Why a device cannot be used through the kernel's VFIO; each case says what to do.
public enum VFIOError: Error, CustomStringConvertible, Equatable {
    case noSuchDevice(String)
    case notBound(String, driver: String?)
    case noVFIO(path: String)
    case noIOMMU(String)
    case noIOMMUFD(path: String)
    case groupNotViable(String, members: [String])
    case permission(path: String)
    case busy(path: String, holder: String?)
    case noType1
    case noInterruptRemapping
    case notPCI(String)
    case refused(request: String, what: String, errno: Int32)
    case noBAR(String, Int)
    case barNotMappable(String, Int)
    case barTooSmall(String, Int, bytes: Int)
    case lent(String, regions: Int)
    case noReset(String, sharedWith: [String])
    case cannotOpen(path: String, errno: Int32)

    public var description: String {
        switch self {
        case .noSuchDevice(let address):
            "there is no PCI device \(address); uiodrv list shows those of this machine"
        case .notBound(let address, let driver):
            "\(address) is \(driver.map { "driven by \($0)" } ?? "without a driver") and not bound to vfio-pci; run: uiodrv bind \(address)"
        case .noVFIO(let path):
            "\(path) is missing, so this kernel offers no VFIO; run: modprobe vfio-pci"
        case .noIOMMU(let address):
            "\(address) is in no IOMMU group, so DMA cannot be confined; enable VT-d or AMD-Vi in the firmware and boot with intel_iommu=on (Intel)"
        case .noIOMMUFD(let path):
            "\(path) is missing, so this kernel does not offer devices to iommufd; run modprobe iommufd on a kernel built with IOMMUFD and VFIO_DEVICE_CDEV, or use containers"
        case .groupNotViable(let group, let members):
            "IOMMU group \(group) cannot be used while drivers of the kernel hold members of it (\(members.joined(separator: ", "))); bind all of them to vfio-pci with uiodrv bind --group, or unbind them"
        case .permission(let path):
            "\(path) may not be opened by this user; run as root, or give it to the user with chown"
        case .busy(let path, let holder):
            "\(path) is in use by \(holder ?? "another process"); stop it, devices and their groups have one user at a time"
        case .noType1:
            "the kernel's VFIO has no type1v2 IOMMU driver; run: modprobe vfio_iommu_type1"
        case .noInterruptRemapping:
            "the kernel refuses the IOMMU because it cannot remap interrupts; enable interrupt remapping (firmware, intremap=on under QEMU) or, knowing the risk, set allow_unsafe_interrupts=1 of module vfio_iommu_type1"
        case .notPCI(let address):
            "the kernel does not present \(address) as a PCI device; name a PCI function"
        case .refused(let request, let what, let code):
            "the kernel refused \(request) for \(what): \(systemMessage(code)); see the log of the kernel (dmesg)"
        case .noBAR(let address, let index):
            "\(address) has no memory behind BAR \(index); uiodrv probe \(address) shows which BARs it has"
        case .barNotMappable(let address, let index):
            "BAR \(index) of \(address) cannot be mapped as a whole, so it cannot take payload; choose another BAR or a memfd region"
        case .barTooSmall(let address, let index, let bytes):
            "BAR \(index) of \(address) has \(bytes) bytes, too few for a slot and the flush page; choose another BAR or a smaller --slot-size"
        case .lent(let address, let regions):
            "\(address) is not reset while \(regions) \(regions == 1 ? "region lies" : "regions lie") in its memory; stop what uses them first"
        case .noReset(let address, let others):
            others.isEmpty
                ? "\(address) has no reset that the kernel can do; power-cycle the machine before trusting it"
                : "\(address) can be reset only together with \(others.joined(separator: ", ")) of its slot; bind those to vfio-pci and stop them, or power-cycle the machine"
        case .cannotOpen(let path, let code):
            "\(path) cannot be opened: \(systemMessage(code)); see the log of the kernel (dmesg)"
        }
    }
}
