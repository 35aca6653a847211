/// The Intel 82574L Gigabit Ethernet Controller ("e1000e" class): registers by their datasheet names.
///
/// Offsets are those of BAR 0. Registers that repeat are functions of the queue or the entry, which the caller keeps
/// within the documented count.
public enum I82574: Intel8257xRegisters {
    /// The 82574L.
    public static let device: UInt16 = 0x10D3
    /// The 82574LA.
    public static let deviceLA: UInt16 = 0x10F6
    /// Receive queues, and as many transmit queues.
    public static let queueCount = 2
    /// Exact-match address filters.
    public static let receiveAddressCount = 16
    /// Vectors of MSI-X.
    public static let vectorCount = 5
    /// PHYIDR1 and PHYIDR2 of the internal PHY, revision included.
    public static let phyIdentifier: UInt32 = 0x0141_0CB1

    /// Every register declared here, for a model that must know what exists and for printing.
    public static var registers: [RegisterDescription] {
        generalRegisters + interruptRegisters + receiveRegisters + transmitRegisters + statisticsRegisters
    }
}
