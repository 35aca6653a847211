public import DeviceMemory
internal import NICRegisters

/// A counter of the port as it was read.
public struct CounterReading: Codable, Sendable, Equatable {
    /// The datasheet's name.
    public let name: String
    /// What Linux's ethtool calls it, where it shows it.
    public let linuxName: String?
    /// Since the last read: the read has cleared it.
    public let value: UInt64

    /// Reads every statistics register of `family` once, which clears them; two halves of a counter are one reading.
    public static func readAll<B: Bus>(_ bus: B, _ family: NICFamily) -> [CounterReading] {
        let registers = RegisterCatalog(family).registers.filter { $0.description.access == .readClear }
        var result: [CounterReading] = []
        var low: (name: String, value: UInt32)?
        for register in registers {
            let value = bus.read32(register.offset)
            let name = register.name
            // The low half is at the lower offset and is read first: reading the high half clears both.
            if let half = low, name.hasSuffix("H"), half.name == name.dropLast() {
                result.removeLast()
                result.append(reading(half.name, UInt64(half.value) | UInt64(value) << 32))
                low = nil
                continue
            }
            low = name.hasSuffix("L") ? (String(name.dropLast()), value) : nil
            result.append(reading(name, UInt64(value)))
        }
        return result
    }

    private static func reading(_ name: String, _ value: UInt64) -> CounterReading {
        CounterReading(name: name, linuxName: linuxNames[name], value: value)
    }

    /// As `ethtool -S` prints them for igb, e1000e and ixgbe.
    private static let linuxNames: [String: String] = [
        "GPRC": "rx_packets", "GPTC": "tx_packets", "GORC": "rx_bytes", "GOTC": "tx_bytes",
        "BPRC": "rx_broadcast", "BPTC": "tx_broadcast", "MPRC": "rx_multicast", "MPTC": "tx_multicast",
        "COLC": "collisions", "CRCERRS": "rx_crc_errors", "RNBC": "rx_no_buffer_count", "MPC": "rx_missed_errors",
        "ECOL": "tx_aborted_errors", "TNCRS": "tx_carrier_errors", "LATECOL": "tx_abort_late_coll",
        "DC": "tx_deferred_ok", "SCC": "tx_single_coll_ok", "MCC": "tx_multi_coll_ok", "ROC": "rx_long_length_errors",
        "RUC": "rx_short_length_errors", "ALGNERRC": "rx_align_errors", "TSCTC": "tx_tcp_seg_good",
        "XONRXC": "rx_flow_control_xon", "XOFFRXC": "rx_flow_control_xoff", "XONTXC": "tx_flow_control_xon",
        "XOFFTXC": "tx_flow_control_xoff", "TOR": "rx_long_byte_count", "MNGPTC": "tx_smbus",
        "MNGPRC": "rx_smbus", "MNGPDC": "dropped_smbus",
    ]
}
