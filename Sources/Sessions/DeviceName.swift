public import VFIODriver

/// Which device a run drives, by the names of the command line.
public enum DeviceName: Codable, Sendable, Hashable, CustomStringConvertible {
    /// Our own model of a family.
    case softnic(NICFamily)

    /// Reads `softnic:FAMILY`.
    public init(parsing text: String) throws(SessionError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let family = NICFamily(rawValue: parts[1]) else { throw DeviceName.unknown(text) }
        switch parts[0] {
        case "softnic" where family == .igb: self = .softnic(family)
        default: throw DeviceName.unknown(text)
        }
    }

    private static func unknown(_ text: String) -> SessionError {
        SessionError("there is no device \(text); use softnic:igb")
    }

    /// The family that the name promises.
    public var family: NICFamily {
        switch self {
        case .softnic(let family): family
        }
    }

    public var description: String {
        switch self {
        case .softnic(let family): "softnic:\(family.rawValue)"
        }
    }
}
