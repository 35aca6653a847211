import DeviceMemory
import Packets
import Timeline

@testable import Simulation

/// Two ends that say what a test wants, and the rules that listen.
final class Wiretap {
    var oracle = FlowOracle()
    var now = Instant(nanoseconds: 1_000_000_000)
    var may = [Permission(), Permission()]
    let pattern = Pattern()
    /// Options of the SYNs.
    var syn: [UInt8] = [2, 4, 0x05, 0xB4, 1, 1, 4, 2, 1, 3, 3, 2]
    var timestamps = false
    var clock: UInt32 = 100
    private let space = HeapBytes(count: 2048)

    static let iss: [UInt32] = [0xFFFF_FF00, 5000]

    init() {
        for end in 0...1 {
            may[end].stream = end
            may[end].written = 100_000
        }
    }

    /// One segment of `end`, at a position of its stream; ACK and blocks are positions of the other's.
    func frame(
        _ end: Int, _ flags: TCPFlags, at: Int, ack: Int = 0, bytes: Int = 0, window: UInt16 = 1000,
        blocks: [(Int, Int)] = [], options: [UInt8] = [], echo: UInt32? = nil,
        bend: (MutableByteView) -> Void = { _ in }
    ) -> ByteView {
        var options = options
        if flags.contains(.syn) && options.isEmpty { options = syn }
        // The window of a SYN is not scaled.
        let window = flags.contains(.syn) && window == 1000 ? 4000 : window
        if timestamps { options += [1, 1, 8, 10] + be(clock) + be(echo ?? clock) }
        if !blocks.isEmpty {
            options += [1, 1, 5, UInt8(2 + 8 * blocks.count)]
            for block in blocks {
                options += be(Wiretap.iss[1 - end] &+ UInt32(block.0)) + be(Wiretap.iss[1 - end] &+ UInt32(block.1))
            }
        }
        let length = 20 + options.count + bytes
        let ip = IPv4Header(
            source: IPv4Address(10, 0, 0, UInt8(1 + end)), destination: IPv4Address(10, 0, 0, UInt8(2 - end)),
            transport: IPv4Header.protocolTCP, payloadLength: length)
        let frame = space.bytes.slice(0, 34 + length)
        EthernetHeader(destination: .zero, source: .zero, type: EthernetHeader.typeIPv4).write(to: frame)
        ip.write(to: frame.from(14))
        let tcp = frame.from(34)
        TCPHeader(
            sourcePort: UInt16(1 + end), destinationPort: UInt16(2 - end),
            sequence: Wiretap.iss[end] &+ UInt32(truncatingIfNeeded: at),
            acknowledgement: flags.contains(.ack) ? Wiretap.iss[1 - end] &+ UInt32(truncatingIfNeeded: ack) : 0,
            headerLength: 20 + options.count, flags: flags, window: window
        ).write(to: tcp)
        for (i, byte) in options.enumerated() { tcp[20 + i] = byte }
        if bytes > 0 { tcp.from(20 + options.count).copy(pattern.bytes(may[end].stream, at - 1, bytes)) }
        bend(frame)
        var sum = ip.pseudoHeader(length: length)
        sum.add(tcp.readOnly)
        tcp.setBE16(16, sum.complement)
        return frame.readOnly
    }

    /// Sends it, and lets the other hear it; the rule that was broken, if one was.
    @discardableResult func send(
        _ end: Int, _ flags: TCPFlags, at: Int, ack: Int = 0, bytes: Int = 0, window: UInt16 = 1000,
        blocks: [(Int, Int)] = [], options: [UInt8] = [], echo: UInt32? = nil, isLost: Bool = false,
        bend: (MutableByteView) -> Void = { _ in }
    ) -> Rule? {
        let frame = frame(
            end, flags, at: at, ack: ack, bytes: bytes, window: window, blocks: blocks, options: options, echo: echo,
            bend: bend)
        return sent(frame, end, isLost: isLost)
    }

    func sent(_ frame: ByteView, _ end: Int, isLost: Bool = false) -> Rule? {
        guard let sighting = Sighting(frame) else { return .malformed }
        do throws(Failure) {
            try oracle.sent(sighting, frame, by: end, may[end], pattern, now: now)
        } catch { return error.rule }
        if !isLost { oracle.heard(sighting, by: 1 - end, now: now) }
        return nil
    }

    /// Both SYNs, and the third segment.
    func open() -> Wiretap {
        send(0, .syn, at: 0)
        send(1, [.syn, .ack], at: 0, ack: 1)
        send(0, .ack, at: 1, ack: 1)
        return self
    }

    private func be(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
    }
}
