internal import DeviceMemory
internal import Packets
internal import Timeline

/// The transmit queues of a part with advanced descriptors (82576, 82599), and the frames that they are collecting.
struct AdvancedTransmitQueues: ~Copyable {
    var queues: Slab<TransmitQueueState>
    /// Queues with something to transmit, a bit each.
    var pending: UInt128 = 0

    init(count: Int) { queues = Slab(count: count, repeating: TransmitQueueState()) }

    /// All queues as after a reset.
    mutating func reset() {
        pending = 0
        for queue in 0..<queues.count { queues[queue] = TransmitQueueState() }
    }

    /// Rings must be translated again.
    mutating func forgetTranslations() { for queue in 0..<queues.count { queues[queue].forgetTranslation() } }

    /// Notes whether a queue may have something to send, as far as its ring says.
    mutating func consider(_ queue: Int, isOn: Bool) {
        let state = queues[queue]
        let bit = UInt128(1) &<< UInt128(queue)
        let ready =
            isOn && state.enabled && state.head != state.tail && state.head < state.count && state.tail < state.count
        pending = ready ? pending | bit : pending & ~bit
    }
}

/// What parts with advanced transmit descriptors do not have in common.
protocol AdvancedTransmitter: DeviceModel, ~Copyable {
    var transmitter: AdvancedTransmitQueues { get set }

    /// The ring of a queue through the IOMMU.
    mutating func translateTransmitRing(_ queue: Int) -> DescriptorWords?
    /// TDH.
    mutating func showTransmitHead(_ queue: Int, _ index: Int)
    /// Where the head is written instead of done bits; `nil` where it is not.
    func transmitHeadAddress(_ queue: Int) -> UInt64?
    /// A descriptor of `queue` was reported done.
    mutating func announceSent(_ queue: Int)
    /// Frames come back instead of leaving.
    var sendsToItself: Bool { get }
    /// EtherType of tags that are put in.
    var transmitTagType: UInt16 { get }
    /// Frames are padded to 60 bytes.
    var padsTransmitted: Bool { get }
    /// A frame that is cut into segments is about to leave.
    mutating func countSegmented()
    /// A frame leaves, or comes back.
    mutating func countTransmitted(_ frame: ByteView)
    /// A frame comes back; the FIFO has room.
    mutating func enterFIFO(_ frame: ByteView, mark: FrameMark)
}

/// The way of a frame from descriptors to the wire.
extension AdvancedTransmitter where Self: ~Copyable {
    /// Works on every queue with something to send; true if a descriptor was consumed.
    mutating func transmit() -> Bool {
        var worked = false
        var due = transmitter.pending
        while due != 0 {
            let queue = due.trailingZeroBitCount
            due &= due &- 1
            if transmit(queue) { worked = true }
        }
        return worked
    }

    private mutating func transmit(_ queue: Int) -> Bool {
        guard let words = translateTransmitRing(queue) else {
            transmitter.pending &= ~(1 &<< UInt128(queue))
            return false
        }
        var worked = false
        while transmitter.queues[queue].head != transmitter.queues[queue].tail {
            let index = transmitter.queues[queue].head
            let first = words.load(2 &* index)
            let second = words.loadAcquiring(2 &* index &+ 1)
            if !transmitter.queues[queue].isComplete { fetch(queue, index, first, second) }
            if transmitter.queues[queue].isComplete {
                guard sendFrame(queue) else { return worked }
                transmitter.queues[queue].startFrame()
            }
            let next = index &+ 1 == transmitter.queues[queue].count ? 0 : index &+ 1
            transmitter.queues[queue].head = next
            showTransmitHead(queue, next)
            // RS, bit 27 of the command.
            if second &>> 27 & 1 != 0 { reportDone(queue, words, index, second) }
            worked = true
        }
        transmitter.pending &= ~(1 &<< UInt128(queue))
        return worked
    }

    /// Takes one descriptor into the frame that is being collected.
    private mutating func fetch(_ queue: Int, _ index: Int, _ first: UInt64, _ second: UInt64) {
        if trace.isEnabled, let bytes = transmitter.queues[queue].bytes {
            trace.record(
                .descriptorFetched, at: now, UInt64(queue) | 0x100, UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
        let command = UInt32(truncatingIfNeeded: second)
        let options = UInt32(truncatingIfNeeded: second &>> 32)
        // DEXT, bit 29.
        if command &>> 29 & 1 == 0 { return fetchLegacy(queue, index, first, second) }
        // STA.DD of a descriptor that was not written since its write-back.
        if options & 1 != 0 { flag(.staleDescriptor, UInt64(index) | 0x1_0000) }
        // DTYP, bits 23:20: 2 context, 3 data.
        if command &>> 20 & 0xF == 2 {
            let context = TransmitContext(first, second)
            // IDX, bits 6:4 of the last double word.
            if options &>> 4 & 1 == 0 {
                transmitter.queues[queue].context0 = context
            } else {
                transmitter.queues[queue].context1 = context
            }
            return
        }
        collect(queue, first, Int(command & 0xFFFF), command, options)
    }

    /// A legacy descriptor: length 15:0, command 31:24, DD bit 32; checksum and tag count in the last one of a frame.
    private mutating func fetchLegacy(_ queue: Int, _ index: Int, _ first: UInt64, _ second: UInt64) {
        let command = UInt32(truncatingIfNeeded: second)
        let state = transmitter.queues[queue]
        let isMixed = state.pieces > 0 && state.command &>> 29 & 1 != 0
        // EOP, bit 24, is all that the rest of the path may see: other bits mean other things there.
        let ended = command & 1 &<< 24
        guard behaviour.hasLegacyDescriptors, !isMixed else {
            flag(.legacyTransmitDescriptor, UInt64(index))
            return collect(queue, first, Int(command & 0xFFFF), ended, 0)
        }
        if second &>> 32 & 1 != 0 { flag(.staleDescriptor, UInt64(index) | 0x1_0000) }
        collect(queue, first, Int(command & 0xFFFF), ended, 0)
        transmitter.queues[queue].legacy = second
    }

    private mutating func collect(_ queue: Int, _ address: UInt64, _ length: Int, _ command: UInt32, _ options: UInt32)
    {
        if length == 0 { flag(.emptyTransmitDescriptor, UInt64(queue)) }
        if address == 0 { flag(.nullAddress, UInt64(queue) | 0x1_0000) }
        let state = transmitter.queues[queue]
        if state.pieces == 0 {
            transmitter.queues[queue].command = command
            transmitter.queues[queue].options = options
        }
        // One too many is remembered by the count: the frame is given up at its end.
        if state.pieces < TransmitQueueState.pieceLimit {
            core.pieces[queue &* TransmitQueueState.pieceLimit &+ state.pieces] = TransmitPiece(
                address: address, length: length)
        }
        transmitter.queues[queue].pieces = state.pieces &+ 1
        transmitter.queues[queue].length = state.length &+ length
        // EOP, bit 24.
        transmitter.queues[queue].isComplete = command &>> 24 & 1 != 0
    }

    /// DD in the descriptor, or the head at the address of TDWBAL.
    private mutating func reportDone(_ queue: Int, _ words: DescriptorWords, _ index: Int, _ second: UInt64) {
        defer { announceSent(queue) }
        if let address = transmitHeadAddress(queue) {
            guard let target = iommu.write(address, 4) else { return flag(.accessRefused, address) }
            let head = UInt32(truncatingIfNeeded: transmitter.queues[queue].head)
            SharedWord(target.bytes, at: 0).storeReleasing(head.littleEndian)
            return
        }
        let done = second | 1 &<< 32
        switch behaviour.descriptorPieces {
        case .whole, .doneFirst: words.storeReleasing(2 &* index &+ 1, done)
        case .doneLast, .halves: pendingDone.append(words, index: 2 &* index &+ 1, value: done)
        }
        if trace.isEnabled, let bytes = transmitter.queues[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue) | 0x100, UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
    }

    // MARK: frames

    /// Sends the collected frame, or as many of its segments as there is room for; false when some are left.
    private mutating func sendFrame(_ queue: Int) -> Bool {
        let state = transmitter.queues[queue]
        guard state.pieces <= TransmitQueueState.pieceLimit else {
            flag(.transmitTooLong, UInt64(state.pieces))
            return true
        }
        let context = state.options &>> 4 & 1 == 0 ? state.context0 : state.context1
        let payloadLength = Int(state.options &>> 14)
        // TSE, bit 31 of the command.
        guard state.command &>> 31 & 1 != 0, core.capabilities.transmitOffload else {
            let isLegacy = state.command &>> 29 & 1 == 0
            if !isLegacy && payloadLength != state.length { flag(.payloadLengthMismatch, UInt64(payloadLength)) }
            return send(queue, context, from: 0, header: 0, count: state.length, segment: nil)
        }
        let header = context.linkLength &+ context.networkLength &+ context.transportLength
        guard context.segmentSize > 0 else {
            flag(.segmentSizeZero, UInt64(queue))
            return true
        }
        guard header <= state.length, header <= maxFrame else {
            flag(.headerBeyondFrame, UInt64(header))
            return true
        }
        let total = state.length &- header
        if payloadLength != total { flag(.payloadLengthMismatch, UInt64(payloadLength)) }
        if state.segments == 0 { countSegmented() }
        var offset = transmitter.queues[queue].segments &* context.segmentSize
        repeat {
            let count = min(context.segmentSize, total &- offset)
            let segment = Segment(
                number: transmitter.queues[queue].segments, offset: offset, isLast: offset &+ count >= total)
            guard send(queue, context, from: header &+ offset, header: header, count: count, segment: segment) else {
                return false
            }
            transmitter.queues[queue].segments += 1
            offset &+= count
        } while offset < total
        return true
    }

    /// Assembles and sends one frame of `header` bytes from the start and `count` bytes from `from` on; false for no room.
    private mutating func send(
        _ queue: Int, _ context: TransmitContext, from: Int, header: Int, count: Int, segment: Segment?
    ) -> Bool {
        let loopback = sendsToItself
        let hasRoom = loopback ? !fifo.isFull : !outbound.isFull
        guard hasRoom else { return false }
        let length = header &+ count
        guard length <= maxFrame, length >= 14 else {
            flag(.transmitTooLong, UInt64(length))
            return true
        }
        guard let space = loopback ? core.scratch.bytes : outbound.reserve() else { return false }
        let state = transmitter.queues[queue]
        // VLE, bit 30 of the command: the tag goes between addresses and type.
        let isLegacy = state.command &>> 29 & 1 == 0
        let isTagged = (isLegacy ? UInt32(truncatingIfNeeded: state.legacy) : state.command) &>> 30 & 1 != 0
        let body = space.slice(isTagged ? 4 : 0, length)
        let first = queue &* TransmitQueueState.pieceLimit
        guard core.gather(first, state.pieces, 0, body.slice(0, header)),
            core.gather(first, state.pieces, from, body.slice(header, count))
        else {
            // A read that fails loses the frame.
            return true
        }
        if let segment { segment.edit(body, context) }
        if isLegacy {
            insertLegacyChecksum(body, state.legacy)
        } else if core.capabilities.transmitOffload {
            insertChecksums(body, state.options, context, isSegment: segment != nil)
        }
        var total = length
        if isTagged {
            let tag = isLegacy ? UInt16(truncatingIfNeeded: state.legacy &>> 48) : context.tag
            ModelCore.insertTag(space, type: transmitTagType, tag)
            total &+= 4
        }
        if total < 60 && padsTransmitted {
            space.slice(total, 60 &- total).fill(0)
            total = 60
        }
        let frame = space.slice(0, total).readOnly
        countTransmitted(frame)
        if loopback {
            // The PHY side must be up for MAC loopback too.
            if phy.linkUp {
                enterFIFO(frame, mark: .none)
                core.receiveBlocked = false
            }
        } else if phy.linkUp {
            trace.record(.frameFromNIC, at: now, UInt64(total), UInt64(queue), view: frame)
            outbound.commit(length: total, due: now)
        }
        return true
    }
}
