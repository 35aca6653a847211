import DeviceMemory

/// Bytes as a view, for as long as `body` runs.
func withView<R>(_ bytes: [UInt8], _ body: (ByteView) throws -> R) rethrows -> R {
    let heap = HeapBytes(count: bytes.count)
    for i in bytes.indices { heap.bytes[i] = bytes[i] }
    return try body(heap.bytes.readOnly)
}

extension [UInt8] {
    /// Appends a big-endian 16-bit field.
    mutating func append16(_ value: Int) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends a big-endian 32-bit field.
    mutating func append32(_ value: Int) {
        append16(value >> 16)
        append16(value & 0xFFFF)
    }

    /// Overwrites a big-endian 16-bit field.
    mutating func set16(_ offset: Int, _ value: Int) {
        self[offset] = UInt8(truncatingIfNeeded: value >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    /// The big-endian 16-bit field at `offset`.
    func get16(_ offset: Int) -> Int { Int(self[offset]) << 8 | Int(self[offset + 1]) }
}

/// The one's-complement sum, word by word as RFC 1071 writes it: on purpose not the code under test.
func plainSum(_ bytes: ArraySlice<UInt8>, _ start: Int = 0) -> Int {
    var sum = start
    var high = true
    for byte in bytes {
        sum += high ? Int(byte) << 8 : Int(byte)
        high.toggle()
    }
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return sum
}
