/// Memory for payload: a memfd that stands for a device's memory, cut in slots, with a flush page at its end.
///
/// The region maps nothing. The model asks for a writable view, the consumer for a readable one, each in its own process
/// when the proof is to be complete; the process that runs the stack asks for none.
public struct DeviceRegion: ~Copyable {
    /// The memory behind, for views and for mapping it for a device.
    public let object: MemoryObject
    /// Bytes for slots; the flush page follows.
    public let slotBytes: Int
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// What proves that payload has arrived.
    public let visibility: Visibility

    /// Number of slots.
    public var slotCount: Int { slotBytes / slotSize }
    /// Where the flush page begins. It is read over the device's bus, never through a mapping.
    public var flushOffset: Int { slotBytes }

    /// Creates a region with as many slots of `slotSize` bytes (a power of two, 2 KiB to 2 MiB) as fit in `size`.
    public init(
        name: String = "device region", size: Int, slotSize: Int, visibility: Visibility
    ) throws(DeviceMemoryError) {
        guard slotSize >= 2048, slotSize <= 2 << 20, slotSize & (slotSize - 1) == 0 else {
            throw .misaligned(what: "the slot size (2K to 2M, a power of two)", value: slotSize, alignment: 2048)
        }
        let bytes = size / slotSize * slotSize
        guard bytes > 0 else { throw .regionTooSmall(bytes: size, needed: slotSize) }
        object = try MemoryObject(name: name, size: bytes + 4096)
        slotBytes = bytes
        self.slotSize = slotSize
        self.visibility = visibility
    }

    /// Takes over a region of `size` bytes, flush page included, that another process created and sent.
    public init(
        taking descriptor: consuming OwnedDescriptor, size: Int, slotSize: Int, visibility: Visibility
    ) throws(DeviceMemoryError) {
        guard size > 4096, slotSize > 0, (size - 4096) % slotSize == 0 else {
            throw .misaligned(what: "a region's size without its flush page", value: size - 4096, alignment: slotSize)
        }
        object = try MemoryObject(name: "device region", taking: descriptor, size: size)
        slotBytes = size - 4096
        self.slotSize = slotSize
        self.visibility = visibility
    }
}
