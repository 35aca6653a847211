internal import DeviceMemory

/// The CRC-32 at the end of an Ethernet frame (IEEE 802.3, clause 3.2.9), as the four bytes on the wire read little-endian.
///
/// Bit by bit: it is only needed when a driver asks the device to keep it.
func frameCheckSequence(_ frame: ByteView) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for i in 0..<frame.count {
        crc ^= UInt32(frame[i])
        for _ in 0..<8 { crc = crc & 1 != 0 ? crc &>> 1 ^ 0xEDB8_8320 : crc &>> 1 }
    }
    return ~crc
}

/// The CRC-32c of an SCTP packet with its checksum field taken as 0 (RFC 9260, appendix A), as the field read little-endian.
func sctpChecksum(_ packet: ByteView) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for i in 0..<packet.count {
        if i < 8 || i >= 12 { crc ^= UInt32(packet[i]) }
        for _ in 0..<8 { crc = crc & 1 != 0 ? crc &>> 1 ^ 0x82F6_3B78 : crc &>> 1 }
    }
    return ~crc
}
