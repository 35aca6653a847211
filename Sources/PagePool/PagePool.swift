public import DeviceMemory

/// Counters of a pool, with the meanings of Linux's page-pool statistics where they exist there.
public struct PoolStatistics: Sendable, Hashable {
    /// Slots handed out from the cache.
    public var allocFast: UInt64 = 0
    /// Times the provider refilled the cache.
    public var allocRefill: UInt64 = 0
    /// Times no slot was left.
    public var allocEmpty: UInt64 = 0
    /// Slots that came back to the cache.
    public var recycleCached: UInt64 = 0
    /// Slots that came back while the cache was full, and went to the provider.
    public var recycleCacheFull: UInt64 = 0
    /// Refused operations on the books: each is a bug of this program, or a forged return.
    public var violations: UInt64 = 0

    /// All zero.
    @inlinable public init() {}
}

/// Hands out slots, takes them back, and keeps the books.
///
/// A LIFO cache (the slot touched last is the warmest) over a provider. Every slot's references are counted by holder; a
/// slot goes round pool -> ring -> stack -> application -> pool, one holder at a time except while several records share
/// it. One thread uses a pool.
@frozen public struct PagePool: ~Copyable {
    /// Slots taken from or given to the provider at a time.
    @usableFromInline static var refillBatch: Int { 64 }

    @usableFromInline var cache: Slab<UInt32>
    @usableFromInline var cached: Int
    @usableFromInline var holders: Slab<SlotHolders>
    @usableFromInline var provider: MemoryProvider
    @usableFromInline var counters: PoolStatistics
    @usableFromInline var free: Int
    /// The pool's number in handles.
    public let identifier: UInt16
    /// Size of one slot in bytes.
    public let slotSize: Int
    /// Number of slots.
    public let slotCount: Int
    /// Kind of memory.
    public let kind: MemoryKind
    @usableFromInline let base: IOVA
    @usableFromInline let hostBytes: MutableByteView?

    /// A pool over `provider`; `cacheCapacity` bounds the LIFO cache.
    public init(identifier: UInt16, provider: consuming MemoryProvider, cacheCapacity: Int = 1024) {
        self.identifier = identifier
        slotSize = provider.slotSize
        slotCount = provider.slotCount
        kind = provider.kind
        base = provider.base
        hostBytes = provider.readableBytes
        cache = Slab(count: max(cacheCapacity, 2 * PagePool.refillBatch), repeating: 0)
        cached = 0
        holders = Slab(count: provider.slotCount, repeating: SlotHolders())
        free = provider.slotCount
        counters = PoolStatistics()
        self.provider = provider
    }

    /// Slots with no holder, in the cache and at the provider.
    @inlinable public var freeCount: Int { free }

    /// Counters since the start.
    public var statistics: PoolStatistics { counters }

    // MARK: pool -> ring

    /// Lends a slot to a ring; `nil` when none is free.
    @inlinable public mutating func lend() -> UInt32? {
        if cached == 0 && !refill() { return nil }
        cached &-= 1
        let slot = cache[cached]
        assert(holders[Int(slot)].isFree, "slot \(slot) was in the pool while held")
        holders[Int(slot)].ring = 1
        free &-= 1
        counters.allocFast &+= 1
        return slot
    }

    /// The I/O address of a slot.
    @inlinable public func iova(of slot: UInt32) -> IOVA { base + Int(slot) &* slotSize }

    // MARK: ring -> stack

    /// A slot came back from the device with `length` bytes of payload at `offset`: it is the stack's now.
    @inlinable public mutating func arrive(_ slot: UInt32, offset: UInt32, length: UInt32) -> Fragment {
        assert(holders[Int(slot)].ring == 1 && holders[Int(slot)].references == 1, "slot \(slot) was not in a ring")
        holders[Int(slot)].ring = 0
        holders[Int(slot)].stack = 1
        return Fragment(netmem: Netmem(kind: kind, pool: identifier, index: slot), offset: offset, length: length)
    }

    /// A ring gives back a slot that the device did not fill, when the queue stops.
    @inlinable public mutating func reclaim(_ slot: UInt32) {
        assert(holders[Int(slot)].ring == 1, "slot \(slot) was not in a ring")
        holders[Int(slot)].ring = 0
        freeIfUnheld(slot)
    }

    // MARK: stack

    /// The stack is done with a fragment: its reference is dropped, and the slot is free when it was the last.
    @inlinable public mutating func recycle(_ fragment: consuming Fragment) {
        let slot = fragment.surrender().index
        holders[Int(slot)].stack &-= 1
        freeIfUnheld(slot)
    }

    /// Cuts a fragment in two at `length` bytes; the returned one is the rest, with a reference of its own.
    @inlinable public mutating func split(_ fragment: inout Fragment, at length: UInt32) -> Fragment {
        let cut = min(length, fragment.length)
        let rest = Fragment(
            netmem: fragment.netmem, offset: fragment.offset &+ cut, length: fragment.length &- cut)
        fragment.trimBack(fragment.length &- cut)
        holders[Int(fragment.netmem.index)].stack &+= 1
        return rest
    }

    /// The fragment's bytes, when its memory is the host's and readable; `nil` for a device slot, always.
    @inlinable public func readable(_ fragment: borrowing Fragment) -> ByteView? {
        guard let bytes = hostBytes else { return nil }
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
        holders[Int(slot)].stack &-= 1
        holders[Int(slot)].application &+= 1
        return DeliveredFragment(
            netmem: netmem, regionOffset: UInt64(slot) &* UInt64(slotSize) &+ UInt64(offset), length: length)
    }

    /// An application returned one record on `slot`, which its token table vouches for.
    @inlinable public mutating func returned(_ slot: UInt32) {
        guard Int(slot) < slotCount, holders[Int(slot)].application != 0 else {
            counters.violations &+= 1
            return
        }
        holders[Int(slot)].application &-= 1
        freeIfUnheld(slot)
    }

    // MARK: books

    /// Holders of one slot.
    public func holders(of slot: UInt32) -> SlotHolders { holders[Int(slot)] }

    /// Counts every slot by primary holder; O(slots), for reports and audits.
    public func ledger() -> Ledger {
        var ledger = Ledger()
        ledger.total = slotCount
        for slot in 0..<slotCount {
            let held = holders[slot]
            if held.ring != 0 {
                ledger.ring += 1
            } else if held.stack != 0 {
                ledger.stack += 1
            } else if held.transmit != 0 {
                ledger.transmit += 1
            } else if held.application != 0 {
                ledger.application += 1
            }
        }
        // Counted, not derived: a slot that left every holder without reaching the free list breaks the balance.
        ledger.pool = free
        return ledger
    }

    @inlinable mutating func freeIfUnheld(_ slot: UInt32) {
        guard holders[Int(slot)].isFree else { return }
        free &+= 1
        if cached == cache.count { return overflow(slot) }
        cache[cached] = slot
        cached &+= 1
        counters.recycleCached &+= 1
    }

    @inline(never) @usableFromInline mutating func refill() -> Bool {
        provider.allocate(PagePool.refillBatch) { slot in
            cache[cached] = slot
            cached += 1
        }
        if cached == 0 {
            counters.allocEmpty &+= 1
            return false
        }
        counters.allocRefill &+= 1
        return true
    }

    @inline(never) @usableFromInline mutating func overflow(_ slot: UInt32) {
        provider.release(slot)
        counters.recycleCacheFull &+= 1
    }
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
