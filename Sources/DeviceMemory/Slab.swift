/// A heap array of fixed capacity whose elements may be non-copyable, with one owner.
///
/// Unlike `Array` it holds `~Copyable` elements, is never copied on write and costs no reference count: what per-packet
/// state is made of. Access is checked against the length (2 to 3 instructions an access).
@safe @frozen public struct Slab<Element: ~Copyable>: ~Copyable {
    @usableFromInline let base: UnsafeMutablePointer<Element>
    @usableFromInline let capacity: Int
    @usableFromInline var used: Int

    /// Number of elements.
    @inlinable public var count: Int { used }

    /// Creates an empty slab that ``append(_:)`` can fill up to `capacity`; never grows.
    @inlinable public init(capacity: Int) {
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
        used = 0
    }

    /// Adds an element; the slab must not be full.
    @inlinable public mutating func append(_ element: consuming Element) {
        precondition(used < capacity, "the slab is full")
        unsafe (base + used).initialize(to: element)
        used &+= 1
    }

    /// Creates `count` elements by calling `make` with each index.
    @inlinable public init(count: Int, _ make: (Int) -> Element) {
        unsafe base = .allocate(capacity: count)
        capacity = count
        used = count
        for i in 0..<count { unsafe (base + i).initialize(to: make(i)) }
    }

    deinit {
        unsafe base.deinitialize(count: used)
        unsafe base.deallocate()
    }

    /// The element at `index`.
    @inlinable public subscript(index: Int) -> Element {
        unsafeAddress {
            precondition(index >= 0 && index < used)
            return unsafe UnsafePointer(base + index)
        }
        unsafeMutableAddress {
            precondition(index >= 0 && index < used)
            return unsafe base + index
        }
    }
}

extension Slab where Element: BitwiseCopyable {
    /// Creates `count` equal elements.
    @inlinable public init(count: Int, repeating element: Element) {
        self.init(count: count) { _ in element }
    }
}

/// Heap bytes with one owner, zeroed, aligned to a cache line.
///
/// A local owner ends after its last use, not at the end of its scope: store it beside what points into it, or say
/// `extendLifetime(_:)`. The same holds for ``MappedView``.
@safe @frozen public struct HeapBytes: ~Copyable {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Length in bytes.
    public let count: Int

    /// Allocates `count` zeroed bytes.
    public init(count: Int) {
        unsafe base = .allocate(byteCount: max(count, 1), alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 1))
        self.count = count
    }

    deinit { unsafe base.deallocate() }

    /// All bytes; valid while this value lives.
    @inlinable public var bytes: MutableByteView { unsafe MutableByteView(base: base, count: count) }
}
