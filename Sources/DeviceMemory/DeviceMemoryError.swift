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
    case deviceGone
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
        case .noInterrupts(let vectors):
            "the device has no \(vectors) MSI-X vectors to wake a sleeper with; let it poll instead"
        case .deviceGone:
            "the device no longer answers (it reads all ones); check the link, its power state and the log of the kernel"
        }
    }
}
