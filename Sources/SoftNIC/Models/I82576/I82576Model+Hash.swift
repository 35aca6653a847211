internal import DeviceMemory
internal import NICRegisters

/// Receive side scaling: which hash a frame gets, and the queue it leads to.
extension I82576Model {
    /// The hash type and hash of a frame, by what MRQC has enabled.
    mutating func computeHash(_ frame: ByteView, _ parsed: ParsedFrame) -> (ReceiveSideScaling.HashType, UInt32) {
        let queues = registers[I82576.mrqc]
        let isOn = behaviour.hashesPlainIPv6 ? queues[.mode] == 2 : queues[.mode] & 3 == 2
        guard isOn, registers[I82576.rxcsum][.packetChecksumDisable] else { return (.none, 0) }
        let type = hashType(parsed, queues)
        guard type != .none else { return (.none, 0) }
        if hashing.isStale { hashing.load(core.registers) }
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
            // Extension headers are not looked at: what follows them is unknown.
            let isBare = parsed.hasExtensions && registers[I82576.rfctl][.ipv6ExtensionDisable]
            if isBare { return enabled[.ipv6] ? .ipv6 : .none }
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
