/// The bridges between a function and its host bridge.
public struct PCIPath: Encodable, Sendable {
    /// A bridge on the way and what it does to traffic between its neighbours.
    public struct Port: Encodable, Sendable {
        /// Where it sits.
        public let address: PCIAddress
        /// Root port, switch upstream port, switch downstream port, or bridge.
        public let kind: String
        /// Whether it has Access Control Services; `nil` when its extended space cannot be read.
        public let hasAccessControl: Bool?
        /// Whether it sends requests between peers upstream, to the IOMMU (ACS peer-to-peer request redirect).
        public let redirectsPeers: Bool
    }

    /// Host bridge, as sysfs names it: `pci0000:00`.
    public let hostBridge: String
    /// From the host bridge down; empty for a function on the root bus.
    public let ports: [Port]
    /// The function itself.
    public let address: PCIAddress

    /// Port types of the PCI Express capability that are told apart here.
    enum PortType {
        static let rootPort: UInt16 = 4
        static let upstream: UInt16 = 5
        static let downstream: UInt16 = 6
    }

    /// The path of the function at `address`; `nil` when sysfs does not show it.
    init?(of address: PCIAddress, in tree: some SystemTree) {
        guard let path = tree.resolved(address.sysfs) else { return nil }
        let parts = path.split(separator: "/").map(String.init)
        // The innermost host bridge: a domain of its own (VMD) nests below a function of another one.
        guard let start = parts.lastIndex(where: { $0.hasPrefix("pci") && $0.contains(":") }) else { return nil }
        self.address = address
        hostBridge = parts[start]
        ports = parts[(start + 1)...].compactMap { PCIAddress($0) }.filter { $0 != address }.map {
            Port($0, in: tree)
        }
    }
}

extension PCIPath.Port {
    init(_ address: PCIAddress, in tree: some SystemTree) {
        guard let space = try? ConfigSpace(of: address, in: tree) else {
            self.init(address: address, kind: "bridge", hasAccessControl: nil, redirectsPeers: false)
            return
        }
        let type = space.capability(ConfigCapabilityID.express).map { space.word($0.offset + 2) >> 4 & 0xF }
        let control = space.capability(ConfigCapabilityID.accessControl, extended: true)?.offset
        let kind =
            switch type {
            case PCIPath.PortType.rootPort: "root port"
            case PCIPath.PortType.upstream: "switch upstream port"
            case PCIPath.PortType.downstream: "switch downstream port"
            default: "bridge"
            }
        self.init(
            address: address, kind: kind,
            hasAccessControl: control != nil ? true : space.bytes.count > 256 ? false : nil,
            // ACS Control, bit 2.
            redirectsPeers: control.map { space.word($0 + 6) & 1 << 2 != 0 } ?? false)
    }

    var isSwitchPort: Bool { kind.hasPrefix("switch") }
}

/// How far apart two functions are, which decides what peer-to-peer writes cost and whether they arrive.
public struct PeerPath: Encodable, Sendable {
    /// Nearest first.
    public enum Kind: String, Encodable, Sendable {
        /// Functions of one device.
        case sameDevice = "same_device"
        /// Below one switch.
        case sameSwitch = "same_switch"
        /// Below one root port, with no switch known between them.
        case sameRootPort = "same_root_port"
        /// Below different ports of one host bridge.
        case sameRootComplex = "same_root_complex"
        /// Below different host bridges.
        case differentRootComplexes = "different_root_complexes"
    }

    /// The other function.
    public let peer: PCIAddress
    /// How far it is.
    public let kind: Kind
    /// The bridge where both paths part; `nil` when that is the host bridge or beyond.
    public let meeting: PCIAddress?
    /// Whether a port below the meeting point sends peer traffic up to the root complex all the same.
    public let isRedirected: Bool
    /// What that means for payload that one of them writes into the other.
    public let meaning: String

    init(from own: PCIPath, to peer: PCIPath) {
        self.peer = peer.address
        let common = zip(own.ports, peer.ports).prefix { $0.0.address == $0.1.address }.map { $0.0 }
        let below = own.ports.dropFirst(common.count) + peer.ports.dropFirst(common.count)
        let isSameDevice =
            own.address.domain == peer.address.domain && own.address.bus == peer.address.bus
            && own.address.device == peer.address.device
        meeting = common.last?.address
        isRedirected = below.contains { $0.redirectsPeers && $0.isSwitchPort }
        kind =
            if isSameDevice {
                .sameDevice
            } else if let last = common.last {
                last.isSwitchPort ? .sameSwitch : .sameRootPort
            } else if own.hostBridge == peer.hostBridge {
                .sameRootComplex
            } else {
                .differentRootComplexes
            }
        meaning =
            switch kind {
            case .sameDevice: "writes between functions of one device need not leave it"
            case .sameSwitch where isRedirected:
                "the switch sends peer writes up to the root complex (ACS redirect), through the IOMMU: safe, and at the cost of the uplink twice"
            case .sameSwitch: "the switch forwards peer writes itself: the shortest way, which the IOMMU does not see"
            case .sameRootPort: "peer writes turn round below one root port"
            case .sameRootComplex:
                "peer writes pass through the root complex, which need not forward between its ports: prove it on this machine before relying on it"
            case .differentRootComplexes:
                "peer writes cross from one host bridge to another, perhaps to another socket: often slow, sometimes lost; move one of the cards"
            }
    }
}
