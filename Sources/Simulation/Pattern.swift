internal import DeviceMemory
internal import Timeline

/// The byte at each position of each stream, known without keeping it: a table of random bytes, entered at a place of the
/// stream's own. The period is a prime, so that a stream that slips by a power of two does not match itself.
struct Pattern: ~Copyable {
    static let period = 65521
    static let longest = 4096
    private let table: HeapBytes

    init() {
        table = HeapBytes(count: Pattern.period + Pattern.longest)
        var random = SeededGenerator(seed: 0x5EED)
        for i in 0..<Pattern.period { table.bytes[i] = UInt8(truncatingIfNeeded: random.next()) }
        for i in 0..<Pattern.longest { table.bytes[Pattern.period + i] = table.bytes[i] }
    }

    /// Up to ``longest`` bytes of a stream.
    func bytes(_ stream: Int, _ position: Int, _ count: Int) -> ByteView {
        table.bytes.readOnly.slice((position + stream * 9973) % Pattern.period, min(count, Pattern.longest))
    }

    /// The first byte that is not the stream's; `nil` when all are.
    func mismatch(_ bytes: ByteView, _ stream: Int, _ position: Int) -> Int? {
        var done = 0
        while done < bytes.count {
            let n = min(bytes.count - done, Pattern.longest)
            let expected = self.bytes(stream, position + done, n)
            var i = 0
            while i + 8 <= n, bytes.le64(done + i) == expected.le64(i) { i += 8 }
            while i < n {
                if bytes[done + i] != expected[i] { return done + i }
                i += 1
            }
            done += n
        }
        return nil
    }
}
