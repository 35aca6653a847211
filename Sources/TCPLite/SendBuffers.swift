internal import DeviceMemory

/// Rings of host memory for what connections send; a byte stands at its sequence number modulo the size.
///
/// There are fewer rings than connections may be: one is taken with the first byte that a connection queues, and given back
/// when everything is acknowledged, so that idle connections own none. The last ring given back is the next one taken, so
/// that only as many are ever touched as were in use at once.
struct SendBuffers: ~Copyable {
    private var storage: GrowingSlab<UInt8>
    /// Size of one ring in bytes, a power of two.
    let size: Int
    /// The ring of each connection; -1 for none.
    private var rings: GrowingSlab<Int32>
    /// Rings that are free: a stack.
    private var free: Slab<Int32>
    private(set) var freeCount: Int

    /// `count` rings of at least `bytes` bytes; fewer when the system has no address space for so many.
    init(connections: Int, rings count: Int, bytes: Int) {
        var size = 256
        while size < bytes && size < 1 << 30 { size *= 2 }
        self.size = size
        storage = GrowingSlab(zeroed: max(count, 0) * size)
        let there = storage.count / size
        rings = GrowingSlab(capacity: connections)
        free = Slab(count: there) { Int32(truncatingIfNeeded: there - 1 - $0) }
        freeCount = there
    }

    /// Makes room for connections up to `count`; false when there is no memory.
    mutating func grow(to count: Int) -> Bool { rings.grow(to: count, repeating: -1) }

    /// Whether a connection has a ring.
    @inline(__always) func has(_ connection: Int) -> Bool { rings[connection] >= 0 }

    /// How many bytes a connection may have queued now: a ring, if it has one or one is free.
    @inline(__always) func limit(_ connection: Int) -> Int { has(connection) || freeCount > 0 ? size : 0 }

    /// Makes sure that a connection has a ring; false when none is free.
    mutating func take(_ connection: Int) -> Bool {
        if has(connection) { return true }
        guard freeCount > 0 else { return false }
        freeCount &-= 1
        rings[connection] = free[freeCount]
        return true
    }

    /// Gives a connection's ring back, if it has one.
    @inline(__always) mutating func release(_ connection: Int) {
        let ring = rings[connection]
        if ring < 0 { return }
        rings[connection] = -1
        free[freeCount] = ring
        freeCount &+= 1
    }

    /// Stores `bytes`, which are no more than the connection's ring has room for, from `start` on.
    mutating func store(_ connection: Int, _ start: SequenceNumber, _ bytes: ByteView) {
        let ring = storage.bytes.slice(Int(rings[connection]) &* size, size)
        let at = Int(start.rawValue) & (size &- 1)
        let head = min(bytes.count, size &- at)
        ring.copy(bytes.slice(0, head), at: at)
        if head < bytes.count { ring.copy(bytes.from(head)) }
    }

    /// Copies bytes from `start` on into all of `space`.
    func load(_ connection: Int, _ start: SequenceNumber, into space: MutableByteView) {
        let ring = storage.bytes.readOnly.slice(Int(rings[connection]) &* size, size)
        let at = Int(start.rawValue) & (size &- 1)
        let head = min(space.count, size &- at)
        space.copy(ring.slice(at, head))
        if head < space.count { space.copy(ring.slice(0, space.count &- head), at: head) }
    }
}
