internal import CShim

/// A region of a VFIO device: a BAR or its configuration space (`struct vfio_region_info`).
struct VFIORegion: Equatable {
    /// Bytes; 0 when the device has none there.
    var size: Int
    /// Where it lies behind the device's descriptor.
    var fileOffset: Int
    /// Parts that can be mapped, as ranges of the region.
    var mappable: [Range<Int>]

    /// The largest part that can be mapped.
    var largestMappable: Range<Int>? { mappable.max { $0.count < $1.count } }

    /// Asks for region `index`; an error is a negative number.
    static func read(_ index: Int, of handle: KernelHandle) -> (VFIORegion?, Int32) {
        var argument = vfio_region_info()
        argument.index = UInt32(index)
        let (answer, result) = handle.info(.getRegionInfo, argument)
        guard let answer, let info = answer.load(vfio_region_info.self), let size = Int(exactly: info.size),
            let fileOffset = Int(exactly: info.offset)
        else { return (nil, result) }
        var region = VFIORegion(size: size, fileOffset: fileOffset, mappable: [])
        guard info.flags & UInt32(VFIO_REGION_INFO_FLAG_MMAP) != 0, size > 0 else { return (region, result) }
        let hasChain = info.flags & UInt32(VFIO_REGION_INFO_FLAG_CAPS) != 0
        let chain = InfoCapabilities(answer, first: hasChain ? info.cap_offset : 0)
        guard let at = chain.offset(of: VFIO_REGION_INFO_CAP_SPARSE_MMAP),
            let sparse = answer.load(shim_cap_sparse_mmap.self, at: at)
        else {
            region.mappable = [0..<size]
            return (region, result)
        }
        let first = at + MemoryLayout<shim_cap_sparse_mmap>.size
        for i in 0..<Int(min(sparse.nr_areas, 64)) {
            let place = first + i * MemoryLayout<vfio_region_sparse_mmap_area>.size
            guard let area = answer.load(vfio_region_sparse_mmap_area.self, at: place) else { break }
            let (end, overflow) = area.offset.addingReportingOverflow(area.size)
            if overflow || end > info.size || area.size == 0 { continue }
            region.mappable.append(Int(area.offset)..<Int(end))
        }
        return (region, result)
    }
}
