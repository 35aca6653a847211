internal import DeviceMemory

/// What a receive queue's registers mean, kept beside them for the path.
struct ReceiveQueueState: BitwiseCopyable {
    /// The ring through the IOMMU; `nil` when not translated (yet), or when that failed.
    var words: DescriptorWords?
    /// The same bytes, for the trace.
    var bytes: MutableByteView?
    /// Descriptors in the ring.
    var count = 0
    /// RDH.
    var head = 0
    /// RDT.
    var tail = 0
    /// Descriptors before this one have been looked at since their tail write.
    var scanned = 0
    /// ENABLE as it is in effect.
    var enabled = false
    /// What a pending change will make of it.
    var enableTarget = false
    /// Reads until a pending change shows.
    var enableReads = 0
    /// BSIZEHDR in bytes.
    var headerSize = 0
    /// BSIZEPKT in bytes.
    var packetSize = 0
    /// DESCTYPE.
    var type: UInt32 = 0
    /// DROP_EN, or the queue's bit in QDE.
    var dropEnable = false

    /// Descriptors that the driver has posted and the device not used.
    var free: Int {
        guard enabled, head < count, tail < count else { return 0 }
        return tail >= head ? tail &- head : tail &+ count &- head
    }

    /// The ring must be translated again.
    mutating func forgetTranslation() {
        words = nil
        bytes = nil
    }
}

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
