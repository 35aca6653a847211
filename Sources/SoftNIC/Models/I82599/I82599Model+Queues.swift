internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Registers of the queues; enabling, disabling, and what happens when a driver posts descriptors.
extension I82599Model {
    mutating func writeReceiveQueue(_ queue: Int, _ block: UInt32, _ offset: UInt32, _ value: UInt32) {
        let enabled = receiveQueues[queue].enabled
        switch block {
        case 0x00, 0x04, 0x08:
            writeRingRegister(block, offset, value, enabled: enabled)
            receiveQueues[queue].forgetTranslation()
            receiveQueues[queue].count = Int(registers[I82599.rdlen(queue)].rawValue) / 16
        case 0x10:
            // Drivers of the family write it between ENABLE and the first tail.
            if enabled && receiveQueues[queue].free > 0 { flag(.headWrittenWhileEnabled, UInt64(queue)) }
            registers[offset] = value & 0xFFFF
            receiveQueues[queue].head = Int(value & 0xFFFF)
            receiveQueues[queue].scanned = Int(value & 0xFFFF)
        case 0x14: writeSplitControl(queue, offset, .init(rawValue: value), enabled: enabled)
        case 0x18: writeReceiveTail(queue, offset, value & 0xFFFF)
        case 0x28: writeReceiveDescriptorControl(queue, .init(rawValue: value))
        case 0x30: break
        default: registers[offset] = value
        }
    }

    private mutating func writeRingRegister(_ block: UInt32, _ offset: UInt32, _ value: UInt32, enabled: Bool) {
        if enabled { flag(.ringWrittenWhileEnabled, UInt64(offset)) }
        if block == 0x00 && value & 0x7F != 0 { flag(.ringMisaligned, UInt64(value)) }
        if block == 0x08 && value & 0x7F != 0 { flag(.ringLengthUneven, UInt64(value)) }
        registers[offset] = block == 0x04 ? value : value & (block == 0x00 ? ~0x7F : 0xF_FF80)
    }

    private mutating func writeSplitControl(
        _ queue: Int, _ offset: UInt32, _ value: I82599.SplitReceiveControl, enabled: Bool
    ) {
        if enabled { flag(.splitControlWrittenWhileEnabled, UInt64(queue)) }
        let type = value[.descriptorType]
        let kept = value.setting(.descriptorType, core.capabilities.headerSplit ? type : min(type, 1))
        registers[offset] = kept.rawValue
        receiveQueues[queue].headerSize = Int(kept[.headerBufferSize]) &* 64
        receiveQueues[queue].packetSize = Int(kept[.packetBufferSize]) &* 1024
        receiveQueues[queue].type = kept[.descriptorType]
        receiveQueues[queue].dropEnable = kept[.dropEnable]
    }

    private mutating func writeReceiveTail(_ queue: Int, _ offset: UInt32, _ tail: UInt32) {
        if !receiveQueues[queue].enabled {
            // Part of the initialisation order of every driver: a zero changes nothing.
            if tail != 0 { flag(.tailWhileDisabled, UInt64(queue)) }
            if tail != 0 && !behaviour.keepsTailOfDisabledQueue { return }
        } else {
            if Int(tail) >= receiveQueues[queue].count && tail != 0 { flag(.tailBeyondRing, UInt64(tail)) }
            if receiveQueues[queue].movesBack(to: Int(tail)) { flag(.tailMovedBack, UInt64(tail)) }
        }
        registers[offset] = tail
        receiveQueues[queue].tail = Int(tail)
        core.receiveBlocked = false
        newTails |= 1 &<< UInt128(queue)
    }

    // MARK: ENABLE

    private mutating func writeReceiveDescriptorControl(_ queue: Int, _ value: I82599.ReceiveDescriptorControl) {
        let wanted = value[.enable]
        let enabled = receiveQueues[queue].enabled
        // ENABLE reads back what is in effect; SWFLSH clears itself.
        registers[I82599.rxdctl(queue)] = value.setting(.flush, false).setting(.enable, enabled)
        receiveQueues[queue].enableTarget = wanted
        let bit = UInt128(1) &<< UInt128(queue)
        let stuck = wanted ? core.faults.neverEnabled : core.faults.neverDisabled
        guard wanted != enabled, queue >= 16 || stuck &>> UInt16(queue) & 1 == 0 else {
            receiveEnables &= ~bit
            return
        }
        let latency = core.faults.enableLatency(queue, usual: behaviour.enableLatency)
        guard latency > .zero else { return commitReceiveEnable(queue) }
        if receiveEnables & bit == 0 { receiveQueues[queue].enableDue = now + latency }
        receiveEnables |= bit
    }

    private mutating func commitReceiveEnable(_ queue: Int) {
        receiveEnables &= ~(1 &<< UInt128(queue))
        let wanted = receiveQueues[queue].enableTarget
        registers[I82599.rxdctl(queue)][.enable] = wanted
        // After ENABLE reads 0 the device writes nothing more for this queue.
        _ = pendingDone.publish()
        receiveQueues[queue].enabled = wanted
        if behaviour.tracksBuffers { posted.removeAll(of: queue) }
        receiveQueues[queue].scanned = receiveQueues[queue].head
        core.receiveBlocked = false
        guard wanted else { return }
        writtenBack[queue] = HeapBytes(count: receiveQueues[queue].count * 8)
        if behaviour.tracksBuffers {
            var total = 0
            for other in 0..<I82599.queueCount where receiveQueues[other].enabled {
                total += receiveQueues[other].count
            }
            posted.reserve(total)
        }
        newTails |= 1 &<< UInt128(queue)
        if registers[I82599.dcaRxctrl(queue)][.mustBeClear] { flag(.cacheControlLeft, UInt64(queue)) }
        checkReceiveSetUp()
    }

    /// Looks for set-ups that lose frames or payload, whenever the receiver or a queue is switched on.
    mutating func checkReceiveSetUp() {
        var enabled = 0
        var stalling = false
        let isOn = registers[I82599.rxctrl][.enable]
        for queue in 0..<I82599.queueCount where receiveQueues[queue].enabled && receiveQueues[queue].count > 0 {
            let state = receiveQueues[queue]
            enabled += 1
            if !state.dropEnable { stalling = true }
            let split = state.type == 2 || state.type == 5
            if isOn && split && !registers[I82599.hlreg0][.stripCRC] { flag(.crcKeptWithSplit, UInt64(queue)) }
            if !split && state.type != 1 { flag(.unsupportedDescriptorType, UInt64(state.type)) }
        }
        if enabled > 1 && stalling { flag(.dropDisabledWithSeveralQueues) }
        if isOn && registers[I82599.mrqc][.mode] == 1 && !registers[I82599.rxcsum][.packetChecksumDisable] {
            flag(.hashWithoutPCSD)
        }
    }

    mutating func writeTransmitQueue(_ queue: Int, _ block: UInt32, _ offset: UInt32, _ value: UInt32) {
        let enabled = transmitter.queues[queue].enabled
        switch block {
        case 0x00, 0x04, 0x08:
            writeRingRegister(block, offset, value, enabled: enabled)
            transmitter.queues[queue].forgetTranslation()
            transmitter.queues[queue].count = Int(registers[I82599.tdlen(queue)].rawValue) / 16
        case 0x10:
            if enabled { flag(.headWrittenWhileEnabled, UInt64(queue) | 0x1_0000) }
            registers[offset] = value & 0xFFFF
            transmitter.queues[queue].head = Int(value & 0xFFFF)
            transmitter.queues[queue].startFrame()
        case 0x18:
            let tail = Int(value & 0xFFFF)
            if !enabled && tail != 0 { flag(.tailWhileDisabled, UInt64(queue) | 0x1_0000) }
            if !enabled && tail != 0 && !behaviour.keepsTailOfDisabledQueue { return }
            if enabled && tail >= transmitter.queues[queue].count && tail != 0 { flag(.tailBeyondRing, UInt64(tail)) }
            registers[offset] = value & 0xFFFF
            transmitter.queues[queue].tail = tail
        case 0x28: writeTransmitDescriptorControl(queue, .init(rawValue: value))
        default: registers[offset] = value
        }
        considerTransmit(queue)
    }

    private mutating func writeTransmitDescriptorControl(_ queue: Int, _ value: I82599.TransmitDescriptorControl) {
        let wanted = value[.enable]
        let enabled = transmitter.queues[queue].enabled
        if wanted && !enabled && !registers[I82599.dmatxctl][.enable] { flag(.transmitDMAOff, UInt64(queue)) }
        registers[I82599.txdctl(queue)] = value.setting(.flush, false).setting(.enable, enabled)
        transmitter.queues[queue].enableTarget = wanted
        let bit = UInt128(1) &<< UInt128(queue)
        guard wanted != enabled else {
            transmitEnables &= ~bit
            return
        }
        guard behaviour.enableLatency > .zero else { return commitTransmitEnable(queue) }
        if transmitEnables & bit == 0 { transmitter.queues[queue].enableDue = now + behaviour.enableLatency }
        transmitEnables |= bit
    }

    private mutating func commitTransmitEnable(_ queue: Int) {
        transmitEnables &= ~(1 &<< UInt128(queue))
        registers[I82599.txdctl(queue)][.enable] = transmitter.queues[queue].enableTarget
        transmitter.queues[queue].enabled = transmitter.queues[queue].enableTarget
        transmitter.queues[queue].context0 = TransmitContext()
        transmitter.queues[queue].context1 = TransmitContext()
        transmitter.queues[queue].startFrame()
        considerTransmit(queue)
    }

    /// Notes that a queue may have something to send.
    mutating func considerTransmit(_ queue: Int) {
        transmitter.consider(queue, isOn: registers[I82599.dmatxctl][.enable])
    }

    /// Puts changes of ENABLE into effect that are due; true if there was one.
    mutating func commitEnables() -> Bool {
        var worked = false
        for queue in 0..<I82599.queueCount {
            if receiveEnables &>> UInt128(queue) & 1 != 0 && receiveQueues[queue].enableDue <= now {
                commitReceiveEnable(queue)
                worked = true
            }
            if transmitEnables &>> UInt128(queue) & 1 != 0 && transmitter.queues[queue].enableDue <= now {
                commitTransmitEnable(queue)
                worked = true
            }
        }
        return worked
    }

    /// When the next one is due.
    var nextEnable: Instant {
        var next = Instant.never
        guard receiveEnables | transmitEnables != 0 else { return next }
        for queue in 0..<I82599.queueCount {
            if receiveEnables &>> UInt128(queue) & 1 != 0 { next = min(next, receiveQueues[queue].enableDue) }
            if transmitEnables &>> UInt128(queue) & 1 != 0 { next = min(next, transmitter.queues[queue].enableDue) }
        }
        return next
    }

    // MARK: posting

    /// The ring of a queue through the IOMMU.
    mutating func translateReceiveRing(_ queue: Int) -> DescriptorWords? {
        if let words = receiveQueues[queue].words { return words }
        let base = registers.address(I82599.rdbal(queue), I82599.rdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: receiveQueues[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        receiveQueues[queue].words = words
        receiveQueues[queue].bytes = bytes
        return words
    }

    /// Looks at the descriptors that tail writes handed over since the last step.
    mutating func takeNewDescriptors() {
        var queues = newTails
        newTails = 0
        guard behaviour.tracksBuffers else { return }
        while queues != 0 {
            takeNewDescriptors(of: queues.trailingZeroBitCount)
            queues &= queues &- 1
        }
    }

    private mutating func takeNewDescriptors(of queue: Int) {
        let state = receiveQueues[queue]
        guard state.enabled, state.tail < state.count, state.scanned < state.count,
            let words = translateReceiveRing(queue)
        else { return }
        let isSplit = state.type == 2 || state.type == 5
        var index = state.scanned
        while index != state.tail {
            let header = words.load(2 &* index &+ 1)
            if header & 1 != 0 {
                let last = writtenBack[queue].bytes.readOnly
                let isStale = index &* 8 &+ 8 <= last.count && last.le64(index &* 8) == header
                flag(isStale ? .staleDescriptor : .headerAddressOdd, UInt64(index))
            } else {
                core.post(
                    words.load(2 &* index), size: state.packetSize, header: isSplit ? header : nil,
                    headerSize: state.headerSize, queue: queue, index: index)
            }
            index = index &+ 1 == state.count ? 0 : index &+ 1
        }
        receiveQueues[queue].scanned = index
    }
}
