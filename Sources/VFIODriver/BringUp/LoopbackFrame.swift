internal import DeviceMemory
internal import Packets
internal import Timeline

/// A frame that a port sends to itself or to its peer, by what is asked of it: everything else follows.
public struct LoopbackFrame: Sendable, Equatable {
    /// What is above IPv4, or instead of it.
    public enum Kind: String, Sendable, CaseIterable {
        /// TCP, with right checksums.
        case tcp
        /// TCP with a wrong checksum.
        case tcpBad = "tcp-bad"
        /// TCP in an IPv4 header with a wrong checksum.
        case ipBad = "ip-bad"
        /// TCP whose checksum the sending port is to insert: the field holds the pseudo header's sum.
        case tcpInsert = "tcp-insert"
        /// UDP with a right checksum.
        case udp
        /// The second part of a fragmented IPv4 packet: nothing above IP can be checked.
        case fragment
        /// No IP at all: an EtherType for experiments (IEEE 802, 0x88B5).
        case raw
    }

    /// What the frame is.
    public var kind = Kind.tcp
    /// Length of the IPv4 header in bytes, 20 to 60 by 4.
    public var networkLength = 20
    /// Length of the TCP header in bytes, 20 to 60 by 4.
    public var transportLength = 20
    /// Whether an 802.1Q tag is there.
    public var tagged = false
    /// Bytes of payload.
    public var payloadLength = 1000
    /// Source port: flows differ by it.
    public var port: UInt16 = 40000
    /// What the payload is made from.
    public var seed: UInt64 = 1

    /// A TCP frame with 1000 bytes of payload.
    public init() {}

    /// Bytes up to the payload.
    var headerLength: Int {
        let link = tagged ? 18 : 14
        return switch kind {
        case .tcp, .tcpBad, .ipBad, .tcpInsert: link + networkLength + transportLength
        case .udp: link + networkLength + 8
        case .fragment: link + networkLength
        case .raw: link
        }
    }

    /// The payload: a seed's random bytes, so that nothing in memory equals them by chance.
    var payload: [UInt8] {
        var generator = SeededGenerator(seed: seed, stream: 0x5E1F)
        return (0..<payloadLength).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// What the sending port is asked to do.
    var offload: TransmitOffload? {
        guard kind == .tcpInsert else { return nil }
        return TransmitOffload(
            tcpChecksum: true, linkLength: tagged ? 18 : 14, networkLength: UInt8(networkLength),
            transportLength: UInt8(transportLength))
    }

    /// The frame's bytes, from one station address to another or to itself, without check sequence.
    func bytes(to destination: [UInt8], from source: [UInt8]) -> [UInt8] {
        var frame = destination + source
        if tagged { frame += [0x81, 0x00, 0x00, 0x05] }
        guard kind != .raw else { return frame + [0x88, 0xB5] + payload }
        frame += [0x08, 0x00]
        frame += network(length: headerLength - frame.count + payloadLength)
        switch kind {
        case .fragment, .raw: break
        case .udp: frame += userDatagram()
        case .tcp, .tcpBad, .ipBad, .tcpInsert: frame += segment()
        }
        return frame + payload
    }

    private static let source: [UInt8] = [10, 0, 0, 2]
    private static let destination: [UInt8] = [10, 0, 0, 1]
    private static let service: UInt16 = 5001

    /// RFC 791, section 3.1; options are No Operation.
    private func network(length: Int) -> [UInt8] {
        var header: [UInt8] = [UInt8(0x40 | networkLength / 4), 0] + be(UInt16(length)) + [0x12, 0x34]
        header += kind == .fragment ? [0x20, 0x40] : [0x40, 0x00]
        header += [64, kind == .udp ? 17 : 6, 0, 0] + Self.source + Self.destination
        header += [UInt8](repeating: 1, count: networkLength - 20)
        let sum = checksum(header)
        header.replaceSubrange(10..<12, with: be(kind == .ipBad ? sum ^ 0x5555 : sum))
        return header
    }

    /// RFC 9293, section 3.1; options are No Operation.
    private func segment() -> [UInt8] {
        var header = be(port) + be(Self.service) + [0, 0, 0x10, 0, 0, 0, 0x20, 0]
        header += [UInt8(transportLength / 4) << 4, 0x10, 0x20, 0, 0, 0, 0, 0]
        header += [UInt8](repeating: 1, count: transportLength - 20)
        let sum = checksum(pseudo(protocolNumber: 6, length: transportLength + payloadLength) + header + payload)
        switch kind {
        case .tcpBad: header.replaceSubrange(16..<18, with: be(sum ^ 0x5555))
        case .tcpInsert:
            let partial = checksum(pseudo(protocolNumber: 6, length: transportLength + payloadLength))
            header.replaceSubrange(16..<18, with: be(~partial))
        default: header.replaceSubrange(16..<18, with: be(sum))
        }
        return header
    }

    /// RFC 768.
    private func userDatagram() -> [UInt8] {
        var header = be(port) + be(Self.service) + be(UInt16(8 + payloadLength)) + [0, 0]
        let sum = checksum(pseudo(protocolNumber: 17, length: 8 + payloadLength) + header + payload)
        header.replaceSubrange(6..<8, with: be(sum == 0 ? .max : sum))
        return header
    }

    private func pseudo(protocolNumber: UInt8, length: Int) -> [UInt8] {
        Self.source + Self.destination + [0, protocolNumber] + be(UInt16(length))
    }

    private func be(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }

    private func checksum(_ bytes: [UInt8]) -> UInt16 {
        let copy = HeapBytes(count: bytes.count)
        copy.bytes.store(bytes)
        var sum = InternetChecksum()
        sum.add(copy.bytes.readOnly)
        extendLifetime(copy)
        return sum.complement
    }
}
