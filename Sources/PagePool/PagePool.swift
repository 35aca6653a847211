public import DeviceMemory

/// Hands out slots, takes them back, and keeps the books.
///
/// A LIFO cache (the slot touched last is the warmest) over a provider. Every slot's references are counted by holder; a
/// slot goes round pool -> ring -> stack -> application -> pool, one holder at a time except while several records share
/// it. Every step is a ``SlotTransition``; an illegal one changes nothing and is counted. One thread uses a pool.
///
/// The knobs are those of Linux's page pool where they have a meaning: the cache holds 1024 slots unless said otherwise and
/// is filled 64 at a time. There is no release timer (a draining pool looks at each return) and no DMA synchronisation.
@frozen public struct PagePool: ~Copyable {
    /// Slots taken from or given to the provider at a time.
    @usableFromInline static var refillBatch: Int { 64 }

    @usableFromInline var cache: Slab<UInt32>
    @usableFromInline var cached: Int
    /// Slots that the cache takes: its size, and none while the pool is not active, so that neither lending nor taking back
    /// asks for the state.
    @usableFromInline var cacheLimit: Int
    @usableFromInline var holders: Slab<SlotHolders>
    @usableFromInline var provider: MemoryProvider
    /// Slots that the provider left to the pool; room for all exists only where it does so.
    @usableFromInline var spare: Slab<UInt32>
    @usableFromInline var spareCount: Int
    @usableFromInline var counters: PoolStatistics
    @usableFromInline var free: Int
    /// Slots that the law is about: all, less what a cap forbids and what was given up.
    @usableFromInline var usable: Int
    /// How far its life has come.
    public internal(set) var state: PoolState
    /// The pool's number in handles.
    public let identifier: UInt16
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// Number of slots that handles can name.
    public let slotCount: Int
    /// Kind of memory.
    public let kind: MemoryKind
    /// Whether the device may send from these slots: a binding says so, and no other slot ever leaves (U.27, U.30).
    public var maySend = false
    @usableFromInline let base: IOVA
    /// Where each slot is, when they do not all follow one another.
    @usableFromInline let addresses: Slab<IOVA>
    @usableFromInline let hostBytes: MutableByteView?

    /// A pool over `provider`, which must be one that cannot fail; `cacheCapacity` bounds the LIFO cache.
    public init(identifier: UInt16, provider: consuming MemoryProvider, cacheCapacity: Int = 1024) {
        do throws(PagePoolError) {
            try self.init(identifier: identifier, over: provider, cacheCapacity: cacheCapacity)
        } catch {
            preconditionFailure("pool \(identifier): \(error)")
        }
    }

    /// A pool over `provider`, or nothing at all: on failure the provider is gone, and a new one over the same memory may be
    /// tried.
    ///
    /// - Throws: ``PagePoolError/providerFailed(_:)`` with the provider's reason,
    ///   ``PagePoolError/preallocationShort(got:wanted:)``.
    public init(
        identifier: UInt16, over provider: consuming MemoryProvider, cacheCapacity: Int = 1024
    ) throws(PagePoolError) {
        do {
            try provider.attach(to: identifier)
        } catch {
            throw .providerFailed(error)
        }
        let limit = provider.limit
        let takesAll = provider.isPreallocated
        var cache = Slab<UInt32>(
            count: takesAll ? limit : max(cacheCapacity, 2 * PagePool.refillBatch), repeating: 0)
        var cached = 0
        if takesAll {
            // In one call; descending afterwards, so that slots are first lent in address order.
            let got = provider.allocate(limit) { slot in
                cached += 1
                cache[limit - cached] = slot
            }
            guard got == limit else { throw .preallocationShort(got: got, wanted: limit) }
        }
        self.identifier = identifier
        slotSize = provider.slotSize
        slotCount = provider.slotCount
        kind = provider.kind
        base = provider.base
        addresses = provider.addresses
        hostBytes = provider.readableBytes
        cacheLimit = cache.count
        self.cache = cache
        self.cached = cached
        holders = Slab(count: provider.slotCount, repeating: SlotHolders())
        spare = Slab(count: provider.keepsReleased ? 0 : provider.slotCount, repeating: 0)
        spareCount = 0
        free = limit
        usable = limit
        counters = PoolStatistics()
        state = limit == 0 ? .drained : .active
        self.provider = provider
    }

    /// Slots with no holder: in the cache, on the pool's own list and at the provider.
    @inlinable public var freeCount: Int { free }

    // MARK: pool -> ring

    /// Lends a slot to a ring; `nil` when none is free or the pool is not active.
    @inlinable public mutating func lend() -> UInt32? {
        if cached == 0 && !refill() { return nil }
        cached &-= 1
        let slot = cache[cached]
        guard holders[Int(slot)].apply(.lend) else {
            violation("lent while held")
            return nil
        }
        free &-= 1
        counters.allocFast &+= 1
        return slot
    }

    /// The I/O address of a slot.
    @inlinable public func iova(of slot: UInt32) -> IOVA {
        if addresses.count != 0 { return addresses[Int(slot)] }
        return base + Int(slot) &* slotSize
    }

    // MARK: ring -> stack

    /// A slot came back from the device with `length` bytes of payload at `offset`: it is the stack's now.
    ///
    /// Filling takes no reference, the ring's moves. From a slot that is in no ring comes a fragment that names none.
    @inlinable public mutating func arrive(_ slot: UInt32, offset: UInt32, length: UInt32) -> Fragment {
        guard step(.arrive, slot) else { return noFragment("arrived and was in no ring") }
        return Fragment(netmem: Netmem(kind: kind, pool: identifier, index: slot), offset: offset, length: length)
    }

    /// A ring gives back a slot that the device did not fill, when the queue stops.
    @inlinable public mutating func reclaim(_ slot: UInt32) {
        guard step(.reclaim, slot) else { return violation("reclaimed and was in no ring") }
        freeIfUnheld(slot)
    }

    // MARK: stack

    /// The stack is done with a fragment: its reference is dropped, and the slot is free when it was the last.
    @inlinable public mutating func recycle(_ fragment: consuming Fragment) {
        let slot = fragment.surrender().index
        guard step(.recycle, slot) else { return violation("recycled and not the stack's", slot) }
        freeIfUnheld(slot)
    }

    /// Cuts a fragment in two at `length` bytes; the returned one is the rest, with a reference of its own.
    ///
    /// A slot takes 65535 references. When it has them (see ``canShare(_:)``) the fragment stays whole, and one that names
    /// no slot and has no bytes is returned.
    @inlinable public mutating func split(_ fragment: inout Fragment, at length: UInt32) -> Fragment {
        guard step(.split, fragment.netmem.index) else {
            counters.violations &+= 1
            return Fragment(netmem: nowhere, offset: 0, length: 0)
        }
        let cut = min(length, fragment.length)
        let rest = Fragment(
            netmem: fragment.netmem, offset: fragment.offset &+ cut, length: fragment.length &- cut)
        fragment.trimBack(fragment.length &- cut)
        return rest
    }

    /// Whether a slot can take one reference more. A consumer that reads byte by byte and returns nothing may use them up:
    /// ask before cutting what it decides about, and let it wait.
    @inlinable public func canShare(_ slot: UInt32) -> Bool {
        Int(slot) < holders.count && holders[Int(slot)].isShareable
    }

    /// The fragment's bytes, when its memory is the host's and readable; `nil` for a device slot, always, whichever of handle and
    /// pool says that it is one.
    @inlinable public func readable(_ fragment: borrowing Fragment) -> ByteView? {
        guard fragment.netmem.kind == kind, let bytes = hostBytes, Int(fragment.netmem.index) < slotCount else {
            return nil
        }
        return bytes.slice(
            Int(fragment.netmem.index) &* slotSize &+ Int(fragment.offset), Int(fragment.length)
        ).readOnly
    }

    /// The bytes of a frame in a slot that is not a fragment (yet), when its memory is the host's and readable.
    ///
    /// The device put `header` bytes at the start of the slot and `rest` bytes behind `room`: the former are moved up to
    /// the latter when they do not abut. `header` is at most `room`, and `room` and `rest` fit the slot.
    @inlinable public func joined(slot: UInt32, header: Int, room: Int, rest: Int) -> ByteView? {
        guard let bytes = hostBytes?.slice(Int(slot) &* slotSize, slotSize) else { return nil }
        if rest == 0 { return bytes.slice(0, header).readOnly }
        if header != room { bytes.move(from: 0, to: room &- header, header) }
        return bytes.slice(room &- header, header &+ rest).readOnly
    }

    // MARK: stack -> application -> pool

    /// Moves the stack's reference to an application; the caller records who holds it under a token.
    @inlinable public mutating func deliver(_ fragment: consuming Fragment) -> DeliveredFragment {
        let offset = fragment.offset
        let length = fragment.length
        let netmem = fragment.surrender()
        let slot = netmem.index
        guard step(.deliver, slot) else {
            violation("delivered and not the stack's", slot)
            return DeliveredFragment(netmem: nowhere, regionOffset: 0, length: 0)
        }
        return DeliveredFragment(
            netmem: netmem, regionOffset: UInt64(slot) &* UInt64(slotSize) &+ UInt64(offset), length: length)
    }

    /// An application returned one record on `slot`, which its token table vouches for.
    @inlinable public mutating func returned(_ slot: UInt32) {
        guard step(.returned, slot) else {
            counters.violations &+= 1
            return
        }
        freeIfUnheld(slot)
    }

    // MARK: books

    /// Takes one step with one slot; false for a slot that does not exist or a step that it cannot take.
    @inlinable mutating func step(_ transition: SlotTransition, _ slot: UInt32) -> Bool {
        Int(slot) < holders.count && holders[Int(slot)].apply(transition)
    }

    @inlinable mutating func freeIfUnheld(_ slot: UInt32) {
        guard holders[Int(slot)].isFree else { return }
        free &+= 1
        if cached >= cacheLimit { return overflow(slot) }
        cache[cached] = slot
        cached &+= 1
        counters.recycleCached &+= 1
    }

    /// A handle that names no slot of this pool.
    @inlinable var nowhere: Netmem { Netmem(kind: kind, pool: identifier, index: .max) }

    @inline(never) @usableFromInline mutating func noFragment(_ what: StaticString) -> Fragment {
        violation(what)
        return Fragment(netmem: nowhere, offset: 0, length: 0)
    }

    /// A step that only a bug of this program takes. What names no slot is the consequence of one that was counted.
    @inline(never) @usableFromInline mutating func violation(_ what: StaticString, _ slot: UInt32 = 0) {
        counters.violations &+= 1
        assert(slot == .max || PagePool.toleratesViolations, "a slot was \(what)")
    }

    /// Whether a debug build counts violations as a release build does: for the tests of what they leave unchanged.
    @TaskLocal @usableFromInline static var toleratesViolations = false
}

/// What an application gets to know of a fragment.
@frozen public struct DeliveredFragment: BitwiseCopyable, Sendable {
    /// The slot, for the token table.
    public let netmem: Netmem
    /// The slot's index in its pool.
    @inlinable public var slot: UInt32 { netmem.index }
    /// First byte within the region.
    public let regionOffset: UInt64
    /// Number of bytes.
    public let length: UInt32

    @inlinable init(netmem: Netmem, regionOffset: UInt64, length: UInt32) {
        self.netmem = netmem
        self.regionOffset = regionOffset
        self.length = length
    }
}
