internal import DeviceMemory
internal import Glibc

/// A file that a peer sends, read where it is wanted.
final class InputFile: Sendable {
    private let descriptor: OwnedDescriptor
    /// Bytes when it was opened.
    let size: UInt64

    init(path: String) throws(SessionError) {
        let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else {
            throw SessionError("cannot read \(path): \(systemMessage(errno)); choose an --input that can be read")
        }
        descriptor = OwnedDescriptor(taking: fd)
        var status = stat()
        guard unsafe (fstat(fd, &status) == 0), status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            throw SessionError("\(path) is no plain file with something in it; choose another --input")
        }
        size = UInt64(status.st_size)
    }

    /// Fills `bytes` from `position`. What is not there any more reads as zeros: the digest is of what was sent.
    func read(_ bytes: MutableByteView, at position: UInt64) {
        var done = 0
        while done < bytes.count {
            let n = unsafe bytes.from(done).withUnsafeMutableBytes {
                unsafe pread(descriptor.rawValue, $0.baseAddress, $0.count, off_t(position) + off_t(done))
            }
            if n < 0 && errno == EINTR { continue }
            if n <= 0 { break }
            done += n
        }
        if done < bytes.count { bytes.from(done).fill(0) }
    }
}
