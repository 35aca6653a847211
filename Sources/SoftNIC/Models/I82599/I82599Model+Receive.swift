internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The way of a frame from the wire to host memory and device region.
extension I82599Model {
    private enum Outcome { case delivered, dropped, blocked }

    /// A frame arrives; false when it is not taken now.
    mutating func arrive(_ frame: ByteView, mark: FrameMark) -> Bool {
        guard phy.linkUp else { return false }
        guard registers[I82599.rxctrl][.enable], core.configuration.mastersBus else {
            return behaviour.losesFramesWhileOff
        }
        if fifo.isFull && !delayed.isEmpty { drainPayload() }
        guard !fifo.isFull else {
            guard behaviour.countsDrops else { return false }
            registers.count(I82599.rxmpc(0))
            return true
        }
        trace.record(.frameToNIC, at: now, UInt64(frame.count), UInt64(mark.rawValue), view: frame)
        enterFIFO(frame, mark: mark)
        return true
    }

    /// Takes a frame from the wire or from loopback; the FIFO must not be full.
    mutating func enterFIFO(_ frame: ByteView, mark: FrameMark) {
        if frame.count > fifo.capacity {
            registers.count(I82599.roc)
        } else if frame.count < 14 || (frame.count < 60 && !behaviour.padsShortFrames) {
            registers.count(I82599.ruc)
        } else {
            fifo.push(frame, mark: mark)
        }
    }

    /// Delivers what waits in the FIFO until it is empty or a queue blocks it; true if a frame left it.
    mutating func receiveFrames() -> Bool {
        var worked = false
        while !fifo.isEmpty {
            if core.descriptorsLeft == 0 || receiveNext() == .blocked {
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
        guard registers[I82599.rxctrl][.enable] else { return behaviour.losesFramesWhileOff ? .dropped : .blocked }
        let place = fifo.front
        let wireLength = max(fifo.frontLength, 60)
        let arrived = place.slice(0, wireLength).readOnly
        guard filter.accepts(arrived, core.registers) else { return .dropped }
        let vlanType = UInt16(truncatingIfNeeded: registers[I82599.vlnctrl][.type])
        let isTagged = arrived.be16(12) == vlanType
        guard !isOversized(fifo.frontLength, isTagged) else {
            registers.count(I82599.roc)
            return .dropped
        }
        // Headers are the same before and after a tag is taken out: the queue, whose VME decides, is found first.
        let whole = ParsedFrame(arrived, loosely: behaviour.parsesLikeQEMU)
        let (type, hash) = computeHash(arrived, whole)
        let verdict = steer(arrived, whole, type, hash)
        guard !verdict.drops else { return .dropped }
        let queue = verdict.queue
        let tag = isTagged && registers[I82599.rxdctl(queue)][.stripTag] ? arrived.be16(14) : nil
        let start = tag == nil ? 0 : 4
        let frame = place.slice(start, wireLength &- start).readOnly
        let parsed = tag == nil ? whole : ParsedFrame(frame, loosely: behaviour.parsesLikeQEMU)
        let crc = registers[I82599.hlreg0][.stripCRC] ? 0 : 4
        let plan = makePlan(frame, frame.count &+ crc, parsed, queue)
        if let outcome = makeRoom(queue, plan.payloadLength) { return outcome }
        if tag != nil { ModelCore.removeTag(place) }
        if crc != 0 { place.setLE32(start &+ frame.count, frameCheckSequence(frame)) }
        let fields = makeWriteBack(frame, parsed, type, hash, tag, verdict)
        deliver(place.slice(start, frame.count &+ crc).readOnly, plan, to: queue, fields)
        core.countReceived(frame)
        return .delivered
    }

    private var filter: AddressFilter {
        let control = registers[I82599.fctrl]
        let tags = registers[I82599.vlnctrl]
        let multicast = registers[I82599.mcstctrl].rawValue
        var filter = AddressFilter()
        filter.unicastPromiscuous = control[.unicastPromiscuous]
        filter.multicastPromiscuous = control[.multicastPromiscuous]
        filter.broadcastAccept = control[.broadcastAccept]
        filter.multicastOffset = multicast & 3
        // MFE, bit 2.
        filter.hashesMulticast = multicast & 4 != 0
        filter.vlanFilter = tags[.filter]
        filter.vlanType = UInt16(truncatingIfNeeded: tags[.type])
        // CFI must be 0 where it is looked at.
        if tags[.canonicalEnable] { filter.canonical = false }
        filter.receiveAddresses = I82599.ral(0).offset
        filter.addressCount = UInt32(I82599.receiveAddressCount)
        filter.vlanTable = I82599.vfta(0).offset
        return filter
    }

    /// Whether a frame is longer than the MAC takes; its length is without check sequence.
    private func isOversized(_ length: Int, _ isTagged: Bool) -> Bool {
        let limit = registers[I82599.hlreg0][.jumbo] ? Int(registers[I82599.maxfrs][.size]) : 1518
        return length &+ 4 > limit &+ (isTagged ? 4 : 0)
    }

    /// How the frame is laid out in the buffers of `queue`.
    private func makePlan(_ frame: ByteView, _ storedLength: Int, _ parsed: ParsedFrame, _ queue: Int) -> SplitPlan {
        let state = receiveQueues[queue]
        let header = splitBoundary(parsed)
        var payloadEnd = storedLength
        // A frame without payload: its padding is not payload.
        if !behaviour.storesPadding, let header, header == parsed.headerEnd, parsed.networkEnd == header,
            storedLength == frame.count
        {
            payloadEnd = header
        }
        return SplitPlan(
            type: state.type, length: storedLength, header: header, headerSize: state.headerSize,
            payloadEnd: payloadEnd, behaviour: behaviour)
    }

    /// Where the device cuts the frame: behind the deepest header that PSRTYPE names and the frame has.
    private func splitBoundary(_ parsed: ParsedFrame) -> Int? {
        let depths = registers[I82599.psrtype(0)]
        let filters = registers[I82599.rfctl]
        let isNFS = parsed.isNFSPort && (!filters[.nfsReadDisable] || !filters[.nfsWriteDisable])
        if !parsed.isFragment && !isNFS {
            if parsed.transport == .tcp && depths[.tcp] { return parsed.headerEnd }
            if parsed.transport == .udp && depths[.udp] { return parsed.headerEnd }
        }
        let namesNetwork = parsed.network == .ipv4 && depths[.ipv4] || parsed.network == .ipv6 && depths[.ipv6]
        if namesNetwork {
            if parsed.isFragment { return filters[.fragmentSplitDisable] ? nil : fragmentBoundary(parsed) }
            // Sister parts cut behind the IP header of fragments only, where there is no transport that they know.
            let hasTransport = parsed.transport == .tcp || parsed.transport == .udp
            return hasTransport || behaviour.splitsOtherProtocols ? parsed.transportOffset : nil
        }
        return parsed.network == .none || !depths[.link] ? nil : parsed.networkOffset
    }

    private func fragmentBoundary(_ parsed: ParsedFrame) -> Int {
        parsed.network == .ipv4 || behaviour.countsFragmentHeader ? parsed.headerEnd : parsed.fragmentHeader
    }

    /// Checks that `queue` can take the frame; `nil` means yes.
    private mutating func makeRoom(_ queue: Int, _ payloadLength: Int) -> Outcome? {
        let state = receiveQueues[queue]
        let size = max(state.packetSize, 1)
        if state.enabled && max(1, (payloadLength &+ size &- 1) / size) <= state.free { return nil }
        if behaviour.stallsWithoutDropEnable && !state.dropEnable { return .blocked }
        if behaviour.holdsWithoutDescriptors { return .blocked }
        // 16 counters; what queues share one is RQSMR's, which is 0 after a reset: here each of the first has its own.
        if queue < 16 { registers.count(I82599.qprdc(queue)) }
        return .dropped
    }
}
