/// The families of network controllers that this package drives, by the names that Linux and QEMU have for them.
public enum NICFamily: String, Codable, Sendable, Hashable, CaseIterable {
    /// Intel 82576.
    case igb
    /// Intel 82574.
    case e1000e
    /// Intel 82599.
    case ixgbe
}
