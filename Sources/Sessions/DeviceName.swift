internal import SoftNIC
public import VFIODriver

/// Which device a run drives, by the names of the command line.
public enum DeviceName: Codable, Sendable, Hashable, CustomStringConvertible {
    /// Our own model of a family.
    case softnic(NICFamily)
    /// QEMU's model of a family, over its qtest protocol.
    case qemu(NICFamily)
    /// A PCI function of this machine, through the kernel's VFIO: `DDDD:BB:DD.F`.
    case pci(String)

    /// Reads `softnic:FAMILY`, `qemu:FAMILY` or a PCI address.
    public init(parsing text: String) throws(SessionError) {
        if let address = PCIAddress(text) {
            self = .pci(address.description)
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let family = NICFamily(rawValue: parts[1]) else { throw DeviceName.unknown(text) }
        switch parts[0] {
        case "softnic": self = .softnic(family)
        case "qemu" where QTestMachine.families.contains(family): self = .qemu(family)
        default: throw DeviceName.unknown(text)
        }
    }

    private static func unknown(_ text: String) -> SessionError {
        SessionError(
            "there is no device \(text); use softnic:igb, softnic:e1000e, softnic:ixgbe, qemu:igb, qemu:e1000e, or the address of a PCI function as 0000:01:00.0"
        )
    }

    /// The family, when the name says it.
    public var family: NICFamily? {
        switch self {
        case .softnic(let family), .qemu(let family): family
        case .pci: nil
        }
    }

    /// Split queues of a run that does not ask for a number: the 82574 has one.
    public var defaultQueues: Int { family == .e1000e ? 1 : 2 }

    /// Clients that a controller has queues and rules for: the 82574 has one queue, the 82576 eight rules.
    public var mostClients: Int { family == .e1000e ? 1 : 8 }

    /// Whether the device has a clock of its own, so that a run with it cannot be replayed.
    public var hasClock: Bool {
        switch self {
        case .softnic: false
        case .qemu, .pci: true
        }
    }

    /// Whether the device is driven from the stack's side, and the device's side has only the far end of its cable.
    var hasCable: Bool {
        switch self {
        case .softnic, .pci: false
        case .qemu: true
        }
    }

    public var description: String {
        switch self {
        case .softnic(let family): "softnic:\(family.rawValue)"
        case .pci(let address): address
        case .qemu(let family): "qemu:\(family.rawValue)"
        }
    }
}

extension SoftNICModel {
    /// The model of `family`.
    init(_ family: NICFamily) {
        switch family {
        case .igb: self = .i82576
        case .e1000e: self = .i82574
        case .ixgbe: self = .i82599
        }
    }
}

/// A base address register of a PCI function whose memory takes payload: `bar:DDDD:BB:DD.F:N` on the command line.
public struct BARName: Codable, Sendable, Hashable {
    /// Address of the function.
    public let device: String
    /// Number of the register.
    public let index: Int

    /// Reads `DDDD:BB:DD.F:N`.
    public init(parsing text: String) throws(SessionError) {
        guard let colon = text.lastIndex(of: ":"), let index = Int(text[text.index(after: colon)...]),
            (0..<6).contains(index), let address = PCIAddress(String(text[..<colon]))
        else { throw SessionError("\(text) is no BAR; write it as bar:0000:03:00.0:2") }
        device = address.description
        self.index = index
    }
}
