internal import DeviceMemory
internal import Glibc

/// Where devices see memory: a type1 container or an I/O address space of iommufd.
protocol IOAddressSpace: AnyObject {
    /// Maps a piece of `object`, whole pages, for all devices of this space.
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA
    /// Takes back exactly one mapping.
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError)
    /// Host memory that mappings hold locked, in bytes.
    var lockedBytes: Int { get }
    /// Keeps new addresses at or below a device's mask.
    func restrict(to deviceMask: UInt64)
    /// Other devices' memory is imported as dma-buf, not through a view.
    var importsBuffers: Bool { get }
}

/// One mapping, and the address range in this process through which the kernel found its pages, if it did that way.
final class DMAMapping {
    let length: Int
    /// Whether it counts against RLIMIT_MEMLOCK: memory of devices does not.
    let isLocked: Bool
    private let reservation: MappedView?

    /// - Parameter view: what the kernel pinned through. Its addresses stay reserved without access rights; a view that
    ///   the kernel does not protect is unmapped.
    init(length: Int, isLocked: Bool, protecting view: consuming MappedView? = nil) {
        self.length = length
        self.isLocked = isLocked
        switch consume view {
        case .some(let view): if view.protect() { reservation = consume view } else { reservation = nil }
        case .none: reservation = nil
        }
    }
}

/// Addresses and mappings of an I/O address space.
struct MappingTable {
    private var allocator: IOVAAllocator
    private var mappings: [IOVA: DMAMapping] = [:]
    /// The smallest page of the IOMMU in bytes.
    private let pageSize: UInt64
    private(set) var lockedBytes = 0

    /// - Parameter pageSizes: bit mask of the IOMMU's page sizes.
    init(allowed: [ClosedRange<UInt64>], pageSizes: UInt64) {
        allocator = IOVAAllocator(allowed: allowed, deviceMask: .max)
        pageSize = pageSizes == 0 ? 4096 : max(pageSizes & (~pageSizes &+ 1), 4096)
    }

    mutating func restrict(to allowed: [ClosedRange<UInt64>]) { allocator.restrict(to: allowed) }

    /// An address for a piece of memory, which must be whole pages.
    mutating func reserve(offset: Int, length: Int) throws(DeviceMemoryError) -> IOVA {
        let page = Int(clamping: pageSize)
        guard offset % page == 0 else {
            throw .misaligned(what: "the start of a mapping", value: offset, alignment: page)
        }
        guard length > 0, length % page == 0 else {
            throw .misaligned(what: "the length of a mapping", value: length, alignment: page)
        }
        return try allocator.allocate(bytes: length)
    }

    mutating func insert(_ mapping: DMAMapping, at iova: IOVA) {
        mappings[iova] = mapping
        if mapping.isLocked { lockedBytes += mapping.length }
    }

    func contains(_ iova: IOVA, length: Int) -> Bool { mappings[iova]?.length == length }

    mutating func remove(_ iova: IOVA) {
        if let mapping = mappings.removeValue(forKey: iova), mapping.isLocked { lockedBytes -= mapping.length }
    }

    /// What a refused mapping means.
    func explain(
        _ object: borrowing MemoryObject, length: Int, errno code: Int32, limit: UInt64
    ) -> DeviceMemoryError {
        switch code {
        // The kernel counts by process or user, in which other containers and programs have their share.
        case ENOMEM where object.loan == nil && limit != .max:
            .lockedMemoryLimit(name: object.name, bytes: length, locked: lockedBytes, limit: limit)
        case ENOSPC: .tooManyMappings(name: object.name)
        case EFAULT where object.loan != nil, EOPNOTSUPP where object.loan != nil: .cannotImport(name: object.name)
        default: .cannotMapForDevice(name: object.name, bytes: length, errno: code)
        }
    }
}

extension MutableByteView {
    /// The address as system calls take it in a structure.
    var address: UInt64 {
        unsafe withUnsafeMutableBytes { UInt64(UInt(bitPattern: $0.baseAddress)) }
    }
}
