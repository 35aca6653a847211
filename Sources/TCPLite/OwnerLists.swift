internal import DeviceMemory

/// A queue of connections for each owner, linked through one storage: a connection is in one of them at most.
struct OwnerLists: ~Copyable {
    struct Link: BitwiseCopyable {
        var next: Int32
        var previous: Int32
        /// The queue that the connection is in; -1 for none.
        var owner: Int32
    }

    struct Ends: BitwiseCopyable {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    private var links: GrowingSlab<Link>
    private var ends: Slab<Ends>

    init(connections: Int, owners: Int) {
        links = GrowingSlab(capacity: connections)
        ends = Slab(count: owners, repeating: Ends())
    }

    /// Makes room for connections up to `count`; false when there is no memory.
    mutating func grow(to count: Int) -> Bool {
        links.grow(to: count, repeating: Link(next: -1, previous: -1, owner: -1))
    }

    /// The first connection of an owner's queue; -1 when there is none.
    @inline(__always) func first(_ owner: Int) -> Int { Int(ends[owner].first) }

    func contains(_ connection: Int) -> Bool { links[connection].owner >= 0 }

    /// Adds a connection at the end of its owner's queue, unless it is in it.
    @inline(__always) mutating func append(_ connection: Int, _ owner: Int32) {
        if links[connection].owner >= 0 { return }
        let last = ends[Int(owner)].last
        links[connection] = Link(next: -1, previous: last, owner: owner)
        if last >= 0 {
            links[Int(last)].next = Int32(truncatingIfNeeded: connection)
        } else {
            ends[Int(owner)].first = Int32(truncatingIfNeeded: connection)
        }
        ends[Int(owner)].last = Int32(truncatingIfNeeded: connection)
    }

    /// Removes a connection from the queue that it is in.
    @inline(__always) mutating func remove(_ connection: Int) {
        let link = links[connection]
        guard link.owner >= 0 else { return }
        let owner = Int(link.owner)
        links[connection].owner = -1
        if link.previous >= 0 { links[Int(link.previous)].next = link.next } else { ends[owner].first = link.next }
        if link.next >= 0 { links[Int(link.next)].previous = link.previous } else { ends[owner].last = link.previous }
    }

    /// Moves a connection to the end of the queue that it is in.
    @inline(__always) mutating func rotate(_ connection: Int) {
        let link = links[connection]
        guard link.owner >= 0, link.next >= 0 else { return }
        remove(connection)
        append(connection, link.owner)
    }
}
