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
            _ = unsafe path.withCString { unsafe unlink($0) }
            guard unsafe shim_bind_path(fd, &address) == 0 else { throw .cannotListen(path: path, errno: errno) }
        }
        _ = unsafe path.withCString { unsafe chmod($0, mode_t(mode)) }
        guard listen(fd, 64) == 0 else { throw .cannotListen(path: path, errno: errno) }
        let epoll = shim_epoll_create()
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

    deinit { _ = unsafe path.withCString { unsafe unlink($0) } }

    /// Readable while a client, or somebody who wants to become one, has something to say.
    var watchDescriptor: Int32 { watch.rawValue }

    /// Watches a client's socket, which says `tag` when it is readable; closing it ends that.
    func add(_ fd: Int32, tag: UInt32) {
        _ = shim_epoll_add(watch.rawValue, fd, tag)
    }

    /// Tags of sockets that are readable now, at most 64.
    func readable() -> [UInt32] {
        var tags = [UInt32](repeating: 0, count: 64)
        let n = unsafe shim_epoll_ready(watch.rawValue, &tags, 64)
        return n > 0 ? Array(tags[0..<Int(n)]) : []
    }

    /// The next who wants to become a client; `nil` when there is none.
    func accept() -> OwnedDescriptor? {
        let fd = shim_accept(descriptor.rawValue)
        return fd >= 0 ? OwnedDescriptor(taking: fd) : nil
    }
}
