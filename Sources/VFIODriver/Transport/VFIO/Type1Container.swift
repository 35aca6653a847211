internal import CShim
internal import DeviceMemory
internal import Glibc

/// A VFIO container with the type1v2 IOMMU: the I/O address space of stock kernels.
final class Type1Container: IOAddressSpace {
    static let path = "/dev/vfio/vfio"

    let handle: KernelHandle
    private var table = MappingTable(allowed: [], pageSizes: 0)
    private var hasIOMMU = false
    /// How many more mappings the kernel takes, where it says so.
    private(set) var availableMappings: UInt32?

    init(kernel: any KernelInterface) throws(VFIOError) {
        let descriptor = kernel.open(Self.path)
        guard descriptor >= 0 else {
            throw VFIOError.opening(Self.path, -descriptor, missing: .noVFIO(path: Self.path), kernel)
        }
        handle = KernelHandle(descriptor, kernel: kernel)
        let version = handle.ioctl(.getAPIVersion)
        guard version == VFIO_API_VERSION else {
            throw .refused(request: KernelRequest.getAPIVersion.name, what: "version 0", errno: ENOTTY)
        }
        guard handle.ioctl(.checkExtension, value: Int(VFIO_TYPE1v2_IOMMU)) == 1 else { throw .noType1 }
    }

    /// Lets a group's devices use this space; the first one brings the IOMMU.
    ///
    /// - Returns: false when the group's IOMMU does not go with those that are here.
    func attach(_ group: KernelHandle, named name: String) throws(VFIOError) -> Bool {
        var argument = KernelBuffer(handle.descriptor)
        let result = group.ioctl(.setContainer, &argument)
        guard result >= 0 else {
            if hasIOMMU, result == -EINVAL || result == -EBUSY { return false }
            throw .refused(request: KernelRequest.setContainer.name, what: name, errno: -result)
        }
        if !hasIOMMU {
            let result = handle.ioctl(.setIOMMU, value: Int(VFIO_TYPE1v2_IOMMU))
            guard result >= 0 else {
                throw result == -EPERM
                    ? .noInterruptRemapping
                    : .refused(request: KernelRequest.setIOMMU.name, what: name, errno: -result)
            }
        }
        try readInfo(name)
        return true
    }

    /// Page sizes, and the ranges that devices may use: a group that joins can bring reserved windows of its own.
    private func readInfo(_ name: String) throws(VFIOError) {
        let (buffer, result) = handle.info(.getIOMMUInfo, vfio_iommu_type1_info())
        guard let buffer, let info = buffer.load(vfio_iommu_type1_info.self) else {
            throw .refused(request: KernelRequest.getIOMMUInfo.name, what: name, errno: -result)
        }
        let hasChain = info.flags & UInt32(VFIO_IOMMU_INFO_CAPS) != 0
        let chain = InfoCapabilities(buffer, first: hasChain ? info.cap_offset : 0)
        var ranges: [ClosedRange<UInt64>] = []
        if let offset = chain.offset(of: VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE),
            let capability = buffer.load(shim_cap_iova_range.self, at: offset)
        {
            let first = offset + MemoryLayout<shim_cap_iova_range>.size
            for i in 0..<Int(min(capability.nr_iovas, 1024)) {
                let at = first + i * MemoryLayout<vfio_iova_range>.size
                guard let range = buffer.load(vfio_iova_range.self, at: at), range.start <= range.end else { break }
                ranges.append(range.start...range.end)
            }
        } else {
            // Kernels before 5.4 do not tell; the MSI window of x86 is what they reserve.
            ranges = [0...0xFEDF_FFFF, 0xFEF0_0000...(1 << 39) - 1]
        }
        if let offset = chain.offset(of: VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
            availableMappings = buffer.load(vfio_iommu_type1_info_dma_avail.self, at: offset)?.avail
        }
        if hasIOMMU {
            table.restrict(to: ranges)
        } else {
            let sizes = info.flags & UInt32(VFIO_IOMMU_INFO_PGSIZES) != 0 ? info.iova_pgsizes : 4096
            table = MappingTable(allowed: ranges, pageSizes: sizes)
            hasIOMMU = true
        }
    }

    func restrict(to deviceMask: UInt64) { table.restrict(to: [0...deviceMask]) }

    var importsBuffers: Bool { false }

    var lockedBytes: Int { table.lockedBytes }

    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        let iova = try table.reserve(offset: offset, length: length)
        // The kernel finds the pages through this view; writing devices need a writable one.
        let view = try object.view(
            offset: offset, length: length, rights: rights.contains(.write) ? .readWrite : .read)
        var argument = vfio_iommu_type1_dma_map()
        argument.argsz = UInt32(MemoryLayout<vfio_iommu_type1_dma_map>.size)
        if rights.contains(.read) { argument.flags |= UInt32(VFIO_DMA_MAP_FLAG_READ) }
        if rights.contains(.write) { argument.flags |= UInt32(VFIO_DMA_MAP_FLAG_WRITE) }
        argument.vaddr = view.bytes.address
        argument.iova = iova.rawValue
        argument.size = UInt64(length)
        var buffer = KernelBuffer(argument)
        let result = handle.ioctl(.mapDMA, &buffer)
        guard result >= 0 else {
            throw table.explain(
                object, length: length, errno: -result, limit: handle.kernel.lockedMemoryLimit)
        }
        table.insert(
            DMAMapping(length: length, isLocked: object.loan == nil, protecting: view), at: iova)
        return iova
    }

    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        guard table.contains(iova, length: length) else { throw .notMapped(iova: iova.rawValue) }
        var argument = shim_dma_unmap()
        argument.argsz = UInt32(MemoryLayout<shim_dma_unmap>.size)
        argument.iova = iova.rawValue
        argument.size = UInt64(length)
        var buffer = KernelBuffer(argument)
        let result = handle.ioctl(.unmapDMA, &buffer)
        // The kernel answers with what it took away; less means that the mapping was not what we believed.
        guard result >= 0, buffer.load(shim_dma_unmap.self)?.size == UInt64(length) else {
            throw .notMapped(iova: iova.rawValue)
        }
        table.remove(iova)
    }
}

extension VFIOError {
    /// Why `path` did not open.
    static func opening(
        _ path: String, _ code: Int32, missing: VFIOError, _ kernel: any KernelInterface
    ) -> VFIOError {
        switch code {
        case ENOENT, ENODEV, ENXIO: missing
        case EACCES, EPERM: .permission(path: path)
        case EBUSY: .busy(path: path, holder: kernel.holder(of: path))
        default: .cannotOpen(path: path, errno: code)
        }
    }
}
