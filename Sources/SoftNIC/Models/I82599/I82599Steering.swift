internal import DeviceMemory
internal import NICRegisters

/// Where a frame goes, and which filters said so.
struct I82599Verdict: BitwiseCopyable {
    /// The receive queue.
    var queue: Int
    /// A flow director filter that matched.
    var flow: FlowTable.Entry?
    /// The EtherType filter that matched.
    var etherTypeFilter: Int?
    /// The filter drops the frame.
    var drops = false
}

/// The steering filters that are switched on: made when a register changes, so that a frame pays for filters only when there
/// are some.
struct I82599Steering: BitwiseCopyable {
    /// ETQF entries with their enable bit, a bit each.
    private(set) var etherTypes: UInt8 = 0
    /// SYNQF is on.
    private(set) var hasSYN = false
    /// 5-tuple filters that are on, highest priority first; of equal ones, the one with the lowest number.
    private(set) var fiveTuples = InlineArray<128, UInt8>(repeating: 0)
    private(set) var fiveTupleCount = 0

    init() {}

    /// Reads the registers: control path.
    init(_ registers: borrowing RegisterFile) {
        for i in 0..<8 where registers[I82599.etqf(i)][.enable] { etherTypes |= 1 << UInt8(i) }
        hasSYN = registers[I82599.synqf][.enable]
        for priority in (0..<UInt32(8)).reversed() {
            for i in 0..<I82599.fiveTupleCount
            where registers[I82599.ftqf(i)][.enable] && registers[I82599.ftqf(i)][.priority] == priority {
                fiveTuples[fiveTupleCount] = UInt8(i)
                fiveTupleCount += 1
            }
        }
    }

    /// Whether a change of the register at `offset` changes the filters.
    static func concerns(_ offset: UInt32) -> Bool {
        (offset >= 0x5128 && offset < 0x5148) || (offset >= 0xE600 && offset < 0xE800) || offset == 0xEC30
    }

    /// The EtherType filter that matches a frame.
    func matchEtherType(_ frame: ByteView, _ parsed: ParsedFrame, _ registers: borrowing RegisterFile) -> Int? {
        guard etherTypes != 0 else { return nil }
        let type = UInt32(frame.be16(parsed.networkOffset &- 2))
        for i in 0..<8 where etherTypes &>> UInt8(i) & 1 != 0 && registers[I82599.etqf(i)][.type] == type { return i }
        return nil
    }

    /// Whether a frame opens a connection: SYN, with ACK or without.
    func matchSYN(_ frame: ByteView, _ parsed: ParsedFrame) -> Bool {
        hasSYN && parsed.transport == .tcp && frame[parsed.transportOffset &+ 13] & 0x02 != 0
    }

    /// The 5-tuple filter that matches a frame; they look at IPv4 only.
    func matchFiveTuple(_ frame: ByteView, _ parsed: ParsedFrame, _ registers: borrowing RegisterFile) -> Int? {
        guard fiveTupleCount > 0, parsed.network == .ipv4 else { return nil }
        for i in 0..<fiveTupleCount {
            let number = Int(fiveTuples[i])
            if Self.matches(number, frame, parsed, registers) { return number }
        }
        return nil
    }

    private static func matches(
        _ number: Int, _ frame: ByteView, _ parsed: ParsedFrame, _ registers: borrowing RegisterFile
    ) -> Bool {
        let filter = registers[I82599.ftqf(number)]
        // Mask: source and destination address, source and destination port, protocol; 1 is ignored. Pools do not exist.
        let mask = filter[.mask]
        guard filter[.poolMask] else { return false }
        if mask & 16 == 0 && filter[.protocolCode] != protocolCode(frame[parsed.networkOffset &+ 9]) { return false }
        let network = parsed.networkOffset
        if mask & 1 == 0 && registers[I82599.saqf(number)].rawValue != frame.le32(network &+ 12) { return false }
        if mask & 2 == 0 && registers[I82599.daqf(number)].rawValue != frame.le32(network &+ 16) { return false }
        guard mask & 12 != 12 else { return true }
        guard !parsed.isFragment, parsed.transport != .none else { return false }
        let ports = registers[I82599.sdpqf(number)].rawValue
        if mask & 4 == 0 && ports & 0xFFFF != UInt32(frame.le16(parsed.transportOffset)) { return false }
        return mask & 8 != 0 || ports &>> 16 == UInt32(frame.le16(parsed.transportOffset &+ 2))
    }

    private static func protocolCode(_ number: UInt8) -> UInt32 {
        switch number {
        case 6: 0
        case 17: 1
        case 132: 2
        default: 3
        }
    }
}

extension I82599Model {
    /// The queue of a frame: EtherType, SYN and 5-tuple, flow director, then the hash.
    mutating func steer(
        _ frame: ByteView, _ parsed: ParsedFrame, _ type: ReceiveSideScaling.HashType, _ hash: UInt32
    ) -> I82599Verdict {
        var verdict = I82599Verdict(queue: type == .none ? 0 : redirect(hash))
        guard behaviour.hasFilters else { return verdict }
        if let number = steering.matchEtherType(frame, parsed, core.registers) {
            verdict.etherTypeFilter = number
            let target = core.registers[I82599.etqs(number)]
            if target[.enable] {
                verdict.queue = Int(target[.queue])
                return verdict
            }
        }
        let syn = core.registers[I82599.synqf]
        let opens = steering.matchSYN(frame, parsed)
        if opens && syn[.priority] {
            verdict.queue = Int(syn[.queue])
        } else if let number = steering.matchFiveTuple(frame, parsed, core.registers) {
            verdict.queue = Int(core.registers[I82599.l34timir(number)][.queue])
        } else if opens {
            verdict.queue = Int(syn[.queue])
        } else if let flow = matchFlow(frame, parsed) {
            verdict.flow = flow
            verdict.queue = flow.queue
            verdict.drops = flow.drops
        }
        return verdict
    }

    // MARK: hash

    /// The hash type and hash of a frame, by what MRQC has enabled.
    mutating func computeHash(_ frame: ByteView, _ parsed: ParsedFrame) -> (ReceiveSideScaling.HashType, UInt32) {
        let enabled = registers[I82599.mrqc]
        guard enabled[.mode] == 1, registers[I82599.rxcsum][.packetChecksumDisable],
            core.capabilities.receiveSideScaling
        else { return (.none, 0) }
        let type = hashType(parsed, enabled)
        guard type != .none else { return (.none, 0) }
        if hashing.isStale { hashing.load(core.registers) }
        let isIPv4 = parsed.network == .ipv4
        let addresses = isIPv4 ? 8 : 32
        var hash = hashing.hash(frame, parsed.networkOffset &+ (isIPv4 ? 12 : 8), addresses, position: 0)
        if type != .ipv4 && type != .ipv6 {
            hash ^= hashing.hash(frame, parsed.transportOffset, 4, position: addresses)
        }
        return (type, hash)
    }

    private func hashType(_ parsed: ParsedFrame, _ enabled: I82599.MultipleQueues) -> ReceiveSideScaling.HashType {
        let isTCP = parsed.transport == .tcp
        let isUDP = parsed.transport == .udp
        switch parsed.network {
        case .none: return .none
        case .ipv4:
            if isTCP && enabled[.tcpIPv4] { return .tcpIPv4 }
            if isUDP && enabled[.udpIPv4] { return .udpIPv4 }
            return enabled[.ipv4] ? .ipv4 : .none
        case .ipv6:
            if isTCP && enabled[.tcpIPv6] { return .tcpIPv6 }
            if isUDP && enabled[.udpIPv6] { return .udpIPv6 }
            return enabled[.ipv6] ? .ipv6 : .none
        }
    }

    /// The queue that the redirection table gives for a hash: 4 bits of an entry.
    func redirect(_ hash: UInt32) -> Int {
        let index = Int(hash & 0x7F)
        return Int(registers[I82599.reta(index / 4)].rawValue &>> UInt32(index % 4 &* 8) & 0xF)
    }
}
