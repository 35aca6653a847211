internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Timeline

/// What an IP header says of the segment behind it.
struct Datagram: BitwiseCopyable {
    let source: InternetAddress
    /// For our IPv6 address on the link.
    let isLinkLocal: Bool
    /// Bytes behind the IP headers, in host and device memory.
    let length: Int
    /// The pseudo-header's sum.
    let sum: InternetChecksum
}

/// Where a frame came from, for a reply that goes back the same way.
struct Origin: BitwiseCopyable {
    let mac: MACAddress
    let tags: LinkTags
    /// To a group address, in Ethernet or in IP.
    var isGroup: Bool
}

extension TCPStack {
    /// One frame, of which `view` is in host memory and the rest in `fragment`.
    @inline(__always) mutating func frameInput(
        _ view: ByteView, _ verdict: ChecksumVerdict, _ fragment: inout Fragment?, _ now: Instant,
        _ pools: inout PoolTable
    ) {
        guard let ethernet = EthernetHeader(view) else {
            statistics.malformed &+= 1
            return
        }
        guard ethernet.destination == configuration.interface.mac || ethernet.destination.isGroup else {
            statistics.wrongDestination &+= 1
            return
        }
        let origin = Origin(mac: ethernet.source, tags: ethernet.tags, isGroup: ethernet.destination.isGroup)
        if ethernet.type == EthernetHeader.typeIPv4 {
            datagramInput(view.from(ethernet.length), origin, verdict, &fragment, now, &pools)
        } else if ethernet.type == EthernetHeader.typeARP {
            arpInput(view.from(ethernet.length), origin, now)
        } else if ethernet.type == EthernetHeader.typeIPv6 && ipv6 != nil {
            datagramInput6(view.from(ethernet.length), origin, verdict, &fragment, now, &pools)
        } else {
            statistics.unknownProtocol &+= 1
        }
    }

    @inline(__always) private mutating func datagramInput(
        _ view: ByteView, _ origin: Origin, _ verdict: ChecksumVerdict, _ fragment: inout Fragment?, _ now: Instant,
        _ pools: inout PoolTable
    ) {
        guard let ip = try? IPv4Header(view) else {
            statistics.malformed &+= 1
            return
        }
        if verdict == .bad {
            statistics.badChecksums &+= 1
            return
        }
        // The device may have vouched for all checksums; when it has not, this one is always within reach.
        if verdict == .unknown && !ip.checksumIsGood(view) {
            statistics.badChecksums &+= 1
            return
        }
        var origin = origin
        if ip.destination != configuration.interface.address {
            guard isGroup(ip.destination) else {
                statistics.wrongDestination &+= 1
                return
            }
            origin.isGroup = true
        }
        guard isPossibleSource(ip.source) else {
            statistics.badSource &+= 1
            return
        }
        if ip.isFragment {
            statistics.ipFragments &+= 1
            return
        }
        // The datagram's own length decides: short frames are padded (RFC 894).
        let inHost = min(view.count, ip.totalLength)
        let inDevice = ip.totalLength &- inHost
        if inDevice > 0 && !trim(&fragment, to: inDevice) {
            statistics.malformed &+= 1
            return
        }
        let transport = view.slice(ip.headerLength, max(inHost &- ip.headerLength, 0))
        if ip.transport == IPv4Header.protocolTCP {
            let length = ip.totalLength &- ip.headerLength
            let datagram = Datagram(
                source: InternetAddress(ip.source), isLinkLocal: false, length: length,
                sum: ip.pseudoHeader(length: length))
            segmentInput(datagram, transport, inDevice, origin, verdict, &fragment, now, &pools)
        } else if ip.transport == IPv4Header.protocolICMP {
            icmpInput(ip, transport, inDevice, origin, verdict, now, &pools)
        } else {
            statistics.unknownProtocol &+= 1
        }
    }

    /// Cuts padding off the end of a fragment; false when it is missing or too short.
    @inline(__always) func trim(_ fragment: inout Fragment?, to length: Int) -> Bool {
        guard var held = fragment.take() else { return false }
        let excess = Int(held.length) &- length
        if excess > 0 { held.trimBack(UInt32(truncatingIfNeeded: excess)) }
        fragment = consume held
        return excess >= 0
    }

    /// Multicast, or one of the two broadcast addresses of the interface.
    @inline(__always) func isGroup(_ address: IPv4Address) -> Bool {
        address.isMulticast || address == .broadcast || address.rawValue == directedBroadcast
    }

    /// RFC 1122, section 3.2.1.3: never a group, loopback or nobody; and not ourselves (LAND).
    @inline(__always) private func isPossibleSource(_ address: IPv4Address) -> Bool {
        address != configuration.interface.address && !address.isLoopback && address.rawValue &>> 24 != 0
            && !isGroup(address)
    }
}
