/// Registers of a PHY by number (IEEE 802.3, clause 22), and the vendor's that drivers touch.
@frozen public enum PHYRegister: UInt8, Sendable, CaseIterable {
    /// BMCR: control.
    case control = 0
    /// BMSR: status; the link bit is latched low on silicon, so read it twice.
    case status = 1
    /// PHYIDR1: identifier, upper half.
    case identifierHigh = 2
    /// PHYIDR2: identifier, lower half, with the revision in bits 3:0.
    case identifierLow = 3
    /// ANAR: auto-negotiation advertisement.
    case advertisement = 4
    /// ANLPAR: what the link partner advertised.
    case partnerAbility = 5
    /// ANER: auto-negotiation expansion.
    case expansion = 6
    /// ANNPTR: next page to send.
    case nextPage = 7
    /// 1000BASE-T control.
    case gigabitControl = 9
    /// 1000BASE-T status.
    case gigabitStatus = 10
    /// Extended status.
    case extendedStatus = 15

    /// The address of an internal PHY on its management bus.
    public static let address: UInt32 = 1

    /// BMCR: resets the PHY; clears itself.
    public static let controlReset: UInt16 = 1 << 15
    /// BMCR: the PHY loops frames back.
    public static let controlLoopback: UInt16 = 1 << 14
    /// BMCR: auto-negotiation enable.
    public static let controlAutoNegotiation: UInt16 = 1 << 12
    /// BMCR: restarts auto-negotiation; clears itself.
    public static let controlRestart: UInt16 = 1 << 9
    /// BMCR: full duplex.
    public static let controlFullDuplex: UInt16 = 1 << 8
    /// BMCR: 1000 Mbit/s (with bit 13 clear).
    public static let controlGigabit: UInt16 = 1 << 6
    /// BMSR: auto-negotiation is complete.
    public static let statusNegotiated: UInt16 = 1 << 5
    /// BMSR: the link is up.
    public static let statusLink: UInt16 = 1 << 2
}

extension Intel8257x.PHYAccess {
    /// A read of `register`.
    @inlinable public static func reading(_ register: PHYRegister, phy: UInt32 = PHYRegister.address) -> Self {
        Self().setting(.register, UInt32(register.rawValue)).setting(.phy, phy).setting(.operation, 2)
    }

    /// A write of `value` to `register`.
    @inlinable public static func writing(
        _ register: PHYRegister, _ value: UInt16, phy: UInt32 = PHYRegister.address
    ) -> Self {
        reading(register, phy: phy).setting(.data, UInt32(value)).setting(.operation, 1)
    }

    /// A read of register `number`, 0 to 31, by whatever name the vendor has for it.
    @inlinable public static func reading(_ number: UInt8, phy: UInt32 = PHYRegister.address) -> Self {
        Self().setting(.register, UInt32(number)).setting(.phy, phy).setting(.operation, 2)
    }
}
