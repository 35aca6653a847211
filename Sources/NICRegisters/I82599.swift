/// The Intel 82599 10 Gigabit Ethernet Controller ("ixgbe" class): registers by their datasheet names.
///
/// Offsets are those of BAR 0, as public drivers of the family use them; the datasheet's own pages were not at hand. Registers
/// that repeat are functions of the queue or the entry, which the caller keeps within the documented count.
public enum I82599 {
    /// Intel.
    public static let vendor: UInt16 = 0x8086
    /// The SFP+ port.
    public static let device: UInt16 = 0x10FB
    /// Other parts of the family with the same registers: 82599 in its forms, X540, X550.
    public static let otherDevices: [UInt16] = [
        0x1557, 0x10F7, 0x10F8, 0x10F9, 0x10FC, 0x151C, 0x1517, 0x154D, 0x1558, 0x1528, 0x1560, 0x1563, 0x15D1,
    ]
    /// Length of BAR 0 in bytes.
    public static let registerWindow = 128 << 10
    /// Receive queues, and as many transmit queues.
    public static let queueCount = 128
    /// Queues that RSS reaches without pools: an entry of RETA has 4 bits.
    public static let hashQueueCount = 16
    /// Exact-match address filters.
    public static let receiveAddressCount = 128
    /// Filters of protocol, addresses and ports.
    public static let fiveTupleCount = 128
    /// Vectors of MSI-X.
    public static let vectorCount = 64

    /// Every register declared here, for a model that must know what exists and for printing.
    public static var registers: [RegisterDescription] {
        generalRegisters + interruptRegisters + receiveRegisters + filterRegisters + flowDirectorRegisters
            + transmitRegisters + statisticsRegisters
    }
}
