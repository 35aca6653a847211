public import DeviceMemory
public import Timeline

/// A capture file of the leading bytes of frames, with the lengths that the frames had: what lies in device memory is not in it.
public struct HeaderCapture: ~Copyable {
    private let writer: CaptureWriter

    /// Creates `path`, or empties it.
    public init(path: String) throws(WireError) { writer = try CaptureWriter(path: path) }

    /// Adds the front of a frame that was `length` bytes long; errors show at ``flush()``.
    public borrowing func write(_ front: ByteView, length: Int, at time: Instant) {
        writer.write(front, length: length, at: time)
    }

    /// Hands everything written so far to the kernel.
    public borrowing func flush() throws(WireError) { try writer.flush() }
}
