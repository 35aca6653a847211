public import VFIODriver

/// Which device a run drives, by the names of the command line.
public enum DeviceName: Codable, Sendable, Hashable, CustomStringConvertible {
    /// Our own model of a family.
    case softnic(NICFamily)
    /// QEMU's model of a family, over its qtest protocol.
    case qemu(NICFamily)

    /// Reads `softnic:FAMILY` or `qemu:FAMILY`.
    public init(parsing text: String) throws(SessionError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let family = NICFamily(rawValue: parts[1]) else { throw DeviceName.unknown(text) }
        switch parts[0] {
        case "softnic" where family == .igb: self = .softnic(family)
        case "qemu" where QTestMachine.families.contains(family): self = .qemu(family)
        default: throw DeviceName.unknown(text)
        }
    }

    private static func unknown(_ text: String) -> SessionError {
        SessionError("there is no device \(text); use softnic:igb, qemu:igb or qemu:e1000e")
    }

    /// The family that the name promises.
    public var family: NICFamily {
        switch self {
        case .softnic(let family), .qemu(let family): family
        }
    }

    /// Whether the device has a clock of its own, so that a run with it cannot be replayed.
    public var hasClock: Bool { hasCable }

    /// Whether the device is driven from the stack's side, and the device's side has only the far end of its cable.
    var hasCable: Bool {
        switch self {
        case .softnic: false
        case .qemu: true
        }
    }

    public var description: String {
        switch self {
        case .softnic(let family): "softnic:\(family.rawValue)"
        case .qemu(let family): "qemu:\(family.rawValue)"
        }
    }
}
