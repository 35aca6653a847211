public import DeviceMemory

/// Layout of a single-producer single-consumer ring in shared memory: tail, head, then the entries.
///
/// Tail and head stand in cache lines of their own; each side writes one and caches the other, so that a line crosses
/// cores once a burst. Release on publish, acquire on look: no fences (the thread sanitizer misreads them).
public enum SPSCLayout {
    /// The producer's counter.
    public static let tail = 0
    /// The consumer's counter.
    public static let head = 64
    /// The first entry.
    public static let entries = 128

    /// Bytes that a ring of `capacity` entries of type `Element` takes.
    public static func bytes<Element: BitwiseCopyable>(of _: Element.Type, capacity: Int) -> Int {
        entries + capacity * MemoryLayout<Element>.stride
    }
}

/// Entries of an SPSC ring; bounds are the mask.
@safe @frozen public struct SPSCEntries<Element: BitwiseCopyable>: BitwiseCopyable, @unchecked Sendable {
    @usableFromInline let bytes: MutableByteView
    @usableFromInline let mask: UInt32

    @usableFromInline init(_ ring: MutableByteView, capacity: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0, "a ring's size is a power of two")
        bytes = ring.slice(SPSCLayout.entries, capacity * MemoryLayout<Element>.stride)
        mask = UInt32(capacity - 1)
    }

    @inlinable subscript(position: UInt32) -> Element {
        get {
            unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe buffer.loadUnaligned(
                    fromByteOffset: Int(position & mask) &* MemoryLayout<Element>.stride, as: Element.self)
            }
        }
        nonmutating set {
            unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe buffer.storeBytes(
                    of: newValue, toByteOffset: Int(position & mask) &* MemoryLayout<Element>.stride, as: Element.self)
            }
        }
    }
}

/// The putting end of a ring.
@frozen public struct SPSCProducer<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline let entries: SPSCEntries<Element>
    @usableFromInline let tailWord: SharedWord
    @usableFromInline let headWord: SharedWord
    @usableFromInline var tail: UInt32
    @usableFromInline var cachedHead: UInt32

    /// The producer of the ring in `bytes`, which was zeroed when it was made and outlives this value.
    public init(_ bytes: MutableByteView, capacity: Int) {
        entries = SPSCEntries(bytes, capacity: capacity)
        tailWord = SharedWord(bytes, at: SPSCLayout.tail)
        headWord = SharedWord(bytes, at: SPSCLayout.head)
        tail = tailWord.loadRelaxed()
        cachedHead = headWord.loadAcquiring()
    }

    /// Whether `count` entries may be put now. The consumer's counter is read again only when what was last seen of it is
    /// not enough.
    @inlinable public mutating func hasSpace(for count: UInt32) -> Bool {
        if free(cachedHead) >= count { return true }
        cachedHead = headWord.loadAcquiring()
        return free(cachedHead) >= count
    }

    @inlinable func free(_ head: UInt32) -> UInt32 {
        let used = tail &- head
        // A consumer that writes nonsense hurts only itself: more than full reads as full.
        return used > entries.mask ? 0 : entries.mask &+ 1 &- used
    }

    /// Puts an entry without publishing it; false when the ring is full.
    @inlinable public mutating func push(_ element: Element) -> Bool {
        guard hasSpace(for: 1) else { return false }
        entries[tail] = element
        tail &+= 1
        return true
    }

    /// Makes everything pushed visible to the consumer.
    @inlinable public mutating func publish() { tailWord.storeReleasing(tail) }
}

/// The taking end of a ring.
@frozen public struct SPSCConsumer<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline let entries: SPSCEntries<Element>
    @usableFromInline let tailWord: SharedWord
    @usableFromInline let headWord: SharedWord
    @usableFromInline var head: UInt32
    @usableFromInline var cachedTail: UInt32

    /// The consumer of the ring in `bytes`, which was zeroed when it was made and outlives this value.
    public init(_ bytes: MutableByteView, capacity: Int) {
        entries = SPSCEntries(bytes, capacity: capacity)
        tailWord = SharedWord(bytes, at: SPSCLayout.tail)
        headWord = SharedWord(bytes, at: SPSCLayout.head)
        head = headWord.loadRelaxed()
        cachedTail = tailWord.loadAcquiring()
    }

    /// Takes the oldest entry; `nil` when there is none, or when the producer's counter is nonsense.
    @inlinable public mutating func pop() -> Element? {
        if cachedTail == head {
            cachedTail = tailWord.loadAcquiring()
            if cachedTail == head { return nil }
        }
        guard cachedTail &- head <= entries.mask &+ 1 else { return nil }
        let element = entries[head]
        head &+= 1
        return element
    }

    /// Whether nothing waits to be popped; looks at the producer's counter when nothing was known to be there.
    @inlinable public var isEmpty: Bool {
        mutating get {
            if cachedTail == head { cachedTail = tailWord.loadAcquiring() }
            return cachedTail == head
        }
    }

    /// Gives the space of everything popped back to the producer.
    @inlinable public mutating func release() { headWord.storeReleasing(head) }
}
