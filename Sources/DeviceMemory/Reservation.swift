internal import CShim
internal import Glibc

/// Address space set aside at once, with memory behind its beginning, which grows.
///
/// What is set aside costs no memory and nothing of it moves when it grows: an address computed once stays good, and growing
/// copies nothing. The kernel hands out pages when they are first touched.
@usableFromInline @safe @frozen struct Reservation: ~Copyable {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Bytes set aside; zero when the system had none to give.
    @usableFromInline let size: Int
    /// Bytes that may be touched.
    @usableFromInline var accessible = 0

    /// Granularity of everything here: a multiple of every page size that Linux uses on x86-64 and arm64.
    private static var grain: Int { 64 << 10 }
    /// How much is made accessible at a time: a system call for a thousand connections, and too little for a huge page.
    private static var step: Int { 1 << 20 }

    /// Sets aside at least `bytes` bytes; none when that is impossible.
    @usableFromInline init(bytes: Int) {
        let isPossible = bytes > 0 && bytes < 1 << 46
        let wanted = isPossible ? (bytes + Reservation.grain - 1) & ~(Reservation.grain - 1) : 0
        if wanted > 0, let start = unsafe shim_reserve(wanted) {
            unsafe base = start
            size = wanted
        } else {
            unsafe base = .allocate(byteCount: 64, alignment: 64)
            size = 0
        }
    }

    deinit {
        if size > 0 { unsafe munmap(base, size) } else { unsafe base.deallocate() }
    }

    /// Lets the first `bytes` bytes be touched, which read as zeros at first; false when they were not set aside, or when the
    /// system has no memory for them. Nothing has changed then.
    @usableFromInline mutating func makeAccessible(_ bytes: Int) -> Bool {
        if bytes <= accessible { return true }
        guard bytes <= size else { return false }
        let end = min((bytes + Reservation.step - 1) & ~(Reservation.step - 1), size)
        guard unsafe shim_make_accessible(base + accessible, end - accessible) == 0 else { return false }
        accessible = end
        return true
    }

    /// Gives the memory behind whole grains between two offsets back; they read as zeros from now on.
    @usableFromInline func forget(from start: Int, to end: Int) {
        let first = (max(start, 0) + Reservation.grain - 1) & ~(Reservation.grain - 1)
        let last = min(end, accessible) & ~(Reservation.grain - 1)
        if first < last { unsafe _ = shim_forget(base + first, last - first) }
    }
}
