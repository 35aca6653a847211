internal import Glibc

/// Why a device's access was refused.
@frozen public enum IOMMUFaultReason: UInt8, Sendable {
    case unmapped
    case readDenied
    case writeDenied
    case crossesMapping
}

/// One refused access.
public struct IOMMUFault: Sendable, Hashable {
    /// First address of the access.
    public let iova: UInt64
    /// Its length in bytes.
    public let length: Int
    /// Why it was refused.
    public let reason: IOMMUFaultReason
}

/// Translates I/O addresses for a device model: bounds, rights and a record of every fault.
///
/// Owned by the side that runs the model. The model never sees a pointer that it did not get from here.
public struct SoftIOMMU: ~Copyable {
    /// A mapping as the look-up wants it; `bytes` is kept alive by `views` at the same index.
    // Not private: metadata of generic owners in other files names it, and 6.3.1 emits a broken reference then.
    struct Entry: BitwiseCopyable {
        var start: UInt64 = 1
        var end: UInt64 = 0
        var rights: AccessRights = []
        var isRegion = false
        var bytes: MutableByteView?
    }

    private var allocator: IOVAAllocator
    private var entries: Slab<Entry>
    private var views: Slab<MappedView?>
    private var last = 0
    /// Refused accesses since the start.
    public private(set) var faultCount: UInt64 = 0
    /// The first 64 of them.
    public private(set) var faults: [IOMMUFault] = []

    /// - Parameters:
    ///   - deviceMask: highest address that the device can emit.
    ///   - capacity: how many mappings may exist at once.
    public init(deviceMask: UInt64 = (1 << 48) - 1, capacity: Int = 128) {
        // The hole is the x86 MSI window, reserved on every Intel and AMD IOMMU.
        allocator = IOVAAllocator(
            allowed: [0...0xFEDF_FFFF, 0xFEF0_0000...UInt64.max], deviceMask: deviceMask)
        entries = Slab(count: capacity, repeating: Entry())
        views = Slab(count: capacity) { _ in nil }
    }

    /// Maps memory for the device and returns its address.
    ///
    /// - Parameter isRegion: payload memory of a peer device, whose writes the model may delay.
    public mutating func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights, isRegion: Bool
    ) throws(DeviceMemoryError) -> IOVA {
        for i in 0..<entries.count where entries[i].bytes == nil {
            let view = try object.view(offset: offset, length: length, rights: .readWrite)
            let iova = try allocator.allocate(bytes: length)
            entries[i] = Entry(
                start: iova.rawValue, end: iova.rawValue + UInt64(length), rights: rights, isRegion: isRegion,
                bytes: view.bytes)
            views[i] = .some(consume view)
            return iova
        }
        throw .outOfIOVASpace(bytes: length)
    }

    /// Takes a mapping back: later accesses fault, and the address is not used again.
    public mutating func unmap(_ iova: IOVA) throws(DeviceMemoryError) {
        for i in 0..<entries.count where entries[i].bytes != nil && entries[i].start == iova.rawValue {
            entries[i] = Entry()
            views[i] = nil
            return
        }
        throw .notMapped(iova: iova.rawValue)
    }

    /// Where a device access lands.
    public struct Target: BitwiseCopyable {
        /// The bytes to touch.
        public let bytes: MutableByteView
        /// Payload memory of a peer device.
        public let isRegion: Bool
        /// Offset within its mapping.
        public let offset: Int
    }

    /// Translates a device's read; `nil` is a recorded fault.
    public mutating func read(_ iova: UInt64, _ length: Int) -> Target? { translate(iova, length, .read) }
    /// Translates a device's write; `nil` is a recorded fault.
    public mutating func write(_ iova: UInt64, _ length: Int) -> Target? { translate(iova, length, .write) }

    private mutating func translate(_ iova: UInt64, _ length: Int, _ rights: AccessRights) -> Target? {
        if let target = lookUp(last, iova, length, rights) { return target }
        for i in 0..<entries.count where i != last {
            if let target = lookUp(i, iova, length, rights) {
                last = i
                return target
            }
        }
        fault(iova, length, rights)
        return nil
    }

    private func lookUp(_ i: Int, _ iova: UInt64, _ length: Int, _ rights: AccessRights) -> Target? {
        let entry = entries[i]
        guard let bytes = entry.bytes, iova >= entry.start, iova < entry.end, UInt64(length) <= entry.end &- iova,
            entry.rights.isSuperset(of: rights)
        else { return nil }
        let offset = Int(iova &- entry.start)
        return Target(bytes: bytes.slice(offset, length), isRegion: entry.isRegion, offset: offset)
    }

    private mutating func fault(_ iova: UInt64, _ length: Int, _ rights: AccessRights) {
        var reason = IOMMUFaultReason.unmapped
        for i in 0..<entries.count {
            let entry = entries[i]
            guard entry.bytes != nil, iova >= entry.start, iova < entry.end else { continue }
            reason =
                UInt64(length) > entry.end &- iova ? .crossesMapping : rights == .read ? .readDenied : .writeDenied
        }
        faultCount &+= 1
        if faults.count < 64 { faults.append(IOMMUFault(iova: iova, length: length, reason: reason)) }
    }
}
