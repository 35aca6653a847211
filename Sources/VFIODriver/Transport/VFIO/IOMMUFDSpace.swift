internal import CShim
internal import DeviceMemory
internal import Glibc

/// An I/O address space (IOAS) of iommufd, for devices that are opened as character devices of their own.
///
/// Other devices' memory enters as dma-buf only: `IOMMU_IOAS_MAP` of a mapped BAR is EFAULT.
final class IOMMUFDSpace: IOAddressSpace {
    static let path = "/dev/iommu"

    let handle: KernelHandle
    private let identifier: UInt32
    private var table = MappingTable(allowed: [], pageSizes: 0)
    private var hasRanges = false
    /// The kernel maps files by descriptor (Linux 6.14); found out with the first memfd.
    private var mapsFiles = true

    init(kernel: any KernelInterface) throws(VFIOError) {
        let descriptor = kernel.open(Self.path)
        guard descriptor >= 0 else {
            throw VFIOError.opening(Self.path, -descriptor, missing: .noIOMMUFD(path: Self.path), kernel)
        }
        let handle = KernelHandle(descriptor, kernel: kernel)
        var buffer = KernelBuffer(shim_ioas_alloc(size: Self.size(shim_ioas_alloc.self), flags: 0, out_ioas_id: 0))
        let result = handle.ioctl(.allocateSpace, &buffer)
        guard result >= 0, let answer = buffer.load(shim_ioas_alloc.self) else {
            throw .refused(request: KernelRequest.allocateSpace.name, what: Self.path, errno: -result)
        }
        self.handle = handle
        identifier = answer.out_ioas_id
    }

    deinit {
        var buffer = KernelBuffer(shim_iommu_destroy(size: Self.size(shim_iommu_destroy.self), id: identifier))
        // Refused while a device is attached, whose close then ends the space.
        _ = handle.ioctl(.destroyObject, &buffer)
    }

    private static func size<T>(_ type: T.Type) -> UInt32 { UInt32(MemoryLayout<T>.size) }

    /// Lets an opened device use this space.
    ///
    /// - Parameter group: the node of its group, whose holder has the device too.
    func attach(_ device: KernelHandle, named name: String, group: String) throws(VFIOError) {
        var buffer = KernelBuffer(
            shim_bind_iommufd(
                argsz: Self.size(shim_bind_iommufd.self), flags: 0, iommufd: handle.descriptor, out_devid: 0))
        var result = device.ioctl(.bindIOMMUFD, &buffer)
        if result == -EBUSY {
            throw .busy(path: name, holder: device.kernel.holder(of: group) ?? device.kernel.holder(of: name))
        }
        guard result >= 0 else {
            throw .refused(request: KernelRequest.bindIOMMUFD.name, what: name, errno: -result)
        }
        buffer = KernelBuffer(
            shim_attach_iommufd(argsz: Self.size(shim_attach_iommufd.self), flags: 0, pt_id: identifier))
        result = device.ioctl(.attachIOMMUFD, &buffer)
        guard result >= 0 else {
            throw result == -EPERM
                ? .noInterruptRemapping
                : .refused(request: KernelRequest.attachIOMMUFD.name, what: name, errno: -result)
        }
        try readRanges(name)
    }

    /// What all attached devices can reach: known once a device is attached, narrower with each further one.
    private func readRanges(_ name: String) throws(VFIOError) {
        let capacity = 256
        let memory = HeapBytes(count: capacity * MemoryLayout<shim_iova_range>.size)
        var argument = shim_ioas_iova_ranges()
        argument.size = Self.size(shim_ioas_iova_ranges.self)
        argument.ioas_id = identifier
        argument.num_iovas = UInt32(capacity)
        argument.allowed_iovas = memory.bytes.address
        var buffer = KernelBuffer(argument)
        let result = handle.ioctl(.getSpaceRanges, &buffer)
        guard result >= 0, let answer = buffer.load(shim_ioas_iova_ranges.self) else {
            throw .refused(request: KernelRequest.getSpaceRanges.name, what: name, errno: -result)
        }
        var ranges: [ClosedRange<UInt64>] = []
        let view = memory.bytes.readOnly
        for i in 0..<min(Int(answer.num_iovas), capacity) {
            let (start, last) = (view.le64(i * 16), view.le64(i * 16 + 8))
            if start <= last { ranges.append(start...last) }
        }
        extendLifetime(memory)
        if hasRanges {
            table.restrict(to: ranges)
        } else {
            table = MappingTable(allowed: ranges, pageSizes: answer.out_iova_alignment)
            hasRanges = true
        }
    }

    func restrict(to deviceMask: UInt64) { table.restrict(to: [0...deviceMask]) }

    var importsBuffers: Bool { true }

    var lockedBytes: Int { table.lockedBytes }

    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        let iova = try table.reserve(offset: offset, length: length)
        var flags = UInt32(SHIM_IOMMU_MAP_FIXED_IOVA)
        if rights.contains(.read) { flags |= UInt32(SHIM_IOMMU_MAP_READABLE) }
        if rights.contains(.write) { flags |= UInt32(SHIM_IOMMU_MAP_WRITEABLE) }
        if let loan = object.loan {
            guard let descriptor = loan.bufferDescriptor else { throw .cannotImport(name: object.name) }
            try check(mapFile(descriptor, start: offset, length, iova, flags), object, length)
            table.insert(DMAMapping(length: length, isLocked: false), at: iova)
            return iova
        }
        if mapsFiles {
            let start = object.fileOffset + offset
            let result = mapFile(object.fileDescriptor, start: start, length, iova, flags)
            if result != -ENOTTY && result != -EOPNOTSUPP {
                try check(result, object, length)
                table.insert(DMAMapping(length: length, isLocked: true), at: iova)
                return iova
            }
            mapsFiles = false
        }
        let view = try object.view(
            offset: offset, length: length, rights: rights.contains(.write) ? .readWrite : .read)
        try check(mapView(view.bytes, iova, flags), object, length)
        table.insert(DMAMapping(length: length, isLocked: true, protecting: view), at: iova)
        return iova
    }

    private func check(
        _ result: Int32, _ object: borrowing MemoryObject, _ length: Int
    ) throws(DeviceMemoryError) {
        if result < 0 {
            throw table.explain(object, length: length, errno: -result, limit: handle.kernel.lockedMemoryLimit)
        }
    }

    private func mapView(_ view: MutableByteView, _ iova: IOVA, _ flags: UInt32) -> Int32 {
        var argument = shim_ioas_map()
        argument.size = Self.size(shim_ioas_map.self)
        argument.flags = flags
        argument.ioas_id = identifier
        argument.user_va = view.address
        argument.length = UInt64(view.count)
        argument.iova = iova.rawValue
        var buffer = KernelBuffer(argument)
        return handle.ioctl(.mapMemory, &buffer)
    }

    private func mapFile(
        _ descriptor: Int32, start: Int, _ length: Int, _ iova: IOVA, _ flags: UInt32
    ) -> Int32 {
        var argument = shim_ioas_map_file()
        argument.size = Self.size(shim_ioas_map_file.self)
        argument.flags = flags
        argument.ioas_id = identifier
        argument.fd = descriptor
        argument.start = UInt64(start)
        argument.length = UInt64(length)
        argument.iova = iova.rawValue
        var buffer = KernelBuffer(argument)
        return handle.ioctl(.mapFile, &buffer)
    }

    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        guard table.contains(iova, length: length) else { throw .notMapped(iova: iova.rawValue) }
        var argument = shim_ioas_unmap()
        argument.size = Self.size(shim_ioas_unmap.self)
        argument.ioas_id = identifier
        argument.iova = iova.rawValue
        argument.length = UInt64(length)
        var buffer = KernelBuffer(argument)
        let result = handle.ioctl(.unmapMemory, &buffer)
        guard result >= 0, buffer.load(shim_ioas_unmap.self)?.length == UInt64(length) else {
            throw .notMapped(iova: iova.rawValue)
        }
        table.remove(iova)
    }
}
