/// The Intel 82576 Gigabit Ethernet Controller: registers by their datasheet names (82576 datasheet, section 8).
///
/// Offsets are those of BAR 0. Registers that repeat are functions of the queue or the entry, which the caller keeps
/// within the documented count.
public enum I82576: Intel8257xRegisters {
    /// The copper port.
    public static let device: UInt16 = 0x10C9
    /// Receive queues, and as many transmit queues.
    public static let queueCount = 16
    /// Exact-match address filters.
    public static let receiveAddressCount = 24

    /// Every register declared here, for a model that must know what exists and for printing.
    public static var registers: [RegisterDescription] {
        generalRegisters + interruptRegisters + receiveRegisters + filterRegisters + steeringRegisters
            + transmitRegisters + statisticsRegisters
    }
}
