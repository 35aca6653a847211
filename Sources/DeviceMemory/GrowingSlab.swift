/// A heap array that grows in place, up to what was set aside for it, with one owner: what is kept for each connection of a
/// stack that may have a million and usually has few.
///
/// An element never moves and an access costs what it costs in a ``Slab``, because the address space for all elements is set
/// aside at the beginning. Memory follows as elements are added: ``grow(to:repeating:)`` touches what is new and nothing else.
@safe @frozen public struct GrowingSlab<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline let base: UnsafeMutablePointer<Element>
    @usableFromInline var used: Int
    /// Elements that address space was set aside for.
    @usableFromInline let capacity: Int
    /// Bytes set aside, zero when there are none; and how many of them may be touched.
    @usableFromInline let size: Int
    @usableFromInline var accessible: Int

    /// Number of elements.
    @inlinable public var count: Int { used }

    /// No elements yet, and address space for `capacity` of them. If there is none, the slab cannot grow.
    @inlinable public init(capacity: Int) {
        used = 0
        accessible = 0
        let bytes = max(capacity, 0).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        if let (start, size) = unsafe Reservation.setAside(bytes.overflow ? .max : bytes.partialValue) {
            unsafe base = start.bindMemory(to: Element.self, capacity: capacity)
            self.capacity = capacity
            self.size = size
        } else {
            unsafe base = .allocate(capacity: 1)
            self.capacity = 0
            size = 0
        }
    }

    /// `count` elements of all zero bits, which take no memory before they are written to; none when the system has no
    /// address space or grants no memory.
    @inlinable public init(zeroed count: Int) {
        self.init(capacity: count)
        if isAccessible(capacity) { used = capacity }
    }

    deinit {
        if size > 0 { unsafe Reservation.end(base, size) } else { unsafe base.deallocate() }
    }

    /// As ``grow(to:repeating:)`` with elements of all zero bits, which take no memory before they are written to.
    @inlinable public mutating func grow(zeroedTo count: Int) -> Bool {
        if count <= used { return true }
        guard count <= capacity, isAccessible(count) else { return false }
        used = count
        return true
    }

    /// Adds elements until there are `count`; nothing when there are as many. False, with nothing changed, when that is more
    /// than was set aside or the system grants no memory.
    @inlinable public mutating func grow(to count: Int, repeating element: Element) -> Bool {
        let before = used
        guard grow(zeroedTo: count) else { return false }
        if count > before { unsafe (base + before).initialize(repeating: element, count: count &- before) }
        return true
    }

    /// Sees to it that the first `count` elements may be touched, which are no more than the capacity.
    @inlinable mutating func isAccessible(_ count: Int) -> Bool {
        let bytes = count &* MemoryLayout<Element>.stride
        guard let end = unsafe Reservation.open(base, size, accessible: accessible, bytes) else { return false }
        accessible = end
        return true
    }

    /// Sets elements to all zero bits and gives their memory back, as far as it is in whole pages of theirs alone: what is at
    /// the edges may keep its value. For elements that are not looked at again, or that are zero.
    @inlinable public mutating func forget(_ range: Range<Int>) {
        unsafe Reservation.forget(
            base, from: range.lowerBound &* MemoryLayout<Element>.stride,
            to: min(range.upperBound, used) &* MemoryLayout<Element>.stride)
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
