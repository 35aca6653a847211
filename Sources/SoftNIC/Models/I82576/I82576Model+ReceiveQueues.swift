internal import DeviceMemory
internal import NICRegisters

/// Registers of the receive queues, and what happens when a driver posts descriptors.
extension I82576Model {
    /// Takes over what the registers say after a reset.
    mutating func reloadQueues() {
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue].enabled = registers[I82576.rxdctl(queue)][.enable]
            transmitter.queues[queue].enabled = registers[I82576.txdctl(queue)][.enable]
            reloadReceiveQueue(queue)
            reloadTransmitQueue(queue)
        }
    }

    /// Takes over ring and sizes.
    mutating func reloadReceiveQueue(_ queue: Int) {
        let control = registers[I82576.srrctl(queue)]
        let headerMask = (UInt32(1) &<< behaviour.headerSizeBits) &- 1
        receiveQueues[queue].headerSize = Int(control[.headerBufferSize] & headerMask) &* 64
        receiveQueues[queue].packetSize =
            control[.packetBufferSize] != 0
            ? Int(control[.packetBufferSize]) &* 1024 : 2048 &>> Int(registers[I82576.rctl][.bufferSize])
        receiveQueues[queue].type = control[.descriptorType]
        receiveQueues[queue].isLegacy = behaviour.hasLegacyDescriptors && control[.descriptorType] == 0
        receiveQueues[queue].threshold = Int(control[.minimumThreshold]) &* 16
        let queueDrop = behaviour.hasFilters && registers[I82576.qde].rawValue &>> UInt32(queue) & 1 != 0
        receiveQueues[queue].dropEnable = control[.dropEnable] || queueDrop
        receiveQueues[queue].count = Int(registers[I82576.rdlen(queue)].rawValue) / 16
        receiveQueues[queue].head = Int(registers[I82576.rdh(queue)].rawValue)
        receiveQueues[queue].tail = Int(registers[I82576.rdt(queue)].rawValue)
    }

    /// The ring of a queue through the IOMMU.
    mutating func translateReceiveRing(_ queue: Int) -> DescriptorWords? {
        if let words = receiveQueues[queue].words { return words }
        let base = registers.address(I82576.rdbal(queue), I82576.rdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: receiveQueues[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        receiveQueues[queue].words = words
        receiveQueues[queue].bytes = bytes
        return words
    }

    mutating func writeReceiveQueue(_ queue: Int, _ block: UInt32, _ offset: UInt32, _ value: UInt32) {
        let enabled = receiveQueues[queue].enabled
        switch block {
        case 0x00, 0x04, 0x08:
            writeRingRegister(block, offset, value, enabled: enabled)
            receiveQueues[queue].forgetTranslation()
            reloadReceiveQueue(queue)
        case 0x0C:
            if enabled { flag(.splitControlWrittenWhileEnabled, UInt64(queue)) }
            registers[I82576.srrctl(queue)] = splitControl(.init(rawValue: value))
            reloadReceiveQueue(queue)
        case 0x10:
            if enabled { flag(.headWrittenWhileEnabled, UInt64(queue)) }
            registers[offset] = value & 0xFFFF
            receiveQueues[queue].head = Int(value & 0xFFFF)
            receiveQueues[queue].scanned = Int(value & 0xFFFF)
            forgetHeld(queue)
        case 0x18: writeReceiveTail(queue, value & 0xFFFF)
        case 0x28: writeReceiveDescriptorControl(queue, .init(rawValue: value))
        case 0x30: break
        default: registers[offset] = value
        }
    }

    /// What of a written SRRCTL sticks: a device without header split knows legacy and one-buffer descriptors only.
    private func splitControl(_ value: I82576.SplitReceiveControl) -> I82576.SplitReceiveControl {
        guard !core.capabilities.headerSplit, value[.descriptorType] > 1 else { return value }
        return value.setting(.descriptorType, 1)
    }

    private mutating func writeReceiveTail(_ queue: Int, _ tail: UInt32) {
        if !receiveQueues[queue].enabled {
            // Part of the initialisation order of every driver: a zero changes nothing.
            if tail != 0 { flag(.tailWhileDisabled, UInt64(queue)) }
            if tail != 0 && !behaviour.keepsTailOfDisabledQueue { return }
        } else {
            if Int(tail) >= receiveQueues[queue].count && tail != 0 { flag(.tailBeyondRing, UInt64(tail)) }
            if receiveQueues[queue].movesBack(to: Int(tail)) { flag(.tailMovedBack, UInt64(tail)) }
            if !phy.linkUp && Int(tail) != receiveQueues[queue].tail { flag(.receiveBeforeLink, UInt64(queue)) }
        }
        registers[I82576.rdt(queue)] = PlainValue(tail)
        receiveQueues[queue].tail = Int(tail)
        core.receiveBlocked = false
        newTails |= 1 &<< UInt32(queue)
    }

    /// Looks for set-ups that lose frames or payload, whenever the receiver or a queue is switched on.
    mutating func checkReceiveSetUp() {
        var enabled = 0
        var stalling = false
        let control = registers[I82576.rctl]
        for queue in 0..<I82576.queueCount where receiveQueues[queue].enabled && receiveQueues[queue].count > 0 {
            let state = receiveQueues[queue]
            enabled += 1
            if !state.dropEnable { stalling = true }
            let split = state.type == 2 || state.type == 5
            if control[.enable] && split && !control[.stripCRC] { flag(.crcKeptWithSplit, UInt64(queue)) }
            let replicates = behaviour.replicatesHeaders && (state.type == 3 || state.type == 4)
            if !split && !replicates && !state.isLegacy && state.type != 1 {
                flag(.unsupportedDescriptorType, UInt64(state.type))
            }
            if registers[I82576.gpie][.multipleMSIX]
                && registers[I82576.rxdctl(queue)][.writeBackThreshold] != 1
            {
                flag(.writeBackThreshold, UInt64(queue))
            }
        }
        if enabled > 1 && stalling { flag(.dropDisabledWithSeveralQueues) }
        if control[.enable] && registers[I82576.mrqc][.mode] == 2
            && !registers[I82576.rxcsum][.packetChecksumDisable]
        {
            flag(.hashWithoutPCSD)
        }
    }

    // MARK: posting

    /// Looks at the descriptors that tail writes handed over since the last step.
    mutating func takeNewDescriptors() {
        let queues = newTails
        newTails = 0
        guard behaviour.tracksBuffers else { return }
        for queue in 0..<I82576.queueCount where queues &>> UInt32(queue) & 1 != 0 { takeNewDescriptors(of: queue) }
    }

    private mutating func takeNewDescriptors(of queue: Int) {
        let state = receiveQueues[queue]
        guard state.enabled, state.tail < state.count, state.scanned < state.count,
            let words = translateReceiveRing(queue)
        else { return }
        var index = state.scanned
        while index != state.tail {
            takeDescriptor(words, index, queue, state)
            index = index &+ 1 == state.count ? 0 : index &+ 1
        }
        receiveQueues[queue].scanned = index
    }

    private mutating func takeDescriptor(
        _ words: DescriptorWords, _ index: Int, _ queue: Int, _ state: ReceiveQueueState
    ) {
        let payload = words.load(2 &* index)
        let header = words.load(2 &* index &+ 1)
        let done: UInt64 = state.isLegacy ? 1 << 32 : 1
        if header & done != 0 {
            let last = writtenBack[queue].bytes.readOnly
            let isStale = index &* 16 &+ 16 <= last.count && last.le64(index &* 16 &+ 8) == header
            if isStale || !state.isLegacy { return flag(isStale ? .staleDescriptor : .headerAddressOdd, UInt64(index)) }
        }
        let split = state.type >= 2 && state.type <= 5
        core.post(
            payload, size: state.packetSize, header: split ? header : nil, headerSize: state.headerSize, queue: queue,
            index: index)
    }
}
