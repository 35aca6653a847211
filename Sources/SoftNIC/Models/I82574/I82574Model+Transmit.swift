internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The way of a frame from descriptors to the wire.
///
/// Bits of a descriptor's second word: length 19:0, DTYP 23:20, EOP 24, TSE 26 (legacy: IC), RS 27, DEXT 29, VLE 30, IDE 31, DD 32,
/// POPTS 47:40 (IXSM, TXSM), VLAN tag 63:48.
extension I82574Model {
    /// Works on every queue with something to send; true if a descriptor was consumed.
    mutating func transmit() -> Bool {
        var worked = false
        for queue in 0..<I82574.queueCount where transmitPending &>> UInt32(queue) & 1 != 0 {
            if transmit(queue) { worked = true }
        }
        return worked
    }

    private mutating func transmit(_ queue: Int) -> Bool {
        guard let words = translateTransmitRing(queue) else {
            transmitPending &= ~(1 &<< UInt32(queue))
            return false
        }
        var worked = false
        while transmitRings[queue].head != transmitRings[queue].tail {
            let index = transmitRings[queue].head
            let first = words.load(2 &* index)
            let second = words.loadAcquiring(2 &* index &+ 1)
            if !transmitRings[queue].isComplete { fetch(queue, index, first, second) }
            if transmitRings[queue].isComplete {
                guard sendFrame(queue) else { return worked }
                transmitRings[queue].startFrame()
            }
            let next = index &+ 1 == transmitRings[queue].count ? 0 : index &+ 1
            transmitRings[queue].head = next
            registers[I82574.tdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: next))
            if second &>> 27 & 1 != 0 || registers[I82574.ivar][.everyTransmit] {
                reportDone(queue, words, index, second)
            }
            worked = true
        }
        transmitPending &= ~(1 &<< UInt32(queue))
        if worked { raise(.init().setting(.transmitEmpty)) }
        return worked
    }

    /// Takes one descriptor into the frame that is being collected.
    private mutating func fetch(_ queue: Int, _ index: Int, _ first: UInt64, _ second: UInt64) {
        if trace.isEnabled, let bytes = transmitRings[queue].bytes {
            trace.record(
                .descriptorFetched, at: now, UInt64(queue) | 0x100, UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
        // STA.DD of a descriptor that was not written since its write-back.
        if second &>> 32 & 1 != 0 { flag(.staleDescriptor, UInt64(index) | 0x1_0000) }
        let isExtended = second &>> 29 & 1 != 0
        if isExtended && second &>> 20 & 0xF == 0 {
            transmitRings[queue].context = I82574TransmitContext(first, second)
            return
        }
        // QEMU honours 16 bits of a length everywhere.
        let mask: UInt64 = isExtended && !behaviour.parsesLikeQEMU ? 0xF_FFFF : 0xFFFF
        collect(queue, first, Int(second & mask), second)
    }

    private mutating func collect(_ queue: Int, _ address: UInt64, _ length: Int, _ second: UInt64) {
        if length == 0 { flag(.emptyTransmitDescriptor, UInt64(queue)) }
        if address == 0 { flag(.nullAddress, UInt64(queue) | 0x1_0000) }
        let ring = transmitRings[queue]
        if ring.pieces == 0 { transmitRings[queue].first = second }
        // One too many is remembered by the count: the frame is given up at its end.
        if ring.pieces < TransmitQueueState.pieceLimit {
            core.pieces[queue &* TransmitQueueState.pieceLimit &+ ring.pieces] = TransmitPiece(
                address: address, length: length)
        }
        transmitRings[queue].pieces = ring.pieces &+ 1
        transmitRings[queue].length = ring.length &+ length
        transmitRings[queue].last = second
        transmitRings[queue].isComplete = second &>> 24 & 1 != 0
    }

    private mutating func reportDone(_ queue: Int, _ words: DescriptorWords, _ index: Int, _ second: UInt64) {
        let done = second | 1 &<< 32
        if behaviour.descriptorPieces == .whole {
            words.storeReleasing(2 &* index &+ 1, done)
        } else {
            pendingDone.append(words, index: 2 &* index &+ 1, value: done)
        }
        if trace.isEnabled, let bytes = transmitRings[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue) | 0x100, UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
        announceTransmitted(queue, mayWait: second &>> 31 & 1 != 0)
    }

    // MARK: frames

    /// Sends the collected frame, or as many of its segments as there is room for; false when some are left.
    private mutating func sendFrame(_ queue: Int) -> Bool {
        let ring = transmitRings[queue]
        guard ring.pieces <= TransmitQueueState.pieceLimit else {
            flag(.transmitTooLong, UInt64(ring.pieces))
            return true
        }
        // TSE of an extended descriptor.
        guard ring.first &>> 29 & 1 != 0, ring.first &>> 26 & 1 != 0, core.capabilities.transmitOffload else {
            return send(queue, from: 0, header: 0, count: ring.length, segment: nil)
        }
        let context = ring.context
        guard context.segmentSize > 0 else {
            flag(.segmentSizeZero, UInt64(queue))
            return true
        }
        guard context.headerLength <= ring.length, context.headerLength >= context.transportStart else {
            flag(.headerBeyondFrame, UInt64(context.headerLength))
            return true
        }
        let total = ring.length &- context.headerLength
        if context.payloadLength != total { flag(.payloadLengthMismatch, UInt64(context.payloadLength)) }
        if ring.segments == 0 { registers.count(I82574.tsctc) }
        var offset = ring.segments &* context.segmentSize
        repeat {
            let count = min(context.segmentSize, total &- offset)
            let segment = Segment(
                number: transmitRings[queue].segments, offset: offset, isLast: offset &+ count >= total)
            let header = context.headerLength
            guard send(queue, from: header &+ offset, header: header, count: count, segment: segment) else {
                return false
            }
            transmitRings[queue].segments += 1
            offset &+= count
        } while offset < total
        return true
    }

    /// The frame does not leave: RCTL.LBM, or the PHY's own loopback.
    private var loopsBack: Bool {
        let mode = registers[I82574.rctl][.loopback]
        return mode == 1 || mode == 3 || phy.loopsBack
    }

    /// Assembles and sends one frame of `header` bytes from the start and `count` bytes from `from` on; false for no room.
    private mutating func send(_ queue: Int, from: Int, header: Int, count: Int, segment: Segment?) -> Bool {
        let isLoop = loopsBack
        guard isLoop ? !fifo.isFull : !outbound.isFull else { return false }
        let length = header &+ count
        guard length <= maxFrame, length >= 14 else {
            flag(.transmitTooLong, UInt64(length))
            return true
        }
        guard let space = isLoop ? core.scratch.bytes : outbound.reserve() else { return false }
        let ring = transmitRings[queue]
        // VLE of the last descriptor, while CTRL.VME allows: the tag goes between addresses and type.
        let isTagged = ring.last &>> 30 & 1 != 0 && registers[I82574.ctrl][.vlanMode]
        let body = space.slice(isTagged ? 4 : 0, length)
        let base = queue &* TransmitQueueState.pieceLimit
        // A read that fails loses the frame.
        guard core.gather(base, ring.pieces, 0, body.slice(0, header)),
            core.gather(base, ring.pieces, from, body.slice(header, count))
        else { return true }
        if let segment { segment.edit(body, ring.context.lengths) }
        if core.capabilities.transmitOffload { insertSums(body, ring, isSegment: segment != nil) }
        var total = length
        if isTagged {
            let type = UInt16(truncatingIfNeeded: registers[I82574.vet].rawValue)
            ModelCore.insertTag(space, type: type, UInt16(truncatingIfNeeded: ring.last &>> 48))
            total &+= 4
        }
        if total < 60 && registers[I82574.tctl][.padShortPackets] {
            space.slice(total, 60 &- total).fill(0)
            total = 60
        }
        let frame = space.slice(0, total).readOnly
        // QEMU counts what is cut into segments once.
        if !behaviour.parsesLikeQEMU || segment?.isLast ?? true { core.countSent(frame) }
        if isLoop {
            if phy.linkUp || !behaviour.parsesLikeQEMU {
                enterFIFO(frame, mark: .none)
                core.receiveBlocked = false
            }
        } else if phy.linkUp {
            trace.record(.frameFromNIC, at: now, UInt64(total), UInt64(queue), view: frame)
            outbound.commit(length: total, due: now)
        }
        return true
    }

    /// Puts the sums in that the first descriptor asks for.
    private func insertSums(_ frame: MutableByteView, _ ring: I82574TransmitRing, isSegment: Bool) {
        let context = ring.context
        guard ring.first &>> 29 & 1 != 0 else {
            // IC of a legacy descriptor: CSS and CSO are in it. QEMU ignores it.
            guard !behaviour.parsesLikeQEMU else { return }
            return insertLegacyChecksum(frame, ring.first)
        }
        if ring.first &>> 40 & 1 != 0 {
            insertSum(frame, context.networkStart, context.networkEnd, context.networkField)
        }
        guard ring.first &>> 41 & 1 != 0 else { return }
        // The pseudo-header's sum in the field lacks the length when the device cuts segments.
        let added = isSegment ? frame.count &- context.transportStart : 0
        insertSum(
            frame, context.transportStart, context.transportEnd, context.transportField, added: added,
            isUDP: !context.isTCP)
    }

    /// The complement of the sum of bytes `start` to `end` (0: the last one), and of `added`, goes to `field`.
    private func insertSum(
        _ frame: MutableByteView, _ start: Int, _ end: Int, _ field: Int, added: Int = 0, isUDP: Bool = false
    ) {
        let stop = end == 0 ? frame.count : end &+ 1
        guard start < stop, stop <= frame.count, field &+ 2 <= frame.count else { return }
        var sum = InternetChecksum()
        sum.add(frame.readOnly.slice(start, stop &- start))
        sum.add(UInt16(truncatingIfNeeded: added))
        let value = sum.complement
        // A UDP checksum of 0 would say "none" (RFC 768).
        frame.setBE16(field, isUDP && value == 0 ? 0xFFFF : value)
    }
}
