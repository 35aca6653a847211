/// Memory for payload, cut in slots, with a flush page at its end: a memfd that stands for a device's memory, or the memory
/// of a device.
///
/// The region maps nothing. The model asks for a writable view, the consumer for a readable one, each in its own process
/// when the proof is to be complete; the process that runs the stack asks for none.
public struct DeviceRegion: ~Copyable {
    /// Size of the flush page in bytes.
    public static let flushPageBytes = 4096

    /// The memory behind, for views and for mapping it for a device.
    public let object: MemoryObject
    /// Bytes for slots, from the start of the memory.
    public let slotBytes: Int
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// What proves that payload has arrived.
    public let visibility: Visibility

    /// Number of slots.
    public var slotCount: Int { slotBytes / slotSize }
    /// Where the flush page begins: the last page. It is read over the device's bus or through a mapping of it alone.
    public var flushOffset: Int { object.size - Self.flushPageBytes }

    /// Creates a region with as many slots of `slotSize` bytes (a power of two, 2 KiB to 2 MiB) as fit in `size`.
    public init(
        name: String = "device region", size: Int, slotSize: Int, visibility: Visibility
    ) throws(DeviceMemoryError) {
        let bytes = try Self.slotBytes(in: size, slotSize)
        try self.init(
            over: MemoryObject(name: name, size: bytes + Self.flushPageBytes), slotSize: slotSize,
            visibility: visibility)
    }

    /// Cuts memory that exists: all of it but the last page, which becomes the flush page.
    public init(
        over object: consuming MemoryObject, slotSize: Int, visibility: Visibility
    ) throws(DeviceMemoryError) {
        slotBytes = try Self.slotBytes(in: object.size - Self.flushPageBytes, slotSize)
        self.slotSize = slotSize
        self.visibility = visibility
        self.object = object
    }

    /// Takes over a region of `size` bytes, flush page included, that another process created and sent.
    public init(
        taking descriptor: consuming OwnedDescriptor, at fileOffset: Int = 0, size: Int, slotSize: Int,
        visibility: Visibility
    ) throws(DeviceMemoryError) {
        let object = try MemoryObject(name: "device region", taking: descriptor, at: fileOffset, size: size)
        try self.init(over: object, slotSize: slotSize, visibility: visibility)
    }

    /// Whole slots that are whole pages too, because an IOMMU maps pages.
    private static func slotBytes(in size: Int, _ slotSize: Int) throws(DeviceMemoryError) -> Int {
        guard slotSize >= 2048, slotSize <= 2 << 20, slotSize & (slotSize - 1) == 0 else {
            throw .misaligned(what: "the slot size (2K to 2M, a power of two)", value: slotSize, alignment: 2048)
        }
        let unit = max(slotSize, flushPageBytes)
        guard size >= unit else { throw .regionTooSmall(bytes: max(size, 0), needed: unit) }
        return size / unit * unit
    }
}
