internal import DeviceMemory
internal import Packets

/// How a peer is reached: from which of our addresses (of two, over IPv6), and by whom first.
struct Route: BitwiseCopyable {
    let isLinkLocal: Bool
    let nextHop: InternetAddress
}

/// What a connection over IPv6 has more than one over IPv4.
struct IPv6Path: BitwiseCopyable {
    var remote = IPv6Address.unspecified
    var nextHop = IPv6Address.unspecified
    /// The same in all its datagrams (RFC 6437).
    var flowLabel: UInt32 = 0
    /// From our address on the link.
    var isLinkLocal = false
}

extension TCPStack {
    /// Where a datagram for `address` goes first; `nil` when there is no way.
    ///
    /// - Parameter isLinkLocal: whether it answers one to our address on the link; `nil` chooses.
    func route(to address: InternetAddress, isLinkLocal: Bool? = nil) -> Route? {
        guard let target = address.ipv6 else { return nextHop(address) }
        guard let ipv6 else { return nil }
        if target.isLinkLocal { return Route(isLinkLocal: isLinkLocal ?? true, nextHop: address) }
        guard let own = ipv6.address else { return nil }
        if target.shares(prefixLength: ipv6.prefixLength, with: own) {
            return Route(isLinkLocal: isLinkLocal ?? false, nextHop: address)
        }
        // What a router forwards must not come from an address on the link (RFC 4291, section 2.5.6).
        guard isLinkLocal != true else { return nil }
        return ipv6.gateway.map { Route(isLinkLocal: false, nextHop: InternetAddress($0)) }
    }

    private func nextHop(_ address: InternetAddress) -> Route? {
        guard let target = address.ipv4 else { return nil }
        if (target.rawValue ^ configuration.interface.address.rawValue) & netmask == 0 {
            return Route(isLinkLocal: false, nextHop: address)
        }
        return configuration.interface.gateway.map { Route(isLinkLocal: false, nextHop: InternetAddress($0)) }
    }

    /// A flow's key. Over IPv6 it is a hash, and ``find(_:_:remotePort:localPort:isLinkLocal:)`` looks at what it was made of.
    @inline(__always) func flowKey(
        _ remote: InternetAddress, remotePort: UInt16, localPort: UInt16, isLinkLocal: Bool
    ) -> FlowKey {
        if let address = remote.ipv4 { return FlowKey(remote: address, remotePort: remotePort, localPort: localPort) }
        let ports = UInt32(remotePort) &<< 16 | UInt32(localPort)
        return FlowKey(hash: hash.flow(remote: remote.mapped, ports: ports, isLinkLocal: isLinkLocal))
    }

    /// A connection's peer.
    @inline(__always) func remote(_ i: Int) -> InternetAddress {
        connections[i].isIPv6 ? InternetAddress(paths6[i].remote) : InternetAddress(connections[i].remote)
    }

    /// Whose hardware address a connection's datagrams go to.
    @inline(__always) func nextHop(_ i: Int) -> InternetAddress {
        connections[i].isIPv6 ? InternetAddress(paths6[i].nextHop) : InternetAddress(connections[i].nextHop)
    }

    /// One of our IPv6 addresses.
    func own(isLinkLocal: Bool) -> IPv6Address {
        guard let ipv6 else { return .unspecified }
        return isLinkLocal ? ipv6.linkLocal : ipv6.address ?? .unspecified
    }

    /// Bytes of IP and TCP header before options.
    @inline(__always) func headerBytes(isIPv6: Bool) -> Int {
        isIPv6 ? IPv6Header.length &+ TCPHeader.minimumLength : IPv4Header.minimumLength &+ TCPHeader.minimumLength
    }
}
