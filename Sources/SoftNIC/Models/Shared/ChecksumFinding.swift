internal import DeviceMemory
internal import Packets

/// What the device says about a frame's checksums: bits of the status word of a write-back.
struct ChecksumFinding: BitwiseCopyable {
    private static var udpChecked: UInt32 { 1 << 4 }
    private static var transportChecked: UInt32 { 1 << 5 }
    private static var headerChecked: UInt32 { 1 << 6 }
    private static var transportBad: UInt32 { 1 << 29 }
    private static var headerBad: UInt32 { 1 << 30 }

    /// Status and error bits.
    private(set) var bits: UInt32 = 0

    /// Checks the IPv4 header (`header`), TCP or UDP (`transport`) and SCTP (`sctp`); `mark` overrides the outcome.
    init(
        _ frame: ByteView, _ parsed: ParsedFrame, header: Bool, transport: Bool, sctp: Bool, mark: FrameMark
    ) {
        let isTransport = (parsed.transport == .tcp || parsed.transport == .udp) && !parsed.isFragment
        switch mark {
        case .claimNothing: return
        case .claimGood, .claimBad:
            if parsed.network == .ipv4 { bits |= Self.headerChecked }
            if isTransport { bits |= Self.transportChecked | (parsed.transport == .udp ? Self.udpChecked : 0) }
            if mark == .claimBad { bits |= isTransport ? Self.transportBad : Self.headerBad }
            return
        case .none: break
        }
        if header && parsed.network == .ipv4 {
            bits |= Self.headerChecked
            var sum = InternetChecksum()
            sum.add(frame.slice(parsed.networkOffset, parsed.ipv4HeaderLength))
            if sum.folded != 0xFFFF { bits |= Self.headerBad }
        }
        if transport && isTransport { checkTransport(frame, parsed) }
        if sctp && parsed.transport == .sctp { checkSCTP(frame, parsed) }
    }

    private mutating func checkTransport(_ frame: ByteView, _ parsed: ParsedFrame) {
        let start = parsed.transportOffset
        if !parsed.isLoose {
            // A length field beyond the frame, or short of the header, or another final destination: nothing to check.
            guard parsed.networkEnd <= frame.count, parsed.networkEnd >= parsed.headerEnd, !parsed.hasRouting else {
                return
            }
        }
        let isUDP = parsed.transport == .udp
        if isUDP && frame.be16(start &+ 6) == 0 { return }
        // QEMU believes UDP's own length.
        let length = parsed.isLoose && isUDP ? Int(frame.be16(start &+ 4)) : parsed.networkEnd &- start
        // And a TCP length below zero wraps, so that everything there is gets added.
        let covered = parsed.isLoose ? length & 0xFFFF : max(0, length)
        var sum = InternetChecksum()
        // The pseudo-header: addresses, protocol, length (RFC 9293, section 3.1; RFC 8200, section 8.1).
        if parsed.network == .ipv4 {
            sum.add(frame.slice(parsed.networkOffset &+ 12, 8))
        } else {
            sum.add(frame.slice(parsed.networkOffset &+ 8, 32))
        }
        sum.add(UInt16(isUDP ? 17 : 6))
        sum.add(UInt32(truncatingIfNeeded: length))
        sum.add(frame.slice(start, max(0, min(covered, frame.count &- start))))
        bits |= Self.transportChecked | (isUDP ? Self.udpChecked : 0)
        if sum.folded != 0xFFFF { bits |= Self.transportBad }
    }

    private mutating func checkSCTP(_ frame: ByteView, _ parsed: ParsedFrame) {
        let start = parsed.transportOffset
        let end = min(parsed.networkEnd, frame.count)
        guard end >= start &+ 12 else {
            if parsed.isLoose { bits |= Self.transportChecked | Self.transportBad }
            return
        }
        bits |= Self.transportChecked
        if sctpChecksum(frame.slice(start, end &- start)) != frame.le32(start &+ 8) { bits |= Self.transportBad }
    }
}
