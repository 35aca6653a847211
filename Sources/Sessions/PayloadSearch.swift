internal import DeviceMemory

/// Looks for a loopback's payload in memory where it must not be.
enum PayloadSearch {
    /// Words to look for, over all flows: the beginnings of their streams.
    private static var limit: Int { 64 << 10 }

    /// How many positions of `memory` hold 8 bytes of a stream in the stream's order, from a multiple of 8 on.
    static func wordsFound(in memory: ByteView, options: LoopbackOptions) -> Int {
        var words: Set<UInt64> = []
        let share = min(Int(options.bytes) / options.flows, limit / options.flows * 8) / 8 * 8
        guard share > 0 else { return 0 }
        let bytes = HeapBytes(count: share)
        for flow in 0..<options.flows {
            var pattern = Pattern(seed: options.device.seed, flow: flow)
            pattern.fill(bytes.bytes)
            for word in 0..<(share / 8) { words.insert(bytes.bytes.readOnly.le64(8 * word)) }
        }
        var found = 0
        for offset in 0...(memory.count - 8) {
            let word = memory.le64(offset)
            if word != 0 && words.contains(word) { found += 1 }
        }
        return found
    }
}
