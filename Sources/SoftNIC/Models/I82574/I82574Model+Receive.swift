internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The way of a frame from the wire to its queue.
extension I82574Model {
    private enum Outcome { case delivered, dropped, blocked }

    /// A frame arrives; false when it is not taken now.
    mutating func arrive(_ frame: ByteView, mark: FrameMark) -> Bool {
        guard phy.linkUp else { return false }
        guard registers[I82574.rctl][.enable], core.configuration.mastersBus else {
            return behaviour.losesFramesWhileOff
        }
        if fifo.isFull && !delayed.isEmpty { drainPayload() }
        guard !fifo.isFull else {
            guard behaviour.countsDrops else { return false }
            registers.count(I82574.mpc)
            raise(.init().setting(.receiveOverrun))
            return true
        }
        trace.record(.frameToNIC, at: now, UInt64(frame.count), UInt64(mark.rawValue), view: frame)
        enterFIFO(frame, mark: mark)
        return true
    }

    /// Takes a frame from the wire or from loopback; the FIFO must not be full.
    mutating func enterFIFO(_ frame: ByteView, mark: FrameMark) {
        core.countArrived(frame)
        if frame.count > fifo.capacity {
            registers.count(I82574.roc)
        } else if frame.count < 14 || (frame.count < 60 && !behaviour.padsShortFrames) {
            registers.count(I82574.ruc)
        } else {
            if frame.count < 60 && behaviour.countsPaddedFrames { registers.count(I82574.ruc) }
            fifo.push(frame, mark: mark)
        }
    }

    /// Delivers what waits in the FIFO until it is empty or blocked; true if a frame left it.
    mutating func receiveFrames() -> Bool {
        var worked = false
        while !fifo.isEmpty {
            if receiveNext() == .blocked {
                core.receiveBlocked = true
                return worked
            }
            fifo.advance()
            worked = true
        }
        // Without delayed writes the places are free at once.
        core.freeFIFO()
        return worked
    }

    private mutating func receiveNext() -> Outcome {
        let control = registers[I82574.rctl]
        guard control[.enable] else { return behaviour.losesFramesWhileOff ? .dropped : .blocked }
        guard core.descriptorsLeft > 0 else { return .blocked }
        let place = fifo.front
        let wireLength = max(fifo.frontLength, 60)
        let arrived = place.slice(0, wireLength).readOnly
        var tag: UInt16?
        let vlanType = UInt16(truncatingIfNeeded: registers[I82574.vet].rawValue)
        let isTagged = arrived.be16(12) == vlanType
        let isForUs = filter(control).accepts(arrived, core.registers)
        // QEMU measures before it looks at the address.
        guard isForUs || behaviour.countsPaddedFrames else { return .dropped }
        guard !isOversized(fifo.frontLength, control, isTagged) else {
            registers.count(I82574.roc)
            return .dropped
        }
        guard isForUs else { return .dropped }
        if isTagged && registers[I82574.ctrl][.vlanMode] { tag = arrived.be16(14) }
        // Headers are read behind the tag; addresses move over it only when the frame is delivered.
        let start = tag == nil ? 0 : 4
        let frame = place.slice(start, wireLength &- start).readOnly
        let parsed = ParsedFrame(frame, loosely: behaviour.parsesLikeQEMU)
        let (type, hash) = computeHash(frame, parsed)
        let queue = type == .none ? 0 : redirect(hash)
        let crc = control[.stripCRC] ? 0 : 4
        let boundary = layout.kind == .split ? splitBoundary(parsed, frame.count) : nil
        var total = frame.count &+ crc
        // A frame without payload: its padding is not payload.
        if !behaviour.storesPadding, crc == 0, let boundary, boundary == parsed.headerEnd,
            parsed.networkEnd == boundary
        {
            total = boundary
        }
        guard makeRoom(queue, total, boundary) else {
            raise(.init().setting(.receiveOverrun))
            if behaviour.holdsWithoutDescriptors { return .blocked }
            registers.count(I82574.rnbc)
            registers.count(I82574.mpc)
            return .dropped
        }
        if tag != nil { ModelCore.removeTag(place) }
        // QEMU stores zeros for the check sequence.
        if crc != 0 {
            place.setLE32(start &+ frame.count, behaviour.keepsZeroCRC ? 0 : frameCheckSequence(frame))
        }
        let stored = place.slice(start, total).readOnly
        let fields = makeWriteBack(frame, parsed, type, hash, tag)
        deliver(stored, boundary, to: queue, fields)
        core.countReceived(frame)
        announce(queue, frame, parsed)
        return .delivered
    }

    private func filter(_ control: I82574.ReceiveControl) -> AddressFilter {
        var filter = AddressFilter()
        filter.unicastPromiscuous = control[.unicastPromiscuous]
        filter.multicastPromiscuous = control[.multicastPromiscuous]
        filter.broadcastAccept = control[.broadcastAccept]
        filter.multicastOffset = control[.multicastOffset]
        filter.hashesUnicast = behaviour.parsesLikeQEMU
        filter.vlanFilter = control[.vlanFilter]
        filter.vlanType = UInt16(truncatingIfNeeded: registers[I82574.vet].rawValue)
        if control[.canonicalEnable] && !behaviour.parsesLikeQEMU { filter.canonical = control[.canonicalValue] }
        return filter
    }

    /// Whether a frame is longer than the MAC takes; its length is without check sequence.
    private func isOversized(_ length: Int, _ control: I82574.ReceiveControl, _ isTagged: Bool) -> Bool {
        if behaviour.parsesLikeQEMU {
            return !control[.storeBadPackets] && length > (control[.longPackets] ? 16_380 : 1518)
        }
        return length > (control[.longPackets] ? 16_380 : isTagged ? 1518 : 1514)
    }

    /// Where the device cuts the frame; `nil` when it does not, because the header does not fit its buffer either.
    private func splitBoundary(_ parsed: ParsedFrame, _ length: Int) -> Int? {
        guard let end = headerEnd(parsed), end <= layout.size0, end <= length else { return nil }
        return end
    }

    private func headerEnd(_ parsed: ParsedFrame) -> Int? {
        guard parsed.network != .none else { return nil }
        let filters = registers[I82574.rfctl]
        if parsed.isFragment {
            if filters[.fragmentSplitDisable] { return nil }
            if parsed.network == .ipv4 || behaviour.countsFragmentHeader { return parsed.headerEnd }
            return parsed.fragmentHeader
        }
        switch parsed.transport {
        case .tcp, .udp:
            // NFS has a boundary of its own on silicon.
            let isNFS = parsed.isNFSPort && (!filters[.nfsReadDisable] || !filters[.nfsWriteDisable])
            return isNFS && behaviour.hasFilters ? nil : parsed.headerEnd
        case .none, .sctp: return behaviour.splitsOtherProtocols ? parsed.transportOffset : nil
        }
    }

    /// Whether the queue has descriptors for `total` bytes cut at `boundary`.
    private mutating func makeRoom(_ queue: Int, _ total: Int, _ boundary: Int?) -> Bool {
        let descriptors = receiveRings[queue].free / layout.units
        guard descriptors > 0 else { return false }
        // QEMU compares the frame with all buffers together, and may find too few descriptors half way.
        if behaviour.holdsWithoutDescriptors { return total <= descriptors &* layout.capacity }
        let size = boundary == nil ? layout.capacity : layout.payloadCapacity
        let bytes = total &- (boundary ?? 0)
        return size > 0 && max(1, (bytes &+ size &- 1) / size) <= descriptors
    }

    // MARK: write-back fields

    /// The fields of a frame's last descriptor that do not depend on its layout.
    struct WriteBackFields: BitwiseCopyable {
        /// RSS type and queue, then hash or IP identification and packet checksum: the first word.
        var information: UInt64 = 0
        /// Extended status and errors beyond DD and EOP.
        var status: UInt32 = 0
        /// VLAN tag.
        var tag: UInt16 = 0
    }

    private func makeWriteBack(
        _ frame: ByteView, _ parsed: ParsedFrame, _ type: ReceiveSideScaling.HashType, _ hash: UInt32, _ tag: UInt16?
    ) -> WriteBackFields {
        var fields = WriteBackFields()
        let offloads = registers[I82574.rxcsum]
        let filters = registers[I82574.rfctl]
        let checksIPv6 = !filters[.ipv6ChecksumDisable] || parsed.network != .ipv6
        fields.status =
            ChecksumFinding(
                frame, parsed, header: offloads[.ipOffload], transport: offloads[.transportOffload] && checksIPv6,
                // The part knows no SCTP.
                sctp: false, mark: core.capabilities.receiveChecksum ? fifo.frontMark : .none
            ).bits
        if offloads[.packetChecksumDisable] {
            let queue = type == .none ? 0 : UInt64(redirect(hash))
            fields.information = UInt64(type.rawValue) | queue &<< 8 | UInt64(hash) &<< 32
        } else {
            if parsed.network == .ipv4 {
                // IPIDV: the field holds the identification.
                fields.status |= 1 << 9
                fields.information = UInt64(frame.be16(parsed.networkOffset &+ 4)) &<< 32
            }
            if !behaviour.parsesLikeQEMU { fields.information |= UInt64(packetChecksum(frame)) &<< 48 }
        }
        if let tag {
            fields.status |= 1 << 3
            fields.tag = tag
        }
        if acknowledges(frame, parsed) { fields.status |= 1 << 15 }
        fields.status |= packetType(parsed) &<< 16
        return fields
    }

    /// The one's-complement sum from RXCSUM.PCSS on.
    private func packetChecksum(_ frame: ByteView) -> UInt16 {
        let start = Int(registers[I82574.rxcsum][.start])
        guard start < frame.count else { return 0 }
        var sum = InternetChecksum()
        sum.add(frame.from(start))
        return sum.folded
    }

    /// A TCP acknowledgement: without data, or (QEMU) any.
    func acknowledges(_ frame: ByteView, _ parsed: ParsedFrame) -> Bool {
        guard parsed.transport == .tcp, frame[parsed.transportOffset &+ 13] & 0x10 != 0 else { return false }
        return behaviour.parsesLikeQEMU || parsed.networkEnd == parsed.headerEnd
    }

    private func packetType(_ parsed: ParsedFrame) -> UInt32 {
        let isTransport = parsed.transport == .tcp || parsed.transport == .udp
        switch parsed.network {
        case .none: return 0
        case .ipv4: return isTransport ? 2 : 1
        case .ipv6:
            if registers[I82574.rfctl][.ipv6Disable] { return 0 }
            return isTransport ? 6 : 5
        }
    }
}
