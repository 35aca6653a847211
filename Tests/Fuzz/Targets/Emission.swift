internal import DeviceMemory
internal import Packets
internal import TCPLite

/// A segment that a stack sent, looked at by other code than the stack's parsers where that is cheap.
struct Emission {
    var header: TCPHeader
    var options: TCPOptions
    var blocks: [(left: UInt32, right: UInt32)] = []
    var payload: ByteView

    var flags: TCPFlags { header.flags }
    var sequence: UInt32 { header.sequence }
    /// Sequence numbers that it takes up.
    var length: Int { payload.count + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0) }

    /// Checks the frame that leaves next; `nil` for one that is no TCP.
    init?(_ frame: ByteView, mtu: Int) throws(Finding) {
        guard frame.count >= 14, frame.count <= mtu + 22 else { throw Finding("a frame of \(frame.count) bytes") }
        guard let (tcp, pseudo) = try Emission.network(frame, mtu) else { return nil }
        guard let header = TCPHeader(tcp) else { throw Finding("a TCP header that cannot be read") }
        guard sum(tcp, pseudo + UInt64(tcp.count)) == 0xFFFF else { throw Finding("a segment with a wrong sum") }
        self.header = header
        let optionBytes = tcp.slice(20, header.headerLength - 20)
        options = TCPOptions(optionBytes)
        guard !options.isMalformed else { throw Finding("options that cannot be read") }
        for i in 0..<options.sackCount {
            let at = options.sackOffset + 8 * i
            blocks.append((optionBytes.be32(at), optionBytes.be32(at + 4)))
        }
        payload = tcp.from(header.headerLength)
    }
}

extension Emission {
    /// The TCP segment in a frame, and the sum of its pseudo-header's addresses and protocol; `nil` when there is none.
    private static func network(_ frame: ByteView, _ mtu: Int) throws(Finding) -> (tcp: ByteView, pseudo: UInt64)? {
        let ip = frame.from(14)
        if frame.be16(12) == EthernetHeader.typeIPv6 {
            guard ip.count >= 40, ip[0] >> 4 == 6, Int(ip.be16(4)) == ip.count - 40, ip.count <= mtu else {
                throw Finding("an IPv6 header that does not go with its frame of \(frame.count) bytes")
            }
            return ip[6] == 6 ? (ip.from(40), sum(ip.slice(8, 32)) + 6) : nil
        }
        guard frame.be16(12) == EthernetHeader.typeIPv4 else { return nil }
        guard ip.count >= 20, ip[0] == 0x45, Int(ip.be16(2)) == ip.count, ip.count <= max(mtu, 100) else {
            throw Finding("an IP header that does not go with its frame of \(frame.count) bytes")
        }
        guard sum(ip.slice(0, 20)) == 0xFFFF else { throw Finding("an IP header with a wrong sum") }
        return ip[9] == 6 ? (ip.from(20), sum(ip.slice(12, 8)) + 6) : nil
    }
}

/// The one's-complement sum of `bytes` and `start` (RFC 1071), the plain way.
func sum(_ bytes: ByteView, _ start: UInt64 = 0) -> UInt64 {
    var total = start
    for at in 0..<bytes.count / 2 { total += UInt64(bytes.be16(2 * at)) }
    if bytes.count % 2 != 0 { total += UInt64(bytes[bytes.count - 1]) << 8 }
    return fold(total)
}

private func fold(_ sum: UInt64) -> UInt64 {
    var sum = sum
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return sum
}
