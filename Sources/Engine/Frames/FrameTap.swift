internal import DeviceMemory
public import HeaderSplit
internal import Packets
public import PagePool
internal import TCPLite

/// Decides frame by frame what is the application's, and how much of it.
@usableFromInline struct FrameTap: ~Copyable {
    /// What is to become of one frame.
    @usableFromInline enum Decision {
        case stack
        case drop
        /// `header` bytes are headers, `payload` bytes follow; what lies beyond is padding.
        case deliver(header: Int, payload: Int, verified: Bool)
    }

    @usableFromInline let selection: FrameSelection
    private let interface: InterfaceConfiguration
    @usableFromInline var statistics = FrameStatistics()

    init(_ selection: FrameSelection, interface: InterfaceConfiguration) {
        self.selection = selection
        self.interface = interface
    }

    @usableFromInline mutating func decide(_ frame: borrowing ReceivedFrame, payload: Int) -> Decision {
        switch selection {
        case .none: return .stack
        case .all:
            // The boundary that the device found; where it found none, everything in reach is header.
            return .deliver(header: frame.header.count, payload: payload, verified: frame.checksum == .good)
        case .udp(let port): return datagram(frame, payload, port)
        }
    }

    /// Cuts padding off; a fragment of padding alone goes back.
    @usableFromInline mutating func trim(_ fragment: inout Fragment?, to length: Int, _ pools: inout PoolTable) {
        guard var held = fragment.take() else { return }
        let excess = Int(held.length) &- length
        if excess > 0 { held.trimBack(UInt32(truncatingIfNeeded: excess)) }
        if length <= 0 { pools.recycle(held) } else { fragment = consume held }
    }

    @usableFromInline mutating func count(hasPayload: Bool) {
        statistics.delivered &+= 1
        if hasPayload { statistics.withPayload &+= 1 }
    }

    private mutating func datagram(
        _ frame: borrowing ReceivedFrame, _ payload: Int, _ port: UInt16
    ) -> Decision {
        let view = frame.header
        guard let ethernet = EthernetHeader(view), ethernet.type == EthernetHeader.typeIPv4,
            ethernet.destination == interface.mac || ethernet.destination.isGroup,
            let ip = try? IPv4Header(view.from(ethernet.length)), ip.transport == IPv4Header.protocolUDP,
            !ip.isFragment,
            ip.destination == interface.address || ip.destination.isMulticast || ip.destination == .broadcast,
            let udp = UDPHeader(view.from(ethernet.length + ip.headerLength)), udp.destinationPort == port
        else { return .stack }
        if frame.split == .headerOverflow {
            statistics.headerOverflows &+= 1
            return .drop
        }
        let header = ethernet.length + ip.headerLength + UDPHeader.length
        let data = udp.length - UDPHeader.length
        // The datagram's own length decides; the frame may be padded, the datagram shorter than its packet (RFC 768).
        guard udp.length <= ip.totalLength - ip.headerLength, header + data <= view.count + payload else {
            statistics.malformed &+= 1
            return .drop
        }
        switch frame.checksum {
        case .good: return .deliver(header: header, payload: data, verified: true)
        case .bad:
            statistics.badChecksums &+= 1
            return .drop
        case .unknown: break
        }
        guard ip.checksumIsGood(view.from(ethernet.length)) else {
            statistics.badChecksums &+= 1
            return .drop
        }
        if udp.checksum == 0 {
            statistics.withoutChecksum &+= 1
            return .deliver(header: header, payload: data, verified: false)
        }
        guard header + data <= view.count else {
            statistics.unverifiable &+= 1
            return .drop
        }
        var sum = ip.pseudoHeader(length: udp.length)
        sum.add(view.slice(header - UDPHeader.length, udp.length))
        guard sum.folded == 0xFFFF else {
            statistics.badChecksums &+= 1
            return .drop
        }
        return .deliver(header: header, payload: data, verified: true)
    }
}
