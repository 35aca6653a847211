/// A heap array that grows in place, up to what was set aside for it, with one owner: what is kept for each connection of a
/// stack that may have a million and usually has few.
///
/// An element never moves and an access costs what it costs in a ``Slab``, because the address space for all elements is set
/// aside at the beginning. Memory follows as elements are added: ``grow(to:repeating:)`` touches what is new and nothing else.
@safe @frozen public struct GrowingSlab<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline let base: UnsafeMutablePointer<Element>
    @usableFromInline var used: Int
    @usableFromInline var memory: Reservation
    /// Elements that address space was set aside for.
    @usableFromInline let capacity: Int

    /// Number of elements.
    @inlinable public var count: Int { used }

    /// No elements yet, and address space for `capacity` of them. If there is none, the slab cannot grow.
    @inlinable public init(capacity: Int) {
        let bytes = max(capacity, 0).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        memory = Reservation(bytes: bytes.overflow ? .max : bytes.partialValue)
        self.capacity = memory.size > 0 ? capacity : 0
        unsafe base = memory.base.bindMemory(to: Element.self, capacity: self.capacity)
        used = 0
    }

    /// `count` elements of all zero bits, which take no memory before they are written to; none when the system has no
    /// address space or grants no memory.
    @inlinable public init(zeroed count: Int) {
        self.init(capacity: count)
        if memory.makeAccessible(self.capacity &* MemoryLayout<Element>.stride) { used = self.capacity }
    }

    /// Adds elements until there are `count`; nothing when there are as many. False, with nothing changed, when that is more
    /// than was set aside or the system grants no memory.
    @inlinable public mutating func grow(to count: Int, repeating element: Element) -> Bool {
        if count <= used { return true }
        guard count <= capacity, memory.makeAccessible(count &* MemoryLayout<Element>.stride) else { return false }
        unsafe (base + used).initialize(repeating: element, count: count &- used)
        used = count
        return true
    }

    /// Sets elements to all zero bits and gives their memory back, as far as it is in whole pages of theirs alone: what is at
    /// the edges may keep its value. For elements that are not looked at again, or that are zero.
    @inlinable public mutating func forget(_ range: Range<Int>) {
        memory.forget(
            from: range.lowerBound &* MemoryLayout<Element>.stride, to: range.upperBound &* MemoryLayout<Element>.stride
        )
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

extension GrowingSlab where Element == UInt8 {
    /// All elements; valid while this value lives and does not grow.
    @inlinable public var bytes: MutableByteView {
        unsafe MutableByteView(base: UnsafeMutableRawPointer(base), count: used)
    }
}
