import Testing

/// One row of the split table: a frame and what a device says and writes. Data only, so that any device can be held to it.
struct SplitVector: Sendable, CustomTestStringConvertible {
    /// What is seen of one completion.
    struct Outcome: Sendable, Equatable {
        var splitHeader: Bool
        var headerLength: Int
        var length: Int
        /// Bytes written to the header buffer and to the packet buffer.
        var inHeaderBuffer: Int
        var inPacketBuffer: Int
        var overflow = false

        init(
            _ splitHeader: Int, _ headerLength: Int, _ length: Int, _ inHeader: Int, _ inPacket: Int, hbo: Bool = false
        ) {
            self.splitHeader = splitHeader == 1
            self.headerLength = headerLength
            self.length = length
            inHeaderBuffer = inHeader
            inPacketBuffer = inPacket
            overflow = hbo
        }
    }

    var name: String
    var frame: FrameRecipe
    var headerSize = 128
    var fragmentSplitDisable = false
    /// Packet type and status word, the same in both modes.
    var packetType: Int
    var status: UInt32
    /// What QEMU 10.0.2 was observed to do, by DESCTYPE.
    var qemu2: Outcome
    var qemu5: Outcome
    /// What the documentation says, where that differs.
    var strict2: Outcome?
    var strict5: Outcome?
    /// Packet type and status where the documentation differs.
    var strictType: Int?
    var strictStatus: UInt32?

    var testDescription: String { name }

    func expected(_ type: UInt32, strict: Bool) -> Outcome {
        if type == 2 { return strict ? strict2 ?? qemu2 : qemu2 }
        return strict ? strict5 ?? qemu5 : qemu5
    }
}

extension SplitVector {
    private static func split(_ header: Int, _ payload: Int) -> Outcome {
        Outcome(1, header, payload, header, payload)
    }

    /// Modes 2 and 5, header buffers of 128 bytes unless said otherwise, packet buffers of 2 KiB, check sequence stripped,
    /// RXCSUM at its reset value.
    static let all: [SplitVector] = [
        SplitVector(
            name: "TCP over IPv4", frame: FrameRecipe(), packetType: 0x011, status: 0x263,
            qemu2: split(54, 1000), qemu5: split(54, 1000)),
        SplitVector(
            name: "TCP over IPv4 with a timestamp", frame: FrameRecipe { $0.tcpOptions = 12 }, packetType: 0x011,
            status: 0x263, qemu2: split(66, 1000), qemu5: split(66, 1000)),
        SplitVector(
            name: "a pure ACK, padded", frame: FrameRecipe { $0.payload = 0 }, packetType: 0x011, status: 0x263,
            qemu2: Outcome(1, 54, 6, 54, 6), qemu5: Outcome(0, 60, 0, 60, 0),
            strict2: Outcome(1, 54, 0, 54, 0)),
        SplitVector(
            name: "TCP over IPv4 with a timestamp in 802.1Q",
            frame: FrameRecipe {
                $0.tcpOptions = 12
                $0.tag = 5
            }, packetType: 0x011, status: 0x263, qemu2: split(70, 1000), qemu5: split(70, 1000)),
        SplitVector(
            name: "UDP over IPv4", frame: FrameRecipe { $0.transport = .udp }, packetType: 0x021, status: 0x273,
            qemu2: split(42, 1000), qemu5: split(42, 1000)),
        SplitVector(
            name: "ICMP",
            frame: FrameRecipe {
                $0.transport = .other(1)
                $0.payload = 200
            }, packetType: 0x001, status: 0x243, qemu2: split(34, 200), qemu5: split(34, 200),
            strict2: Outcome(0, 0, 234, 0, 234), strict5: Outcome(0, 128, 106, 128, 106)),
        SplitVector(
            name: "first fragment of IPv4", frame: FrameRecipe { $0.fragment = 0x2000 }, packetType: 0x001,
            status: 0x243, qemu2: split(34, 1020), qemu5: split(34, 1020)),
        SplitVector(
            name: "first fragment, fragment split disabled", frame: FrameRecipe { $0.fragment = 0x2000 },
            fragmentSplitDisable: true, packetType: 0x001, status: 0x243,
            qemu2: Outcome(0, 128, 1054, 0, 1054), qemu5: Outcome(0, 128, 926, 128, 926),
            strict2: Outcome(0, 0, 1054, 0, 1054)),
        SplitVector(
            name: "SCTP",
            frame: FrameRecipe {
                $0.transport = .other(132)
                $0.payload = 200
                // QEMU checks the CRC with the TCP switch, and this is none; silicon has RXCSUM.CRCOFL for it.
            }, packetType: 0x041, status: 0x263 | 1 << 29, qemu2: split(34, 200), qemu5: split(34, 200),
            strict2: Outcome(0, 0, 234, 0, 234), strict5: Outcome(0, 128, 106, 128, 106), strictStatus: 0x243),
        SplitVector(
            name: "TCP over IPv6", frame: FrameRecipe { $0.network = .ipv6 }, packetType: 0x014, status: 0x023,
            qemu2: split(74, 1000), qemu5: split(74, 1000)),
        SplitVector(
            name: "UDP over IPv6",
            frame: FrameRecipe {
                $0.network = .ipv6
                $0.transport = .udp
            }, packetType: 0x024, status: 0x033, qemu2: split(62, 1000), qemu5: split(62, 1000)),
        SplitVector(
            name: "TCP over IPv6 behind hop-by-hop options",
            frame: FrameRecipe {
                $0.network = .ipv6
                $0.extensionHeader = 0
            }, packetType: 0x018, status: 0x023, qemu2: split(82, 1000), qemu5: split(82, 1000)),
        SplitVector(
            name: "fragment of IPv6",
            frame: FrameRecipe {
                $0.network = .ipv6
                $0.transport = .other(6)
                $0.extensionHeader = 44
            }, packetType: 0x008, status: 0x003, qemu2: split(62, 1000), qemu5: split(62, 1000),
            strict2: split(54, 1008), strict5: split(54, 1008)),
        SplitVector(
            name: "a frame that just fits the header buffer", frame: FrameRecipe { $0.payload = 74 },
            packetType: 0x011, status: 0x263, qemu2: split(54, 74), qemu5: Outcome(0, 128, 0, 128, 0)),
        SplitVector(
            name: "one byte more", frame: FrameRecipe { $0.payload = 75 }, packetType: 0x011, status: 0x263,
            qemu2: split(54, 75), qemu5: split(54, 75)),
        SplitVector(
            name: "ARP",
            frame: FrameRecipe {
                $0.network = .other(0x0806)
                $0.payload = 46
            }, packetType: 0, status: 0x003, qemu2: Outcome(0, 128, 60, 0, 60), qemu5: Outcome(0, 60, 0, 60, 0),
            strict2: Outcome(0, 0, 60, 0, 60)),
        SplitVector(
            name: "1514 bytes of nothing known",
            frame: FrameRecipe {
                $0.network = .other(0x88B5)
                $0.payload = 1500
            }, packetType: 0, status: 0x003, qemu2: Outcome(0, 128, 1514, 0, 1514),
            qemu5: Outcome(0, 128, 1386, 128, 1386), strict2: Outcome(0, 0, 1514, 0, 1514)),
        SplitVector(
            name: "134 bytes of headers, 64 of header buffer",
            frame: FrameRecipe {
                $0.tcpOptions = 40
                $0.ipOptions = 40
                $0.payload = 500
            }, headerSize: 64, packetType: 0x011, status: 0x263 | 1 << 23,
            qemu2: Outcome(1, 134, 634, 0, 634, hbo: true), qemu5: Outcome(1, 134, 570, 64, 570, hbo: true),
            strictType: 0x012),
    ]
}
