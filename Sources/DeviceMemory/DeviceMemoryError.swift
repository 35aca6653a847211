/// What can go wrong on the control paths of this module; each case says what to do about it.
public enum DeviceMemoryError: Error, CustomStringConvertible, Equatable {
    case cannotCreate(name: String, bytes: Int, errno: Int32)
    case cannotMap(name: String, bytes: Int, errno: Int32)
    case cannotSeal(name: String, errno: Int32)
    case regionTooSmall(bytes: Int, needed: Int)
    case misaligned(what: String, value: Int, alignment: Int)
    case outOfIOVASpace(bytes: Int)
    case arenaFull(name: String, requested: Int, free: Int)
    case noSuchNode(Int)
    case notMapped(iova: UInt64)
    case notReachable(name: String)
    case deviceGone
    case cannotMapForDevice(name: String, bytes: Int, errno: Int32)
    case lockedMemoryLimit(name: String, bytes: Int, locked: Int, limit: UInt64)
    case tooManyMappings(name: String)
    case cannotImport(name: String)
    case stillMastering(iova: UInt64)
    case noInterrupts(vectors: Int)

    public var description: String {
        switch self {
        case .cannotCreate(let name, let bytes, let code):
            "cannot create \(bytes) bytes of shared memory for \(name): \(systemMessage(code)); free memory or ask for less"
        case .cannotMap(let name, let bytes, let code):
            "cannot map \(bytes) bytes of \(name): \(systemMessage(code)); check the process's memory limits (ulimit -v, -l)"
        case .cannotSeal(let name, let code):
            "cannot seal \(name) against shrinking: \(systemMessage(code)); the kernel must support memfd seals (3.17 or newer)"
        case .regionTooSmall(let bytes, let needed):
            "the device region of \(bytes) bytes is too small: the rings need at least \(needed) bytes; enlarge --region or shorten the rings"
        case .misaligned(let what, let value, let alignment):
            "\(what) is \(value), which is not a multiple of \(alignment); choose a multiple"
        case .outOfIOVASpace(let bytes):
            "no \(bytes) bytes of I/O address space are left within the device's mask; use fewer or smaller regions"
        case .arenaFull(let name, let requested, let free):
            "\(name) has \(free) bytes left and \(requested) were asked for; shorten the rings"
        case .noSuchNode(let node):
            "this machine has no NUMA node \(node); see /sys/devices/system/node"
        case .notMapped(let iova):
            "I/O address 0x\(String(iova, radix: 16)) is not mapped; unmap each mapping once"
        case .notReachable(let name):
            "the device cannot reach \(name); take memory for it from the device itself"
        case .noInterrupts(let vectors):
            "the device has no \(vectors) MSI-X vectors to wake a sleeper with; let it poll instead"
        case .deviceGone:
            "the device no longer answers (it reads all ones); check the link, its power state and the log of the kernel"
        case .cannotMapForDevice(let name, let bytes, let code):
            "the IOMMU does not map \(bytes) bytes of \(name) for the device: \(systemMessage(code)); see the log of the kernel (dmesg)"
        case .lockedMemoryLimit(let name, let bytes, let locked, let limit):
            "\(bytes) bytes of \(name) cannot be locked for DMA: the limit (RLIMIT_MEMLOCK) is \(limit) bytes and \(locked) are locked already, so \(locked + bytes) are needed; raise it with ulimit -l \((locked + bytes + 1023) >> 10), LimitMEMLOCK= of a systemd unit, or setcap cap_ipc_lock+ep on the program"
        case .tooManyMappings(let name):
            "\(name) cannot be mapped for DMA: the IOMMU driver's limit of mappings is reached; raise dma_entry_limit of module vfio_iommu_type1 or use fewer regions"
        case .cannotImport(let name):
            "this kernel's I/O address space takes no memory of another device (\(name)); use a type1 container, or a kernel that exports BARs as dma-buf (7.x)"
        case .stillMastering(let iova):
            "memory at I/O address 0x\(String(iova, radix: 16)) may still be written by the device; shut the device down before unmapping"
        }
    }
}
