public import DeviceMemory

/// The pools that fragments of one stack may come from, by the number that every handle carries.
///
/// A fragment finds its way home by its own handle: whoever holds one need not know which region it came from, so that a
/// connection may hold fragments of several regions at once while its queue is moved from one to the next.
@frozen public struct PoolTable: ~Copyable {
    /// The pools; a place without one holds a pool of no slots that lends nothing.
    public var pools: Slab<PagePool>
    @usableFromInline var strayCount: UInt64

    /// `capacity` places, all without a pool.
    public init(capacity: Int) {
        pools = Slab(count: capacity) { PagePool(identifier: UInt16($0), provider: .empty) }
        strayCount = 0
    }

    /// A table with `pool` alone.
    public init(_ pool: consuming PagePool) {
        self.init(capacity: Int(pool.identifier) + 1)
        install(pool)
    }

    /// Handles of places that do not exist: bugs of this program, counted because they are no reason to stop.
    @inlinable public var strays: UInt64 { strayCount }

    /// Puts `pool` in the place that its identifier names, which must exist and be vacant.
    public mutating func install(_ pool: consuming PagePool) {
        precondition(isVacant(pool.identifier), "pool \(pool.identifier) has no vacant place")
        pools[Int(pool.identifier)] = pool
    }

    /// Whether place `number` exists and has no pool.
    public func isVacant(_ number: UInt16) -> Bool {
        Int(number) < pools.count && pools[Int(number)].slotCount == 0
    }

    /// The lowest place without a pool; `nil` when all are taken.
    public func firstVacancy() -> UInt16? {
        for number in 0..<pools.count where isVacant(UInt16(number)) { return UInt16(number) }
        return nil
    }

    /// Ends a pool whose slots are all back, and makes its place vacant. The memory behind it is nobody's then.
    ///
    /// - Throws: ``PagePoolError/notDrained(pool:out:)`` while a slot is out or the pool was not asked to drain,
    ///   ``PagePoolError/noSuchPlace(_:)``. Nothing is changed then. A vacant place may be vacated again.
    public mutating func vacate(_ number: UInt16) throws(PagePoolError) {
        guard Int(number) < pools.count else { throw .noSuchPlace(number) }
        guard pools[Int(number)].state == .drained else {
            throw .notDrained(pool: number, out: pools[Int(number)].statistics.inFlight)
        }
        pools[Int(number)] = PagePool(identifier: number, provider: .empty)
    }

    /// The stack is done with a fragment: see ``PagePool/recycle(_:)``.
    @inlinable public mutating func recycle(_ fragment: consuming Fragment) {
        let index = Int(fragment.netmem.pool)
        guard index < pools.count else { return stray(fragment) }
        pools[index].recycle(fragment)
    }

    /// Cuts a fragment in two: see ``PagePool/split(_:at:)``.
    @inlinable public mutating func split(_ fragment: inout Fragment, at length: UInt32) -> Fragment {
        let index = Int(fragment.netmem.pool)
        guard index < pools.count else { return noFragment() }
        return pools[index].split(&fragment, at: length)
    }

    /// Whether a fragment's handle says what its pool is made of: defence in depth against a handle that was made up.
    @inlinable public func isConsistent(_ fragment: borrowing Fragment) -> Bool {
        let index = Int(fragment.netmem.pool)
        return index < pools.count && pools[index].kind == fragment.netmem.kind
    }

    /// Whether a slot can take one reference more: see ``PagePool/canShare(_:)``.
    @inlinable public func canShare(_ netmem: Netmem) -> Bool {
        Int(netmem.pool) < pools.count && pools[Int(netmem.pool)].canShare(netmem.index)
    }

    /// Whether pool `number` exists and may be sent from: see ``PagePool/maySend``.
    @inlinable public func maySend(_ number: UInt16) -> Bool {
        Int(number) < pools.count && pools[Int(number)].maySend
    }

    /// Moves the stack's reference to an application: see ``PagePool/deliver(_:)``.
    @inlinable public mutating func deliver(_ fragment: consuming Fragment) -> DeliveredFragment {
        let index = Int(fragment.netmem.pool)
        guard index < pools.count else {
            let netmem = fragment.netmem
            stray(fragment)
            return DeliveredFragment(netmem: netmem, regionOffset: 0, length: 0)
        }
        return pools[index].deliver(fragment)
    }

    /// An application returned one record on a slot: see ``PagePool/returned(_:)``. A handle that no pool of this table made
    /// is counted and changes nothing.
    @inlinable public mutating func returned(_ netmem: Netmem) {
        let index = Int(netmem.pool)
        guard index < pools.count, pools[index].kind == netmem.kind else {
            strayCount &+= 1
            return
        }
        pools[index].returned(netmem.index)
    }

    /// A transmission of a slot is over: see ``PagePool/transmitted(_:)``.
    @inlinable public mutating func transmitted(_ netmem: Netmem) {
        guard Int(netmem.pool) < pools.count else {
            strayCount &+= 1
            return
        }
        pools[Int(netmem.pool)].transmitted(netmem.index)
    }

    /// Copies the fragments' bytes one behind the other into `target`, after proving that every one is memory that the CPU
    /// may read; returns how many bytes. All or nothing.
    ///
    /// - Throws: ``PagePoolError/unreadable(fragment:)`` with the first that is not, wherever it stands,
    ///   ``PagePoolError/copyTooLarge(bytes:room:)``.
    public func copy(
        _ fragments: borrowing Slab<Fragment>, into target: MutableByteView
    ) throws(PagePoolError) -> Int {
        var bytes = 0
        for i in 0..<fragments.count {
            let index = Int(fragments[i].netmem.pool)
            guard index < pools.count, pools[index].readable(fragments[i]) != nil else {
                throw .unreadable(fragment: i)
            }
            bytes += Int(fragments[i].length)
        }
        guard bytes <= target.count else { throw .copyTooLarge(bytes: bytes, room: target.count) }
        var position = 0
        for i in 0..<fragments.count {
            guard let source = pools[Int(fragments[i].netmem.pool)].readable(fragments[i]) else { continue }
            target.copy(source, at: position)
            position += source.count
        }
        return position
    }

    @inline(never) @usableFromInline mutating func stray(_ fragment: consuming Fragment) {
        _ = fragment.surrender()
        strayCount &+= 1
    }

    @inline(never) @usableFromInline mutating func noFragment() -> Fragment {
        strayCount &+= 1
        return Fragment(netmem: Netmem(kind: .hostPage, pool: .max, index: .max), offset: 0, length: 0)
    }
}
