import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Testing
import Timeline

/// A segment that the stack under test sent.
struct Sent {
    var header: TCPHeader
    var options: TCPOptions
    var blocks: [(left: UInt32, right: UInt32)]
    var payload: [UInt8]
    var checksumIsGood: Bool
    var frame: [UInt8]
    var offload: TransmitOffload

    var flags: TCPFlags { header.flags }
    var seq: UInt32 { header.sequence }
    var ack: UInt32 { header.acknowledgement }
}

/// One stack, and a peer that says exactly what a test wants.
final class Script {
    let host: Host
    var now = Instant(nanoseconds: 5_000_000_000)
    var peer = address(9)
    var peerMAC = mac(9)
    /// Whether the peer speaks IPv6, its address, the one of the stack that it speaks to, and what comes between IPv6's header
    /// and TCP's: the first header's type, and the bytes.
    let isIPv6: Bool
    var peer6 = address6(9)
    var host6 = address6(1)
    var extensions: (first: UInt8, bytes: [UInt8]) = (6, [])
    var peerPort: UInt16 = 5000
    var hostPort: UInt16 = 80
    /// The peer's next sequence number, and the stack's.
    var seq: UInt32 = 1000
    var ack: UInt32 = 0
    var window: UInt16 = 65535
    var tags = LinkTags.none
    /// Whether every segment carries timestamps, and the peer's clock.
    var timestamps = false
    var clock: UInt32 = 1
    /// What the stack sent that was no TCP.
    var others: [[UInt8]] = []
    /// Whether the peer answers for its address.
    var answersARP = true
    /// Shift of the stack's windows.
    var scale: UInt8 = 0

    private var kept: [Bytes] = []

    /// Bytes as a view that lives as long as the script.
    func view(_ bytes: [UInt8]) -> ByteView {
        kept.append(Bytes(bytes))
        return kept[kept.count - 1].view
    }

    init(
        _ change: (inout Configuration) -> Void = { _ in }, slots: Int = 1024, pools: Int = 1, isIPv6: Bool = false
    ) throws {
        self.isIPv6 = isIPv6
        host = Host(small(1, change), slots: slots, poolCount: pools)
        try host.stack.listen(port: 80)
        introduce()
    }

    /// A request from the peer, which teaches the stack its address.
    func introduce() {
        input(isIPv6 ? solicitation() : arpRequest())
        _ = poll()
    }

    /// The peer asks for the stack's address.
    func arpRequest() -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: 60)
        write(&frame) { view in
            let ethernet = EthernetHeader(
                destination: .broadcast, source: peerMAC, tags: tags, type: EthernetHeader.typeARP)
            ethernet.write(to: view)
            ARPPacket(
                operation: ARPPacket.request, senderMAC: peerMAC, senderAddress: peer, targetMAC: .zero,
                targetAddress: address(1)
            ).write(to: view.from(ethernet.length))
        }
        return frame
    }

    private func answer(_ request: [UInt8]) {
        answerSolicitation(request)
        guard let asked = ARPPacket(view(request).from(14)), asked.operation == ARPPacket.request,
            asked.targetAddress == peer
        else { return }
        var frame = [UInt8](repeating: 0, count: 60)
        write(&frame) { view in
            EthernetHeader(destination: mac(1), source: peerMAC, type: EthernetHeader.typeARP).write(to: view)
            ARPPacket(
                operation: ARPPacket.reply, senderMAC: peerMAC, senderAddress: peer, targetMAC: mac(1),
                targetAddress: address(1)
            ).write(to: view.from(14))
        }
        input(frame)
    }

    /// Options of a usual SYN.
    static let usual: [UInt8] = [2, 4, 0x05, 0xB4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]
    /// MSS 1460 alone.
    static let plain: [UInt8] = [2, 4, 0x05, 0xB4]
    /// MSS 1460 and SACK-permitted.
    static let sack: [UInt8] = [2, 4, 0x05, 0xB4, 1, 1, 4, 2]

    /// The bytes of a frame with a segment of the peer's.
    func frame(
        _ flags: TCPFlags, seq: UInt32? = nil, ack: UInt32? = nil, options: [UInt8] = [], payload: [UInt8] = [],
        window: UInt16? = nil, padding: Int = 0, urgent: UInt16 = 0, from source: IPv4Address? = nil
    ) -> [UInt8] {
        var options = options
        if timestamps && !flags.contains(.syn) && options.isEmpty {
            options = [1, 1, 8, 10] + be(clock) + be(0)
        }
        while options.count % 4 != 0 { options.append(0) }
        let ethernet = EthernetHeader(
            destination: mac(1), source: peerMAC, tags: tags,
            type: isIPv6 ? EthernetHeader.typeIPv6 : EthernetHeader.typeIPv4)
        let tcpLength = 20 + options.count + payload.count
        let network = isIPv6 ? 40 + extensions.bytes.count : 20
        var frame = [UInt8](repeating: 0, count: ethernet.length + network + tcpLength + padding)
        write(&frame) { view in
            ethernet.write(to: view)
            var sum: InternetChecksum
            if isIPv6 {
                let ip = IPv6Header(
                    source: peer6, destination: host6, nextHeader: extensions.first,
                    payloadLength: extensions.bytes.count + tcpLength)
                ip.write(to: view.from(ethernet.length))
                for (i, byte) in extensions.bytes.enumerated() { view[ethernet.length + 40 + i] = byte }
                sum = ip.pseudoHeader(transport: IPv4Header.protocolTCP, length: tcpLength)
            } else {
                let ip = IPv4Header(
                    source: source ?? peer, destination: address(1), transport: IPv4Header.protocolTCP,
                    payloadLength: tcpLength)
                ip.write(to: view.from(ethernet.length))
                sum = ip.pseudoHeader(length: tcpLength)
            }
            let tcp = view.slice(ethernet.length + network, tcpLength)
            var header = TCPHeader(
                sourcePort: peerPort, destinationPort: hostPort, sequence: seq ?? self.seq,
                acknowledgement: ack ?? self.ack, headerLength: 20 + options.count, flags: flags,
                window: window ?? self.window)
            header.urgentPointer = urgent
            header.write(to: tcp)
            for (i, byte) in (options + payload).enumerated() { tcp[20 + i] = byte }
            sum.add(tcp.readOnly)
            tcp.setBE16(16, sum.complement)
        }
        return frame
    }

    /// Hands a frame to the stack, without the end of a burst.
    func input(_ frame: [UInt8], _ checksum: ChecksumVerdict = .good) {
        host.receive(view(frame), checksum, now: now)
    }

    /// The stack connects to port 5000 of the peer's, from 3333; the connection, and the SYN that it sends.
    func connect() throws -> (id: ConnectionID, syn: Sent) {
        hostPort = 3333
        let id = try host.stack.connect(to: address(9), port: 5000, localPort: 3333, now: now)
        return (id, try #require(poll().first))
    }

    /// One segment as a burst of its own; returns what it brought about.
    @discardableResult func send(
        _ flags: TCPFlags, seq: UInt32? = nil, ack: UInt32? = nil, options: [UInt8] = [], payload: [UInt8] = [],
        window: UInt16? = nil
    ) -> [Sent] {
        input(frame(flags, seq: seq, ack: ack, options: options, payload: payload, window: window))
        return poll()
    }

    /// Ends the burst; returns the TCP segments that the stack sends.
    @discardableResult func poll() -> [Sent] {
        host.stack.poll(now: now, pools: &host.pools)
        host.drain()
        var sent: [Sent] = []
        var strangers: [[UInt8]] = []
        while !host.stack.output.isEmpty {
            let offload = host.stack.output.frontOffload
            // As it is, where a test looks at what the stack leaves to the device.
            if host.leavesOffload {
                let bytes = host.stack.output.front.array()
                if let segment = Script.parse(view(bytes), offload) {
                    sent.append(segment)
                } else {
                    strangers.append(bytes)
                }
                host.stack.output.popFront()
                continue
            }
            for bytes in host.takeFrames(release: host.releasesAtOnce) {
                if let segment = Script.parse(view(bytes), offload) {
                    sent.append(segment)
                } else {
                    strangers.append(bytes)
                }
            }
        }
        others += strangers
        for frame in strangers where answersARP { answer(frame) }
        return sent
    }

    /// Lets time pass in steps of the stack's own deadlines.
    func wait(_ interval: Interval) -> [Sent] {
        let end = now + interval
        var sent: [Sent] = []
        while true {
            let next = host.stack.nextDeadline
            if next > end { break }
            now = max(now, next)
            sent += poll()
        }
        now = end
        return sent + poll()
    }

    /// Opens a connection from the peer's side.
    @discardableResult func open(options: [UInt8] = Script.plain) throws -> ConnectionID {
        let answer = send(.syn, ack: 0, options: options)
        try #require(answer.count == 1)
        try #require(answer[0].flags == [.syn, .ack] && answer[0].ack == seq &+ 1)
        seq &+= 1
        ack = answer[0].seq &+ 1
        timestamps = answer[0].options.hasTimestamps
        scale = answer[0].options.windowScale ?? 0
        clock += 1
        try #require(send(.ack).isEmpty)
        let id = try #require(host.order.last)
        try #require(host.stack.info(id)?.state == .established)
        return id
    }

    /// The state of a connection that is not gone.
    func info(_ id: ConnectionID) throws -> ConnectionInfo {
        let info = host.stack.info(id)
        return try #require(info)
    }

    /// In-order data from the peer.
    @discardableResult func data(_ payload: [UInt8], _ flags: TCPFlags = [.ack]) -> [Sent] {
        let sent = send(flags, payload: payload)
        seq &+= UInt32(payload.count)
        return sent
    }

    /// An ICMP error that quotes a segment of the stack's, from a router.
    func icmp(type: UInt8, code: UInt8, rest: UInt32, about sequence: UInt32) {
        input(icmpFrame(type: type, code: code, rest: rest, about: sequence))
    }

    /// The frame that ``icmp(type:code:rest:about:)`` hands to the stack.
    func icmpFrame(type: UInt8, code: UInt8, rest: UInt32, about sequence: UInt32) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: 14 + 20 + 8 + 28)
        write(&frame) { view in
            EthernetHeader(destination: mac(1), source: peerMAC, type: EthernetHeader.typeIPv4).write(to: view)
            IPv4Header(
                source: address(254), destination: address(1), transport: IPv4Header.protocolICMP, payloadLength: 36
            ).write(to: view.from(14))
            IPv4Header(
                source: address(1), destination: peer, transport: IPv4Header.protocolTCP, payloadLength: 1480
            ).write(to: view.from(42))
            view.setBE16(62, hostPort)
            view.setBE16(64, peerPort)
            view.setBE32(66, sequence)
            ICMPMessage(type: type, code: code, rest: rest).write(to: view.slice(34, 36))
        }
        return frame
    }

    static func parse(_ frame: ByteView, _ offload: TransmitOffload = .none) -> Sent? {
        guard let ethernet = EthernetHeader(frame) else { return nil }
        let datagram = frame.from(ethernet.length)
        var sum: InternetChecksum
        let tcp: ByteView
        var networkIsGood = true
        if ethernet.type == EthernetHeader.typeIPv4 {
            guard let ip = try? IPv4Header(datagram), ip.transport == IPv4Header.protocolTCP,
                datagram.count == ip.totalLength
            else { return nil }
            tcp = datagram.from(ip.headerLength)
            sum = ip.pseudoHeader(length: tcp.count)
            networkIsGood = ip.checksumIsGood(datagram)
        } else {
            guard ethernet.type == EthernetHeader.typeIPv6, let ip = try? IPv6Header(datagram), ip.nextHeader == 6,
                datagram.count == 40 + ip.payloadLength
            else { return nil }
            tcp = datagram.from(40)
            sum = ip.pseudoHeader(transport: 6, length: tcp.count)
        }
        guard let header = TCPHeader(tcp) else { return nil }
        let optionBytes = tcp.slice(20, header.headerLength - 20)
        let options = TCPOptions(optionBytes)
        let blocks = (0..<options.sackCount).map { i in
            (
                left: optionBytes.be32(options.sackOffset + 8 * i),
                right: optionBytes.be32(options.sackOffset + 8 * i + 4)
            )
        }
        sum.add(tcp)
        return Sent(
            header: header, options: options, blocks: blocks, payload: tcp.from(header.headerLength).array(),
            checksumIsGood: sum.folded == 0xFFFF && networkIsGood,
            frame: frame.array(), offload: offload)
    }

    func write(_ frame: inout [UInt8], _ body: (MutableByteView) -> Void) {
        let space = HeapBytes(count: frame.count)
        body(space.bytes)
        frame = space.bytes.readOnly.array()
        extendLifetime(space)
    }
}

func be(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }
