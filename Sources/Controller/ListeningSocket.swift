internal import CShim
internal import ClientKit
internal import DeviceMemory
internal import Glibc

/// The socket that clients connect to, and an epoll over it and all of them.
struct ListeningSocket: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let watch: OwnedDescriptor
    private let path: String

    /// Listens at `path`; what a controller that died left there is taken away, a living one is left alone.
    init(path: String, mode: UInt16) throws(ControllerError) {
        var address = sockaddr_un()
        guard unsafe shim_socket_address(path, &address) else { throw .pathTooLong(path) }
        let fd = socket(
            AF_UNIX,
            Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard fd >= 0 else { throw .cannotListen(path: path, errno: errno) }
        let owned = OwnedDescriptor(taking: fd)
        if unsafe shim_bind_path(fd, &address) != 0 {
            guard errno == EADDRINUSE else { throw .cannotListen(path: path, errno: errno) }
            guard !Self.isAlive(path) else { throw .pathTaken(path) }
            unlink(path)
            guard unsafe shim_bind_path(fd, &address) == 0 else { throw .cannotListen(path: path, errno: errno) }
        }
        chmod(path, mode_t(mode))
        guard listen(fd, 64) == 0 else { throw .cannotListen(path: path, errno: errno) }
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC.rawValue))
        guard epoll >= 0 else { throw .cannotListen(path: path, errno: errno) }
        descriptor = owned
        watch = OwnedDescriptor(taking: epoll)
        self.path = path
        add(fd, tag: .max)
    }

    private static func isAlive(_ path: String) -> Bool {
        guard let link = try? ControlLink(connectingTo: path) else { return false }
        extendLifetime(link)
        return true
    }

    deinit { unlink(path) }

    /// Readable while a client, or somebody who wants to become one, has something to say.
    var watchDescriptor: Int32 { watch.rawValue }

    /// Watches a client's socket, which says `tag` when it is readable; closing it ends that.
    func add(_ fd: Int32, tag: UInt32) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u32 = tag
        _ = unsafe epoll_ctl(watch.rawValue, EPOLL_CTL_ADD, fd, &event)
    }

    /// Tags of sockets that are readable now, at most 64.
    func readable() -> [UInt32] {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        let n = unsafe epoll_wait(watch.rawValue, &events, 64, 0)
        return n > 0 ? (0..<Int(n)).map { unsafe events[$0].data.u32 } : []
    }

    /// The next who wants to become a client; `nil` when there is none.
    func accept() -> OwnedDescriptor? {
        let fd = shim_accept(descriptor.rawValue)
        return fd >= 0 ? OwnedDescriptor(taking: fd) : nil
    }
}
