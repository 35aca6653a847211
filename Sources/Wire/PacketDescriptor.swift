internal import CShim
internal import DeviceMemory
internal import Glibc
internal import Packets

/// A non-blocking descriptor that gives and takes one frame a system call (a TAP, a datagram socket).
struct PacketDescriptor: ~Copyable {
    /// What the far end is called in messages.
    let name: String
    let descriptor: OwnedDescriptor
    var statistics = WireStatistics()

    init(name: String, descriptor: consuming OwnedDescriptor) {
        self.name = name
        self.descriptor = descriptor
    }

    /// Reads frames in place until none is left, `limit` is reached or `queue` is full.
    mutating func receive(into queue: inout FrameQueue, limit: Int) throws(WireError) -> Int {
        var moved = 0
        // Dropped frames count too, so that a flood of frames that do not fit cannot keep the caller here.
        var seen = 0
        while moved < limit && seen < limit &+ queue.depth, let space = queue.reserve() {
            let length = read(into: space)
            if length < 0 {
                let code = errno
                if code == EAGAIN { break }
                if code == EINTR { continue }
                throw .lost(name: name, errno: code)
            }
            seen &+= 1
            guard length <= space.count else {
                statistics.oversizedFrames &+= 1
                continue
            }
            queue.commit(length: length)
            statistics.receivedFrames &+= 1
            statistics.receivedBytes &+= UInt64(truncatingIfNeeded: length)
            moved &+= 1
        }
        return moved
    }

    /// One frame; a length beyond `space` says that it did not fit. A second vector of one byte tells a frame that fills
    /// the space from one that was cut: a TAP reports neither.
    private func read(into space: MutableByteView) -> Int {
        var excess: UInt8 = 0
        return unsafe withUnsafeMutablePointer(to: &excess) { byte in
            unsafe space.withUnsafeMutableBytes { buffer in
                var vectors = unsafe (
                    iovec(iov_base: buffer.baseAddress, iov_len: buffer.count), iovec(iov_base: byte, iov_len: 1)
                )
                return unsafe withUnsafePointer(to: &vectors) { pair in
                    unsafe pair.withMemoryRebound(to: iovec.self, capacity: 2) { first in
                        unsafe readv(descriptor.rawValue, first, 2)
                    }
                }
            }
        }
    }

    /// Hands frames to `send`, which returns what the system call did, until the far end has no room.
    mutating func transmit(
        from queue: inout FrameQueue, _ send: (_ descriptor: Int32, _ frame: ByteView) -> Int
    ) throws(WireError) -> Int {
        var moved = 0
        while !queue.isEmpty {
            let length = queue.front.count
            if send(descriptor.rawValue, queue.front) < 0 {
                let code = errno
                if code == EINTR { continue }
                if code == EAGAIN || code == ENOBUFS { break }
                if code == EBADFD || code == EBADF { throw .lost(name: name, errno: code) }
                statistics.refusedFrames &+= 1
            } else {
                statistics.transmittedFrames &+= 1
                statistics.transmittedBytes &+= UInt64(truncatingIfNeeded: length)
            }
            queue.popFront()
            moved &+= 1
        }
        return moved
    }
}
