internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// The flow director: registers, commands, and the filter of a frame.
extension I82599Model {
    /// FDIRCTRL: the table is made anew, in memory that PBALLOC takes from the packet buffer.
    mutating func writeFlowControl(_ value: I82599.FlowDirectorControl) {
        registers[I82599.fdirctrl] = value.setting(.initDone, false)
        let memory = value[.memory]
        // 2046, 4094 and 8190 filters.
        flows.clear(capacity: memory == 0 || !value[.perfectMatch] ? 0 : (1024 &<< Int(memory)) &- 2)
        flowCommandDone = now + behaviour.enableLatency
    }

    /// FDIRCMD: the command bits stay until it is done.
    mutating func readFlowCommand() -> UInt32 {
        let value = registers[I82599.fdircmd]
        let isBusy = now < flowCommandDone || core.faults.flowDirectorIsSilent
        return isBusy ? value.rawValue : value.setting(.command, 0).rawValue
    }

    /// FDIRCMD: adds, removes or looks up the filter that the other registers name.
    mutating func writeFlowCommand(_ value: I82599.FlowDirectorCommand) {
        var answer = value.setting(.valid, false)
        let name = registers[I82599.fdirhash]
        switch value[.command] {
        case 1:
            var flow = FlowTable.Entry()
            flow.flowType = value[.flowType]
            flow.source = registers[I82599.fdiripsa].rawValue
            flow.destination = registers[I82599.fdiripda].rawValue
            flow.ports = registers[I82599.fdirport].rawValue
            flow.vlan = registers[I82599.fdirvlan].rawValue & 0xFFFF
            flow.bucket = name[.bucket]
            flow.identifier = name[.identifier]
            flow.queue = Int(value[.queue])
            flow.drops = value[.drop] || value[.queue] == registers[I82599.fdirctrl][.dropQueue]
            // The device looks a frame up in the bucket that it computes itself.
            if bucket(flowMasks.apply(flow)) != flow.bucket { flag(.flowBucketWrong, UInt64(flow.bucket)) }
            answer[.valid] = flows.add(flow)
        case 2: flows.remove(name[.bucket], name[.identifier])
        case 3: answer[.valid] = flows.contains(name[.bucket], name[.identifier])
        default: break
        }
        if value[.clearTable] { flows.clear(capacity: flows.capacity) }
        registers[I82599.fdircmd] = answer
        flowCommandDone = now + behaviour.enableLatency
    }

    /// Port masks are written with the bits of each port reversed, and ones ignore.
    private static func ports(_ mask: UInt32) -> UInt32 {
        let low = FlowDirectorBucket.reversed(UInt16(truncatingIfNeeded: ~mask))
        let high = FlowDirectorBucket.reversed(UInt16(truncatingIfNeeded: ~mask &>> 16))
        return UInt32(high) &<< 16 | UInt32(low)
    }

    private var flowMasks: FlowMasks {
        let ignored = registers[I82599.fdirm]
        var masks = FlowMasks()
        masks.source = ~registers[I82599.fdirsip4m].rawValue
        masks.destination = ~registers[I82599.fdirdip4m].rawValue
        masks.tcpPorts = Self.ports(registers[I82599.fdirtcpm].rawValue)
        masks.udpPorts = Self.ports(registers[I82599.fdirudpm].rawValue)
        masks.vlan = (ignored[.vlanID] ? 0 : 0xFFF) | (ignored[.vlanPriority] ? 0 : 0xE000)
        masks.flowType = ignored[.transport] ? 0 : 3
        return masks
    }

    private func bucket(_ flow: FlowTable.Entry) -> UInt32 {
        FlowDirectorBucket.of(
            flowType: UInt8(truncatingIfNeeded: flow.flowType), source: flow.source, destination: flow.destination,
            sourcePort: UInt16(truncatingIfNeeded: flow.ports),
            destinationPort: UInt16(truncatingIfNeeded: flow.ports &>> 16),
            vlan: UInt16(truncatingIfNeeded: flow.vlan))
    }

    /// The filter that an IPv4 frame matches; perfect filters for IPv6 are used by no public driver.
    mutating func matchFlow(_ frame: ByteView, _ parsed: ParsedFrame) -> FlowTable.Entry? {
        guard !flows.isEmpty, parsed.network == .ipv4, !parsed.isFragment else { return nil }
        var flow = FlowTable.Entry()
        switch parsed.transport {
        case .udp: flow.flowType = 1
        case .tcp: flow.flowType = 2
        case .sctp: flow.flowType = 3
        case .none: break
        }
        flow.source = frame.be32(parsed.networkOffset &+ 12)
        flow.destination = frame.be32(parsed.networkOffset &+ 16)
        if parsed.transport != .none && parsed.transportOffset &+ 4 <= frame.count {
            let source = UInt32(frame.be16(parsed.transportOffset))
            flow.ports = UInt32(frame.be16(parsed.transportOffset &+ 2)) &<< 16 | source
        }
        if parsed.tags > 0 { flow.vlan = UInt32(frame.be16(14)) }
        let masks = flowMasks
        flow = masks.apply(flow)
        flow.bucket = bucket(flow)
        let found = flows.match(flow, masks)
        registers.count(found == nil ? I82599.fdirmiss : I82599.fdirmatch)
        return found
    }
}
