internal import DeviceMemory

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

    /// RSSRK, the first of ten words: at the same place on all of Intel's families.
    private static var key: UInt32 { 0x5C80 }

    /// Makes the tables from the 40 bytes of the key: control path.
    mutating func load(_ registers: borrowing RegisterFile) {
        func keyBit(_ bit: Int) -> UInt32 {
            guard bit < 320 else { return 0 }
            let byte = registers[Self.key + UInt32(bit / 32) * 4] >> UInt32(bit / 8 % 4 * 8) & 0xFF
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
