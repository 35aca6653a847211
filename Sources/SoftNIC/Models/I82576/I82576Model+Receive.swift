internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The way of a frame from the wire to host memory and device region.
extension I82576Model {
    private enum Outcome { case delivered, dropped, blocked }

    /// A frame arrives; false when it is not taken now.
    mutating func arrive(_ frame: ByteView, mark: FrameMark) -> Bool {
        guard phy.linkUp else { return false }
        guard registers[I82576.rctl][.enable], core.configuration.mastersBus else {
            return behaviour.losesFramesWhileOff
        }
        if fifo.isFull && !delayed.isEmpty { drainPayload() }
        guard !fifo.isFull else {
            guard behaviour.countsDrops else { return false }
            registers.count(I82576.mpc)
            return true
        }
        trace.record(.frameToNIC, at: now, UInt64(frame.count), UInt64(mark.rawValue), view: frame)
        enterFIFO(frame, mark: mark)
        return true
    }

    /// Takes a frame from the wire or from MAC loopback; the FIFO must not be full.
    mutating func enterFIFO(_ frame: ByteView, mark: FrameMark) {
        core.countArrived(frame)
        if frame.count > fifo.capacity {
            registers.count(I82576.roc)
        } else if frame.count < 14 || (frame.count < 60 && !behaviour.padsShortFrames) {
            registers.count(I82576.ruc)
        } else {
            if frame.count < 60 && behaviour.countsPaddedFrames { registers.count(I82576.ruc) }
            fifo.push(frame, mark: mark)
        }
    }

    /// Delivers what waits in the FIFO until it is empty or a queue blocks it; true if a frame left it.
    mutating func receiveFrames() -> Bool {
        var worked = false
        while !fifo.isEmpty {
            guard core.descriptorsLeft > 0 else {
                core.receiveBlocked = true
                return worked
            }
            switch receiveNext() {
            case .delivered: break
            case .dropped: break
            case .blocked:
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
        guard registers[I82576.rctl][.enable] else { return behaviour.losesFramesWhileOff ? .dropped : .blocked }
        let place = fifo.front
        var start = 0
        var length = max(fifo.frontLength, 60)
        let arrived = place.slice(0, length).readOnly
        guard accepts(arrived) else { return .dropped }
        if behaviour.handlesMACControl && endsInMAC(arrived) { return .dropped }
        var parsed = ParsedFrame(arrived, loosely: behaviour.parsesLikeQEMU)
        if isOversized(fifo.frontLength, tags: parsed.tags) {
            if !behaviour.countsPaddedFrames { registers.count(I82576.roc) }
            return .dropped
        }
        // Over the frame as it came: a tag that is stripped below may hide another (observed on QEMU).
        let (type, hash) = computeHash(arrived, parsed)
        var tag: UInt16?
        if registers[I82576.ctrl][.vlanMode] && parsed.tags > 0 && arrived.be16(12) == 0x8100 {
            tag = arrived.be16(14)
            ModelCore.removeTag(place)
            start = 4
            length &-= 4
            parsed = ParsedFrame(place.slice(start, length).readOnly, loosely: behaviour.parsesLikeQEMU)
        }
        let frame = place.slice(start, length).readOnly
        let verdict = steer(frame, parsed, type, hash)
        let queue = verdict.queue
        let keepsCRC = !registers[I82576.rctl][.stripCRC]
        if keepsCRC {
            place.setLE32(start &+ length, behaviour.keepsZeroCRC ? 0 : frameCheckSequence(frame))
            length &+= 4
        }
        let stored = place.slice(start, length).readOnly
        var plan = makePlan(frame, behaviour.keepsCRCApart ? frame.count : stored.count, parsed, queue)
        if keepsCRC && behaviour.keepsCRCApart {
            plan.payloadStart = plan.headerBytes
            plan.payloadLength &+= 4
            plan.checkSequence = 4
        }
        if let outcome = makeRoom(queue, stored.count, plan.payloadLength) {
            if outcome == .blocked, let tag { Self.restoreTag(place, tag) }
            return outcome
        }
        var fields = makeWriteBack(frame, parsed, type, hash, tag)
        if let filter = verdict.etherTypeFilter {
            // Bit 15 says so, bits 6:4 which.
            fields.types = UInt32(type.rawValue) | 0x8000 | UInt32(truncatingIfNeeded: filter) &<< 4
        }
        // LLINT, bit 11.
        if verdict.isImmediate { fields.status |= 1 << 11 }
        deliver(stored, plan, to: queue, fields, isImmediate: verdict.isImmediate)
        countDelivered(frame)
        return .delivered
    }

    /// A frame that stays in the FIFO gets its tag back: it is looked at again later.
    private static func restoreTag(_ place: MutableByteView, _ tag: UInt16) {
        let low = place.readOnly.le64(4)
        let high = place.readOnly.le32(12)
        place.setLE64(0, low)
        place.setLE32(8, high)
        place.setBE16(12, 0x8100)
        place.setBE16(14, tag)
    }

    /// How the frame is laid out in the buffers of `queue`.
    private func makePlan(_ frame: ByteView, _ storedLength: Int, _ parsed: ParsedFrame, _ queue: Int) -> SplitPlan {
        let state = receiveQueues[queue]
        let header = splitBoundary(parsed, queue)
        var payloadEnd = storedLength
        // A frame without payload: its padding is not payload (82575 manual: PKT_LEN 0 for header-only packets).
        if !behaviour.storesPadding, let header, header == parsed.headerEnd, parsed.networkEnd == header,
            storedLength == frame.count
        {
            payloadEnd = header
        }
        return SplitPlan(
            type: state.type, length: storedLength, header: header, headerSize: state.headerSize,
            payloadEnd: payloadEnd, behaviour: behaviour)
    }

    /// Where the device cuts the frame; `nil` when it does not.
    private func splitBoundary(_ parsed: ParsedFrame, _ queue: Int) -> Int? {
        guard parsed.network != .none else { return nil }
        let filters = registers[I82576.rfctl]
        let isIPv4 = parsed.network == .ipv4
        if parsed.isFragment {
            if filters[.fragmentSplitDisable] { return nil }
            if isIPv4 { return allows(isIPv4 ? .ipv4 : .ipv6, queue) ? parsed.headerEnd : nil }
            if behaviour.countsFragmentHeader { return parsed.headerEnd }
            return allows(.ipv6, queue) ? parsed.fragmentHeader : nil
        }
        switch parsed.transport {
        case .tcp where !isNFS(parsed): return allows(isIPv4 ? .ipv4TCP : .ipv6TCP, queue) ? parsed.headerEnd : nil
        case .udp where !isNFS(parsed): return allows(isIPv4 ? .ipv4UDP : .ipv6UDP, queue) ? parsed.headerEnd : nil
        case .tcp, .udp: return nil
        case .none, .sctp: return behaviour.splitsOtherProtocols ? parsed.headerEnd : nil
        }
    }

    private func allows(_ type: Flag<I82576.SplitTypes>, _ queue: Int) -> Bool {
        !behaviour.hasFilters || registers[I82576.psrtype(queue & 7)][type]
    }

    /// The frame gets the NFS type: on port 2049 unless RFCTL switches that off.
    private func isNFS(_ parsed: ParsedFrame) -> Bool {
        guard behaviour.hasFilters, parsed.isNFSPort else { return false }
        let filters = registers[I82576.rfctl]
        return !filters[.nfsReadDisable] || !filters[.nfsWriteDisable]
    }

    // MARK: room

    /// Checks that `queue` can take the frame; `nil` means yes.
    private mutating func makeRoom(_ queue: Int, _ length: Int, _ payloadLength: Int) -> Outcome? {
        let state = receiveQueues[queue]
        if behaviour.holdsWithoutDescriptors && !anyQueueHasRoom() { return .blocked }
        guard queue < core.capabilities.queues else { return drop(queue) }
        guard state.enabled else {
            return behaviour.stallsWithoutDropEnable && !state.dropEnable ? .blocked : drop(queue)
        }
        let free = state.free
        let size = max(state.packetSize, 1)
        // QEMU compares the whole frame with the packet buffers; silicon needs what it will fill.
        let enough =
            behaviour.holdsWithoutDescriptors
            ? length <= free &* size : max(1, (payloadLength &+ size &- 1) / size) <= free
        if enough { return nil }
        return behaviour.stallsWithoutDropEnable && !state.dropEnable ? .blocked : drop(queue)
    }

    private func anyQueueHasRoom() -> Bool {
        for queue in 0..<I82576.queueCount where receiveQueues[queue].free > 0 { return true }
        return false
    }

    private mutating func drop(_ queue: Int) -> Outcome {
        raise(.init().setting(.receiveOverrun))
        guard behaviour.countsDrops else { return .dropped }
        if queue < core.capabilities.queues { registers.count(I82576.rqdpc(queue)) }
        registers.count(I82576.rnbc)
        return .dropped
    }

    // MARK: write-back fields

    /// The fields of a frame's last descriptor that do not depend on its layout.
    struct WriteBackFields: BitwiseCopyable {
        /// RSS type and packet type: bits 15:0 of the first word.
        var types: UInt32 = 0
        /// RSS hash, or IP identification: bits 63:32 of the first word.
        var hash: UInt32 = 0
        /// Status and error bits beyond DD, EOP and HBO.
        var status: UInt32 = 0
        /// VLAN tag.
        var tag: UInt16 = 0
    }

    private func makeWriteBack(
        _ frame: ByteView, _ parsed: ParsedFrame, _ type: ReceiveSideScaling.HashType, _ hash: UInt32, _ tag: UInt16?
    ) -> WriteBackFields {
        var fields = WriteBackFields()
        let offloads = registers[I82576.rxcsum]
        let checksIPv6 = !registers[I82576.rfctl][.ipv6ChecksumDisable] || parsed.network != .ipv6
        fields.status =
            ChecksumFinding(
                frame, parsed, header: offloads[.ipOffload], transport: offloads[.transportOffload] && checksIPv6,
                // QEMU has no switch of its own for SCTP.
                sctp: behaviour.parsesLikeQEMU
                    ? offloads[.transportOffload] && checksIPv6 : offloads[.sctpOffload],
                mark: core.capabilities.receiveChecksum ? fifo.frontMark : .none
            ).bits
        if offloads[.packetChecksumDisable] {
            fields.hash = hash
        } else if parsed.network == .ipv4 {
            // IPIDV: the field holds the identification.
            fields.status |= 1 << 9
            fields.hash = UInt32(frame.be16(parsed.networkOffset &+ 4))
        }
        if let tag {
            fields.status |= 1 << 3
            fields.tag = tag
        }
        fields.types = UInt32(type.rawValue) | packetType(parsed)
        return fields
    }

    /// Packet type, in place: bits 15:4.
    private func packetType(_ parsed: ParsedFrame) -> UInt32 {
        var type: UInt32
        switch parsed.network {
        case .none: return 0
        case .ipv4: type = parsed.hasExtensions && behaviour.typesIPv4Options ? 0x20 : 0x10
        case .ipv6 where registers[I82576.rfctl][.ipv6Disable]: type = 0
        case .ipv6: type = parsed.hasExtensions ? 0x80 : 0x40
        }
        guard !parsed.isFragment else { return type }
        switch parsed.transport {
        case .none: break
        case .tcp: type |= 0x100
        case .udp: type |= 0x200
        case .sctp: type |= 0x400
        }
        return isNFS(parsed) ? type | 0x800 : type
    }
}
