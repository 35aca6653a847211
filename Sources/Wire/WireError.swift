internal import DeviceMemory

/// What can go wrong with a wire; each case says what to do about it.
public enum WireError: Error, CustomStringConvertible, Equatable {
    case unknownWire(text: String)
    case badInterfaceName(name: String)
    case noTunDevice(errno: Int32)
    case missingPrivilege(name: String)
    case notATap(name: String)
    case interfaceBusy(name: String)
    case cannotAttach(name: String, errno: Int32)
    case cannotConfigure(name: String, what: String, errno: Int32)
    case lost(name: String, errno: Int32)
    case socketPathTooLong(path: String)
    case socketPathTaken(path: String)
    case cannotBind(path: String, errno: Int32)
    case cannotOpenCapture(path: String, reason: String)
    case notEthernet(path: String, linkType: String)
    case cannotWriteCapture(path: String, reason: String)
    case badProbability(text: String)
    case badReorder(text: String)

    public var description: String {
        switch self {
        case .unknownWire(let text):
            "unknown wire '\(text)'; use tap:NAME, pcap:FILE or dgram:LOCAL,REMOTE"
        case .badInterfaceName(let name):
            "'\(name)' cannot name an interface; use 1 to 15 bytes without blanks, '/', ':' or '%'"
        case .noTunDevice(let code):
            "cannot open /dev/net/tun: \(systemMessage(code)); load the kernel's tun module or make the device available"
        case .missingPrivilege(let name):
            "no permission to attach to TAP interface \(name); run as root, with CAP_NET_ADMIN, or have root create it for this user (ip tuntap add mode tap user ...)"
        case .notATap(let name):
            "\(name) exists and is not a single-queue TAP interface; choose another name"
        case .interfaceBusy(let name):
            "TAP interface \(name) is used by another process; end that process or choose another name"
        case .cannotAttach(let name, let code):
            "cannot attach to TAP interface \(name): \(systemMessage(code)); check it with 'ip -d link show'"
        case .cannotConfigure(let name, let what, let code):
            "cannot \(what) of interface \(name): \(systemMessage(code)); check the value and the privileges of this process"
        case .lost(let name, let code):
            "wire \(name) is gone: \(systemMessage(code)); start again when its far end is back"
        case .socketPathTooLong(let path):
            "the socket path '\(path)' is empty or longer than 107 bytes; choose a shorter one"
        case .socketPathTaken(let path):
            "\(path) exists; remove it if no other process uses it, or choose another path"
        case .cannotBind(let path, let code):
            "cannot create the socket \(path): \(systemMessage(code)); choose a path in a writable directory"
        case .cannotOpenCapture(let path, let reason):
            "cannot read the capture file \(path): \(reason); give a readable pcap or pcapng file"
        case .notEthernet(let path, let linkType):
            "the capture file \(path) holds \(linkType) and not Ethernet frames; capture on an Ethernet interface"
        case .cannotWriteCapture(let path, let reason):
            "cannot write the capture file \(path): \(reason); choose a path that can be written and has space"
        case .badProbability(let text):
            "'\(text)' is not a probability; give a number from 0 to 1, such as 0.01"
        case .badReorder(let text):
            "'\(text)' is not a reordering; give PROBABILITY:DEPTH with a depth from 1 to 64, such as 0.02:8"
        }
    }
}
