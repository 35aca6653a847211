/// The bytes of an ioctl's argument: a C structure, and what follows it.
struct KernelBuffer: Sendable {
    private(set) var bytes: [UInt8]

    /// A structure with `trailing` zeroed bytes behind it.
    init<T: BitwiseCopyable>(_ header: T, trailing: Int = 0) {
        bytes = [UInt8](repeating: 0, count: MemoryLayout<T>.size + trailing)
        store(header)
    }

    /// A string with its terminating zero.
    init(_ text: String) { bytes = Array(text.utf8) + [0] }

    /// The structure at `offset`; `nil` when the buffer ends before it does.
    func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int = 0) -> T? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else { return nil }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }

    /// Stores a structure, which must lie within the buffer.
    mutating func store<T: BitwiseCopyable>(_ value: T, at offset: Int = 0) {
        precondition(offset >= 0 && offset <= bytes.count - MemoryLayout<T>.size)
        unsafe withUnsafeBytes(of: value) { source in
            for i in 0..<source.count { unsafe bytes[offset + i] = source[i] }
        }
    }

    /// The bytes for the system call.
    @unsafe mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
        unsafe bytes.withUnsafeMutableBytes { unsafe body($0) }
    }
}
