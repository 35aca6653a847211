internal import DeviceMemory

/// What the device finds in a frame's headers. Every field is the sender's: nothing here traps on any bytes.
struct ParsedFrame: BitwiseCopyable {
    enum Network: UInt8 { case none, ipv4, ipv6 }
    enum Transport: UInt8 { case none, tcp, udp, sctp }

    var network = Network.none
    var transport = Transport.none
    /// Where the IP header begins.
    var networkOffset = 0
    /// Length of the IPv4 header with its options.
    var ipv4HeaderLength = 0
    /// Where what follows the IP header and its extensions begins.
    var transportOffset = 0
    /// First byte after all headers that were understood; read loosely, beyond the frame where a length field lies.
    var headerEnd = 0
    /// Where the IP packet ends, by its length field; beyond the frame when the field lies.
    var networkEnd = 0
    /// The fragment header of IPv6, when there is one.
    var fragmentHeader = 0
    var isFragment = false
    /// IPv4 options or IPv6 extension headers.
    var hasExtensions = false
    /// An IPv6 routing header with segments left: the pseudo-header's destination is not in the fixed header.
    var hasRouting = false
    /// 802.1Q tags.
    var tags = 0
    /// One of the ports is NFS's.
    var isNFSPort = false

    /// Read as ``Behaviour/parsesLikeQEMU`` says.
    let isLoose: Bool

    /// Reads the headers of `frame`; `loosely` is ``Behaviour/parsesLikeQEMU``.
    init(_ frame: ByteView, loosely: Bool) {
        isLoose = loosely
        guard frame.count >= 14 else { return }
        var offset = 12
        var type = frame.be16(offset)
        // One tag, or a service tag and one customer tag (802.1ad).
        if type == 0x88A8 && offset &+ 6 <= frame.count {
            tags = 1
            offset &+= 4
            type = frame.be16(offset)
        }
        if type == 0x8100 && offset &+ 6 <= frame.count {
            tags &+= 1
            offset &+= 4
            type = frame.be16(offset)
        }
        offset &+= 2
        if !loosely, type <= 1500, offset &+ 8 <= frame.count, frame.be32(offset) == 0xAAAA_0300,
            frame[offset &+ 4] == 0,
            frame[offset &+ 5] == 0
        {
            // LLC and SNAP (RFC 1042).
            type = frame.be16(offset &+ 6)
            offset &+= 8
        }
        networkOffset = offset
        switch type {
        case 0x0800: parseIPv4(frame)
        case 0x86DD: parseIPv6(frame)
        default: break
        }
    }

    /// What was found of `other` in front of its network header.
    private init(withoutNetworkOf other: ParsedFrame) {
        isLoose = other.isLoose
        tags = other.tags
        networkOffset = other.networkOffset
    }

    private mutating func parseIPv4(_ frame: ByteView) {
        guard networkOffset &+ 20 <= frame.count else { return }
        let first = frame[networkOffset]
        let length = Int(first & 0xF) &* 4
        guard first &>> 4 == 4, length >= 20 || isLoose, networkOffset &+ length <= frame.count else { return }
        network = .ipv4
        ipv4HeaderLength = length
        hasExtensions = length > 20
        networkEnd = networkOffset &+ Int(frame.be16(networkOffset &+ 2))
        transportOffset = networkOffset &+ length
        headerEnd = transportOffset
        // More fragments, or an offset (RFC 791, section 3.1).
        isFragment = frame.be16(networkOffset &+ 6) & 0x3FFF != 0
        if !isFragment { parseTransport(frame, frame[networkOffset &+ 9]) }
    }

    private mutating func parseIPv6(_ frame: ByteView) {
        guard networkOffset &+ 40 <= frame.count, isLoose || frame[networkOffset] &>> 4 == 6 else { return }
        network = .ipv6
        networkEnd = networkOffset &+ 40 &+ Int(frame.be16(networkOffset &+ 4))
        var next = frame[networkOffset &+ 6]
        var offset = networkOffset &+ 40
        var headers = 0
        // Hop-by-hop, routing, fragment, authentication, destination options (RFC 8200, section 4).
        // And to QEMU mobility (RFC 6275), of which the first two bytes are enough.
        while next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || (isLoose && next == 135) {
            guard offset &+ (isLoose ? 2 : 8) <= frame.count else {
                // To QEMU a chain of headers that is cut is no IPv6 at all.
                if isLoose { self = ParsedFrame(withoutNetworkOf: self) }
                if isLoose { return }
                break
            }
            guard headers < 8 || isLoose else { break }
            let length: Int
            switch next {
            case 44 where !isLoose: length = 8
            case 51 where !isLoose: length = (Int(frame[offset &+ 1]) &+ 2) &* 4
            default: length = (Int(frame[offset &+ 1]) &+ 1) &* 8
            }
            guard offset &+ length <= frame.count || isLoose else { break }
            hasExtensions = true
            // Segments left (RFC 8200, section 4.4).
            if next == 43 && offset &+ 4 <= frame.count && frame[offset &+ 3] != 0 { hasRouting = true }
            if next == 44 {
                fragmentHeader = offset
                // An atomic fragment (RFC 6946) is a fragment to the device too.
                isFragment = true
            }
            next = frame[offset]
            offset &+= length
            headers &+= 1
        }
        transportOffset = offset
        headerEnd = offset
        if !isFragment { parseTransport(frame, next) }
    }

    private mutating func parseTransport(_ frame: ByteView, _ number: UInt8) {
        let offset = transportOffset
        switch number {
        case 6:
            guard offset &+ 20 <= frame.count else { return }
            let length = Int(frame[offset &+ 12] &>> 4) &* 4
            guard isLoose || (length >= 20 && offset &+ length <= frame.count) else { return }
            transport = .tcp
            headerEnd = offset &+ length
        case 17:
            guard offset &+ 8 <= frame.count else { return }
            transport = .udp
            headerEnd = offset &+ 8
        case 132:
            transport = .sctp
            return
        default: return
        }
        isNFSPort = frame.be16(offset) == 2049 || frame.be16(offset &+ 2) == 2049
    }
}
