internal import DeviceMemory
internal import Glibc

/// Two connected Unix sockets: one for this program, one for a child to inherit.
struct SocketPair: ~Copyable {
    let near: OwnedDescriptor
    let far: OwnedDescriptor

    init(_ type: __socket_type) throws(DriverError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .qemuCannotStart(path: QEMUInstallation.program, errno: errno)
        }
        near = OwnedDescriptor(taking: ends[0])
        far = OwnedDescriptor(taking: ends[1])
    }

    /// Closes the child's end, which the child has by now, and gives this program's end away.
    consuming func takeNear() -> OwnedDescriptor { near }
}
