internal import DeviceMemory
internal import Glibc

/// A source that has been opened: bytes in order, until there are no more.
///
/// The one place that knows where bytes come from: whoever sends from other memory adds a case.
struct ByteSource: ~Copyable {
    /// What one look at a source brought.
    enum Portion {
        /// So many bytes, at least one.
        case bytes(Int)
        /// Nothing now, more perhaps later.
        case later
        case end
    }

    private var pattern: Pattern?
    private var left: UInt64
    private let descriptor: OwnedDescriptor?
    private let name: String

    init(_ source: SendSource, seed: UInt64) throws(SessionError) {
        left = .max
        switch source {
        case .pattern(let bytes):
            pattern = Pattern(seed: seed, flow: 0)
            left = bytes
            descriptor = nil
            name = "the pattern"
        case .file(let path):
            try ByteSource.check(path: path)
            let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard fd >= 0 else { throw ByteSource.unreadable(path) }
            descriptor = OwnedDescriptor(taking: fd)
            name = path
        case .standardInput:
            // A descriptor of its own: the original is the process's.
            let fd = fcntl(0, F_DUPFD_CLOEXEC, 3)
            guard fd >= 0 else { throw ByteSource.unreadable("standard input") }
            descriptor = OwnedDescriptor(taking: fd)
            name = "standard input"
        }
    }

    /// Says early what is wrong with a file, in one sentence.
    static func check(path: String) throws(SessionError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, unsafe access(path, R_OK) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SessionError("\(path) is no plain file; name one, or give the bytes on standard input with --input -")
        }
    }

    private static func unreadable(_ path: String) -> SessionError {
        SessionError("cannot read \(path): \(systemMessage(errno)); choose an --input that can be read")
    }

    /// Fills the front of `bytes`; never waits.
    mutating func read(into bytes: MutableByteView) throws(SessionError) -> Portion {
        guard left > 0 else { return .end }
        if pattern != nil {
            let n = Int(min(UInt64(bytes.count), left))
            pattern?.fill(bytes.slice(0, n))
            left &-= UInt64(n)
            return .bytes(n)
        }
        // Not within the switch: it borrows what reading changes.
        let number =
            switch descriptor {
            case .some(let descriptor): descriptor.rawValue
            case .none: Int32(-1)
            }
        return number < 0 ? .end : try read(number, into: bytes)
    }

    private mutating func read(_ descriptor: Int32, into bytes: MutableByteView) throws(SessionError) -> Portion {
        // Whoever writes into a pipe may take its time, and a device's model must not wait for it.
        var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&look, 1, 0) > 0 else { return .later }
        let n = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        if n > 0 { return .bytes(n) }
        if n == 0 {
            left = 0
            return .end
        }
        if errno == EINTR || errno == EAGAIN { return .later }
        throw SessionError("cannot read \(name): \(systemMessage(errno)); what was sent before has been received")
    }
}
