internal import DeviceMemory
internal import Timeline

extension Trace {
    /// Records an entry of two numbers and the bytes of a frame or a descriptor.
    func record(_ kind: TraceKind, at now: Instant, _ a: UInt64, _ b: UInt64, view: ByteView) {
        unsafe view.withUnsafeBytes { bytes in unsafe record(kind, at: now, a, b, bytes: bytes) }
    }
}
