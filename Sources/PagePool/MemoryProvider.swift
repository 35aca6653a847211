public import DeviceMemory

/// The memory behind a pool: a closed set, asked on the slow path only.
public struct MemoryProvider: ~Copyable {
    /// What the slots are made of.
    public enum Backing: Sendable {
        /// Slots of a device region at one I/O address: no CPU address exists.
        case deviceRegion(base: IOVA)
        /// Slots of registered host memory, readable by the stack unless the memory says otherwise.
        case hostPages(HostBlock, readable: Bool)
    }

    /// What the slots are made of.
    public let backing: Backing
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// Number of slots.
    public let slotCount: Int
    // The provider's own free list; the pool's cache takes from it in bulk.
    private var free: Slab<UInt32>
    private var freeCount: Int

    /// Slots of a region that the device sees at `base`.
    public init(deviceRegionAt base: IOVA, slotSize: Int, slotCount: Int) {
        self.init(backing: .deviceRegion(base: base), slotSize: slotSize, slotCount: slotCount)
    }

    /// Slots of host memory; `readable: false` is memory that the CPU must not read although it could.
    public init(hostPages block: HostBlock, slotSize: Int, readable: Bool = true) {
        self.init(
            backing: .hostPages(block, readable: readable), slotSize: slotSize, slotCount: block.bytes.count / slotSize)
    }

    /// No slots at all.
    static var empty: MemoryProvider { MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 4096, slotCount: 0) }

    private init(backing: Backing, slotSize: Int, slotCount: Int) {
        self.backing = backing
        self.slotSize = slotSize
        self.slotCount = slotCount
        // Descending, so that slots are first handed out in address order.
        free = Slab(count: slotCount) { UInt32(slotCount - 1 - $0) }
        freeCount = slotCount
    }

    /// Which kind of handle the slots have.
    public var kind: MemoryKind {
        switch backing {
        case .deviceRegion: .deviceSlot
        case .hostPages: .hostPage
        }
    }

    /// Where the device sees slot 0; slots follow one another.
    public var base: IOVA {
        switch backing {
        case .deviceRegion(let base): base
        case .hostPages(let block, _): block.iova
        }
    }

    /// The bytes of slot 0 on, when the stack may read them.
    public var readableBytes: MutableByteView? {
        switch backing {
        case .deviceRegion: nil
        case .hostPages(let block, let readable): readable ? block.bytes : nil
        }
    }

    /// Takes up to `limit` free slots, handing each to `accept`.
    mutating func allocate(_ limit: Int, _ accept: (UInt32) -> Void) {
        let n = min(limit, freeCount)
        for _ in 0..<n {
            freeCount -= 1
            accept(free[freeCount])
        }
    }

    /// Takes a slot back.
    mutating func release(_ slot: UInt32) {
        free[freeCount] = slot
        freeCount += 1
    }
}
