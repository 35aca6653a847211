internal import DeviceMemory
internal import Glibc

/// A file that a consumer writes: under a name of its own until it is complete, so that a run that fails leaves nothing.
struct OutputFile: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let path: String
    private var partialPath: String { OutputFile.partialPath(path) }
    private(set) var failure: Int32 = 0

    private static func partialPath(_ path: String) -> String { path + ".partial" }

    init(path: String) throws(SessionError) {
        let fd = unsafe open(OutputFile.partialPath(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard fd >= 0 else {
            throw SessionError("cannot write \(path): \(systemMessage(errno)); choose an --output that can be written")
        }
        descriptor = OwnedDescriptor(taking: fd)
        self.path = path
    }

    deinit { unsafe unlink(OutputFile.partialPath(path)) }

    /// Whether a file could be made at `path`; leaves nothing there.
    static func check(path: String) throws(SessionError) {
        // The finished file is renamed into place, which would replace a device, a pipe or a link instead of writing to it.
        var status = stat()
        if unsafe (lstat(path, &status) == 0), status.st_mode & S_IFMT != S_IFREG {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a directory" : "no plain file"
            throw SessionError(
                "cannot write \(path): it is \(kind); choose the name of a new or plain file as --output")
        }
        _ = try OutputFile(path: path)
    }

    mutating func write(_ bytes: ByteView) {
        var done = 0
        while done < bytes.count && failure == 0 {
            let n = unsafe bytes.from(done).withUnsafeBytes {
                unsafe Glibc.write(descriptor.rawValue, $0.baseAddress, $0.count)
            }
            if n < 0 {
                if errno == EINTR { continue }
                failure = errno
                return
            }
            done += n
        }
    }

    /// Gives the file its name; returns what went wrong with it since it was opened.
    consuming func commit() -> SessionError? {
        if failure == 0, unsafe (rename(partialPath, path) != 0) { failure = errno }
        guard failure != 0 else { return nil }
        return SessionError("cannot write \(path): \(systemMessage(failure)); free space or choose another --output")
    }
}
