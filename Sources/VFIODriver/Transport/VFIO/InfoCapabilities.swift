internal import CShim

/// The chain of capabilities behind a VFIO info structure (`struct vfio_info_cap_header`).
struct InfoCapabilities {
    private let buffer: KernelBuffer
    private let first: Int

    /// - Parameter first: `cap_offset` of the structure; 0 is an empty chain.
    init(_ buffer: KernelBuffer, first: UInt32) {
        self.buffer = buffer
        self.first = Int(first)
    }

    /// Offset of the capability `id`; `nil` when the chain does not have it, leaves the buffer or goes back.
    func offset(of id: Int32) -> Int? {
        var offset = first
        while offset > 0, let header = buffer.load(vfio_info_cap_header.self, at: offset) {
            if Int32(header.id) == id { return offset }
            if Int(header.next) <= offset { return nil }
            offset = Int(header.next)
        }
        return nil
    }
}

extension KernelHandle {
    /// Asks for an info structure with its capability chain: once for the length (`argsz`, the first field of each), then
    /// for all of it.
    func info<T: BitwiseCopyable>(_ request: KernelRequest, _ header: T) -> (KernelBuffer?, Int32) {
        var buffer = KernelBuffer(header)
        buffer.store(UInt32(MemoryLayout<T>.size))
        var result = ioctl(request, &buffer)
        guard result >= 0 else { return (nil, result) }
        let needed = Int(buffer.load(UInt32.self) ?? 0)
        // A page holds every chain that kernels make; more is no answer to allocate for.
        guard needed > MemoryLayout<T>.size, needed <= 65536 else { return (buffer, result) }
        buffer = KernelBuffer(header, trailing: needed - MemoryLayout<T>.size)
        buffer.store(UInt32(needed))
        result = ioctl(request, &buffer)
        return (result < 0 ? nil : buffer, result)
    }
}
