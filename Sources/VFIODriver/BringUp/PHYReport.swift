internal import NICRegisters
public import Timeline

/// The registers of a PHY, decoded.
public struct PHYReport: Codable, Sendable, Equatable {
    /// A register and what its bits say.
    public struct Reading: Codable, Sendable, Equatable {
        /// Number, 0 to 31.
        public let register: UInt8
        /// Its name in IEEE 802.3 or in the vendor's book.
        public let name: String
        /// The 16 bits; `nil` when the PHY answered with an error.
        public let value: UInt16?
        /// What they say, in words.
        public let says: [String]
    }

    /// What was read.
    public let registers: [Reading]
    /// PHYIDR1 and PHYIDR2, revision included.
    public let identifier: UInt32
    /// Whether BMSR says that the link is up, at its second read: the bit is latched low.
    public let linkUp: Bool
    /// Whether auto-negotiation is complete.
    public let negotiated: Bool

    /// Reads every register that `driver`'s PHY is known to have; the PHY's bus is taken from firmware for each.
    public static func read<Driver: NICDriver & ~Copyable>(
        _ driver: borrowing Driver, _ family: NICFamily, wait: (Interval) -> Void
    ) throws(DriverError) -> PHYReport {
        var values: [UInt8: UInt16] = [:]
        var readings: [Reading] = []
        for (number, name) in names(family) {
            if number == PHYRegister.status.rawValue { _ = try? driver.readPHY(number, wait: wait) }
            var value: UInt16?
            do {
                value = try driver.readPHY(number, wait: wait)
            } catch .phyNotResponding {
                // An absent register answers with an error: that is a finding too.
                value = nil
            }
            values[number] = value
            readings.append(
                Reading(register: number, name: name, value: value, says: value.map { says(number, $0) } ?? []))
        }
        let status = values[PHYRegister.status.rawValue] ?? 0
        return PHYReport(
            registers: readings, identifier: UInt32(values[2] ?? 0) << 16 | UInt32(values[3] ?? 0),
            linkUp: status & PHYRegister.statusLink != 0, negotiated: status & PHYRegister.statusNegotiated != 0)
    }

    /// Clause 22 registers, then the vendor's: IGP03E1000 in the 82576, BM in the 82574.
    private static func names(_ family: NICFamily) -> [(UInt8, String)] {
        let standard: [(UInt8, String)] = [
            (0, "BMCR"), (1, "BMSR"), (2, "PHYIDR1"), (3, "PHYIDR2"), (4, "ANAR"), (5, "ANLPAR"), (6, "ANER"),
            (7, "ANNPTR"), (9, "1000BASE-T control"), (10, "1000BASE-T status"), (15, "extended status"),
        ]
        switch family {
        case .igb:
            return standard + [
                (16, "port configuration"), (17, "port status"), (18, "port control"), (19, "link health"),
                (25, "power management"),
            ]
        case .e1000e: return standard + [(16, "copper control"), (17, "copper status"), (21, "receive errors")]
        case .ixgbe: return standard
        }
    }

    /// IEEE 802.3, 22.2.4 and 28.2.4.
    private static func says(_ register: UInt8, _ value: UInt16) -> [String] {
        let bits: [(Int, String)]
        switch register {
        case 0:
            bits = [
                (15, "reset"), (14, "loopback"), (13, "speed bit 0"), (12, "auto-negotiation"), (11, "powered down"),
                (10, "isolated"), (9, "restarting negotiation"), (8, "full duplex"), (6, "speed bit 1"),
            ]
        case 1:
            bits = [
                (14, "100BASE-X full"), (13, "100BASE-X half"), (12, "10 Mbit/s full"), (11, "10 Mbit/s half"),
                (8, "extended status"), (5, "negotiation complete"), (4, "remote fault"), (3, "can negotiate"),
                (2, "link up"), (1, "jabber"), (0, "extended registers"),
            ]
        case 4, 5:
            bits = [
                (15, "next page"), (14, "acknowledge"), (13, "remote fault"), (11, "asymmetric pause"), (10, "pause"),
                (8, "100BASE-TX full"), (7, "100BASE-TX half"), (6, "10BASE-T full"), (5, "10BASE-T half"),
            ]
        case 6:
            bits = [
                (4, "parallel detection fault"), (3, "partner next page"), (2, "next page"), (1, "page received"),
                (0, "partner can negotiate"),
            ]
        case 9:
            bits = [
                (12, "manual master"), (11, "master"), (10, "multiport"), (9, "1000BASE-T full"),
                (8, "1000BASE-T half"),
            ]
        case 10:
            bits = [
                (15, "master/slave fault"), (14, "master"), (13, "local receiver ok"), (12, "remote receiver ok"),
                (11, "partner 1000BASE-T full"), (10, "partner 1000BASE-T half"),
            ]
        case 15:
            bits = [(15, "1000BASE-X full"), (14, "1000BASE-X half"), (13, "1000BASE-T full"), (12, "1000BASE-T half")]
        default: bits = []
        }
        return bits.filter { value >> UInt16($0.0) & 1 != 0 }.map { $0.1 }
    }
}
