internal import CNUMA
public import Logging

/// Host memory that the device may reach: rings, header slabs, transmit buffers, host-page pools.
///
/// One memfd, mapped once here and once for the device, carved by a bump allocator: what belongs together lives and dies
/// together. 2 MiB pages are used when the machine has them.
public struct HostMemory: ~Copyable {
    private let name: String
    private let bytes: MutableByteView
    /// `nil`: the memory belongs to the device that lent it.
    private let backing: Backing?
    private var used = 0
    /// Where the device sees it.
    public private(set) var iova = IOVA(0)

    /// Creates host memory of at least `size` bytes on `node` (`nil`: where the creating thread runs).
    public init(
        name: String, size: Int, node: Int? = nil, log: Logger
    ) throws(DeviceMemoryError) {
        if let node, numa_available() < 0 || node < 0 || node > Int(numa_max_node()) { throw .noSuchNode(node) }
        let backing = try Backing.preferringHugePages(name: name, size: size, log: log)
        self.name = name
        bytes = backing.mapping.bytes
        if let node {
            unsafe numa_tonode_memory(backing.mapping.base, backing.mapping.count, Int32(node))
            // The policy holds for pages that are touched after it was set (mbind(2)): touch them all now.
            backing.mapping.bytes.fill(0)
            log.info("\(name): on NUMA node \(node)")
        }
        self.backing = consume backing
    }

    /// Host memory that a device lends: a piece of memory that it reaches anyway. Valid while the device lives.
    public init(name: String, lent bytes: MutableByteView, iova: IOVA) {
        self.name = name
        self.bytes = bytes
        self.iova = iova
        backing = nil
    }

    /// Length in bytes.
    public var size: Int { bytes.count }

    /// All of it, whoever carved what: for looking for bytes that must not be there.
    public var contents: ByteView { bytes.readOnly }

    /// Makes the memory known to `device`; memory that a device lent is known already.
    public mutating func map<D: PCIDevice>(for device: D) throws(DeviceMemoryError) {
        switch backing {
        case .some(let backing):
            iova = try device.map(backing.object, offset: 0, length: backing.object.size, rights: .readWrite)
        case .none: break
        }
    }

    /// Carves a block; `alignment` is a power of two.
    public mutating func allocate(bytes: Int, alignment: Int = 4096) throws(DeviceMemoryError) -> HostBlock {
        let start = (used + alignment - 1) & ~(alignment - 1)
        guard bytes > 0, start + bytes <= size else {
            throw .arenaFull(name: name, requested: bytes, free: size - used)
        }
        used = start + bytes
        return HostBlock(bytes: self.bytes.slice(start, bytes), iova: iova + start)
    }
}

/// A piece of ``HostMemory`` as both sides see it; valid while the memory lives.
@frozen public struct HostBlock: BitwiseCopyable, Sendable {
    /// As this side sees it.
    public let bytes: MutableByteView
    /// As the device sees it.
    public let iova: IOVA

    /// Names both views of one block.
    @inlinable public init(bytes: MutableByteView, iova: IOVA) {
        self.bytes = bytes
        self.iova = iova
    }

    /// A part of the block.
    @inlinable public func slice(_ offset: Int, _ count: Int) -> HostBlock {
        HostBlock(bytes: bytes.slice(offset, count), iova: iova + offset)
    }
}

/// Memory and this side's mapping of it.
struct Backing: ~Copyable {
    let object: MemoryObject
    let mapping: MappedView

    init(name: String, size: Int, hugePages: Bool) throws(DeviceMemoryError) {
        let object = try MemoryObject(name: name, size: size, hugePages: hugePages)
        // Mapping reserves huge pages: a pool that is short of them fails here, not at the first touch.
        mapping = try object.view(rights: .readWrite)
        self.object = object
    }

    static func preferringHugePages(name: String, size: Int, log: Logger) throws(DeviceMemoryError) -> Backing {
        do {
            let backing = try Backing(name: name, size: size, hugePages: true)
            log.info("\(name): \(backing.object.size >> 20) MiB in 2 MiB pages")
            return backing
        } catch {
            let backing = try Backing(name: name, size: size, hugePages: false)
            log.info("\(name): \(backing.object.size >> 10) KiB in 4 KiB pages (no free 2 MiB pages on this machine)")
            return backing
        }
    }
}
