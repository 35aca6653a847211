internal import DeviceMemory
internal import Timeline

/// The bytes of one flow: a function of seed, flow and position in the stream, 8 at a time.
struct Pattern {
    private var generator: SeededGenerator
    private var word: UInt64 = 0
    private var left = 0

    init(seed: UInt64, flow: Int) { generator = SeededGenerator(seed: seed, stream: 0x1000 &+ UInt64(flow)) }

    /// Writes the next `bytes.count` bytes of the stream.
    mutating func fill(_ bytes: MutableByteView) {
        var i = 0
        while i < bytes.count && left != 0 { i = step(bytes, i) }
        while i &+ 8 <= bytes.count {
            bytes.setLE64(i, generator.next())
            i &+= 8
        }
        while i < bytes.count {
            if left == 0 {
                word = generator.next()
                left = 8
            }
            i = step(bytes, i)
        }
    }

    private mutating func step(_ bytes: MutableByteView, _ i: Int) -> Int {
        bytes[i] = UInt8(truncatingIfNeeded: word)
        word &>>= 8
        left &-= 1
        return i &+ 1
    }
}
