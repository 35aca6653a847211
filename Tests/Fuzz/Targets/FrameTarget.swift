internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import TCPLite
internal import Timeline

/// Frames into a stack that listens, connects and answers, with four peers that may say anything.
///
/// An input is a few bytes of configuration, then steps: a byte that says what kind, and what the kind asks for. Whatever comes,
/// the books balance, what is sent can be read, windows stay where they were offered, and nothing is due for ever.
enum FrameTarget {
    static let steps = 96

    static func run(_ input: inout FuzzInput) throws(Finding) {
        let run = FrameRun(&input)
        for _ in 0..<steps where !input.isEmpty { try run.step(&input) }
        try run.stage.finish()
    }
}

/// One peer's side of a connection, as far as it can be seen on the wire.
private struct Peer {
    var port: UInt16
    /// What the stack waits for, and what it sends next.
    var expected: UInt32 = 0x1000
    var sent: UInt32 = 0
    /// The stack's clock.
    var timestamp: UInt32 = 0
}

private final class FrameRun {
    let stage: Stage
    private let frame = PeerFrame()
    private var peers = (0..<4).map { Peer(port: UInt16(5000 + $0)) }
    private var known: [(id: ConnectionID, edge: SequenceNumber)] = []
    private var clock: UInt32 = 1

    init(_ input: inout FuzzInput) {
        let (a, b) = (input.byte(), input.byte())
        stage = Stage(
            Stage.configuration {
                $0.slotsPerFlow = a & 1 == 0 ? 8 : 0
                $0.slotBudget = 32
                $0.linearBlocks = 64
                $0.linearBytesPerFlow = 8 << 10
                $0.outOfOrderRanges = a & 2 == 0 ? 8 : 64
                $0.timestamps = a & 4 == 0
                $0.selectiveAcknowledgement = a & 8 == 0
                $0.nagle = a & 16 == 0
                $0.keepAlive = a & 32 != 0
                $0.keepAliveIdle = .seconds(2)
                $0.keepAliveInterval = .seconds(1)
                $0.keepAliveProbes = 3
                $0.transmitChecksumOffload = a & 64 != 0
                $0.congestionControl = a & 128 != 0 ? .cubic : .newReno
                $0.acknowledgeEvery = b & 1 == 0 ? 2 : 1
                $0.initialSequence = b & 2 == 0 ? .keyed : .fixed(.max - 100)
                $0.interface.mtu = b & 4 == 0 ? 1500 : 100
                $0.windowScale = b & 8 == 0 ? 7 : 0
                $0.backlog = b & 16 == 0 ? 4 : 1
                $0.untrustedLimit = 2
                $0.giveUp = .seconds(20)
                $0.msl = .seconds(2)
                // What every link carries of IPv6 is more than the smallest MTU here.
                guard b & 68 == 0 else { return }
                $0.interface.ipv6 = IPv6Configuration(
                    linkLocal: .linkLocal(PeerFrame.hostMAC), address: PeerFrame.host6)
            }, slots: 40)
        try? stage.stack.listen(port: 80, flow: b & 32 == 0 ? nil : .shared)
        frame.arp(operation: 1, peer: address(0))
        stage.receive(frame.view, boundary: frame.view.count, .good)
        frame.solicitation()
        stage.receive(frame.view, boundary: frame.view.count, .good)
    }

    /// All peers are one host, so that one packet teaches the stack its address.
    private func address(_ peer: Int) -> IPv4Address { IPv4Address(10, 0, 0, 9) }

    func step(_ input: inout FuzzInput) throws(Finding) {
        let kind = input.byte()
        switch kind & 7 {
        case 0, 1, 2: segment(&input, kind)
        case 3:
            frame.raw(input.take(Int(input.be16() & 0x7FF)))
            arrive(&input)
        case 4 where kind & 0x80 != 0: datagram(&input, kind)
        case 4:
            frame.raw(input.take(Int(input.byte())))
            frame.completeSums()
            arrive(&input)
        case 5:
            stage.now = stage.now + .milliseconds(UInt64(input.byte()) << UInt64(kind >> 5))
            clock &+= 1
        case 6: try application(&input, kind)
        default: control(&input, kind)
        }
        // Most steps end a burst.
        if kind & 0x40 == 0 { try poll() }
        try check()
    }

    /// Anything behind an IPv6 header, to an address of ours or to a group.
    private func datagram(_ input: inout FuzzInput, _ kind: UInt8) {
        let (next, place, hops) = (input.byte(), input.byte(), input.byte())
        let own = IPv6Address.linkLocal(PeerFrame.hostMAC)
        let body = input.take(Int(input.byte()))
        let ip = IPv6Header(
            source: [PeerFrame.peer6, .linkLocal(PeerFrame.peerMAC), .unspecified, PeerFrame.peer6][Int(place & 3)],
            destination: [PeerFrame.host6, own, .allNodes, PeerFrame.host6.solicitedNode][Int(place >> 2 & 3)],
            nextHeader: place & 0x10 == 0 ? IPv6Header.protocolICMP : next, payloadLength: body.count,
            hopLimit: place & 0x20 == 0 ? 255 : hops)
        frame.datagram(ip) { $0.copy(body) }
        if kind & 0x20 != 0 { frame.flip(Int(input.be16()), input.byte()) }
        arrive(&input)
    }

    /// A segment near what the stack waits for. The last two peers speak IPv6.
    private func segment(_ input: inout FuzzInput, _ kind: UInt8) {
        let peer = peers[Int(kind >> 3 & 3)]
        let shape = input.byte()
        var header = TCPHeader(
            sourcePort: peer.port, destinationPort: 80,
            sequence: peer.expected
                &+ (shape & 1 == 0 ? 0 : UInt32(bitPattern: Int32(Int16(bitPattern: input.be16())))),
            acknowledgement: peer.sent
                &+ (shape & 2 == 0 ? 0 : UInt32(bitPattern: Int32(Int8(bitPattern: input.byte())))),
            flags: TCPFlags(rawValue: shape & 4 == 0 ? 0x10 : input.byte()),
            window: shape & 8 == 0 ? 8192 : input.be16())
        if kind & 0x20 != 0 { header.destinationPort = 49152 &+ UInt16(input.byte() & 3) }
        if shape & 16 != 0 { header.urgentPointer = input.be16() }
        var options: [UInt8] = []
        if shape & 32 == 0 {
            if header.flags.contains(.syn) { options += [2, 4, 5, 0xB4, 4, 2, 3, 3, 7, 1] }
            options += [1, 1, 8, 10] + be(clock) + be(peer.timestamp)
        } else {
            options = input.take(Int(input.byte()) % 41).array()
        }
        let length = shape & 64 == 0 ? 0 : Int(input.be16()) % 1461
        let fill: (MutableByteView) -> Void = { view in
            for i in 0..<view.count { view[i] = UInt8(truncatingIfNeeded: i) }
        }
        if kind & 0x10 != 0 && stage.configuration.interface.ipv6 != nil {
            frame.segment6(header, options: options, payload: length, fill: fill)
        } else {
            frame.segment(header, from: address(0), options: options, payload: length, fill: fill)
        }
        if shape & 128 != 0 {
            frame.flip(Int(input.be16()), input.byte())
            if input.flag() { frame.completeSums() }
        }
        arrive(&input)
    }

    /// How the device lays the frame out, and what it says of it.
    private func arrive(_ input: inout FuzzInput) {
        let how = input.byte()
        let view = frame.view
        let boundary =
            switch how & 7 {
            case 0, 1, 2: frame.payloadStart
            case 3: frame.payloadStart + Int(input.byte())
            case 4: view.count
            default: Int(input.be16()) % (view.count + 1)
            }
        let verdict: ChecksumVerdict = [.good, .good, .unknown, .bad][Int(how >> 3 & 3)]
        stage.receive(
            view, boundary: min(boundary, view.count), split: how & 0xE0 == 0xE0 ? .headerOverflow : .split, verdict)
    }

    private func application(_ input: inout FuzzInput, _ kind: UInt8) throws(Finding) {
        let id = known.isEmpty ? nil : known[Int(kind >> 3) % known.count].id
        switch input.byte() % 12 {
        case 0, 1, 2: while try stage.take(note) {}
        case 3: _ = try stage.take(note)
        case 4: stage.giveBack(Int(input.byte()))
        case 5: if let id { send(id, Int(input.be16()) & 0xFFF) }
        case 6: if let id { stage.stack.shutdown(id) }
        case 7: if let id { stage.stack.leave(id, pools: &stage.pools) }
        case 8: if let id { stage.stack.abort(id, pools: &stage.pools) }
        case 9:
            let port: UInt16? = input.flag() ? 49152 &+ UInt16(input.byte() & 3) : nil
            let isIPv6 = kind & 0x10 != 0 && stage.configuration.interface.ipv6 != nil
            if let id = try? stage.stack.connect(
                to: isIPv6 ? InternetAddress(PeerFrame.peer6) : InternetAddress(address(0)),
                port: peers[Int(kind >> 3 & 3)].port, localPort: port, now: stage.now)
            {
                known.append((id, SequenceNumber(0)))
            }
        case 10:
            if let id {
                stage.stack.setPull(id, input.flag())
                stage.stack.demand(id, bytes: Int(input.be16()))
            }
        default:
            if input.flag() { stage.stack.unlisten(port: 80) } else { try? stage.stack.listen(port: 80) }
        }
    }

    private func send(_ id: ConnectionID, _ count: Int) {
        let bytes = HeapBytes(count: count)
        _ = stage.stack.send(id, bytes.bytes.readOnly)
        extendLifetime(bytes)
    }

    private func note(_ kind: Delivery.Kind, _ id: ConnectionID, _ bytes: ByteView?, _ given: UInt16?) throws(Finding) {
        if case .opened = kind, !known.contains(where: { $0.id == id }) { known.append((id, SequenceNumber(0))) }
        if known.count > 8 { known.removeFirst() }
    }

    /// ARP and ICMP.
    private func control(_ input: inout FuzzInput, _ kind: UInt8) {
        let peer = peers[Int(kind >> 3 & 3)]
        if kind & 0x20 == 0 {
            frame.arp(operation: 1 + UInt16(input.byte() & 1), peer: address(0))
        } else {
            frame.icmp(
                type: input.byte(), code: input.byte(), rest: UInt32(input.be16()), peer: address(0),
                ports: (80, peer.port), sequence: peer.sent &- UInt32(input.byte()))
        }
        if kind & 0x80 != 0 { frame.flip(Int(input.be16()), input.byte()) }
        arrive(&input)
    }

    private func poll() throws(Finding) {
        var frames = 0
        try stage.poll { (emission, _) throws(Finding) in
            frames += 1
            guard let emission else { return }
            guard let i = peers.firstIndex(where: { $0.port == emission.header.destinationPort }) else { return }
            if emission.flags.contains(.ack) { peers[i].expected = emission.header.acknowledgement }
            peers[i].sent = emission.sequence &+ UInt32(emission.length)
            if emission.options.hasTimestamps { peers[i].timestamp = emission.options.timestampValue }
        }
        // One burst in, a bounded one out.
        guard frames <= 4096 else { throw Finding("\(frames) frames at one moment") }
    }

    private func check() throws(Finding) {
        try stage.checkBooks()
        for i in known.indices {
            guard let info = stage.stack.info(known[i].id) else { continue }
            if info.state != .synSent, info.state != .closed {
                let edge = known[i].edge
                guard edge == SequenceNumber(0) || info.rcvAdv >= edge || info.state == .timeWait else {
                    throw Finding("the window's edge went back from \(edge) to \(info.rcvAdv)")
                }
                guard info.rcvAdv >= info.rcvNxt else { throw Finding("more came than was invited: \(info)") }
                known[i].edge = info.rcvAdv
            }
            let isOpen = info.state != .synSent && info.state != .synReceived && info.state != .closed
            guard info.sndUna <= info.sndNxt, info.cwnd > 0 || !isOpen, info.sendBuffered >= 0,
                info.sendBuffered <= stage.configuration.sendBufferBytes,
                info.outOfOrderRanges <= stage.configuration.outOfOrderRanges
            else { throw Finding("a connection that cannot be: \(info)") }
        }
    }
}

/// A number as four bytes.
func be(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) } }
