internal import DeviceMemory

/// The bytes of one input, read from the front; zeroes when there are no more.
struct FuzzInput {
    private let bytes: ByteView
    private var at = 0

    init(_ bytes: ByteView) { self.bytes = bytes }

    /// Whether everything has been read.
    var isEmpty: Bool { at >= bytes.count }

    mutating func byte() -> UInt8 {
        guard at < bytes.count else { return 0 }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func be16() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }
    mutating func be32() -> UInt32 { UInt32(be16()) << 16 | UInt32(be16()) }
    mutating func word() -> UInt64 { UInt64(be32()) << 32 | UInt64(be32()) }
    mutating func flag() -> Bool { byte() & 1 != 0 }

    /// A number under `limit`, which is at most 65536.
    mutating func below(_ limit: Int) -> Int { limit <= 256 ? Int(byte()) % limit : Int(be16()) % limit }

    /// One of a few.
    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

    /// The next bytes, as many as there are of `count`.
    mutating func take(_ count: Int) -> ByteView {
        let length = min(count, bytes.count - at)
        defer { at += length }
        return bytes.slice(at, length)
    }
}
