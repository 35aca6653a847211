internal import DeviceMemory
internal import NICRegisters

/// Receive side scaling over two queues.
extension I82574Model {
    /// The hash type and hash of a frame, by what MRQC has enabled. Legacy descriptors have no place for it.
    mutating func computeHash(_ frame: ByteView, _ parsed: ParsedFrame) -> (ReceiveSideScaling.HashType, UInt32) {
        guard registers[I82574.mrqc][.mode] == 1, layout.kind != .legacy,
            registers[I82574.rxcsum][.packetChecksumDisable]
        else { return (.none, 0) }
        let type = hashType(parsed)
        guard type != .none else { return (.none, 0) }
        if hashing.isStale { hashing.load(core.registers) }
        let isIPv4 = parsed.network == .ipv4
        let addresses = isIPv4 ? 8 : 32
        var hash = hashing.hash(frame, parsed.networkOffset &+ (isIPv4 ? 12 : 8), addresses, position: 0)
        if type == .tcpIPv4 || type == .tcpIPv6 {
            hash ^= hashing.hash(frame, parsed.transportOffset, 4, position: addresses)
        }
        return (type, hash)
    }

    private func hashType(_ parsed: ParsedFrame) -> ReceiveSideScaling.HashType {
        let enabled = registers[I82574.mrqc]
        let isTCP = parsed.transport == .tcp
        switch parsed.network {
        case .none: return .none
        case .ipv4:
            if isTCP && enabled[.tcpIPv4] { return .tcpIPv4 }
            return enabled[.ipv4] ? .ipv4 : .none
        case .ipv6:
            if isTCP && !behaviour.parsesLikeQEMU && enabled[.tcpIPv6] && !parsed.hasExtensions { return .tcpIPv6 }
            if !parsed.hasExtensions || !registers[I82574.rfctl][.ipv6ExtensionDisable] {
                if isTCP && enabled[.tcpIPv6Ex] { return .tcpIPv6 }
                if enabled[.ipv6Ex] { return .ipv6Ex }
            }
            return enabled[.ipv6] ? .ipv6 : .none
        }
    }

    /// The queue that the redirection table gives for a hash: bit 7 of an entry.
    func redirect(_ hash: UInt32) -> Int {
        let index = Int(hash & 0x7F)
        return Int(registers[I82574.reta(index / 4)].rawValue &>> UInt32(index % 4 &* 8 &+ 7) & 1)
    }
}
