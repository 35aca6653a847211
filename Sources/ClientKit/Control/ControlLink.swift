public import DeviceMemory
internal import CShim
internal import Glibc

/// One end of a control socket: messages of fixed size, each with at most one descriptor. Both ends use it.
public struct ControlLink: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Takes over a connected socket.
    public init(taking descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    /// The socket's number, borrowed: to poll it.
    public var fileDescriptor: Int32 { descriptor.rawValue }

    /// Connects to the controller that listens at `path`.
    public init(connectingTo path: String) throws(ClientError) {
        let fd = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { throw .cannotReach(path: path, errno: errno) }
        let owned = OwnedDescriptor(taking: fd)
        var address = sockaddr_un()
        guard unsafe shim_socket_address(path, &address) else { throw .cannotReach(path: path, errno: ENAMETOOLONG) }
        guard unsafe shim_connect_path(fd, &address) == 0 else { throw .cannotReach(path: path, errno: errno) }
        descriptor = owned
    }

    /// Sends a message, with a borrowed descriptor unless it is -1, and with ranges behind it. False when the other side is
    /// gone, or takes nothing now (a client that does not read its socket must not hold a controller up).
    public borrowing func send(_ message: ControlMessage, descriptor fd: Int32 = -1, ranges: [TokenRange] = []) -> Bool
    {
        if ranges.isEmpty {
            return unsafe withUnsafeBytes(of: message) {
                guard let base = $0.baseAddress else { return false }
                return unsafe shim_send_descriptor(descriptor.rawValue, base, $0.count, fd) == $0.count
            }
        }
        var bytes = unsafe withUnsafeBytes(of: message) { unsafe [UInt8]($0) }
        for range in ranges { unsafe withUnsafeBytes(of: range) { unsafe bytes.append(contentsOf: $0) } }
        return unsafe bytes.withUnsafeBytes {
            unsafe Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count
        }
    }

    /// A message as it came.
    public struct Received: ~Copyable {
        /// The fixed part.
        public let message: ControlMessage
        /// What came with it.
        public var descriptor: OwnedDescriptor?
        /// What followed.
        public let ranges: [TokenRange]
    }

    /// What became of an attempt to receive.
    public enum Outcome: ~Copyable {
        /// A message.
        case message(Received)
        /// Nothing waits.
        case nothing
        /// What came is no message; it has been dropped, and its descriptor closed.
        case nonsense
        /// The other side is gone.
        case gone
    }

    /// Takes the next message; with `wait` until there is one.
    public borrowing func receive(wait: Bool) -> Outcome {
        // Room for one range more than there may be: a message that the buffer cuts off must not look like one that fits.
        var buffer = [UInt8](repeating: 0, count: ControlMessage.longest + MemoryLayout<TokenRange>.stride)
        var fd: Int32 = -1
        let n = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
            guard let base = bytes.baseAddress else { return -1 }
            while true {
                let n = unsafe shim_receive_descriptor(
                    descriptor.rawValue, base, bytes.count, &fd, wait ? 0 : Int32(MSG_DONTWAIT))
                if n >= 0 || errno != EINTR { return n }
            }
        }
        let owned = fd >= 0 ? OwnedDescriptor(taking: fd) : nil
        if n < 0 { return errno == EAGAIN ? .nothing : .gone }
        if n == 0 { return .gone }
        guard n >= ControlMessage.bytes, (n - ControlMessage.bytes) % 16 == 0 else { return .nonsense }
        let (message, ranges) = unsafe buffer.withUnsafeBytes { bytes in
            let message = unsafe bytes.loadUnaligned(as: ControlMessage.self)
            let ranges = stride(from: ControlMessage.bytes, to: n, by: 16).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0, as: TokenRange.self)
            }
            return (message, ranges)
        }
        return .message(Received(message: message, descriptor: owned, ranges: ranges))
    }
}
