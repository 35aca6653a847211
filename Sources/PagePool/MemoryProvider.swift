public import DeviceMemory

/// Who keeps a buffer that a pool lets go of.
public enum ReleaseAnswer: Sendable, Hashable {
    /// The provider took it back.
    case providerKeeps
    /// The provider has no use for it: the pool frees it, which is to say keeps it on a list of its own.
    case poolFrees
}

/// What a provider makes slots of: a closed set, told apart by a switch on the slow path.
public enum ProviderKind: Sendable, Hashable {
    /// A device region, of one run or many. The provider keeps what comes back.
    case deviceRegion
    /// Registered host memory. It is handed out once, front to back; what comes back is the pool's.
    case registeredHost
    /// Huge pages of host memory, cut in slots. The provider keeps what comes back, by page.
    case hugePages
}

/// The memory behind a pool: a closed set, asked on the slow path only.
///
/// Four operations: it is attached to a pool (which may fail), hands out slots, takes them back and ends. It ends with its
/// pool or when the pool is drained, once and after everything else. Neither maps nor unmaps memory for the device: that
/// was done once, when the memory was registered. What Linux's pages have besides does not apply to slots: they have no
/// page-frame number, are never compound or low-memory reserves, and are on the node that whoever bound them chose.
public struct MemoryProvider: ~Copyable {
    /// What the slots are made of.
    public enum Backing: Sendable {
        /// Slots of a device region at one I/O address: no CPU address exists.
        case deviceRegion(base: IOVA)
        /// Slots of a device region of several runs.
        case deviceRuns([DeviceRun])
        /// Slots of registered host memory, readable by the stack unless the memory says otherwise.
        case hostPages(HostBlock, readable: Bool)
    }

    /// What the slots are made of.
    public let backing: Backing
    /// Which of the set it is.
    public let providerKind: ProviderKind
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// Number of slots that the memory has.
    public let slotCount: Int
    /// Slots that may be out at once: ``slotCount``, or the cap.
    public private(set) var limit: Int
    /// Whether a pool takes everything when it is made, and asks for nothing afterwards.
    public private(set) var isPreallocated = false

    // What is free: the slots from `fresh` on were never out; below, slots are in one of the two lists.
    private var fresh = 0
    private var returned: Slab<UInt32>
    private var returnedCount = 0
    private var hugePages: HugePageSlots
    private var handedOut = 0
    private var given = 0
    private var pool: UInt16?
    private var isDestroyed = false
    private var probe: ProviderProbe?

    /// Slots of a region that the device sees at `base`. For addresses that are known to be good: nothing is checked.
    public init(deviceRegionAt base: IOVA, slotSize: Int, slotCount: Int) {
        self.init(.deviceRegion, backing: .deviceRegion(base: base), slotSize: slotSize, slotCount: slotCount)
    }

    /// Slots of a region made of `runs`, each of which must begin and end at a multiple of `slotSize` (a power of two,
    /// 2 KiB to 2 MiB).
    public init(deviceRegion runs: [DeviceRun], slotSize: Int) throws(PagePoolError) {
        let slotCount = try DeviceRun.slots(in: runs, of: slotSize)
        let backing: Backing = runs.count == 1 ? .deviceRegion(base: runs[0].base) : .deviceRuns(runs)
        self.init(.deviceRegion, backing: backing, slotSize: slotSize, slotCount: slotCount)
    }

    /// Slots of host memory; `readable: false` is memory that the CPU must not read although it could. For memory that is
    /// known to be good: nothing is checked, and what is left behind the last whole slot is not used.
    public init(hostPages block: HostBlock, slotSize: Int, readable: Bool = true) {
        self.init(
            .registeredHost, backing: .hostPages(block, readable: readable), slotSize: slotSize,
            slotCount: block.bytes.count / slotSize)
    }

    /// Slots of host memory that somebody registered, which must begin and end at a multiple of `slotSize` for the device.
    public init(registered block: HostBlock, slotSize: Int, readable: Bool = true) throws(PagePoolError) {
        let run = DeviceRun(base: block.iova, length: block.bytes.count)
        let slotCount = try DeviceRun.slots(in: [run], of: slotSize)
        self.init(
            .registeredHost, backing: .hostPages(block, readable: readable), slotSize: slotSize, slotCount: slotCount)
    }

    /// Slots of huge pages: `block` begins and ends at a multiple of 2 MiB for the device.
    public init(hugePages block: HostBlock, slotSize: Int, readable: Bool = true) throws(PagePoolError) {
        let run = DeviceRun(base: block.iova, length: block.bytes.count)
        _ = try DeviceRun.slots(in: [run], of: HugePageSlots.pageBytes)
        let slotCount = try DeviceRun.slots(in: [run], of: slotSize)
        self.init(
            .hugePages, backing: .hostPages(block, readable: readable), slotSize: slotSize, slotCount: slotCount)
    }

    /// No slots at all.
    static var empty: MemoryProvider { MemoryProvider(deviceRegionAt: IOVA(0), slotSize: 4096, slotCount: 0) }

    private init(_ kind: ProviderKind, backing: Backing, slotSize: Int, slotCount: Int) {
        providerKind = kind
        self.backing = backing
        self.slotSize = slotSize
        self.slotCount = slotCount
        limit = slotCount
        returned = Slab(capacity: slotCount)
        if kind == .hugePages {
            let perPage = HugePageSlots.pageBytes / slotSize
            hugePages = HugePageSlots(pages: slotCount / perPage, slotsPerPage: perPage)
        } else {
            hugePages = HugePageSlots(pages: 0, slotsPerPage: 1)
        }
    }

    /// The same memory, of which at most `slots` may be out at once.
    public consuming func capped(at slots: Int) throws(PagePoolError) -> MemoryProvider {
        guard slots > 0 else { throw .badCap(slots) }
        limit = min(limit, slots)
        return self
    }

    /// The same memory, all of which (or all that its cap allows) a pool takes at the start.
    public consuming func preallocated() -> MemoryProvider {
        isPreallocated = true
        return self
    }

    /// The same memory, watched by `probe`.
    public consuming func probed(by probe: ProviderProbe) -> MemoryProvider {
        self.probe = probe
        return self
    }

    /// Which kind of handle the slots have.
    public var kind: MemoryKind {
        switch backing {
        case .deviceRegion, .deviceRuns: .deviceSlot
        case .hostPages: .hostPage
        }
    }

    /// Where the device sees slot 0; slots follow one another within a run.
    public var base: IOVA {
        switch backing {
        case .deviceRegion(let base): base
        case .deviceRuns(let runs): runs[0].base
        case .hostPages(let block, _): block.iova
        }
    }

    /// The bytes of slot 0 on, when the stack may read them.
    public var readableBytes: MutableByteView? {
        switch backing {
        case .deviceRegion, .deviceRuns: nil
        case .hostPages(let block, let readable): readable ? block.bytes : nil
        }
    }

    /// The address of every slot, when there is more than one run.
    var addresses: Slab<IOVA> {
        guard case .deviceRuns(let runs) = backing else { return Slab(capacity: 0) }
        var table = Slab<IOVA>(capacity: slotCount)
        for run in runs {
            for offset in stride(from: 0, to: run.length, by: slotSize) { table.append(run.base + offset) }
        }
        return table
    }

    /// Whether what comes back is kept here, or is for the pool to free.
    var keepsReleased: Bool { providerKind != .registeredHost || limit < slotCount }

    // MARK: the four operations

    /// Attaches the provider to pool `pool`: the first thing that happens to it.
    mutating func attach(to pool: UInt16) throws(ProviderFailure) {
        if let probe, probe.failsInitialisation {
            probe.record(.refused)
            // What never began does not end.
            isDestroyed = true
            throw .injected
        }
        self.pool = pool
        probe?.record(.initialised)
    }

    /// Takes up to `wanted` free slots, handing each to `accept`; returns how many.
    mutating func allocate(_ wanted: Int, _ accept: (UInt32) -> Void) -> Int {
        if let probe, probe.failsAllocation() {
            probe.record(.allocated(0))
            return 0
        }
        let n = min(wanted, limit - given - handedOut)
        var taken = 0
        switch providerKind {
        case .deviceRegion, .registeredHost:
            while taken < n {
                // The slot touched last is the warmest; fresh ones come in address order.
                if returnedCount != 0 {
                    returnedCount -= 1
                    accept(returned[returnedCount])
                } else {
                    accept(UInt32(fresh))
                    fresh += 1
                }
                taken += 1
            }
        case .hugePages: taken = hugePages.allocate(n, accept)
        }
        handedOut += taken
        probe?.record(.allocated(taken))
        return taken
    }

    /// Takes a slot back, or leaves it to the pool.
    mutating func release(_ slot: UInt32) -> ReleaseAnswer {
        let answer: ReleaseAnswer = keepsReleased ? .providerKeeps : .poolFrees
        if answer == .providerKeeps {
            handedOut -= 1
            if providerKind == .hugePages {
                hugePages.release(slot)
            } else if returnedCount < returned.count {
                returned[returnedCount] = slot
                returnedCount += 1
            } else {
                returned.append(slot)
                returnedCount += 1
            }
        }
        probe?.record(.released(answer))
        return answer
    }

    /// Ends the provider: nothing is out, and nothing is asked of it any more. A second time does nothing.
    mutating func destroy() {
        guard !isDestroyed else { return }
        isDestroyed = true
        limit = 0
        given = 0
        if pool != nil { probe?.record(.destroyed) }
    }

    deinit { if !isDestroyed && pool != nil { probe?.record(.destroyed) } }

    // MARK: huge pages

    /// The huge page that `slot` lies in; `nil` for other memory.
    func hugePage(of slot: UInt32) -> Int? { providerKind == .hugePages ? hugePages.page(of: slot) : nil }

    /// Slots of one huge page; 0 for other memory.
    var slotsPerHugePage: Int { providerKind == .hugePages ? hugePages.slotsPerPage : 0 }

    /// Gives away a huge page none of whose slots is out.
    mutating func giveBackHugePage() -> Int? {
        // A cap counts slots and not pages: what of it would go with a page is nobody's to say.
        guard providerKind == .hugePages, limit == slotCount, let page = hugePages.giveBackWhole() else { return nil }
        given += hugePages.slotsPerPage
        return page
    }

    /// Takes back a huge page that was given away.
    mutating func accept(hugePage page: Int) -> Bool {
        guard providerKind == .hugePages, hugePages.accept(page: page) else { return false }
        given -= hugePages.slotsPerPage
        return true
    }

    /// Whether `slot` lies in a huge page that was given away.
    func isGivenAway(_ slot: UInt32) -> Bool {
        providerKind == .hugePages && !hugePages.isPageHere(hugePages.page(of: slot))
    }

    // MARK: looking

    /// Hands every slot that is free here to `body`.
    func forEachFree(_ body: (UInt32) -> Void) {
        if providerKind == .hugePages { return hugePages.forEachFree(body) }
        for i in 0..<returnedCount { body(returned[i]) }
        for slot in fresh..<max(fresh, slotCount) { body(UInt32(slot)) }
    }

    /// How it stands.
    var report: ProviderReport {
        ProviderReport(
            kind: providerKind, pool: pool, slotSize: slotSize, slots: slotCount, limit: limit, handedOut: handedOut,
            wholeHugePages: hugePages.wholePages, isPreallocated: isPreallocated, isDestroyed: isDestroyed)
    }
}

/// How a provider stands, for status output.
public struct ProviderReport: Sendable, Hashable {
    /// Which of the set it is.
    public var kind: ProviderKind
    /// The pool that it is attached to: a binding's number.
    public var pool: UInt16?
    /// Size of one slot in bytes.
    public var slotSize: Int
    /// Slots that the memory has.
    public var slots: Int
    /// Slots that may be out at once.
    public var limit: Int
    /// Slots that the pool has from it.
    public var handedOut: Int
    /// Huge pages none of whose slots is with the pool.
    public var wholeHugePages: Int
    /// Whether everything was taken at the start.
    public var isPreallocated: Bool
    /// Whether it has ended.
    public var isDestroyed: Bool
}
