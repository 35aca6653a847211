public import DeviceMemory

/// The pools that fragments of one stack may come from, by the number that every handle carries.
///
/// A fragment finds its way home by its own handle: whoever holds one need not know which region it came from, so that a
/// connection may hold fragments of several regions at once while its queue is moved from one to the next.
@frozen public struct PoolTable: ~Copyable {
    /// The pools; a place without one holds an empty pool.
    public var pools: Slab<PagePool>

    /// `capacity` places, all without a pool.
    public init(capacity: Int) {
        pools = Slab(count: capacity) { PagePool(identifier: UInt16($0), provider: .empty) }
    }

    /// A table with `pool` alone.
    public init(_ pool: consuming PagePool) {
        self.init(capacity: Int(pool.identifier) + 1)
        install(pool)
    }

    /// Puts `pool` in the place that its identifier names.
    public mutating func install(_ pool: consuming PagePool) { pools[Int(pool.identifier)] = pool }

    /// The stack is done with a fragment: see ``PagePool/recycle(_:)``.
    @inlinable public mutating func recycle(_ fragment: consuming Fragment) {
        let index = Int(fragment.netmem.pool)
        pools[index].recycle(fragment)
    }

    /// Cuts a fragment in two: see ``PagePool/split(_:at:)``.
    @inlinable public mutating func split(_ fragment: inout Fragment, at length: UInt32) -> Fragment {
        let index = Int(fragment.netmem.pool)
        return pools[index].split(&fragment, at: length)
    }

    /// Moves the stack's reference to an application: see ``PagePool/deliver(_:)``.
    @inlinable public mutating func deliver(_ fragment: consuming Fragment) -> DeliveredFragment {
        let index = Int(fragment.netmem.pool)
        return pools[index].deliver(fragment)
    }

    /// An application returned one record on a slot: see ``PagePool/returned(_:)``.
    @inlinable public mutating func returned(_ netmem: Netmem) {
        guard Int(netmem.pool) < pools.count else { return }
        pools[Int(netmem.pool)].returned(netmem.index)
    }
}
