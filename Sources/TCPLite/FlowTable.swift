internal import DeviceMemory
internal import Packets

/// What tells flows of one local address apart: remote address, remote port and local port in one word.
struct FlowKey: Hashable, BitwiseCopyable {
    let rawValue: UInt64

    /// A flow over IPv6, by its keyed hash.
    init(hash: UInt64) { rawValue = hash }

    init(remote: IPv4Address, remotePort: UInt16, localPort: UInt16) {
        rawValue = UInt64(remote.rawValue) &<< 32 | UInt64(remotePort) &<< 16 | UInt64(localPort)
    }

    /// Port 0 never gets here, so no flow has this key.
    static var none: FlowKey { FlowKey(remote: .any, remotePort: 0, localPort: 0) }
}

/// Finds a flow's connection: open addressing with linear probing, at most half full, no tombstones.
struct FlowTable: ~Copyable {
    struct Entry: BitwiseCopyable {
        var key: FlowKey
        var connection: Int32
    }

    private var entries: Slab<Entry>
    private let mask: Int
    private let hash: KeyedHash

    init(capacity: Int, hash: KeyedHash) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        entries = Slab(count: size, repeating: Entry(key: .none, connection: -1))
        mask = size - 1
        self.hash = hash
    }

    @inline(__always) private func home(_ key: FlowKey) -> Int {
        Int(truncatingIfNeeded: hash.bucket(key.rawValue)) & mask
    }

    /// The connection of `key`, or -1.
    @inline(__always) func find(_ key: FlowKey) -> Int {
        var at = home(key)
        // Half of the entries are empty, so the walk ends.
        while entries[at].connection >= 0 {
            if entries[at].key == key { return Int(entries[at].connection) }
            at = (at &+ 1) & mask
        }
        return -1
    }

    /// Adds a key that is not there. The caller keeps the number of keys within the capacity.
    mutating func insert(_ key: FlowKey, _ connection: Int) {
        var at = home(key)
        while entries[at].connection >= 0 { at = (at &+ 1) & mask }
        entries[at] = Entry(key: key, connection: Int32(connection))
    }

    /// Removes a key, if it is there, and closes the gap by moving back what probed past it (Knuth, algorithm 6.4R).
    mutating func remove(_ key: FlowKey) {
        var at = home(key)
        while entries[at].key != key || entries[at].connection < 0 {
            if entries[at].connection < 0 { return }
            at = (at &+ 1) & mask
        }
        var gap = at
        while true {
            at = (at &+ 1) & mask
            if entries[at].connection < 0 { break }
            let wanted = home(entries[at].key)
            if (at &- wanted) & mask >= (at &- gap) & mask {
                entries[gap] = entries[at]
                gap = at
            }
        }
        entries[gap] = Entry(key: .none, connection: -1)
    }
}
