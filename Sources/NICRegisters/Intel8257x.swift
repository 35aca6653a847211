/// What registers of the 82574 and the 82576 mean where both parts have them at the same place.
public enum Intel8257x: Intel8257xRegisters {}

/// A part that has the registers of ``Intel8257x`` at their common offsets.
///
/// A conforming type inherits the declarations, so that `I82576.ctrl` and `I82574.ctrl` are one register declared once.
public protocol Intel8257xRegisters {}

extension Intel8257xRegisters {
    /// Intel.
    public static var vendor: UInt16 { 0x8086 }
    /// Length of BAR 0 in bytes.
    public static var registerWindow: Int { 128 << 10 }
    /// Words of the EEPROM that the checksum covers.
    public static var nvmChecksumWords: Int { 64 }
    /// What these words must add up to, modulo 2^16.
    public static var nvmChecksum: UInt16 { 0xBABA }

    /// CTRL: device control.
    public typealias Control = Intel8257x.Control
    /// STATUS: device status.
    public typealias Status = Intel8257x.Status
    /// EECD: EEPROM control and data.
    public typealias EEPROMControl = Intel8257x.EEPROMControl
    /// EERD: EEPROM read.
    public typealias EEPROMRead = Intel8257x.EEPROMRead
    /// CTRL_EXT: extended device control.
    public typealias ExtendedControl = Intel8257x.ExtendedControl
    /// MDIC: access to the PHY's registers.
    public typealias PHYAccess = Intel8257x.PHYAccess
    /// SWSM: software semaphore.
    public typealias SoftwareSemaphore = Intel8257x.SoftwareSemaphore
    /// EEMNGCTL: management EEPROM control.
    public typealias ManagementEEPROM = Intel8257x.ManagementEEPROM
    /// RXCSUM: receive checksum control.
    public typealias ReceiveChecksum = Intel8257x.ReceiveChecksum
    /// RFCTL: receive filter control.
    public typealias ReceiveFilterControl = Intel8257x.ReceiveFilterControl
    /// RAH: upper part of an exact-match address.
    public typealias ReceiveAddressHigh = Intel8257x.ReceiveAddressHigh
    /// TCTL: transmit control.
    public typealias TransmitControl = Intel8257x.TransmitControl
}
