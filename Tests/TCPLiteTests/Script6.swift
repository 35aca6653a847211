import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// What a peer says over IPv6 besides TCP.
extension Script {
    /// An ICMPv6 message for the stack: its body follows the fixed part.
    func message6(
        _ message: ICMPv6Message, body: [UInt8] = [], from source: IPv6Address? = nil,
        to destination: IPv6Address? = nil,
        hopLimit: UInt8 = 255, mac destinationMAC: MACAddress? = nil, damage: Bool = false
    ) -> [UInt8] {
        let destination = destination ?? host6
        let ethernet = EthernetHeader(
            destination: destinationMAC ?? (destination.isMulticast ? destination.groupMAC : mac(1)), source: peerMAC,
            tags: tags, type: EthernetHeader.typeIPv6)
        var frame = [UInt8](repeating: 0, count: ethernet.length + 48 + body.count)
        write(&frame) { view in
            let ip = IPv6Header(
                source: source ?? peer6, destination: destination, nextHeader: 58, payloadLength: 8 + body.count,
                hopLimit: hopLimit)
            ethernet.write(to: view)
            ip.write(to: view.from(ethernet.length))
            let bytes = view.from(ethernet.length + 40)
            for (i, byte) in body.enumerated() { bytes[8 + i] = byte }
            message.write(to: bytes, ip)
            if damage { bytes[2] ^= 1 }
        }
        return frame
    }

    /// Sixteen bytes of an address.
    func bytes(_ address: IPv6Address) -> [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? address.high : address.low) >> UInt64(56 - 8 * ($0 & 7))) }
    }

    /// An option with a hardware address.
    func option(_ kind: UInt8, _ mac: MACAddress) -> [UInt8] {
        [kind, 1] + (0..<6).map { UInt8(truncatingIfNeeded: mac.rawValue >> UInt64(40 - 8 * $0)) }
    }

    /// The peer asks for the stack's address.
    func solicitation(for target: IPv6Address? = nil) -> [UInt8] {
        let target = target ?? host6
        return message6(
            ICMPv6Message(type: 135), body: bytes(target) + option(1, peerMAC), to: target.solicitedNode)
    }

    /// The peer says where it is.
    func advertisement(
        _ target: IPv6Address? = nil, mac: MACAddress?, flags: UInt32 = 0x6000_0000, to destination: IPv6Address? = nil
    ) -> [UInt8] {
        message6(
            ICMPv6Message(type: 136, rest: flags), body: bytes(target ?? peer6) + (mac.map { option(2, $0) } ?? []),
            to: destination)
    }

    /// Answers a solicitation of the stack's for the peer's address.
    func answerSolicitation(_ request: [UInt8]) {
        guard isIPv6, let asked = sent6(request), asked.message.type == 135, asked.neighbour?.target == peer6 else {
            return
        }
        input(advertisement(mac: peerMAC, to: asked.ip.source))
    }

    /// An ICMPv6 error that quotes a segment of the stack's, from a router.
    func icmp6(type: UInt8, code: UInt8, rest: UInt32 = 0, about sequence: UInt32, from source: IPv6Address? = nil) {
        var quoted = [UInt8](repeating: 0, count: 60)
        write(&quoted) { view in
            IPv6Header(source: source ?? host6, destination: peer6, nextHeader: 6, payloadLength: 1440).write(to: view)
            view.setBE16(40, hostPort)
            view.setBE16(42, peerPort)
            view.setBE32(44, sequence)
        }
        input(
            message6(
                ICMPv6Message(type: type, code: code, rest: rest), body: quoted, from: address6(254), hopLimit: 60))
    }

    /// The first of those that the stack has sent.
    var firstMessage: (ethernet: EthernetHeader, ip: IPv6Header, message: ICMPv6Message, neighbour: NeighbourMessage?)?
    {
        others.first.flatMap { sent6($0) }
    }

    /// An ICMPv6 message that the stack sent; `nil` for anything else, and for wrong checksums.
    func sent6(
        _ frame: [UInt8]
    ) -> (ethernet: EthernetHeader, ip: IPv6Header, message: ICMPv6Message, neighbour: NeighbourMessage?)? {
        let whole = view(frame)
        guard let ethernet = EthernetHeader(whole), ethernet.type == EthernetHeader.typeIPv6,
            let ip = try? IPv6Header(whole.from(ethernet.length)), ip.nextHeader == 58,
            frame.count == ethernet.length + 40 + ip.payloadLength
        else { return nil }
        let bytes = whole.from(ethernet.length + 40)
        guard let message = ICMPv6Message(bytes), ICMPv6Message.checksumIsGood(bytes, ip) else { return nil }
        let isNeighbour = message.type == 135 || message.type == 136
        return (ethernet, ip, message, isNeighbour ? NeighbourMessage(bytes, option: message.type - 134) : nil)
    }
}
