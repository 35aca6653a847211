internal import DeviceMemory
internal import Packets
internal import Timeline

/// One step of a scripted peer. Positions are relative to where it has got to.
package struct Lie: Sendable, Hashable, Codable {
    package enum Kind: String, CaseIterable, Sendable, Codable {
        /// Nothing for so many microseconds.
        case wait
        /// `b` bytes at `a`, right or wrong.
        case data, wrong
        /// FIN, RST or SYN at `a`.
        case fin, reset, syn
        /// An ACK of what came, and of `a` bytes more.
        case ack
        /// The window from now on.
        case window
        /// SACK blocks of `b` bytes at `a` beyond the ACK.
        case sack
        /// Stops answering, or goes on.
        case mute
        /// A segment with the control bits `a`.
        case flags
        /// Shifts its timestamps by `a` milliseconds.
        case time
    }

    package var kind: Kind
    package var a = 0
    package var b = 0

    package init(kind: Kind, a: Int = 0, b: Int = 0) {
        self.kind = kind
        self.a = a
        self.b = b
    }
}

extension Lie {
    /// A script.
    static func draw(_ random: inout SeededGenerator) -> [Lie] {
        func below(_ n: Int) -> Int { Int(random.below(UInt32(n))) }
        return (0..<(5 + below(60))).map { _ in
            switch below(24) {
            case 0...7: Lie(kind: .data, a: 0, b: 1 + below(1400))
            case 8: Lie(kind: .data, a: below(8000) - 2000, b: 1 + below(1400))
            case 9, 10: Lie(kind: .data, a: below(3000), b: 1 + below(600))
            case 11: Lie(kind: .wrong, a: below(6000) - 3000, b: 1 + below(1400))
            case 12, 13: Lie(kind: .wait, a: [100, 10_000, 300_000, 5_000_000][below(4)])
            case 14: Lie(kind: .ack, a: [-70_000, -1000, -1, 1, 1000, 1 << 30][below(6)])
            case 15, 16: Lie(kind: .window, a: [0, 0, 1, 100, 2000, 65535][below(6)])
            case 17, 18: Lie(kind: .sack, a: below(20_000) - 8_000, b: below(8_000) - 1_000)
            case 19: Lie(kind: .mute, a: below(2))
            case 20: Lie(kind: .syn, a: [0, 1, 1000, -1, 1 << 20][below(5)])
            case 21: Lie(kind: .flags, a: below(256) & ~6, b: below(2))
            case 22: Lie(kind: .time, a: [-100_000, -5, 5, 1 << 30][below(4)])
            default:
                below(3) == 0
                    ? Lie(kind: [.fin, .reset][below(2)], a: [0, 0, 0, 1, 500, 60_000, -1][below(7)])
                    : Lie(kind: .data, a: -below(3000), b: 1 + below(3000) % 1400)
            }
        }
    }
}

/// A peer that follows a script instead of TCP.
final class Liar {
    /// A segment that it is going to send.
    struct Segment {
        var position: Int
        var flags: TCPFlags
        var ack: UInt32
        var bytes = 0
        var isWrong = false
        var blocks: [(UInt32, UInt32)] = []
        var timestamp: UInt32 = 0
    }

    private let script: [Lie]
    private let plan: StationPlan
    private let iss: UInt32
    private var step = 0
    private var queue: [Segment] = []
    private var isOpen = false
    private var tries = 0
    private var position = 1
    private var expected: UInt32 = 0
    private var window = 65535
    private var isMute = false
    private var usesTimestamps = false
    private var echo: UInt32 = 0
    private var shift: UInt32 = 0
    private var owesARP: ByteViewCopy?
    /// When it does something by itself.
    private(set) var wake: Instant
    /// The script is over, or was ended by a reset.
    private(set) var isDone = false
    private var doneAt = Instant.never

    private struct ByteViewCopy {
        var bytes: [UInt8]
    }

    init(_ script: [Lie], plan: StationPlan, seed: UInt64, start: Instant) {
        self.script = script
        self.plan = plan
        iss = UInt32(truncatingIfNeeded: seed &* 0x9E37_79B9)
        wake = start
    }

    func hear(_ frame: ByteView, _ s: Sighting?, now: Instant) {
        guard let s else {
            // Whoever asks for its address gets it.
            if frame.count >= 42, frame.be16(12) == 0x0806, frame.be16(20) == 1 {
                owesARP = ByteViewCopy(bytes: frame.array())
            }
            return
        }
        // Whoever answers for ever can keep a connection for ever.
        if isDone && now - doneAt > .seconds(100) { return }
        if s.isRST {
            isDone = true
            wake = .never
            return
        }
        if let timestamp = s.timestamp { echo = timestamp.value }
        if s.isSYN && s.hasACK && !isOpen {
            isOpen = true
            usesTimestamps = s.timestamp != nil
            expected = s.seq &+ 1
            wake = now + .microseconds(100)
            answer(now)
            return
        }
        guard isOpen, s.length > 0, !isMute else { return }
        let ahead = Int32(bitPattern: s.seq &- expected)
        let end = s.seq &+ UInt32(s.length)
        if ahead <= 0 && Int32(bitPattern: end &- expected) > 0 { expected = end }
        answer(now)
    }

    private func answer(_ now: Instant) { say(position, .ack, now) }

    private func say(
        _ position: Int, _ flags: TCPFlags, _ now: Instant, bytes: Int = 0, isWrong: Bool = false, beyond: Int = 0,
        blocks: [(UInt32, UInt32)] = []
    ) {
        let time = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000) &+ shift
        queue.append(
            Segment(
                position: position, flags: flags, ack: expected &+ UInt32(truncatingIfNeeded: beyond), bytes: bytes,
                isWrong: isWrong, blocks: blocks, timestamp: time))
    }

    func step(now: Instant) {
        guard wake <= now else { return }
        guard isOpen else {
            tries += 1
            isDone = tries > 8
            wake = isDone ? .never : now + .seconds(1)
            say(0, .syn, now)
            return
        }
        guard step < script.count else {
            isDone = true
            doneAt = now
            wake = .never
            return
        }
        wake = now + .microseconds(50)
        perform(script[step], now)
        step += 1
    }

    private func perform(_ lie: Lie, _ now: Instant) {
        let at = max(position + min(lie.a, 1 << 24), 1)
        switch lie.kind {
        case .wait: wake = now + .microseconds(UInt64(max(lie.a, 0)))
        case .data, .wrong:
            let bytes = min(max(lie.b, 1), 1400)
            say(at, [.ack, .psh], now, bytes: bytes, isWrong: lie.kind == .wrong)
            if lie.kind == .data && lie.a == 0 { position += bytes }
        case .fin: say(at, [.fin, .ack], now)
        case .reset: say(at, [.rst, .ack], now)
        case .syn: say(at, .syn, now)
        case .ack: say(position, .ack, now, beyond: lie.a)
        case .window:
            window = min(max(lie.a, 0), 65535)
            answer(now)
        case .sack:
            let left = expected &+ UInt32(truncatingIfNeeded: lie.a)
            let right = left &+ UInt32(truncatingIfNeeded: lie.b)
            say(position, .ack, now, blocks: [(left, right), (right &+ 100, right &+ 200)])
        case .mute: isMute = lie.a == 0
        case .flags: say(position, TCPFlags(rawValue: UInt8(truncatingIfNeeded: lie.a)), now, bytes: lie.b)
        case .time: shift &+= UInt32(truncatingIfNeeded: lie.a)
        }
    }

    /// Writes the next frame; its length, or `nil` when there is none.
    func next(_ space: MutableByteView, _ pattern: borrowing Pattern) -> Int? {
        if let request = owesARP {
            owesARP = nil
            return answerARP(request.bytes, space)
        }
        guard !queue.isEmpty else { return nil }
        let segment = queue.removeFirst()
        EthernetHeader(destination: Station.mac(1), source: Station.mac(0), type: EthernetHeader.typeIPv4).write(
            to: space)
        var writer = TCPOptionWriter(space.from(54))
        if segment.flags.contains(.syn) {
            writer.mss(UInt16(clamping: plan.mtu - 40))
            if plan.sack { writer.sackPermitted() }
            if plan.timestamps { writer.timestamps(value: segment.timestamp, echo: 0) }
        } else {
            if usesTimestamps { writer.timestamps(value: segment.timestamp, echo: echo) }
            if !segment.blocks.isEmpty {
                writer.sack(count: segment.blocks.count)
                for block in segment.blocks { writer.sackBlock(block.0, block.1) }
            }
        }
        let headerLength = 20 + writer.finish()
        let length = headerLength + segment.bytes
        let tcp = space.slice(34, length)
        TCPHeader(
            sourcePort: Ports.of(0, 0), destinationPort: Ports.of(0, 1),
            sequence: iss &+ UInt32(segment.position),
            acknowledgement: segment.flags.contains(.ack) ? segment.ack : 0, headerLength: headerLength,
            flags: segment.flags, window: UInt16(window)
        ).write(to: tcp)
        let payload = tcp.from(headerLength)
        if segment.bytes > 0 {
            payload.copy(pattern.bytes(0, segment.position - 1, segment.bytes))
            if segment.isWrong { for i in 0..<segment.bytes { payload[i] ^= Liar.wrongness } }
        }
        let ip = IPv4Header(
            source: Station.address(0), destination: Station.address(1), transport: IPv4Header.protocolTCP,
            payloadLength: length)
        ip.write(to: space.from(14))
        var sum = ip.pseudoHeader(length: length)
        sum.add(tcp.readOnly)
        tcp.setBE16(16, sum.complement)
        return 34 + length
    }

    /// What is added to bytes that are wrong.
    static let wrongness: UInt8 = 0x55

    private func answerARP(_ request: [UInt8], _ space: MutableByteView) -> Int {
        for (i, byte) in request.enumerated() { space[i] = byte }
        EthernetHeader(destination: Station.mac(1), source: Station.mac(0), type: 0x0806).write(to: space)
        space.setBE16(20, 2)
        for i in 0..<10 { space[32 + i] = request[22 + i] }
        for i in 0..<6 { space[22 + i] = [2, 0, 0, 0, 0, 1][i] }
        space.setBE32(28, Station.address(0).rawValue)
        return 42
    }
}
