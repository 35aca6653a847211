internal import CShim
internal import Glibc

/// Address space set aside at once, with memory behind its beginning, which grows: what is behind a ``GrowingSlab``.
///
/// What is set aside costs no memory and nothing of it moves when it grows: an address computed once stays good, and growing
/// copies nothing. The kernel hands out pages when they are first touched.
///
/// Functions on addresses and no owner: with an owner as a stored property of a frozen generic type, the optimiser of 6.3.1
/// fails ("inlining a resilient function into a fragile function").
@usableFromInline enum Reservation {
    /// Granularity of everything here: a multiple of every page size that Linux uses on x86-64 and arm64.
    private static var grain: Int { 64 << 10 }
    /// How much is made accessible at a time: a system call for a thousand connections, and too little for a huge page.
    private static var step: Int { 1 << 20 }

    /// Sets aside at least `bytes` bytes; `nil` when that is impossible.
    @usableFromInline static func setAside(_ bytes: Int) -> (base: UnsafeMutableRawPointer, size: Int)? {
        guard bytes > 0, bytes < 1 << 46 else { return nil }
        let size = (bytes + grain - 1) & ~(grain - 1)
        guard let base = unsafe shim_reserve(size) else { return nil }
        return unsafe (base, size)
    }

    /// Ends a reservation.
    @usableFromInline static func end(_ base: UnsafeMutableRawPointer, _ size: Int) { unsafe munmap(base, size) }

    /// Lets the first `bytes` bytes of `size` be touched, of which the first `accessible` may be already; those that are new
    /// read as zeros. Returns how many may be touched; `nil`, with nothing changed, when the system has no memory for them.
    @usableFromInline static func open(
        _ base: UnsafeMutableRawPointer, _ size: Int, accessible: Int, _ bytes: Int
    ) -> Int? {
        if bytes <= accessible { return accessible }
        guard bytes <= size else { return nil }
        let end = min((bytes + step - 1) & ~(step - 1), size)
        guard unsafe shim_make_accessible(base + accessible, end - accessible) == 0 else { return nil }
        return end
    }

    /// Gives the memory behind whole grains between two offsets back; they read as zeros from now on.
    @usableFromInline static func forget(_ base: UnsafeMutableRawPointer, from start: Int, to end: Int) {
        let first = (max(start, 0) + grain - 1) & ~(grain - 1)
        let last = end & ~(grain - 1)
        if first < last { unsafe _ = shim_forget(base + first, last - first) }
    }
}
