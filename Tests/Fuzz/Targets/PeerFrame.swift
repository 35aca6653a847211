internal import DeviceMemory
internal import Packets

/// A frame that a peer of ``Stage`` sends.
final class PeerFrame {
    static let host = IPv4Address(10, 0, 0, 1)
    static let hostMAC = MACAddress(2, 0, 0, 0, 0, 1)
    static let peerMAC = MACAddress(2, 0, 0, 0, 0, 9)
    static let host6 = IPv6Address(high: 0xFD00_0000_0000_0000, low: 1)
    static let peer6 = IPv6Address(high: 0xFD00_0000_0000_0000, low: 9)

    private let space: HeapBytes
    private(set) var count = 0

    init() { space = HeapBytes(count: 2048) }

    /// Good until the next frame is written.
    var view: ByteView { space.bytes.readOnly.slice(0, count) }
    /// Where a segment's payload begins.
    private(set) var payloadStart = 0

    /// Whatever bytes.
    func raw(_ bytes: ByteView) {
        count = min(bytes.count, space.bytes.count)
        space.bytes.slice(0, count).copy(bytes.slice(0, count))
        payloadStart = count
    }

    /// A segment with right sums; `payload` is filled by `fill`.
    func segment(
        _ header: TCPHeader, from peer: IPv4Address, options: [UInt8], payload: Int, fill: (MutableByteView) -> Void
    ) {
        var header = header
        header.headerLength = 20 + (options.count + 3) & ~3
        payloadStart = 14 + 20 + header.headerLength
        count = min(payloadStart + payload, space.bytes.count)
        let view = space.bytes.slice(0, count)
        EthernetHeader(destination: PeerFrame.hostMAC, source: PeerFrame.peerMAC, type: EthernetHeader.typeIPv4)
            .write(to: view)
        let ip = IPv4Header(
            source: peer, destination: PeerFrame.host, transport: IPv4Header.protocolTCP, payloadLength: count - 34)
        ip.write(to: view.from(14))
        let tcp = view.from(34)
        header.write(to: tcp)
        for i in 20..<header.headerLength { tcp[i] = i - 20 < options.count ? options[i - 20] : 1 }
        fill(view.from(payloadStart))
        completeSums()
    }

    /// The same over IPv6.
    func segment6(_ header: TCPHeader, options: [UInt8], payload: Int, fill: (MutableByteView) -> Void) {
        var header = header
        header.headerLength = 20 + (options.count + 3) & ~3
        let room = min(header.headerLength + payload, space.bytes.count - 54)
        datagram(IPv6Header(source: PeerFrame.peer6, destination: PeerFrame.host6, nextHeader: 6, payloadLength: room))
        {
            header.write(to: $0)
            for i in 20..<header.headerLength { $0[i] = i - 20 < options.count ? options[i - 20] : 1 }
            fill($0.from(header.headerLength))
        }
        payloadStart = 54 + header.headerLength
    }

    /// A question for the host's address, which says the peer's.
    func solicitation() {
        let ip = IPv6Header(
            source: PeerFrame.peer6, destination: PeerFrame.host6.solicitedNode, nextHeader: IPv6Header.protocolICMP,
            payloadLength: 32, hopLimit: 255)
        datagram(ip) {
            $0[0] = 135
            _ = NeighbourMessage(target: PeerFrame.host6, mac: PeerFrame.peerMAC).write(to: $0, option: 1)
        }
    }

    /// An IPv6 datagram whose payload is filled by `fill`, with right sums where there is TCP or ICMPv6 at once.
    func datagram(_ ip: IPv6Header, fill: (MutableByteView) -> Void) {
        count = 54 + ip.payloadLength
        payloadStart = count
        let view = space.bytes.slice(0, count)
        view.fill(0)
        EthernetHeader(destination: PeerFrame.hostMAC, source: PeerFrame.peerMAC, type: EthernetHeader.typeIPv6)
            .write(to: view)
        ip.write(to: view.from(14))
        fill(view.from(54))
        completeSums()
    }

    private func completeSums6(_ view: MutableByteView) {
        guard count >= 54 else { return }
        let total = Int(view.readOnly.be16(18))
        let field =
            switch view.readOnly[20] {
            case 6: 16
            case IPv6Header.protocolICMP: 2
            default: -1
            }
        guard field >= 0, total >= field + 2, 54 + total <= count else { return }
        let message = view.slice(54, total)
        message.setBE16(field, 0)
        let pseudo = sum(view.readOnly.slice(22, 32)) + UInt64(view.readOnly[20]) + UInt64(total)
        message.setBE16(field, UInt16(sum(message.readOnly, pseudo)) ^ 0xFFFF)
    }

    /// An ARP packet from the peer.
    func arp(operation: UInt16, peer: IPv4Address) {
        count = 60
        payloadStart = count
        let view = space.bytes.slice(0, count)
        view.fill(0)
        EthernetHeader(destination: PeerFrame.hostMAC, source: PeerFrame.peerMAC, type: EthernetHeader.typeARP)
            .write(to: view)
        ARPPacket(
            operation: operation, senderMAC: PeerFrame.peerMAC, senderAddress: peer, targetMAC: PeerFrame.hostMAC,
            targetAddress: PeerFrame.host
        ).write(to: view.from(14))
    }

    /// An ICMP message about a segment of the host's.
    func icmp(
        type: UInt8, code: UInt8, rest: UInt32, peer: IPv4Address, ports: (host: UInt16, peer: UInt16), sequence: UInt32
    ) {
        count = 14 + 20 + 8 + 28
        payloadStart = count
        let view = space.bytes.slice(0, count)
        EthernetHeader(destination: PeerFrame.hostMAC, source: PeerFrame.peerMAC, type: EthernetHeader.typeIPv4)
            .write(to: view)
        IPv4Header(
            source: IPv4Address(10, 0, 0, 254), destination: PeerFrame.host, transport: IPv4Header.protocolICMP,
            payloadLength: 36
        ).write(to: view.from(14))
        IPv4Header(
            source: PeerFrame.host, destination: peer, transport: IPv4Header.protocolTCP, payloadLength: 1480
        ).write(to: view.from(42))
        view.setBE16(62, ports.host)
        view.setBE16(64, ports.peer)
        view.setBE32(66, sequence)
        ICMPMessage(type: type, code: code, rest: rest).write(to: view.slice(34, 36))
    }

    /// Turns single bits of what is there.
    func flip(_ at: Int, _ mask: UInt8) {
        guard count > 0 else { return }
        space.bytes[at % count] ^= mask
    }

    /// Makes the sums right, where there is an IP header to say where they are.
    func completeSums() {
        let view = space.bytes.slice(0, count)
        if count >= 14 && view.readOnly.be16(12) == EthernetHeader.typeIPv6 { return completeSums6(view) }
        guard count >= 34, view.readOnly.be16(12) == 0x0800 else { return }
        let length = Int(view.readOnly[14] & 15) * 4
        guard length >= 20, 14 + length <= count else { return }
        view.setBE16(24, 0)
        view.setBE16(24, UInt16(sum(view.readOnly.slice(14, length))) ^ 0xFFFF)
        guard view.readOnly[23] == 6, count >= 14 + length + 20 else { return }
        let total = Int(view.readOnly.be16(16))
        guard total >= length + 20, 14 + total <= count else { return }
        let tcp = view.slice(14 + length, total - length)
        tcp.setBE16(16, 0)
        let pseudo = sum(view.readOnly.slice(26, 8)) + 6 + UInt64(tcp.count)
        tcp.setBE16(16, UInt16(sum(tcp.readOnly, pseudo)) ^ 0xFFFF)
    }
}
