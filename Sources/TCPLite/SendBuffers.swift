internal import DeviceMemory

/// A ring of host memory for each connection; a byte stands at its sequence number modulo the size.
struct SendBuffers: ~Copyable {
    private let storage: HeapBytes
    /// Size of one ring in bytes, a power of two.
    let size: Int

    init(connections: Int, bytes: Int) {
        var size = 256
        while size < bytes && size < 1 << 30 { size *= 2 }
        self.size = size
        storage = HeapBytes(count: connections * size)
    }

    /// Stores `bytes`, which are no more than the ring has room for, from `start` on.
    mutating func store(_ connection: Int, _ start: SequenceNumber, _ bytes: ByteView) {
        let ring = storage.bytes.slice(connection &* size, size)
        let at = Int(start.rawValue) & (size &- 1)
        let head = min(bytes.count, size &- at)
        ring.copy(bytes.slice(0, head), at: at)
        if head < bytes.count { ring.copy(bytes.from(head)) }
    }

    /// Copies bytes from `start` on into all of `space`.
    func load(_ connection: Int, _ start: SequenceNumber, into space: MutableByteView) {
        let ring = storage.bytes.readOnly.slice(connection &* size, size)
        let at = Int(start.rawValue) & (size &- 1)
        let head = min(space.count, size &- at)
        space.copy(ring.slice(at, head))
        if head < space.count { space.copy(ring.slice(0, space.count &- head), at: head) }
    }
}
