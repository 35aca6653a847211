internal import DeviceMemory
internal import Packets
internal import Timeline

/// Neighbour discovery (RFC 4861) as far as a host without routers' advertisements needs it.
extension TCPStack {
    /// Who asks for one of our addresses is answered and remembered (RFC 4861, sections 7.1.1 and 7.2.3).
    mutating func solicitationInput(
        _ ip: IPv6Header, _ message: ICMPv6Message, _ bytes: ByteView, _ origin: Origin, _ now: Instant
    ) {
        let isNobody = ip.source == .unspecified
        guard ip.hopLimit == NeighbourMessage.hopLimit, message.code == 0,
            let solicitation = NeighbourMessage(bytes, option: 1),
            // Who has no address yet asks a group, and has nothing to be remembered by.
            !isNobody || (ip.destination == solicitation.target.solicitedNode && solicitation.mac == nil)
        else {
            statistics.invalidNeighbourMessages &+= 1
            return
        }
        guard isOurs(solicitation.target), !origin.mac.isGroup else { return }
        statistics.neighbourSolicitations &+= 1
        if !isNobody, let mac = solicitation.mac, isStation(mac) {
            let resolved = neighbours.hear(
                InternetAddress(ip.source), mac, tags: origin.tags, create: true, isConfirmed: false, overrides: true,
                now: now, lifetime: configuration.reachableTime, doubt: configuration.firstProbeDelay)
            if resolved { unpark() }
        }
        advertise(solicitation.target, to: isNobody ? nil : ip.source, origin)
    }

    /// Where a neighbour says that it is (RFC 4861, sections 7.1.2 and 7.2.5). Nobody is remembered who was not asked for.
    mutating func advertisementInput(
        _ ip: IPv6Header, _ message: ICMPv6Message, _ bytes: ByteView, _ origin: Origin, _ now: Instant
    ) {
        let isSolicited = message.rest & NeighbourMessage.solicited != 0
        guard ip.hopLimit == NeighbourMessage.hopLimit, message.code == 0,
            let advertisement = NeighbourMessage(bytes, option: 2), !(isSolicited && origin.isGroup)
        else {
            statistics.invalidNeighbourMessages &+= 1
            return
        }
        statistics.neighbourAdvertisements &+= 1
        if let mac = advertisement.mac, !isStation(mac) { return }
        guard !isOurs(advertisement.target) else { return }
        let resolved = neighbours.hear(
            InternetAddress(advertisement.target), advertisement.mac, tags: origin.tags, create: false,
            isConfirmed: isSolicited, overrides: message.rest & NeighbourMessage.override != 0, now: now,
            lifetime: configuration.reachableTime, doubt: configuration.firstProbeDelay)
        if resolved { unpark() }
    }

    /// Asks where a neighbour is: everybody who could be it, or, where it was known, itself (RFC 4861, sections 7.2.2 and 7.3.3).
    mutating func solicit(_ neighbour: Neighbour) {
        let target = neighbour.address.mapped
        let group = target.solicitedNode
        let isKnown = neighbour.state != .asking
        // From our address on the link only to others there, so that the answer finds its way back.
        let source = own(isLinkLocal: target.isLinkLocal || ipv6?.address == nil)
        guard
            let frame = reply(
                to: isKnown ? neighbour.mac : group.groupMAC, neighbour.tags, from: source,
                to: isKnown ? target : group, length: NeighbourMessage.length, hopLimit: NeighbourMessage.hopLimit)
        else { return }
        _ = NeighbourMessage(target: target, mac: configuration.interface.mac).write(to: frame.message, option: 1)
        ICMPv6Message(type: ICMPv6Message.neighbourSolicitation).write(to: frame.message, frame.ip)
        output.commit(length: frame.length)
    }

    /// Says where one of our addresses is: to who asked, or to all if that is nobody yet (RFC 4861, section 7.2.4).
    private mutating func advertise(_ target: IPv6Address, to asker: IPv6Address?, _ origin: Origin) {
        let destination = asker ?? .allNodes
        guard
            let frame = reply(
                to: asker == nil ? destination.groupMAC : origin.mac, origin.tags, from: target, to: destination,
                length: NeighbourMessage.length, hopLimit: NeighbourMessage.hopLimit)
        else { return }
        _ = NeighbourMessage(target: target, mac: configuration.interface.mac).write(to: frame.message, option: 2)
        let flags = NeighbourMessage.override | (asker == nil ? 0 : NeighbourMessage.solicited)
        ICMPv6Message(type: ICMPv6Message.neighbourAdvertisement, rest: flags).write(to: frame.message, frame.ip)
        output.commit(length: frame.length)
    }

    private func isStation(_ mac: MACAddress) -> Bool { !mac.isGroup && mac != .zero }
}
