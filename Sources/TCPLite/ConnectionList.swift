internal import DeviceMemory

/// A queue of connections, linked through storage of its own: adding twice and removing from the middle cost the same.
struct ConnectionList: ~Copyable {
    struct Link: BitwiseCopyable {
        var next: Int32
        var previous: Int32
        var isMember: Bool
    }

    private var links: Slab<Link>
    private(set) var first: Int32 = -1
    private var last: Int32 = -1
    private(set) var count = 0

    init(capacity: Int) {
        links = Slab(count: capacity, repeating: Link(next: -1, previous: -1, isMember: false))
    }

    var isEmpty: Bool { first < 0 }

    func contains(_ connection: Int) -> Bool { links[connection].isMember }

    /// Adds a connection at the end, unless it is in the list.
    @inline(__always) mutating func append(_ connection: Int) {
        if links[connection].isMember { return }
        links[connection] = Link(next: -1, previous: last, isMember: true)
        if last >= 0 {
            links[Int(last)].next = Int32(truncatingIfNeeded: connection)
        } else {
            first = Int32(truncatingIfNeeded: connection)
        }
        last = Int32(truncatingIfNeeded: connection)
        count &+= 1
    }

    /// Removes a connection, if it is in the list.
    @inline(__always) mutating func remove(_ connection: Int) {
        let link = links[connection]
        guard link.isMember else { return }
        links[connection].isMember = false
        if link.previous >= 0 { links[Int(link.previous)].next = link.next } else { first = link.next }
        if link.next >= 0 { links[Int(link.next)].previous = link.previous } else { last = link.previous }
        count &-= 1
    }

    /// Removes and returns the first connection; -1 when there is none.
    @inline(__always) mutating func popFirst() -> Int {
        let connection = Int(first)
        if connection >= 0 { remove(connection) }
        return connection
    }
}
