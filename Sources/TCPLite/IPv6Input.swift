internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// An IPv6 datagram (RFC 8200), of which `view` is in host memory.
    @inline(never) mutating func datagramInput6(
        _ view: ByteView, _ origin: Origin, _ verdict: ChecksumVerdict, _ fragment: inout Fragment?, _ now: Instant,
        _ pools: inout PoolTable
    ) {
        guard let ip = try? IPv6Header(view) else {
            statistics.malformed &+= 1
            return
        }
        if verdict == .bad {
            statistics.badChecksums &+= 1
            return
        }
        var origin = origin
        if !isOurs(ip.destination) {
            guard isOurGroup(ip.destination) else {
                statistics.wrongDestination &+= 1
                return
            }
            origin.isGroup = true
        }
        let isNobody = ip.source == .unspecified
        guard isNobody || (ip.source.isUnicast && !isOurs(ip.source)) else {
            statistics.badSource &+= 1
            return
        }
        statistics.ipv6Datagrams &+= 1
        let payload: IPv6Payload
        do throws(IPv6Fault) {
            payload = try IPv6Payload(ip, view)
        } catch {
            count(error)
            return
        }
        // The datagram's own length decides: short frames are padded (RFC 894).
        let totalLength = IPv6Header.length &+ ip.payloadLength
        let inHost = min(view.count, totalLength)
        let inDevice = totalLength &- inHost
        if inDevice > 0 && !trim(&fragment, to: inDevice) {
            statistics.malformed &+= 1
            return
        }
        let transport = view.slice(payload.offset, max(inHost &- payload.offset, 0))
        if payload.transport == IPv6Header.protocolICMP {
            icmpInput6(ip, transport, inDevice, origin, now, &pools)
        } else if isNobody {
            // Who has no address yet may look whether it is taken, and nothing else (RFC 4291, section 2.5.2).
            statistics.badSource &+= 1
        } else if payload.transport == IPv4Header.protocolTCP {
            let length = totalLength &- payload.offset
            let datagram = Datagram(
                source: InternetAddress(ip.source), isLinkLocal: ip.destination.isLinkLocal, length: length,
                sum: ip.pseudoHeader(transport: payload.transport, length: length))
            segmentInput(datagram, transport, inDevice, origin, verdict, &fragment, now, &pools)
        } else {
            statistics.unknownProtocol &+= 1
        }
    }

    private mutating func count(_ fault: IPv6Fault) {
        switch fault {
        case .fragment: statistics.ipFragments &+= 1
        case .notForUs: statistics.refusedExtensions &+= 1
        case .truncated, .version, .length: statistics.malformed &+= 1
        }
    }

    /// One of our addresses.
    func isOurs(_ address: IPv6Address) -> Bool {
        guard let ipv6 else { return false }
        return address == ipv6.linkLocal || address == ipv6.address
    }

    /// All nodes of the link, or those whose address ends like one of ours (RFC 4291, section 2.8).
    private func isOurGroup(_ address: IPv6Address) -> Bool {
        guard let ipv6, address.isMulticast else { return false }
        return address == .allNodes || address == ipv6.linkLocal.solicitedNode || address == ipv6.address?.solicitedNode
    }
}
