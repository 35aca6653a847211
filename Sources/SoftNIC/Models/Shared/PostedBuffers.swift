internal import DeviceMemory

/// The payload buffers that are posted now, by address.
///
/// Open addressing with linear probing; removal shifts followers back, so that there are no tombstones and look-ups stay
/// short for ever. Address 0 is the empty entry: a null buffer is never posted.
struct PostedBuffers: ~Copyable {
    struct Entry: BitwiseCopyable {
        var address: UInt64 = 0
        var queue = 0
    }

    private var table: Slab<Entry>
    private var mask: Int
    private var count = 0

    init() {
        table = Slab(count: 64, repeating: Entry())
        mask = 63
    }

    /// Makes room for `buffers` in all: control path.
    mutating func reserve(_ buffers: Int) {
        var size = mask + 1
        while size < 2 * buffers { size *= 2 }
        if size > mask + 1 { rebuild(size: size) { _ in true } }
    }

    /// Adds a buffer of `queue`; false when it is posted already, or when the table was not made large enough.
    mutating func insert(_ address: UInt64, queue: Int) -> Bool {
        guard address != 0, count < mask else { return false }
        var i = home(address)
        while table[i].address != 0 {
            if table[i].address == address { return false }
            i = (i &+ 1) & mask
        }
        table[i] = Entry(address: address, queue: queue)
        count &+= 1
        return true
    }

    /// Removes a buffer; false when it was not posted.
    mutating func remove(_ address: UInt64) -> Bool {
        guard address != 0 else { return false }
        var hole = home(address)
        while table[hole].address != address {
            if table[hole].address == 0 { return false }
            hole = (hole &+ 1) & mask
        }
        var i = (hole &+ 1) & mask
        while table[i].address != 0 {
            // An entry may move back to the hole unless its home lies cyclically behind the hole.
            if ((i &- home(table[i].address)) & mask) >= ((i &- hole) & mask) {
                table[hole] = table[i]
                hole = i
            }
            i = (i &+ 1) & mask
        }
        table[hole] = Entry()
        count &-= 1
        return true
    }

    /// Removes all buffers of `queue`: control path.
    mutating func removeAll(of queue: Int) { rebuild(size: mask + 1) { $0.queue != queue } }

    /// Removes everything: control path.
    mutating func removeAll() { rebuild(size: mask + 1) { _ in false } }

    /// Whether a posted buffer begins in `range`: control path.
    func contains(in range: Range<UInt64>) -> Bool {
        for i in 0..<table.count where table[i].address != 0 && range.contains(table[i].address) { return true }
        return false
    }

    private mutating func rebuild(size: Int, keeping: (Entry) -> Bool) {
        var old = Slab<Entry>(count: size, repeating: Entry())
        swap(&old, &table)
        mask = size - 1
        count = 0
        for i in 0..<old.count where old[i].address != 0 && keeping(old[i]) {
            _ = insert(old[i].address, queue: old[i].queue)
        }
    }

    private func home(_ address: UInt64) -> Int {
        Int(truncatingIfNeeded: ((address &>> 6) &* 0x9E37_79B9_7F4A_7C15) &>> 32) & mask
    }
}
