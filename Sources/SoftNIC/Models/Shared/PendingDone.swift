internal import DeviceMemory

/// Done bits that are written one step after the rest of their descriptors.
struct PendingDone: ~Copyable {
    struct Entry: BitwiseCopyable {
        var words: DescriptorWords?
        var index = 0
        var value: UInt64 = 0
    }

    private var entries: Slab<Entry>
    private var used = 0

    init(capacity: Int) { entries = Slab(count: capacity, repeating: Entry()) }

    var isEmpty: Bool { used == 0 }

    /// Keeps a word back until ``publish()``, which happens by itself when there is no room.
    mutating func append(_ words: DescriptorWords, index: Int, value: UInt64) {
        if used == entries.count { _ = publish() }
        entries[used] = Entry(words: words, index: index, value: value)
        used &+= 1
    }

    /// Writes all words, in order; true if there was one.
    mutating func publish() -> Bool {
        guard used != 0 else { return false }
        for i in 0..<used {
            let entry = entries[i]
            if let words = entry.words { words.storeReleasing(entry.index, entry.value) }
        }
        used = 0
        return true
    }
}
