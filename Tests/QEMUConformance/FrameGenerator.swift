import Timeline

/// Frames of every kind that a wire may bring, sound and unsound, from a seed.
///
/// Left out is what QEMU 10.0 does not survive or answers by chance: an IPv4 header length that reaches beyond the frame (it
/// aborts), and the addresses of type 2 routing and home address headers as input of RSS.
struct FrameGenerator {
    private var draw: SeededGenerator
    private let station: [UInt8]
    private var frame: [UInt8] = []

    init(seed: UInt64, station: [UInt8]) {
        draw = SeededGenerator(seed: seed, stream: 0xF4A3)
        self.station = station
    }

    private mutating func chance(_ percent: UInt32) -> Bool { draw.below(100) < percent }
    private mutating func pick<T>(_ values: [T]) -> T { values[Int(draw.below(UInt32(values.count)))] }
    private mutating func noise(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: draw.next()) }
    }

    /// The next frame, without check sequence; `longest` bytes of payload at most.
    mutating func next(longest: Int) -> [UInt8] {
        frame = pick([
            station, station, station, station, station, station, station, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x01, 0x00, 0x5E, 0, 0, 1], [0x02, 0, 0, 0, 0, 0x77],
        ])
        frame += [2, 0, 0, 0, 0, 9]
        if chance(20) { append16([0x8100, UInt16(draw.below(0x1_0000))]) }
        if chance(4) { append16([pick([0x8100, 0x88A8]), UInt16(draw.below(0x1_0000))]) }
        let network = frame.count + 2
        let size = Int(draw.below(UInt32(pick([8, 64, 200, 1400, longest]))))
        switch draw.below(20) {
        case 0..<11:
            append16([0x0800])
            appendIPv4(size)
        case 11..<17:
            append16([0x86DD])
            appendIPv6(size)
        case 17:
            append16([0x0806])
            frame += noise(28 + size % 32)
        case 18:
            // LLC and SNAP in front of an IPv4 packet.
            append16([UInt16(size & 0x3FF), 0xAAAA, 0x0300, 0x0000, 0x0800])
            appendIPv4(size)
        default:
            append16([UInt16(draw.below(0x1_0000))])
            frame += noise(size)
        }
        if chance(12) { frame = Array(frame.prefix(14 + Int(draw.below(UInt32(frame.count - 13))))) }
        if chance(8) { frame += noise(Int(draw.below(24))) }
        keepHeaderInside(network)
        return frame
    }

    /// Shortens an IPv4 header length that reaches beyond the frame, which has 60 bytes at least on arrival.
    private mutating func keepHeaderInside(_ network: Int) {
        guard frame.count > network else { return }
        let room = (max(frame.count, 60) - network) / 4
        let length = Int(frame[network] & 0xF)
        if length > room { frame[network] = frame[network] & 0xF0 | UInt8(max(room, 0)) }
    }

    private mutating func append16(_ words: [UInt16]) {
        for word in words { frame += [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)] }
    }

    private mutating func appendIPv4(_ size: Int) {
        let start = frame.count
        let options = chance(25) ? 4 * Int(draw.below(11)) : 0
        let number = pick([6, 6, 6, 6, 17, 17, 1, 132, 4, 41, 50, 51, UInt8(draw.below(256))])
        var version: UInt8 = 4
        if chance(2) { version = UInt8(draw.below(16)) }
        var words = 5 + options / 4
        if chance(2) { words = Int(draw.below(16)) }
        frame += [version << 4 | UInt8(words), UInt8(draw.below(4)), 0, 0]
        frame += noise(2)
        append16([fragmentation()])
        frame += [64, number, 0, 0]
        frame += chance(70) ? [10, 0, 0, UInt8(draw.below(8)), 10, 0, 0, 2] : noise(8)
        frame += [UInt8](repeating: 1, count: options)
        let body = frame.count
        appendTransport(number, size, pseudo: Array(frame[(start + 12)..<(start + 20)]))
        var total = frame.count - start
        if chance(4) { total = max(0, total + Int(draw.below(60)) - 30) }
        frame[start + 2] = UInt8(truncatingIfNeeded: total >> 8)
        frame[start + 3] = UInt8(truncatingIfNeeded: total)
        let sum = ~onesSum(frame[start..<body], 0) & 0xFFFF
        let wrong = chance(5) ? UInt32(draw.below(0xFFFF)) + 1 : 0
        set16(start + 10, sum ^ wrong)
    }

    private mutating func fragmentation() -> UInt16 {
        switch draw.below(20) {
        case 0: 0x2000
        case 1: 0x2000 | UInt16(draw.below(0x2000))
        case 2: UInt16(draw.below(0x2000))
        case 3: 0x8000
        case 4..<9: 0x4000
        default: 0
        }
    }

    private mutating func appendIPv6(_ size: Int) {
        let start = frame.count
        let number = pick([6, 6, 6, 6, 17, 17, 58, 59, 132, 50, UInt8(draw.below(256))])
        frame += [0x60 | UInt8(draw.below(16)), 0, 0, 0, 0, 0, 0, 64]
        if chance(2) { frame[start] = UInt8(draw.below(256)) }
        let addresses = [UInt8](repeating: 0xFD, count: 15) + [UInt8(draw.below(8))]
        frame += chance(70) ? addresses + [UInt8](repeating: 0xFD, count: 15) + [9] : noise(32)
        var kinds: [UInt8] = []
        while chance(30) && kinds.count < 5 { kinds.append(pick([0, 60, 43, 44, 51])) }
        frame[start + 6] = kinds.first ?? number
        for (index, kind) in kinds.enumerated() {
            appendExtension(kind, next: index + 1 < kinds.count ? kinds[index + 1] : number)
        }
        appendTransport(number, size, pseudo: Array(frame[(start + 8)..<(start + 40)]))
        var length = frame.count - start - 40
        if chance(4) { length = max(0, length + Int(draw.below(60)) - 30) }
        frame[start + 4] = UInt8(truncatingIfNeeded: length >> 8)
        frame[start + 5] = UInt8(truncatingIfNeeded: length)
    }

    /// Hop-by-hop and destination options with padding, routing of type 0, fragment, authentication.
    private mutating func appendExtension(_ kind: UInt8, next: UInt8) {
        switch kind {
        case 44:
            frame += [next, 0]
            append16([chance(50) ? 0 : UInt16(draw.below(0x1_0000))])
            frame += noise(4)
        case 51:
            let words = UInt8(draw.below(4)) + 1
            frame += [next, words] + noise(4 * (Int(words) + 2) - 2)
        case 43:
            let segments = UInt8(draw.below(3))
            frame += [next, 2 * segments, 0, segments] + noise(4 + 16 * Int(segments))
        default:
            let units = UInt8(draw.below(3))
            let padding = 8 * (Int(units) + 1) - 4
            frame += [next, units, 1, UInt8(padding)] + [UInt8](repeating: 0, count: padding)
        }
    }

    private mutating func appendTransport(_ number: UInt8, _ size: Int, pseudo: [UInt8]) {
        let start = frame.count
        let field: Int
        switch number {
        case 6:
            let options = chance(40) ? 4 * Int(draw.below(11)) : 0
            var words = 5 + options / 4
            if chance(2) { words = Int(draw.below(16)) }
            append16([UInt16(1000 + draw.below(16)), chance(80) ? 5001 : 2049])
            frame += noise(8)
            frame += [UInt8(words << 4), UInt8(draw.below(64)), 0xFF, 0xFF, 0, 0, 0, 0]
            frame += [UInt8](repeating: 1, count: options)
            field = 16
        case 17:
            append16([UInt16(1000 + draw.below(16)), pick([5001, 2049, 319, 4789])])
            var length = 8 + size
            if chance(4) { length = max(0, length + Int(draw.below(60)) - 30) }
            append16([UInt16(truncatingIfNeeded: length), 0])
            field = 6
        default:
            frame += noise(size)
            return
        }
        frame += noise(size)
        if number == 17 && chance(15) { return }  // no checksum at all
        let length = frame.count - start
        var sum = onesSum(pseudo[...], UInt32(number) + UInt32(length & 0xFFFF) + UInt32(length >> 16))
        sum = ~onesSum(frame[start...], sum) & 0xFFFF
        set16(start + field, chance(8) ? sum ^ (UInt32(draw.below(0xFFFF)) + 1) : sum)
    }

    private mutating func set16(_ offset: Int, _ value: UInt32) {
        frame[offset] = UInt8(truncatingIfNeeded: value >> 8)
        frame[offset + 1] = UInt8(truncatingIfNeeded: value)
    }
}

/// The one's-complement sum of `bytes` as big-endian words, added to `start` (RFC 1071).
private func onesSum(_ bytes: ArraySlice<UInt8>, _ start: UInt32) -> UInt32 {
    var sum = UInt64(start)
    var high = true
    for byte in bytes {
        sum += high ? UInt64(byte) << 8 : UInt64(byte)
        high.toggle()
    }
    while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
    return UInt32(sum)
}
