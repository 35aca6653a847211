/// A frame described by what matters to a NIC: data from which the bytes follow, for any device under test.
struct FrameRecipe: Sendable {
    enum Network: Sendable {
        /// EtherType and payload only.
        case other(UInt16)
        case ipv4
        case ipv6
    }

    enum Transport: Sendable {
        case tcp
        case udp
        /// Another IP protocol, without a header that the device knows.
        case other(UInt8)
    }

    var network = Network.ipv4
    var transport = Transport.tcp
    /// Bytes after the last header.
    var payload = 1000
    /// Makes one frame's payload differ from another's.
    var salt = 0
    /// Bytes of TCP options: a multiple of 4, at most 40.
    var tcpOptions = 0
    /// TCP control bits, FIN lowest: ACK and PSH.
    var flags: UInt8 = 0x18
    /// Bytes of IPv4 options: a multiple of 4, at most 40.
    var ipOptions = 0
    /// IPv6 extension header before the transport: 0 hop-by-hop, 44 fragment.
    var extensionHeader: UInt8?
    /// IPv4 flags and fragment offset.
    var fragment = 0
    /// 802.1Q tag.
    var tag: Int?
    var destination: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]
    var sourcePort = 40000
    var destinationPort = 5001
    var sourceAddress: [UInt8] = [10, 0, 0, 1]
    var destinationAddress: [UInt8] = [10, 0, 0, 2]
    var sourceAddress6: [UInt8] = [0xFD] + [UInt8](repeating: 0, count: 14) + [1]
    var destinationAddress6: [UInt8] = [0xFD] + [UInt8](repeating: 0, count: 14) + [2]
    /// Wrong by one.
    var badHeaderChecksum = false
    var badTransportChecksum = false
    /// No UDP checksum (RFC 768).
    var noChecksum = false

    init(_ change: (inout FrameRecipe) -> Void = { _ in }) { change(&self) }

    /// The payload's pattern.
    static func pattern(_ count: Int, salt: Int = 0) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3 &+ salt &* 31) }
    }

    /// The frame, without check sequence and without padding.
    var bytes: [UInt8] {
        var frame = destination + [2, 0, 0, 0, 0, 9]
        if let tag {
            frame.append16(0x8100)
            frame.append16(tag)
        }
        switch network {
        case .other(let type):
            frame.append16(Int(type))
            return frame + Self.pattern(payload, salt: salt)
        case .ipv4: appendIPv4(&frame)
        case .ipv6: appendIPv6(&frame)
        }
        return frame
    }

    private var number: Int {
        switch transport {
        case .tcp: 6
        case .udp: 17
        case .other(let number): Int(number)
        }
    }

    private func appendIPv4(_ frame: inout [UInt8]) {
        frame.append16(0x0800)
        let body = segment(pseudo: sourceAddress + destinationAddress)
        var header: [UInt8] = [UInt8(0x45 + ipOptions / 4), 0]
        header.append16(20 + ipOptions + body.count)
        header.append16(0x1234)
        header.append16(fragment)
        header += [64, UInt8(number), 0, 0]
        header += sourceAddress + destinationAddress + [UInt8](repeating: 1, count: ipOptions)
        header.set16(10, (~plainSum(header[...]) & 0xFFFF) ^ (badHeaderChecksum ? 1 : 0))
        frame += header + body
    }

    private func appendIPv6(_ frame: inout [UInt8]) {
        frame.append16(0x86DD)
        let body = segment(pseudo: sourceAddress6 + destinationAddress6)
        var header: [UInt8] = [0x60, 0, 0, 0]
        header.append16(body.count + (extensionHeader == nil ? 0 : 8))
        header += [extensionHeader ?? UInt8(number), 64]
        header += sourceAddress6 + destinationAddress6
        if let extensionHeader {
            // Fragment: offset 0, more to come. Hop-by-hop: a PadN option of 4 bytes.
            header += [UInt8(number), 0] + (extensionHeader == 44 ? [0, 1, 0, 0, 0, 1] : [1, 4, 0, 0, 0, 0])
        }
        frame += header + body
    }

    private func segment(pseudo: [UInt8]) -> [UInt8] {
        let data = Self.pattern(payload, salt: salt)
        var header: [UInt8] = []
        let field: Int
        switch transport {
        case .other: return data
        case .tcp:
            header.append16(sourcePort)
            header.append16(destinationPort)
            header.append32(1000)
            header.append32(2000)
            header += [UInt8(((20 + tcpOptions) / 4) << 4), flags, 0x20, 0, 0, 0, 0, 0]
            header += [UInt8](repeating: 1, count: tcpOptions)
            field = 16
        case .udp:
            header.append16(sourcePort)
            header.append16(destinationPort)
            header.append16(8 + payload)
            header += [0, 0]
            field = 6
        }
        var segment = header + data
        if noChecksum { return segment }
        var sum = plainSum(pseudo[...], number + segment.count)
        sum = plainSum(segment[...], sum)
        segment.set16(field, (~sum & 0xFFFF) ^ (badTransportChecksum ? 1 : 0))
        return segment
    }
}
