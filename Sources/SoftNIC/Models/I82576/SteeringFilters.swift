internal import DeviceMemory
internal import NICRegisters

/// Which queue a frame goes to, and whether it interrupts at once.
struct SteeringVerdict: BitwiseCopyable {
    /// The receive queue.
    var queue: Int
    /// A filter asks for a low latency interrupt (LLINT): the throttle does not apply.
    var isImmediate = false
    /// The EtherType filter that matched.
    var etherTypeFilter: Int?
}

/// The steering filters that are switched on, in the order in which they are asked: made when a register changes, so that a
/// frame pays for filters only when there are some.
struct SteeringFilters: BitwiseCopyable {
    /// ETQF entries with their enable bit, a bit each.
    private(set) var etherTypes: UInt8 = 0
    /// SYNQF is on.
    private(set) var hasSYN = false
    /// 5-tuple filters that are on, highest priority first; of equal ones, the one with the lowest number.
    private(set) var fiveTuples = InlineArray<8, UInt8>(repeating: 0)
    private(set) var fiveTupleCount = 0

    init() {}

    /// Reads the registers: control path.
    init(_ registers: borrowing RegisterFile) {
        for i in 0..<I82576.etherTypeCount where registers[I82576.etqf(i)][.enable] { etherTypes |= 1 << UInt8(i) }
        hasSYN = registers[I82576.synqf][.enable]
        for priority in (0..<UInt32(8)).reversed() {
            for i in 0..<I82576.fiveTupleCount
            where registers[I82576.ftqf(i)][.queueEnable] && registers[I82576.imir(i)][.priority] == priority {
                fiveTuples[fiveTupleCount] = UInt8(i)
                fiveTupleCount += 1
            }
        }
    }

    /// Whether a change of the register at `offset` changes the filters.
    static func concerns(_ offset: UInt32) -> Bool {
        (offset >= 0x5CB0 && offset < 0x5CD0) || offset == 0x55FC || (offset >= 0x59E0 && offset < 0x5A00)
            || (offset >= 0x5A80 && offset < 0x5AC0)
    }

    /// Nothing but the hash decides.
    var isEmpty: Bool { etherTypes == 0 && !hasSYN && fiveTupleCount == 0 }

    /// The EtherType filter that matches a frame.
    func matchEtherType(_ frame: ByteView, _ parsed: ParsedFrame, _ registers: borrowing RegisterFile) -> Int? {
        guard etherTypes != 0 else { return nil }
        // The field in front of what follows tags and SNAP.
        let type = UInt32(frame.be16(parsed.networkOffset &- 2))
        for i in 0..<I82576.etherTypeCount
        where etherTypes &>> UInt8(i) & 1 != 0 && registers[I82576.etqf(i)][.etherType] == type { return i }
        return nil
    }

    /// Whether a frame opens a connection: SYN, with ACK or without.
    func matchSYN(_ frame: ByteView, _ parsed: ParsedFrame) -> Bool {
        hasSYN && parsed.transport == .tcp && !parsed.isFragment && frame[parsed.transportOffset &+ 13] & 0x02 != 0
    }

    /// The 5-tuple filter that matches a frame; they look at IPv4 only.
    func matchFiveTuple(
        _ frame: ByteView, _ parsed: ParsedFrame, _ registers: borrowing RegisterFile
    ) -> Int? {
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
        let filter = registers[I82576.ftqf(number)]
        let port = registers[I82576.imir(number)]
        let network = parsed.networkOffset
        // Without the bypass, the frame's pool is compared, and there are no pools without virtualization.
        guard filter[.poolBypass] else { return false }
        if !filter[.protocolBypass] && filter[.ipProtocol] != UInt32(frame[network &+ 9]) { return false }
        if !filter[.sourceAddressBypass] && registers[I82576.saqf(number)].rawValue != frame.le32(network &+ 12) {
            return false
        }
        if !filter[.destinationAddressBypass] && registers[I82576.daqf(number)].rawValue != frame.le32(network &+ 16) {
            return false
        }
        let hasPorts = !parsed.isFragment && parsed.transport != .none
        if !filter[.sourcePortBypass] {
            let wanted = registers[I82576.spqf(number)].rawValue & 0xFFFF
            guard hasPorts, wanted == UInt32(frame.le16(parsed.transportOffset)) else { return false }
        }
        if !port[.portBypass] {
            guard hasPorts, port[.destinationPort] == UInt32(frame.le16(parsed.transportOffset &+ 2)) else {
                return false
            }
        }
        return matchesExtension(registers[I82576.imirext(number)], frame, parsed)
    }

    private static func matchesExtension(
        _ filter: I82576.ImmediateFilterExtension, _ frame: ByteView, _ parsed: ParsedFrame
    ) -> Bool {
        if !filter[.sizeBypass] && UInt32(truncatingIfNeeded: frame.count) > filter[.sizeThreshold] { return false }
        if filter[.controlBypass] { return true }
        guard parsed.transport == .tcp, !parsed.isFragment else { return false }
        // The segment has URG highest and FIN lowest; the register has them the other way round.
        let segment = frame[parsed.transportOffset &+ 13]
        var bits: UInt32 = 0
        for i in 0..<6 where segment &>> UInt8(5 &- i) & 1 != 0 { bits |= 1 &<< UInt32(i) }
        return bits & filter[.controlBits] != 0
    }
}

extension I82576Model {
    /// The queue of a frame: EtherType, SYN, 5-tuple, then the hash (82576 datasheet, section 7.1.1).
    ///
    /// The part has neither flexible filters nor a VLAN priority filter that choose a queue; relatives have.
    func steer(
        _ frame: ByteView, _ parsed: ParsedFrame, _ type: ReceiveSideScaling.HashType, _ hash: UInt32
    ) -> SteeringVerdict {
        var verdict = SteeringVerdict(queue: type == .none ? defaultQueue : redirect(hash))
        if steering.isEmpty { return verdict }
        if let number = steering.matchEtherType(frame, parsed, core.registers) {
            verdict.etherTypeFilter = number
            // QEMU's model marks the frame and leaves the queue alone.
            guard behaviour.hasFilters else { return verdict }
            let filter = core.registers[I82576.etqf(number)]
            verdict.isImmediate = filter[.immediateInterrupt]
            if filter[.queueEnable] {
                verdict.queue = Int(filter[.queue])
                return verdict
            }
        }
        guard behaviour.hasFilters else { return verdict }
        let opens = steering.matchSYN(frame, parsed)
        let synQueue = Int(core.registers[I82576.synqf][.queue])
        if opens && core.registers[I82576.rfctl][.synFilterFirst] {
            verdict.queue = synQueue
        } else if let number = steering.matchFiveTuple(frame, parsed, core.registers) {
            verdict.queue = Int(core.registers[I82576.ftqf(number)][.queue]) & (I82576.queueCount - 1)
            if core.registers[I82576.imir(number)][.immediateInterrupt] { verdict.isImmediate = true }
        } else if opens {
            verdict.queue = synQueue
        }
        return verdict
    }

    /// A filter's register was written: IPv4 and IPv6 are no EtherTypes for filters (82576 datasheet, ETQF).
    mutating func steeringChanged() {
        steering = SteeringFilters(core.registers)
        for i in 0..<I82576.etherTypeCount where steering.etherTypes &>> UInt8(i) & 1 != 0 {
            let type = core.registers[I82576.etqf(i)][.etherType]
            if type == 0x0800 || type == 0x86DD { flag(.etherTypeFilterForIP, UInt64(type)) }
        }
    }

    /// Where frames go that nothing else claims.
    private var defaultQueue: Int { behaviour.hasFilters ? Int(core.registers[I82576.mrqc][.defaultQueue]) : 0 }
}
