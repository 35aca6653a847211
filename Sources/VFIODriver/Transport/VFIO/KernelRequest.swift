internal import CShim

/// An ioctl by its name in linux/vfio.h or linux/iommufd.h. VFIO gives the same number to requests of devices and containers.
struct KernelRequest: Hashable, Sendable {
    let name: String
    let number: UInt

    private init(_ name: String, _ number: Int) {
        self.name = name
        self.number = UInt(number)
    }

    static let getAPIVersion = KernelRequest("VFIO_GET_API_VERSION", Int(SHIM_VFIO_GET_API_VERSION))
    static let checkExtension = KernelRequest("VFIO_CHECK_EXTENSION", Int(SHIM_VFIO_CHECK_EXTENSION))
    static let setIOMMU = KernelRequest("VFIO_SET_IOMMU", Int(SHIM_VFIO_SET_IOMMU))
    static let getGroupStatus = KernelRequest("VFIO_GROUP_GET_STATUS", Int(SHIM_VFIO_GROUP_GET_STATUS))
    static let setContainer = KernelRequest("VFIO_GROUP_SET_CONTAINER", Int(SHIM_VFIO_GROUP_SET_CONTAINER))
    static let getDevice = KernelRequest("VFIO_GROUP_GET_DEVICE_FD", Int(SHIM_VFIO_GROUP_GET_DEVICE_FD))
    static let getDeviceInfo = KernelRequest("VFIO_DEVICE_GET_INFO", Int(SHIM_VFIO_DEVICE_GET_INFO))
    static let getRegionInfo = KernelRequest("VFIO_DEVICE_GET_REGION_INFO", Int(SHIM_VFIO_DEVICE_GET_REGION_INFO))
    static let getInterruptInfo = KernelRequest("VFIO_DEVICE_GET_IRQ_INFO", Int(SHIM_VFIO_DEVICE_GET_IRQ_INFO))
    static let setInterrupts = KernelRequest("VFIO_DEVICE_SET_IRQS", Int(SHIM_VFIO_DEVICE_SET_IRQS))
    static let resetDevice = KernelRequest("VFIO_DEVICE_RESET", Int(SHIM_VFIO_DEVICE_RESET))
    static let getHotResetInfo = KernelRequest(
        "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", Int(SHIM_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO))
    static let hotReset = KernelRequest("VFIO_DEVICE_PCI_HOT_RESET", Int(SHIM_VFIO_DEVICE_PCI_HOT_RESET))
    static let deviceFeature = KernelRequest("VFIO_DEVICE_FEATURE", Int(SHIM_VFIO_DEVICE_FEATURE))
    static let bindIOMMUFD = KernelRequest("VFIO_DEVICE_BIND_IOMMUFD", Int(SHIM_VFIO_DEVICE_BIND_IOMMUFD))
    static let attachIOMMUFD = KernelRequest("VFIO_DEVICE_ATTACH_IOMMUFD_PT", Int(SHIM_VFIO_DEVICE_ATTACH_IOMMUFD_PT))
    static let getIOMMUInfo = KernelRequest("VFIO_IOMMU_GET_INFO", Int(SHIM_VFIO_IOMMU_GET_INFO))
    static let mapDMA = KernelRequest("VFIO_IOMMU_MAP_DMA", Int(SHIM_VFIO_IOMMU_MAP_DMA))
    static let unmapDMA = KernelRequest("VFIO_IOMMU_UNMAP_DMA", Int(SHIM_VFIO_IOMMU_UNMAP_DMA))
    static let destroyObject = KernelRequest("IOMMU_DESTROY", Int(SHIM_IOMMU_DESTROY))
    static let allocateSpace = KernelRequest("IOMMU_IOAS_ALLOC", Int(SHIM_IOMMU_IOAS_ALLOC))
    static let getSpaceRanges = KernelRequest("IOMMU_IOAS_IOVA_RANGES", Int(SHIM_IOMMU_IOAS_IOVA_RANGES))
    static let mapMemory = KernelRequest("IOMMU_IOAS_MAP", Int(SHIM_IOMMU_IOAS_MAP))
    static let mapFile = KernelRequest("IOMMU_IOAS_MAP_FILE", Int(SHIM_IOMMU_IOAS_MAP_FILE))
    static let unmapMemory = KernelRequest("IOMMU_IOAS_UNMAP", Int(SHIM_IOMMU_IOAS_UNMAP))
}
