internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// Neighbours are heard and answered, echo requests answered, errors weighed; `inDevice` bytes of the message are where nobody
    /// reads them.
    mutating func icmpInput6(
        _ ip: IPv6Header, _ bytes: ByteView, _ inDevice: Int, _ origin: Origin, _ now: Instant, _ pools: inout PoolTable
    ) {
        guard let message = ICMPv6Message(bytes) else {
            statistics.malformed &+= 1
            return
        }
        guard inDevice == 0 else {
            statistics.icmpIgnored &+= 1
            return
        }
        // Always in software: no NIC here verifies ICMPv6.
        guard ICMPv6Message.checksumIsGood(bytes, ip) else {
            statistics.badChecksums &+= 1
            return
        }
        switch message.type {
        case ICMPv6Message.neighbourSolicitation: solicitationInput(ip, message, bytes, origin, now)
        case _ where ip.source == .unspecified: statistics.badSource &+= 1
        case ICMPv6Message.neighbourAdvertisement: advertisementInput(ip, message, bytes, origin, now)
        case ICMPv6Message.echoRequest where !origin.isGroup:
            statistics.echoRequests &+= 1
            echo(ip, message, bytes, origin)
        case _ where message.isError && !origin.isGroup:
            errorInput6(message, bytes.from(ICMPv6Message.headerLength), now, &pools)
        default: statistics.icmpIgnored &+= 1
        }
    }

    private mutating func echo(_ ip: IPv6Header, _ request: ICMPv6Message, _ bytes: ByteView, _ origin: Origin) {
        guard
            let frame = reply(
                to: origin.mac, origin.tags, from: ip.destination, to: ip.source, length: bytes.count, hopLimit: 64)
        else { return }
        frame.message.copy(bytes)
        ICMPv6Message(type: ICMPv6Message.echoReply, rest: request.rest).write(to: frame.message, frame.ip)
        output.commit(length: frame.length)
    }

    /// Room for an ICMPv6 message of `length` bytes behind headers that are written; `nil`, and counted, when there is none.
    mutating func reply(
        to mac: MACAddress, _ tags: LinkTags, from source: IPv6Address, to destination: IPv6Address, length: Int,
        hopLimit: UInt8
    ) -> (message: MutableByteView, ip: IPv6Header, length: Int)? {
        guard length + IPv6Header.length <= configuration.interface.mtu, let frame = output.reserve() else {
            statistics.repliesDropped &+= 1
            return nil
        }
        let ethernet = EthernetHeader(
            destination: mac, source: configuration.interface.mac, tags: tags, type: EthernetHeader.typeIPv6)
        let ip = IPv6Header(
            source: source, destination: destination, nextHeader: IPv6Header.protocolICMP, payloadLength: length,
            hopLimit: hopLimit)
        ethernet.write(to: frame)
        ip.write(to: frame.from(ethernet.length))
        let start = ethernet.length + IPv6Header.length
        return (frame.slice(start, length), ip, start + length)
    }

    /// An error about a segment of ours. Only what quotes a sequence number in flight counts (RFC 5927, section 4.1).
    private mutating func errorInput6(
        _ message: ICMPv6Message, _ quoted: ByteView, _ now: Instant, _ pools: inout PoolTable
    ) {
        statistics.icmpErrors &+= 1
        guard let segment = QuotedSegment6(quoted), isOurs(segment.source) else {
            statistics.icmpIgnored &+= 1
            return
        }
        let peer = InternetAddress(segment.destination)
        let key = flowKey(
            peer, remotePort: segment.destinationPort, localPort: segment.sourcePort,
            isLinkLocal: segment.source.isLinkLocal)
        let i = find(
            key, peer, remotePort: segment.destinationPort, localPort: segment.sourcePort,
            isLinkLocal: segment.source.isLinkLocal)
        let sequence = SequenceNumber(segment.sequence)
        guard i >= 0, connections[i].snd.una <= sequence, sequence < connections[i].snd.nxt else {
            statistics.icmpIgnored &+= 1
            return
        }
        if message.type == ICMPv6Message.packetTooBig && message.rest >= UInt32(IPv6Header.minimumMTU) {
            // Less is to be ignored (RFC 8201, section 4): every link carries as much.
            lowerPathMTU(i, Int(min(message.rest, 0x1_0000)))
        } else if isHard(message) && connections[i].state == .synSent {
            // Hard errors end only what is not established (RFC 5461, section 4.1).
            finish(i, .refused, &pools)
        } else {
            statistics.icmpIgnored &+= 1
        }
    }

    /// The errors that stay (RFC 5461, section 2): prohibited, nobody at that port, TCP not known there.
    private func isHard(_ message: ICMPv6Message) -> Bool {
        switch (message.type, message.code) {
        case (ICMPv6Message.unreachable, 1), (ICMPv6Message.unreachable, 4), (ICMPv6Message.parameterProblem, 1): true
        default: false
        }
    }
}
