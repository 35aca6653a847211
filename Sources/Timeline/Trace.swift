internal import Glibc

/// What an entry of a trace tells.
@frozen public enum TraceKind: UInt8, Sendable {
    case frameToNIC = 1
    case frameFromNIC
    case registerRead
    case registerWrite
    case descriptorFetched
    case descriptorWrittenBack
    case event
}

/// A handle through which a part of a run records what it did; copies are free and a disabled handle costs one test.
///
/// The handle does not own the recorder: whoever wires the run keeps the ``TraceRecorder`` alive longer than every part.
@safe @frozen public struct Trace: @unchecked Sendable, BitwiseCopyable {
    @usableFromInline let state: UnsafeMutablePointer<TraceState>?

    @usableFromInline init(state: UnsafeMutablePointer<TraceState>?) { unsafe self.state = state }

    /// Records nothing.
    public static var disabled: Trace { unsafe Trace(state: nil) }

    /// Whether entries are kept; callers may skip work that only serves the trace.
    @inlinable public var isEnabled: Bool { unsafe state != nil }

    /// Records an entry of two numbers.
    @inlinable public func record(_ kind: TraceKind, at now: Instant, _ a: UInt64, _ b: UInt64) {
        if let state = unsafe state { unsafe TraceState.append(state, kind, now, a, b, nil, 0) }
    }

    /// Records an entry of two numbers and the bytes of a frame or a descriptor.
    ///
    /// `bytes` is read during the call only.
    public func record(
        _ kind: TraceKind, at now: Instant, _ a: UInt64, _ b: UInt64, bytes: UnsafeRawBufferPointer
    ) {
        if let state = unsafe state { unsafe TraceState.append(state, kind, now, a, b, bytes.baseAddress, bytes.count) }
    }
}

/// Owns a trace: hashes every entry and, when asked, writes one line an entry to a file.
///
/// One thread at a time may record; a trace across threads would not replay anyway.
@safe public final class TraceRecorder {
    private let state: UnsafeMutablePointer<TraceState>
    private let path: String?

    /// Creates a recorder; `path` names the text file, `nil` keeps the hash alone.
    ///
    /// - Throws: ``TimelineError/cannotWriteTrace(path:reason:)``.
    public init(path: String? = nil) throws(TimelineError) {
        var file: UnsafeMutablePointer<FILE>?
        if let path {
            unsafe file = unsafe fopen(path, "w")
            if unsafe file == nil {
                throw .cannotWriteTrace(path: path, reason: unsafe String(cString: strerror(errno)))
            }
        }
        self.path = path
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: TraceState(file: file))
    }

    deinit {
        if let file = unsafe state.pointee.file { unsafe fclose(file) }
        unsafe state.pointee.buffer.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// The handle to hand to the parts of the run.
    public var trace: Trace { unsafe Trace(state: state) }

    /// Entries recorded so far.
    public var count: UInt64 { unsafe state.pointee.count }

    /// Makes sure that the text file holds everything recorded so far.
    ///
    /// - Throws: ``TimelineError/cannotWriteTrace(path:reason:)``.
    public func flush() throws(TimelineError) {
        guard let file = unsafe state.pointee.file else { return }
        if unsafe fflush(file) != 0 { unsafe state.pointee.writeError = errno }
        let code = unsafe state.pointee.writeError
        if code != 0 { throw .cannotWriteTrace(path: path ?? "", reason: unsafe String(cString: strerror(code))) }
    }

    /// SHA-256 over everything recorded so far, in hexadecimal.
    public func hash() -> String {
        unsafe TraceState.flush(state)
        let digest = unsafe state.pointee.hasher.digest()
        return digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}

/// Errors of this module.
public enum TimelineError: Error, CustomStringConvertible {
    case cannotWriteTrace(path: String, reason: String)

    public var description: String {
        switch self {
        case .cannotWriteTrace(let path, let reason):
            "cannot write the trace file \(path): \(reason); choose a path that can be written"
        }
    }
}

/// Entries are gathered in a buffer and hashed a buffer at a time, so that an entry costs a copy, not a hash call.
@safe @usableFromInline struct TraceState: ~Copyable {
    static let capacity = 1 << 16
    var hasher = SHA256Hash()
    let buffer: UnsafeMutableRawPointer
    var used = 0
    var count: UInt64 = 0
    let file: UnsafeMutablePointer<FILE>?
    /// errno of the first line that could not be written.
    var writeError: Int32 = 0

    init(file: UnsafeMutablePointer<FILE>?) {
        unsafe self.file = file
        unsafe buffer = .allocate(byteCount: TraceState.capacity, alignment: 64)
        unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0, count: TraceState.capacity)
    }

    @usableFromInline
    static func append(
        _ state: UnsafeMutablePointer<TraceState>, _ kind: TraceKind, _ now: Instant, _ a: UInt64, _ b: UInt64,
        _ bytes: UnsafeRawPointer?, _ length: Int
    ) {
        unsafe state.pointee.count &+= 1
        if unsafe state.pointee.used &+ 32 > capacity { unsafe flush(state) }
        let entry = unsafe state.pointee.buffer + state.pointee.used
        unsafe entry.storeBytes(of: UInt64(kind.rawValue) | UInt64(length) &<< 8, as: UInt64.self)
        unsafe entry.storeBytes(of: now.nanoseconds, toByteOffset: 8, as: UInt64.self)
        unsafe entry.storeBytes(of: a, toByteOffset: 16, as: UInt64.self)
        unsafe entry.storeBytes(of: b, toByteOffset: 24, as: UInt64.self)
        unsafe state.pointee.used &+= 32
        if let bytes = unsafe bytes {
            // Padded to a word, so that entries stay aligned; the length is part of the entry and hashed with it.
            if unsafe state.pointee.used &+ length > capacity &- 8 { unsafe flush(state) }
            if length <= capacity &- 8 {
                unsafe memcpy(state.pointee.buffer + state.pointee.used, bytes, length)
                unsafe state.pointee.used &+= (length &+ 7) & ~7
            } else {
                unsafe state.pointee.hasher.update(RawSpan(_unsafeStart: bytes, byteCount: length))
            }
        }
        if unsafe state.pointee.file != nil { unsafe writeLine(state, kind, now, a, b, bytes, length) }
    }

    static func flush(_ state: UnsafeMutablePointer<TraceState>) {
        let used = unsafe state.pointee.used
        unsafe state.pointee.hasher.update(RawSpan(_unsafeStart: state.pointee.buffer, byteCount: used))
        unsafe state.pointee.used = 0
        // The padding must not carry bytes of earlier entries into the hash.
        unsafe memset(state.pointee.buffer, 0, capacity)
    }

    private static func writeLine(
        _ state: UnsafeMutablePointer<TraceState>, _ kind: TraceKind, _ now: Instant, _ a: UInt64, _ b: UInt64,
        _ bytes: UnsafeRawPointer?, _ length: Int
    ) {
        var line = "\(now.nanoseconds) \(kind) 0x\(String(a, radix: 16)) 0x\(String(b, radix: 16))"
        if let bytes = unsafe bytes {
            line += " [\(length)]"
            for i in 0..<min(length, 66) {
                let byte = unsafe bytes.load(fromByteOffset: i, as: UInt8.self)
                line += (byte < 16 ? " 0" : " ") + String(byte, radix: 16)
            }
        }
        line += "\n"
        if unsafe fputs(line, state.pointee.file) < 0 { unsafe state.pointee.writeError = errno }
    }
}
