internal import CShim
internal import DeviceMemory
internal import Glibc

/// QEMU's qtest protocol over a stream socket: one line out, one line back, an access at a time.
///
/// The answer to a write comes when the device has taken it, so program order is bus order. Every wait is bounded. A QEMU that is
/// gone, silent or talks nonsense latches ``isGone``: from then on nothing is asked any more.
struct QTestConnection: ~Copyable {
    /// Room for the longest line of either side, "writel 0x%016x 0x%08x".
    private static var lineBytes: Int { 96 }

    private let socket: OwnedDescriptor
    private var line = InlineArray<96, UInt8>(repeating: 0)
    private var used = 0
    /// Whether QEMU no longer answers.
    private(set) var isGone = false

    /// Takes over this side's end; each wait lasts `seconds` at most.
    init(taking socket: consuming OwnedDescriptor, seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        self.socket = socket
    }

    /// Looks whether the other end is still there, without asking it anything.
    mutating func look() {
        var request = pollfd(fd: socket.rawValue, events: 0, revents: 0)
        if unsafe poll(&request, 1, 0) > 0 { isGone = true }
    }

    /// `readl`: 32 bits of the machine's physical address space; all ones from a machine that is gone.
    mutating func read32(_ address: UInt64) -> UInt32 { ask("readl ", address, nil, answers: true) }

    /// `writel`
    mutating func write32(_ address: UInt64, _ value: UInt32) {
        _ = ask("writel ", address, value, answers: false)
    }

    /// `inl`: 32 bits of an I/O port.
    mutating func readPort32(_ port: UInt16) -> UInt32 { ask("inl ", UInt64(port), nil, answers: true) }

    /// `outl`
    mutating func writePort32(_ port: UInt16, _ value: UInt32) {
        _ = ask("outl ", UInt64(port), value, answers: false)
    }

    private mutating func ask(_ verb: StaticString, _ address: UInt64, _ value: UInt32?, answers: Bool) -> UInt32 {
        guard !isGone else { return .max }
        used = 0
        verb.withUTF8Buffer { bytes in unsafe bytes.forEach { put($0) } }
        put(hex: address)
        if let value {
            put(UInt8(ascii: " "))
            put(hex: UInt64(value))
        }
        put(UInt8(ascii: "\n"))
        guard sendLine(), receiveLine(), let result = parseAnswer(answers) else {
            isGone = true
            return .max
        }
        return result
    }

    private mutating func put(_ byte: UInt8) {
        guard used < Self.lineBytes else { return }
        line[used] = byte
        used &+= 1
    }

    private mutating func put(hex value: UInt64) {
        put(UInt8(ascii: "0"))
        put(UInt8(ascii: "x"))
        var shift = value == 0 ? 0 : (63 &- value.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value &>> UInt64(shift)) & 0xF
            put(digit < 10 ? digit &+ UInt8(ascii: "0") : digit &+ (UInt8(ascii: "a") &- 10))
            shift &-= 4
        }
    }

    private func sendLine() -> Bool {
        var sent = 0
        while sent < used {
            let n = unsafe line.span.withUnsafeBytes { bytes in
                unsafe send(
                    socket.rawValue, bytes.baseAddress.map { unsafe $0 + sent }, used &- sent, Int32(MSG_NOSIGNAL))
            }
            if n < 0 && errno == EINTR { continue }
            guard n > 0 else { return false }
            sent &+= n
        }
        return true
    }

    /// Reads up to the end of the line, which is all that QEMU has to say until the next request.
    private mutating func receiveLine() -> Bool {
        used = 0
        while used == 0 || line[used &- 1] != UInt8(ascii: "\n") {
            let room = Self.lineBytes &- used
            guard room > 0 else { return false }
            let start = used
            var span = line.mutableSpan
            let n = unsafe span.withUnsafeMutableBytes { bytes in
                unsafe recv(socket.rawValue, bytes.baseAddress.map { unsafe $0 + start }, room, 0)
            }
            if n < 0 && errno == EINTR { continue }
            guard n > 0 else { return false }
            used &+= n
        }
        return true
    }

    /// "OK", or "OK 0x" and digits; anything else is no answer.
    private func parseAnswer(_ wanted: Bool) -> UInt32? {
        guard used >= 3, line[0] == UInt8(ascii: "O"), line[1] == UInt8(ascii: "K") else { return nil }
        guard wanted else { return 0 }
        guard used > 6, line[2] == UInt8(ascii: " "), line[3] == UInt8(ascii: "0"), line[4] == UInt8(ascii: "x") else {
            return nil
        }
        var value: UInt64 = 0
        for index in 5..<(used &- 1) {
            let byte = line[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- (UInt8(ascii: "a") &- 10)
            default: return nil
            }
            value = value &<< 4 | UInt64(digit)
        }
        return UInt32(truncatingIfNeeded: value)
    }
}
