internal import Glibc

extension ByteView {
    /// Whether every byte is `byte`.
    public func isAll(_ byte: UInt8) -> Bool {
        guard count != 0 else { return true }
        return unsafe self[0] == byte && memcmp(base, base + 1, count - 1) == 0
    }

    /// Where `pattern` first occurs; `nil` when it does not, or is empty.
    public func firstOffset(of pattern: [UInt8]) -> Int? {
        guard let first = pattern.first, pattern.count <= count else { return nil }
        var from = 0
        let last = count - pattern.count
        while from <= last {
            guard let found = unsafe memchr(base + from, Int32(first), last - from + 1) else { return nil }
            from = unsafe UnsafeRawPointer(found) - base
            if slice(from, pattern.count).equals(pattern) { return from }
            from += 1
        }
        return nil
    }

    /// Whether the bytes are those of `other`.
    public func equals(_ other: [UInt8]) -> Bool {
        guard other.count == count else { return false }
        return unsafe other.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return unsafe memcmp(base, start, count) == 0
        }
    }
}

extension MutableByteView {
    /// Stores all of `bytes` at `offset`.
    public func store(_ bytes: [UInt8], at offset: Int = 0) {
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe copy(ByteView(base: start, count: source.count), at: offset)
        }
    }
}
