internal import DeviceMemory

/// A TCP segment as anybody on the wire would read it: none of this uses the code that wrote it.
struct Sighting {
    struct Block: Equatable {
        var left: UInt32
        var right: UInt32
    }

    /// Where the TCP header begins in the frame.
    var tcpAt: Int
    var sourcePort: UInt16
    var destinationPort: UInt16
    var seq: UInt32
    var ack: UInt32
    var window: Int
    var isFIN: Bool
    var isSYN: Bool
    var isRST: Bool
    var hasACK: Bool
    /// Reserved bits, URG and ECN, none of which this stack has a use for.
    var strangeBits: UInt16
    var headerLength: Int
    /// Where the payload begins in the frame, and its length.
    var payloadAt: Int
    var payload: Int
    var ipLength: Int

    var mss: Int?
    var scale: Int?
    var sackPermitted = false
    var timestamp: (value: UInt32, echo: UInt32)?
    var blocks: [Block] = []
    var optionsAreSound = true

    /// Sequence space that it takes.
    var length: Int { payload + (isSYN ? 1 : 0) + (isFIN ? 1 : 0) }
    var isPureACK: Bool { length == 0 && !isRST && hasACK }

    /// Where TCP begins in a frame, and the IP datagram's length; `nil` when it is neither IPv4 nor IPv6, both without options.
    static func layout(_ frame: ByteView) -> (tcpAt: Int, ipLength: Int)? {
        guard frame.count >= 54 else { return nil }
        if frame.be16(12) == 0x0800, frame[14] == 0x45, frame[23] == 6 { return (34, Int(frame.be16(16))) }
        guard frame.count >= 74, frame.be16(12) == 0x86DD, frame[14] >> 4 == 6, frame[20] == 6 else { return nil }
        return (54, 40 + Int(frame.be16(18)))
    }

    /// `nil` when it is no whole IP datagram with TCP in it.
    init?(_ frame: ByteView) {
        guard let layout = Sighting.layout(frame) else { return nil }
        (tcpAt, ipLength) = layout
        headerLength = Int(frame[tcpAt + 12] >> 4) * 4
        guard 14 + ipLength <= frame.count, headerLength >= 20, tcpAt + headerLength <= 14 + ipLength else {
            return nil
        }
        sourcePort = frame.be16(tcpAt)
        destinationPort = frame.be16(tcpAt + 2)
        seq = frame.be32(tcpAt + 4)
        ack = frame.be32(tcpAt + 8)
        let control = frame.be16(tcpAt + 12)
        isFIN = control & 1 != 0
        isSYN = control & 2 != 0
        isRST = control & 4 != 0
        hasACK = control & 16 != 0
        strangeBits = control & 0x0FE0
        window = Int(frame.be16(tcpAt + 14))
        payloadAt = tcpAt + headerLength
        payload = 14 + ipLength - payloadAt
        readOptions(frame.slice(tcpAt + 20, headerLength - 20))
    }

    private mutating func readOptions(_ bytes: ByteView) {
        var i = 0
        while i < bytes.count, bytes[i] != 0 {
            if bytes[i] == 1 {
                i += 1
                continue
            }
            guard i + 1 < bytes.count, bytes[i + 1] >= 2, i + Int(bytes[i + 1]) <= bytes.count else {
                optionsAreSound = false
                return
            }
            let length = Int(bytes[i + 1])
            switch bytes[i] {
            case 2 where length == 4: mss = Int(bytes.be16(i + 2))
            case 3 where length == 3: scale = Int(bytes[i + 2])
            case 4 where length == 2: sackPermitted = true
            case 8 where length == 10: timestamp = (bytes.be32(i + 2), bytes.be32(i + 6))
            case 5 where length >= 10 && (length - 2) % 8 == 0:
                for at in stride(from: i + 2, to: i + length, by: 8) {
                    blocks.append(Block(left: bytes.be32(at), right: bytes.be32(at + 4)))
                }
            default: optionsAreSound = false
            }
            i += length
        }
    }

    /// Whether the checksums of both headers are right, of IPv6 the only one, added up word by word.
    static func checksumsAreGood(_ frame: ByteView) -> Bool {
        guard let (tcpAt, ipLength) = layout(frame) else { return false }
        let isIPv6 = tcpAt == 54
        var ip: UInt64 = 0
        for at in stride(from: 14, to: 34, by: 2) { ip += UInt64(frame.be16(at)) }
        let end = 14 + ipLength
        var tcp = UInt64(6) + UInt64(end - tcpAt)
        for at in stride(from: isIPv6 ? 22 : 26, to: tcpAt, by: 2) { tcp += UInt64(frame.be16(at)) }
        var at = tcpAt
        while at + 4 <= end {
            tcp += UInt64(frame.be32(at))
            at += 4
        }
        if at + 2 <= end {
            tcp += UInt64(frame.be16(at))
            at += 2
        }
        if at < end { tcp += UInt64(frame[at]) << 8 }
        return (isIPv6 || fold(ip) == 0xFFFF) && fold(tcp) == 0xFFFF
    }

    private static func fold(_ sum: UInt64) -> UInt64 {
        var sum = sum
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return sum
    }
}

extension Sighting: CustomStringConvertible {
    var description: String {
        var text = "\(sourcePort)>\(destinationPort) "
        for (bit, letter) in [(isSYN, "S"), (isFIN, "F"), (isRST, "R"), (hasACK, ".")] where bit { text += letter }
        text += " seq \(seq) len \(payload)"
        if hasACK { text += " ack \(ack)" }
        text += " win \(window)"
        if let mss { text += " mss \(mss)" }
        if let scale { text += " scale \(scale)" }
        if let timestamp { text += " ts \(timestamp.value)/\(timestamp.echo)" }
        for block in blocks { text += " sack \(block.left)-\(block.right)" }
        return text
    }
}
