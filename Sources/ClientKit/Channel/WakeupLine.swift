internal import CShim
public import DeviceMemory
internal import Glibc

/// An eventfd: whoever has work for a sleeper rings it.
///
/// Both ends own a descriptor of the same line; in another process it arrives over a socket.
public struct WakeupLine: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// A new line that nobody has rung.
    public init() throws(ClientError) {
        let fd = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard fd >= 0 else { throw .cannotSleep(errno: errno) }
        descriptor = OwnedDescriptor(taking: fd)
    }

    /// The end of a line whose descriptor came from elsewhere.
    public init(taking descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    /// Another end of the same line.
    public borrowing func duplicate() throws(ClientError) -> WakeupLine {
        let fd = fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)
        guard fd >= 0 else { throw .cannotSleep(errno: errno) }
        return WakeupLine(taking: OwnedDescriptor(taking: fd))
    }

    /// The descriptor's number, borrowed: to poll it, or to send it to another process.
    public var fileDescriptor: Int32 { descriptor.rawValue }

    /// Wakes the sleeper, or keeps it from falling asleep.
    public borrowing func ring() {
        // A line that is full has been rung 2^64 - 2 times and is readable: that write may fail.
        eventfd_write(descriptor.rawValue, 1)
    }

    /// Takes back every ring so far; returns whether there was one.
    @discardableResult public borrowing func take() -> Bool {
        var count: eventfd_t = 0
        return unsafe eventfd_read(descriptor.rawValue, &count) == 0
    }

    /// Waits until the line has been rung, `other` is readable, or `nanoseconds` have passed; takes nothing back.
    public borrowing func wait(nanoseconds: UInt64, other: Int32 = -1) -> Bool {
        var entries = [pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)]
        if other >= 0 { entries.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0)) }
        return unsafe shim_poll(&entries, entries.count, nanoseconds) > 0
    }
}
