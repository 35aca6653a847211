import CShim
public import ClientKit
public import DeviceMemory
import Glibc

/// A connection to a controller that can say anything.
public final class RawSocket {
    private let descriptor: OwnedDescriptor

    /// Connects.
    public init(_ path: String) throws(ClientError) {
        var address = sockaddr_un()
        let fd = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let owned = OwnedDescriptor(taking: fd)
        guard fd >= 0, shim_socket_address(path, &address), shim_connect_path(fd, &address) == 0 else {
            throw .cannotReach(path: path, errno: errno)
        }
        // No test waits for ever.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        descriptor = owned
    }

    /// Sends `bytes` as one message with `descriptors`; false when the other side is gone.
    @discardableResult public func send(_ bytes: [UInt8], descriptors: [Int32] = [], waits: Bool = true) -> Bool {
        var control = [UInt8](repeating: 0, count: 16 + (descriptors.count * 4 + 7) / 8 * 8)
        control.withUnsafeMutableBytes { space in
            space.storeBytes(of: 16 + descriptors.count * 4, as: Int.self)
            space.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: Int32.self)
            space.storeBytes(of: Int32(1), toByteOffset: 12, as: Int32.self)  // SCM_RIGHTS
            for (i, fd) in descriptors.enumerated() {
                space.storeBytes(of: fd, toByteOffset: 16 + 4 * i, as: Int32.self)
            }
        }
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { space in
                var vector = iovec(iov_base: data.baseAddress, iov_len: data.count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var header = msghdr()
                    header.msg_iov = vector
                    header.msg_iovlen = 1
                    if !descriptors.isEmpty {
                        header.msg_control = space.baseAddress
                        header.msg_controllen = space.count
                    }
                    let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
                    return sendmsg(descriptor.rawValue, &header, flags) == data.count
                }
            }
        }
    }

    /// The bytes of a message with `ranges` behind it.
    public static func bytes(_ message: ControlMessage, ranges: [TokenRange] = []) -> [UInt8] {
        var bytes = withUnsafeBytes(of: message) { [UInt8]($0) }
        for range in ranges { withUnsafeBytes(of: range) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// The answer to `reference`, past all notices; `nil` when the controller has closed the connection, or says nothing for
    /// five seconds.
    public func answer(_ reference: UInt32) -> ControlMessage? {
        while let message = next() {
            if message.reference == reference { return message }
        }
        return nil
    }

    /// The next message; its descriptor is closed.
    public func next() -> ControlMessage? {
        var message = ControlMessage(.hello)
        var fd: Int32 = -1
        let n: Int = withUnsafeMutableBytes(of: &message) {
            guard let base = $0.baseAddress else { return 0 }
            return shim_receive_descriptor(descriptor.rawValue, base, $0.count, &fd, 0)
        }
        if fd >= 0 { close(fd) }
        return n == ControlMessage.bytes ? message : nil
    }

    /// Reads and drops all that has come.
    public func drop() {
        var bytes = [UInt8](repeating: 0, count: 64)
        var fd: Int32 = -1
        while shim_receive_descriptor(descriptor.rawValue, &bytes, bytes.count, &fd, Int32(MSG_DONTWAIT)) > 0 {
            if fd >= 0 { close(fd) }
        }
    }

    /// Sends a request and waits for how it went.
    public func ask(
        _ message: ControlMessage, ranges: [TokenRange] = [], descriptors: [Int32] = []
    ) -> ControlStatus? {
        var message = message
        message.reference = 77
        guard send(RawSocket.bytes(message, ranges: ranges), descriptors: descriptors) else { return nil }
        return answer(77)?.status
    }

    /// Says hello as it should be said.
    public func greet() -> ControlStatus? {
        var hello = ControlMessage(.hello)
        hello.operands.0 = ApplicationChannel.magic
        hello.operands.1 = UInt64(ApplicationChannel.version)
        return ask(hello)
    }
}

/// Memory as a client may send it, with or without what a controller demands.
public func makeMemory(_ name: String, bytes: Int, sealed: Bool = true) -> OwnedDescriptor {
    let fd = shim_memfd_create(name, 0)
    precondition(fd >= 0 && ftruncate(fd, bytes) == 0)
    if sealed { precondition(shim_memfd_seal_shrink(fd) == 0) }
    return OwnedDescriptor(taking: fd)
}

/// A descriptor of no memory.
public func makeLine() -> OwnedDescriptor { OwnedDescriptor(taking: eventfd(0, 0)) }

/// Another way to the same memory that may only read it.
public func readOnly(_ memory: borrowing OwnedDescriptor) -> OwnedDescriptor {
    OwnedDescriptor(taking: open("/proc/self/fd/\(memory.rawValue)", O_RDONLY | O_CLOEXEC))
}

/// Open descriptors of this process whose file has `name` in its name.
public func openDescriptors(named name: String) -> Int {
    var found = 0
    var buffer = [CChar](repeating: 0, count: 512)
    for fd in 0..<Int32(4096) {
        let n = readlink("/proc/self/fd/\(fd)", &buffer, buffer.count - 1)
        guard n > 0 else { continue }
        let text = String(decoding: buffer[0..<n].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text.contains(name) { found += 1 }
    }
    return found
}

/// Starts the C client of the tests (`chaos-victim`, built beside this program) as `user`; `nil` when it cannot be.
public func startVictim(socket: String, port: UInt16, user: uid_t) -> pid_t? {
    // Beside the test bundle; a directory that another user cannot reach is no hindrance: the program is opened here.
    var link = [CChar](repeating: 0, count: 4096)
    let n = readlink("/proc/self/exe", &link, link.count - 1)
    var directory = String(decoding: link[0..<max(n, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    directory = String(directory[..<(directory.lastIndex(of: "/") ?? directory.startIndex)])
    let program = open("\(directory)/chaos-victim", O_RDONLY)
    guard program >= 0 else { return nil }
    let owned = OwnedDescriptor(taking: program)
    let words = [
        "setpriv", "--reuid=\(user)", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
        "/proc/self/fd/\(program)", socket, "\(port)", "7", "\(1024 * 2048)", "2048", "0", "16", "64",
    ]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let result = posix_spawnp(&child, "setpriv", nil, nil, arguments, environ)
    extendLifetime(owned)
    return result == 0 ? child : nil
}

/// How a child ended, if it has: its exit status, or 128 and the signal.
public func endOf(_ child: pid_t, waits: Bool) -> Int32? {
    var status: Int32 = 0
    guard waitpid(child, &status, waits ? 0 : WNOHANG) == child else { return nil }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
}

/// The user that a process runs as.
public func userOf(_ process: pid_t) -> uid_t {
    var status = stat()
    return stat("/proc/\(process)", &status) == 0 ? status.st_uid : .max
}
