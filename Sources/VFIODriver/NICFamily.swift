/// The families of network controllers that this package drives, by the names that Linux and QEMU have for them.
public enum NICFamily: String, Codable, Sendable, Hashable, CaseIterable {
    /// Intel 82576.
    case igb
    /// Intel 82574.
    case e1000e
    /// Intel 82599.
    case ixgbe
}

extension NICFamily {
    /// The family whose driver takes charge of a function with these ids.
    public init?(vendor: UInt16, device: UInt16) {
        switch (vendor, device) {
        case (0x8086, 0x10C9): self = .igb
        case (0x8086, 0x10D3): self = .e1000e
        case (0x8086, 0x10FB): self = .ixgbe
        default: return nil
        }
    }
}
