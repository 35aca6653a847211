internal import DeviceMemory
internal import Timeline

/// SHA-256 of a byte stream, fed through a block so that the hash is called once a block and not once a segment.
struct StreamDigest: ~Copyable {
    static let blockSize = 256 << 10
    // Only while the stream runs: ten thousand finished connections must not hold a block each.
    private var owner: HeapBytes?
    private var block: MutableByteView?
    private var used = 0
    private var hasher = SHA256Hash()
    private(set) var count: UInt64 = 0

    init() {}

    /// Adds bytes; `full` gets each block that is complete, before it is reused.
    mutating func update(_ bytes: ByteView, full: (ByteView) -> Void) {
        let block = self.block ?? begin()
        var done = 0
        while done < bytes.count {
            let n = min(bytes.count &- done, StreamDigest.blockSize &- used)
            block.copy(bytes.slice(done, n), at: used)
            used &+= n
            done &+= n
            if used == StreamDigest.blockSize { hash(full) }
        }
        count &+= UInt64(bytes.count)
    }

    /// Hashes the rest and gives the block back.
    mutating func flush(_ full: (ByteView) -> Void) {
        hash(full)
        block = nil
        owner = nil
    }

    private mutating func begin() -> MutableByteView {
        let memory = HeapBytes(count: StreamDigest.blockSize)
        let view = memory.bytes
        owner = .some(memory)
        block = view
        return view
    }

    private mutating func hash(_ full: (ByteView) -> Void) {
        guard let view = block?.slice(0, used).readOnly else { return }
        unsafe view.withUnsafeBytes { hasher.update(unsafe RawSpan(_unsafeBytes: $0)) }
        full(view)
        used = 0
    }

    /// The digest of everything so far; flush first.
    func finish() -> [UInt8] { hasher.digest() }
}

/// Lower-case hexadecimal.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
}

/// One digest over the digests of many streams, in their order.
func combinedDigest(_ digests: [[UInt8]]) -> String {
    var hasher = SHA256Hash()
    for digest in digests { hasher.update(digest) }
    return hexadecimal(hasher.digest())
}
