internal import CShim
public import DeviceMemory
internal import Glibc
public import Packets
public import Timeline

/// Another process as the far end: one frame a datagram over a pair of Unix socket paths, or a connected socket.
///
/// The format is QEMU's `-netdev dgram`. Either side may start first or restart: frames for a peer that is not there are
/// counted as refused, as on an unplugged cable.
public struct DatagramWire: Wire, ~Copyable {
    private var packets: PacketDescriptor
    private let socketFile: SocketFile?
    /// `nil`: the socket is connected.
    private let remote: sockaddr_un?

    /// Creates the socket `local` and sends to `remote`.
    ///
    /// - Throws: ``WireError`` when a path is too long, taken, or not writable.
    public init(local: String, remote: String) throws(WireError) {
        var localAddress = sockaddr_un()
        var remoteAddress = sockaddr_un()
        guard unsafe local.withCString({ unsafe shim_socket_address($0, &localAddress) }) else {
            throw .socketPathTooLong(path: local)
        }
        guard unsafe remote.withCString({ unsafe shim_socket_address($0, &remoteAddress) }) else {
            throw .socketPathTooLong(path: remote)
        }
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let fd = socket(AF_UNIX, type, 0)
        guard fd >= 0 else { throw .cannotBind(path: local, errno: errno) }
        let owned = OwnedDescriptor(taking: fd)
        guard unsafe shim_bind_path(fd, &localAddress) == 0 else {
            let code = errno
            throw code == EADDRINUSE ? .socketPathTaken(path: local) : .cannotBind(path: local, errno: code)
        }
        packets = PacketDescriptor(name: "dgram:\(local),\(remote)", descriptor: owned)
        socketFile = SocketFile(path: local)
        self.remote = remoteAddress
    }

    /// Takes over a datagram socket that is connected to its peer; `name` is for messages.
    ///
    /// - Throws: ``WireError/lost(name:errno:)`` when it is none.
    public init(connected socket: consuming OwnedDescriptor, name: String) throws(WireError) {
        let flags = fcntl(socket.rawValue, F_GETFL)
        guard flags >= 0, fcntl(socket.rawValue, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .lost(name: name, errno: errno)
        }
        packets = PacketDescriptor(name: name, descriptor: socket)
        socketFile = nil
        remote = nil
    }

    /// The descriptor, borrowed, to wait until the peer has sent something.
    public var fileDescriptor: Int32 { packets.descriptor.rawValue }
    /// Counters since the start.
    public var statistics: WireStatistics { packets.statistics }

    public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        try packets.receive(into: &queue, limit: limit)
    }

    public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        let address = remote
        return try packets.transmit(from: &queue) { descriptor, frame in
            unsafe frame.withUnsafeBytes { bytes in
                // An empty frame has no base address that C would take, and nothing to say.
                guard let base = bytes.baseAddress else { return 0 }
                guard let address else {
                    return unsafe send(descriptor, base, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                }
                return unsafe withUnsafePointer(to: address) {
                    unsafe shim_send_to_path(descriptor, base, bytes.count, $0)
                }
            }
        }
    }

    /// Never: the peer's frames announce themselves through the descriptor.
    public var nextDeadline: Instant { .never }
}

/// A socket's name in the file system, which outlives its descriptor unless it is removed.
// Not private: with 6.3.1 a module that optimises over the wire names the type and does not link then.
struct SocketFile: ~Copyable {
    let path: String

    deinit { unsafe unlink(path) }
}
