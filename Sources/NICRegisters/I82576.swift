/// The Intel 82576 Gigabit Ethernet Controller: registers by their datasheet names (82576 datasheet, section 8).
///
/// Offsets are those of BAR 0. Registers that repeat are functions of the queue or the entry, which the caller keeps
/// within the documented count.
public enum I82576 {
    /// Intel.
    public static let vendor: UInt16 = 0x8086
    /// The copper port.
    public static let device: UInt16 = 0x10C9
    /// Receive queues, and as many transmit queues.
    public static let queueCount = 16
    /// Length of BAR 0 in bytes.
    public static let registerWindow = 128 << 10
    /// Exact-match address filters.
    public static let receiveAddressCount = 24
    /// Words of the EEPROM that the checksum covers.
    public static let nvmChecksumWords = 64
    /// What these words must add up to, modulo 2^16.
    public static let nvmChecksum: UInt16 = 0xBABA

    /// Every register declared here, for a model that must know what exists and for printing.
    public static var registers: [RegisterDescription] {
        generalRegisters + interruptRegisters + receiveRegisters + filterRegisters + steeringRegisters
            + transmitRegisters + statisticsRegisters
    }
}
