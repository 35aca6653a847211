import Timeline
import VFIODriver

/// How a controller's receive side is set up for a vector: the raw numbers of the fields, in the order of the vector file.
struct Settings: Hashable {
    /// SRRCTL.DESCTYPE; of an 82574 0 legacy, 1 extended, 2 packet split.
    var descriptorType: UInt32 = 5
    /// SRRCTL.BSIZEHEADER, in 64 bytes; PSRCTL.BSIZE0, in 128.
    var headerUnits: UInt32 = 2
    /// SRRCTL.BSIZEPACKET or PSRCTL.BSIZE1, in KiB.
    var packetUnits: UInt32 = 2
    /// RCTL.SECRC
    var stripCRC: UInt32 = 1
    /// RFCTL
    var filterControl: UInt32 = 0
    /// RXCSUM
    var checksum: UInt32 = 0x300
    /// MRQC
    var multipleQueues: UInt32 = 0
    /// RCTL.LPE
    var longPackets: UInt32 = 0
    /// CTRL.VME
    var stripTag: UInt32 = 0

    init() {}

    /// From nine fields of a line; `nil` when one is no number.
    init?(fields: ArraySlice<String>) {
        let numbers = fields.compactMap { UInt32($0) }
        guard numbers.count == 9 else { return nil }
        descriptorType = numbers[0]
        headerUnits = numbers[1]
        packetUnits = numbers[2]
        stripCRC = numbers[3]
        filterControl = numbers[4]
        checksum = numbers[5]
        multipleQueues = numbers[6]
        longPackets = numbers[7]
        stripTag = numbers[8]
    }

    var fields: [UInt32] {
        [
            descriptorType, headerUnits, packetUnits, stripCRC, filterControl, checksum, multipleQueues, longPackets,
            stripTag,
        ]
    }

    /// Any of the combinations that software may choose.
    init(for family: NICFamily, random draw: inout SeededGenerator) {
        func pick(_ values: [UInt32]) -> UInt32 { values[Int(draw.below(UInt32(values.count)))] }
        let isNewer = family == .igb
        descriptorType = isNewer ? pick([2, 2, 2, 5, 5, 5, 1, 0, 3, 4]) : pick([2, 2, 2, 2, 1, 0])
        headerUnits = isNewer ? pick([1, 2, 2, 3, 4, 8, 15]) : pick([1, 2, 2, 3, 8])
        // A frame that does not fit one descriptor of the 82574, or fills it up to the check sequence, ends QEMU.
        packetUnits = isNewer ? pick([1, 2, 2, 4]) : 4
        stripCRC = isNewer || descriptorType != 2 ? pick([1, 1, 1, 0]) : 1
        // IPFRSP_DIS 14, IPv6_DIS 10, IPv6XSUM_DIS 11, IPV6_EX_DIS 16.
        filterControl = pick([0, 0, 0, 1 << 14, 1 << 10, 1 << 11, 1 << 16, 1 << 14 | 1 << 16])
        let hashes = draw.below(2) == 1
        // RSS with any set of hash types needs PCSD; without, the descriptor holds the packet's identification.
        multipleQueues = hashes ? (isNewer ? 2 : 1) | UInt32(truncatingIfNeeded: draw.next()) & 0x01FF_0000 : 0
        checksum = (hashes ? 1 << 13 : 0) | pick([0x300, 0x300, 0x300, 0x100, 0x200, 0, 0xB00])
        longPackets = pick([0, 1])
        stripTag = pick([0, 1])
    }
}
