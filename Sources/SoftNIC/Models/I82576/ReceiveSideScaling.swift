internal import DeviceMemory
internal import NICRegisters

/// The Toeplitz hash over addresses and ports, by tables of half bytes.
///
/// A table entry is the exclusive or of the key windows of the set bits: 24 look-ups for TCP over IPv4 instead of 96 bit tests.
struct ReceiveSideScaling: ~Copyable {
    /// RSS type of a write-back.
    enum HashType: UInt8 {
        case none = 0
        case tcpIPv4 = 1
        case ipv4 = 2
        case tcpIPv6 = 3
        case ipv6Ex = 4
        case ipv6 = 5
        case tcpIPv6Ex = 6
        case udpIPv4 = 7
        case udpIPv6 = 8
        case udpIPv6Ex = 9
    }

    /// IPv6 addresses and two ports.
    private static var inputBytes: Int { 36 }
    private var table: Slab<UInt32>
    /// RSSRK changed since the tables were made.
    private(set) var isStale = true

    init() { table = Slab(count: Self.inputBytes * 32, repeating: 0) }

    /// The key register was written.
    mutating func keyChanged() { isStale = true }

    /// Makes the tables from the 40 bytes of the key: control path.
    mutating func load(_ registers: borrowing RegisterFile) {
        func keyBit(_ bit: Int) -> UInt32 {
            guard bit < 320 else { return 0 }
            let byte = registers[I82576.rssrk(bit / 32)].rawValue >> UInt32(bit / 8 % 4 * 8) & 0xFF
            return byte >> UInt32(7 - bit % 8) & 1
        }
        for half in 0..<Self.inputBytes * 2 {
            for value in 0..<16 {
                var hash: UInt32 = 0
                for bit in 0..<4 where value >> (3 - bit) & 1 != 0 {
                    let first = half * 4 + bit
                    var window: UInt32 = 0
                    for i in 0..<32 { window = window << 1 | keyBit(first + i) }
                    hash ^= window
                }
                table[half * 16 + value] = hash
            }
        }
        isStale = false
    }

    /// The hash of `count` bytes of `frame` from `offset` on, which are bytes `position` on of the hash's input.
    func hash(_ frame: ByteView, _ offset: Int, _ count: Int, position: Int) -> UInt32 {
        var hash: UInt32 = 0
        for i in 0..<count {
            let byte = Int(frame[offset &+ i])
            let half = (position &+ i) &* 32
            hash ^= table[half &+ (byte &>> 4)] ^ table[half &+ 16 &+ (byte & 0xF)]
        }
        return hash
    }
}

extension I82576Model {
    /// The hash type and hash of a frame, by what MRQC has enabled.
    mutating func computeHash(_ frame: ByteView, _ parsed: ParsedFrame) -> (ReceiveSideScaling.HashType, UInt32) {
        let queues = registers[I82576.mrqc]
        let isOn = behaviour.hashesPlainIPv6 ? queues[.mode] == 2 : queues[.mode] & 3 == 2
        guard isOn, registers[I82576.rxcsum][.packetChecksumDisable] else { return (.none, 0) }
        let type = hashType(parsed, queues)
        guard type != .none else { return (.none, 0) }
        if hashing.isStale { hashing.load(registers) }
        let isIPv4 = parsed.network == .ipv4
        let addresses = isIPv4 ? 8 : 32
        var hash = hashing.hash(frame, parsed.networkOffset &+ (isIPv4 ? 12 : 8), addresses, position: 0)
        switch type {
        case .tcpIPv4, .tcpIPv6, .tcpIPv6Ex, .udpIPv4, .udpIPv6, .udpIPv6Ex:
            hash ^= hashing.hash(frame, parsed.transportOffset, 4, position: addresses)
        default: break
        }
        return (type, hash)
    }

    private func hashType(_ parsed: ParsedFrame, _ enabled: I82576.MultipleQueues) -> ReceiveSideScaling.HashType {
        let isTCP = parsed.transport == .tcp && !parsed.isFragment
        let isUDP = parsed.transport == .udp && !parsed.isFragment
        switch parsed.network {
        case .none: return .none
        case .ipv4:
            if isTCP && enabled[.tcpIPv4] { return .tcpIPv4 }
            if isUDP && enabled[.udpIPv4] { return .udpIPv4 }
            return enabled[.ipv4] ? .ipv4 : .none
        case .ipv6:
            if isTCP && behaviour.hashesPlainIPv6 && enabled[.tcpIPv6] && !parsed.hasExtensions { return .tcpIPv6 }
            if isTCP && enabled[.tcpIPv6Ex] { return behaviour.hashesPlainIPv6 ? .tcpIPv6Ex : .tcpIPv6 }
            if isUDP && enabled[.udpIPv6] { return .udpIPv6 }
            if isUDP && behaviour.hashesPlainIPv6 && enabled[.udpIPv6Ex] { return .udpIPv6Ex }
            if enabled[.ipv6Ex] { return .ipv6Ex }
            return enabled[.ipv6] ? .ipv6 : .none
        }
    }

    /// The queue that the redirection table gives for a hash.
    func redirect(_ hash: UInt32) -> Int {
        let index = Int(hash & 0x7F)
        let entries = registers[I82576.reta(index / 4)].rawValue
        return Int(entries &>> UInt32(index % 4 &* 8) & 0xF)
    }
}
