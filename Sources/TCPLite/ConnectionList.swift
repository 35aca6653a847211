internal import DeviceMemory

/// A queue of connections, linked through storage of its own: adding twice and removing from the middle cost the same.
struct ConnectionList: ~Copyable {
    /// The neighbours; ``previous`` says also whether a connection is in the list at all.
    struct Link: BitwiseCopyable {
        var next: Int32
        var previous: Int32

        static var outside: Link { Link(next: -1, previous: -2) }
        @inline(__always) var isMember: Bool { previous != -2 }
    }

    private var links: GrowingSlab<Link>
    private(set) var first: Int32 = -1
    private var last: Int32 = -1
    private(set) var count = 0

    init(capacity: Int) { links = GrowingSlab(capacity: capacity) }

    /// Makes room for connections up to `count`; false when there is no memory.
    mutating func grow(to count: Int) -> Bool { links.grow(to: count, repeating: .outside) }

    @inline(__always) var isEmpty: Bool { first < 0 }

    @inline(__always) func contains(_ connection: Int) -> Bool { links[connection].isMember }

    /// Adds a connection at the end, unless it is in the list.
    @inline(__always) mutating func append(_ connection: Int) {
        if links[connection].isMember { return }
        links[connection] = Link(next: -1, previous: last)
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
        links[connection].previous = -2
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

    /// The connection after one that is in the list; -1 when that is the last.
    @inline(__always) func next(_ connection: Int) -> Int { Int(links[connection].next) }
}
