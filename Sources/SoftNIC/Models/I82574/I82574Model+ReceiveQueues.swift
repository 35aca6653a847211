internal import DeviceMemory
internal import NICRegisters

/// Registers of the receive queues, and what happens when a driver posts descriptors.
extension I82574Model {
    /// A write to the block of a receive queue.
    mutating func writeReceiveQueue(_ offset: UInt32, _ value: UInt32) {
        let queue = Int(offset &>> 8 & 1)
        let isOn = registers[I82574.rctl][.enable]
        switch offset & 0xFF {
        case 0x00, 0x04, 0x08:
            if isOn && receiveRings[queue].count > 0 { flag(.ringWrittenWhileEnabled, UInt64(offset)) }
            writeRingRegister(offset, value)
            receiveRings[queue].forgetTranslation()
            receiveRings[queue].count = Int(registers[I82574.rdlen(queue)].rawValue) / 16
            if behaviour.tracksBuffers { trackRing(queue) }
        case 0x10:
            if isOn { flag(.headWrittenWhileEnabled, UInt64(queue)) }
            registers[offset] = value & 0xFFFF
            receiveRings[queue].head = Int(value & 0xFFFF)
            receiveRings[queue].scanned = Int(value & 0xFFFF)
        case 0x18: writeReceiveTail(queue, value & 0xFFFF)
        case 0x20 where queue == 0:
            registers[offset] = value & 0xFFFF
            if I82574.ReceiveDelay(rawValue: value)[.flush] { fireReceiveDelay() }
        case 0x28:
            // QEMU keeps both queues' controls the same, in both directions.
            registers[offset] = value
            if behaviour.parsesLikeQEMU { registers[I82574.rxdctl(1 - queue)] = .init(rawValue: value) }
        default: registers[offset] = value
        }
    }

    /// A write to a ring's base or length: QEMU keeps more bits of the base than the datasheet gives.
    mutating func writeRingRegister(_ offset: UInt32, _ value: UInt32) {
        switch offset & 0xFF {
        case 0x00:
            if value & 0x7F != 0 { flag(.ringMisaligned, UInt64(value)) }
            registers[offset] = value & (behaviour.hasFilters ? ~0x7F : ~0xF)
        case 0x08:
            if value & 0x7F != 0 { flag(.ringLengthUneven, UInt64(value)) }
            registers[offset] = value & 0xF_FF80
        default: registers[offset] = value
        }
    }

    private mutating func trackRing(_ queue: Int) {
        posted.removeAll(of: queue)
        receiveRings[queue].scanned = receiveRings[queue].head
        writtenBack[queue] = HeapBytes(count: receiveRings[queue].count * 8)
        posted.reserve(receiveRings[0].count + receiveRings[1].count)
    }

    private mutating func writeReceiveTail(_ queue: Int, _ tail: UInt32) {
        if registers[I82574.rctl][.enable] && tail % UInt32(layout.units) != 0 { flag(.tailOddInSplit, UInt64(tail)) }
        if Int(tail) >= receiveRings[queue].count && tail != 0 { flag(.tailBeyondRing, UInt64(tail)) }
        registers[I82574.rdt(queue)] = PlainValue(tail)
        receiveRings[queue].tail = Int(tail)
        core.receiveBlocked = false
        newTails |= 1 &<< UInt32(queue)
    }

    /// The ring of a queue through the IOMMU.
    mutating func translateReceiveRing(_ queue: Int) -> DescriptorWords? {
        if let words = receiveRings[queue].words { return words }
        let base = registers.address(I82574.rdbal(queue), I82574.rdbah(queue))
        guard let bytes = core.translateRing(at: base, descriptors: receiveRings[queue].count) else { return nil }
        let words = DescriptorWords(bytes)
        receiveRings[queue].words = words
        receiveRings[queue].bytes = bytes
        return words
    }

    // MARK: layout

    /// RCTL latches descriptor kind and buffer sizes when it is written with EN.
    mutating func writeReceiveControl(_ written: I82574.ReceiveControl) {
        var value = written
        if !core.capabilities.headerSplit { value[.descriptorType] = 0 }
        let wasOn = registers[I82574.rctl][.enable]
        registers[I82574.rctl] = value
        core.receiveBlocked = false
        guard value[.enable] else { return }
        let new = I82574ReceiveLayout(value, registers[I82574.rfctl], registers[I82574.psrctl])
        if wasOn && new != layout { flag(.layoutWrittenWhileEnabled) }
        layout = new
        if !wasOn { newTails = 3 }
        checkReceiveSetUp(value)
    }

    /// PSRCTL: QEMU drops a size of 0 for a buffer that must exist while packet split is on.
    mutating func writePacketSplitControl(_ value: I82574.PacketSplitControl) {
        if registers[I82574.rctl][.enable] && value != registers[I82574.psrctl] { flag(.layoutWrittenWhileEnabled) }
        if registers[I82574.rctl][.descriptorType] != 0
            && (value[.headerBufferSize] == 0 || value[.bufferSize1] == 0)
        {
            flag(.splitBufferSizeZero, UInt64(value.rawValue))
            if behaviour.parsesLikeQEMU { return }
        }
        registers[I82574.psrctl] = value
    }

    /// RFCTL: EXTEN decides about the layout.
    mutating func writeFilterControl(_ value: I82574.ReceiveFilterControl) {
        let had = registers[I82574.rfctl][.extendedStatus]
        if registers[I82574.rctl][.enable] && value[.extendedStatus] != had { flag(.layoutWrittenWhileEnabled) }
        registers[I82574.rfctl] = value
    }

    /// Looks for set-ups that lose frames or payload, whenever the receiver is switched on.
    private mutating func checkReceiveSetUp(_ control: I82574.ReceiveControl) {
        if control[.descriptorType] > 1 { flag(.unsupportedDescriptorType, UInt64(control[.descriptorType])) }
        if layout.kind == .split {
            if layout.size0 == 0 || layout.size1 == 0 { flag(.splitBufferSizeZero) }
            if !control[.stripCRC] { flag(.crcKeptWithSplit) }
            // A frame that spills into a second descriptor makes QEMU up to 10.1 abort.
            let longest = control[.longPackets] ? min(maxFrame, 16_380) : 1518
            if layout.payloadCapacity < longest { flag(.splitBuffersTooSmall, UInt64(layout.payloadCapacity)) }
        }
        if registers[I82574.mrqc][.mode] == 1 && !registers[I82574.rxcsum][.packetChecksumDisable] {
            flag(.hashWithoutPCSD)
        }
    }

    // MARK: posting

    /// Looks at the descriptors that tail writes handed over since the last step.
    mutating func takeNewDescriptors() {
        guard registers[I82574.rctl][.enable] else { return newTails = 0 }
        let queues = newTails
        newTails = 0
        guard behaviour.tracksBuffers else { return }
        for queue in 0..<I82574.queueCount where queues &>> UInt32(queue) & 1 != 0 { takeNewDescriptors(of: queue) }
    }

    private mutating func takeNewDescriptors(of queue: Int) {
        let ring = receiveRings[queue]
        let units = layout.units
        guard ring.tail < ring.count, ring.scanned < ring.count, ring.tail % units == ring.scanned % units,
            let words = translateReceiveRing(queue)
        else { return }
        var index = ring.scanned
        while index != ring.tail && ring.holds(index, units: units) {
            takeDescriptor(words, index, queue)
            index = ring.next(index, units: units)
        }
        receiveRings[queue].scanned = index
    }

    /// Index of the word whose lowest bits become the status of the descriptor at `index`.
    static func statusWord(_ index: Int) -> Int { 2 &* index &+ 1 }

    private mutating func takeDescriptor(_ words: DescriptorWords, _ index: Int, _ queue: Int) {
        let status = words.load(Self.statusWord(index))
        // DD: bit 0 of byte 8, or of byte 12 of a legacy descriptor.
        let done = layout.kind == .legacy ? status &>> 32 & 1 : status & 1
        guard done == 0 else {
            let last = writtenBack[queue].bytes.readOnly
            let stale = index &* 8 &+ 8 <= last.count && last.le64(index &* 8) == status
            flag(stale ? .staleDescriptor : .headerAddressOdd, UInt64(index))
            return
        }
        let first = words.load(2 &* index)
        let isSplit = layout.kind == .split
        core.post(
            isSplit ? status : first, size: isSplit ? layout.size1 : layout.size0, header: isSplit ? first : nil,
            headerSize: layout.size0, queue: queue, index: index)
    }
}
