internal import CShim
internal import DeviceMemory
internal import Glibc
public import Packets
public import Timeline

/// The kernel's network stack as the far end, through a TAP interface of this network namespace.
///
/// No packet information and no vnet header: what the kernel sends is cut to the MTU with complete checksums, and what it
/// gets it verifies, as on a cable. An interface that this value created vanishes with it; one that existed stays.
public struct TapWire: Wire, ~Copyable {
    private var packets: PacketDescriptor
    /// Whether the interface is there only for this value.
    public let created: Bool

    /// Attaches to TAP interface `name`, or creates it and brings it up.
    ///
    /// - Throws: ``WireError`` for a bad name, a missing `/dev/net/tun`, a missing privilege, or a name that is taken.
    public init(name: String) throws(WireError) {
        guard TapWire.isInterfaceName(name) else { throw .badInterfaceName(name: name) }
        let fd = unsafe open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else {
            let code = errno
            throw code == EACCES || code == EPERM ? .missingPrivilege(name: name) : .noTunDevice(errno: code)
        }
        let owned = OwnedDescriptor(taking: fd)
        let existed = unsafe if_nametoindex(name) != 0
        guard unsafe name.withCString({ unsafe shim_tap_attach(fd, $0) }) == 0 else {
            let code = errno
            switch code {
            case EPERM, EACCES: throw .missingPrivilege(name: name)
            case EBUSY: throw .interfaceBusy(name: name)
            case EINVAL where existed: throw .notATap(name: name)
            default: throw .cannotAttach(name: name, errno: code)
            }
        }
        if !existed {
            let code = unsafe name.withCString { unsafe shim_interface_bring_up($0) }
            guard code == 0 else { throw .cannotConfigure(name: name, what: "bring up the link", errno: -code) }
        }
        packets = PacketDescriptor(name: name, descriptor: owned)
        created = !existed
    }

    /// What `IFNAMSIZ` and the kernel's rules allow; `%` would be a pattern for a name of the kernel's choice.
    static func isInterfaceName(_ name: String) -> Bool {
        let bytes = name.utf8
        return (1...15).contains(bytes.count) && name != "." && name != ".."
            && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/:%".utf8.contains($0) }
    }

    /// Name of the interface.
    public var name: String { packets.name }
    /// The descriptor, borrowed, to wait until the kernel has sent something.
    public var fileDescriptor: Int32 { packets.descriptor.rawValue }
    /// Counters since the start.
    public var statistics: WireStatistics { packets.statistics }

    /// The interface's MTU in bytes (without the Ethernet header).
    public func mtu() throws(WireError) -> Int {
        let result = unsafe packets.name.withCString { unsafe shim_interface_mtu($0) }
        guard result >= 0 else { throw .cannotConfigure(name: packets.name, what: "read the MTU", errno: -result) }
        return Int(result)
    }

    /// Sets the interface's MTU in bytes.
    public func setMTU(_ bytes: Int) throws(WireError) {
        let value = Int32(clamping: bytes)
        let result = unsafe packets.name.withCString { unsafe shim_interface_set_mtu($0, value) }
        guard result == 0 else {
            throw .cannotConfigure(name: packets.name, what: "set the MTU to \(bytes)", errno: -result)
        }
    }

    public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        try packets.receive(into: &queue, limit: limit)
    }

    public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        try packets.transmit(from: &queue) { descriptor, frame in
            unsafe frame.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        }
    }

    /// Never: the kernel announces frames through the descriptor.
    public var nextDeadline: Instant { .never }
}
