internal import DeviceMemory

/// Connection number to stream number: open addressing over fixed memory, because a dictionary retains on every look-up.
struct StreamIndex: ~Copyable {
    // Not private: metadata of generic owners in other files names it, and 6.3.1 emits a broken reference then.
    struct Entry: BitwiseCopyable {
        var connection: UInt32
        var stream: Int32
    }

    private var entries: Slab<Entry>
    private let mask: Int

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        entries = Slab(count: size, repeating: Entry(connection: 0, stream: -1))
        mask = size - 1
    }

    private func home(_ connection: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(connection) &* 0x9E37_79B9_7F4A_7C15) &>> 40) & mask
    }

    subscript(connection: UInt32) -> Int? {
        var i = home(connection)
        while entries[i].stream >= 0 {
            if entries[i].connection == connection { return Int(entries[i].stream) }
            i = (i &+ 1) & mask
        }
        return nil
    }

    /// Adds a connection; there are never more than the capacity asked for.
    mutating func insert(_ connection: UInt32, _ stream: Int) {
        var i = home(connection)
        while entries[i].stream >= 0 { i = (i &+ 1) & mask }
        entries[i] = Entry(connection: connection, stream: Int32(stream))
    }
}
