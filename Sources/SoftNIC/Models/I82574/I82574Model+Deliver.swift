internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// DMA of a received frame: buffers, descriptor, and the done bit last.
extension I82574Model {
    /// Writes a frame, cut at `boundary`, to `queue`, which has room for it (in QEMU: perhaps).
    mutating func deliver(_ frame: ByteView, _ boundary: Int?, to queue: Int, _ fields: WriteBackFields) {
        guard let words = translateReceiveRing(queue) else { return }
        let units = layout.units
        let losesData = core.losesNextFrame()
        var offset = 0
        var isFirst = true
        repeat {
            guard core.takesDescriptor() else { return }
            let ring = receiveRings[queue]
            let index = ring.head
            guard ring.free >= units, ring.holds(index, units: units) else { return }
            if trace.isEnabled, let bytes = ring.bytes {
                trace.record(
                    .descriptorFetched, at: now, UInt64(queue), UInt64(index),
                    view: bytes.slice(index &* 16, 16 &* units).readOnly)
            }
            var lengths = I82574BufferLengths()
            // A null header buffer: QEMU up to 10.1 takes the bytes away and reports nothing written.
            let isNull = words.load(2 &* index) == 0
            offset = fill(
                words, index, queue, frame, from: offset, boundary, isFirst: isFirst, isDry: isNull, isLost: losesData,
                &lengths)
            let isLast = offset >= frame.count
            writeBack(words, index, queue, boundary, fields, lengths, isFirst: isFirst, isLast: isLast)
            receiveRings[queue].head = ring.next(index, units: units)
            registers[I82574.rdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: receiveRings[queue].head))
            isFirst = false
        } while offset < frame.count
    }

    /// Writes what fits the buffers of one descriptor; where the rest begins.
    private mutating func fill(
        _ words: DescriptorWords, _ index: Int, _ queue: Int, _ frame: ByteView, from start: Int, _ boundary: Int?,
        isFirst: Bool, isDry: Bool, isLost: Bool, _ lengths: inout I82574BufferLengths
    ) -> Int {
        var offset = start
        let payload = layout.kind == .split ? words.load(2 &* index &+ 1) : words.load(2 &* index)
        let writes = isPosted(payload, queue, index) && !isDry && !isLost
        var first = 0
        if let boundary {
            // Buffer 0 of later descriptors stays empty.
            if isFirst {
                if writes { core.writeHeader(frame.slice(0, boundary), words.load(2 &* index)) }
                if !isDry { lengths.length0 = boundary }
                offset = boundary
            }
            first = 1
        }
        let last = layout.kind == .split ? 3 : 0
        for buffer in first...last where offset < frame.count {
            let count = min(frame.count &- offset, layout.size(buffer))
            guard count > 0 else { continue }
            if writes {
                let bytes = frame.slice(offset, count)
                let address = words.load(2 &* index &+ buffer)
                if buffer == 0 && layout.kind == .split {
                    core.writeHeader(bytes, address)
                } else {
                    core.writePayload(bytes, address)
                }
            }
            if !isDry { lengths[buffer] = count }
            offset &+= count
        }
        return offset
    }

    /// The strict rule: DMA goes to buffers that are posted now.
    private mutating func isPosted(_ payload: UInt64, _ queue: Int, _ index: Int) -> Bool {
        guard behaviour.tracksBuffers else { return true }
        if posted.remove(payload) { return true }
        flag(.bufferNotPosted, UInt64(index))
        return false
    }

    private mutating func writeBack(
        _ words: DescriptorWords, _ index: Int, _ queue: Int, _ boundary: Int?, _ fields: WriteBackFields,
        _ lengths: I82574BufferLengths, isFirst: Bool, isLast: Bool
    ) {
        // Bit 0 is DD, bit 1 EOP; what describes the frame comes with EOP only.
        let status = isLast ? fields.status | 3 : 1
        let tag = isLast ? UInt64(fields.tag) &<< 48 : 0
        var done: UInt64
        switch layout.kind {
        case .legacy:
            // Length, packet checksum, status, errors, tag. The address stays.
            let checksum = isLast ? (fields.information &>> 48) &<< 16 : 0
            done = UInt64(lengths.length0 & 0xFFFF) | checksum | UInt64(status & 0xFF) &<< 32
            done |= UInt64(status &>> 24) &<< 40 | tag
        case .extended, .split: done = UInt64(status) | UInt64(lengths.length0 & 0xFFFF) &<< 32 | tag
        }
        if layout.kind == .split {
            var header: UInt64 = 0
            if let boundary, isFirst || behaviour.repeatsHeaderStatus { header = UInt64(boundary & 0x3FF) | 1 << 15 }
            let low = header | UInt64(lengths.length1 & 0xFFFF) &<< 16
            let high = UInt64(lengths.length2 & 0xFFFF) | UInt64(lengths.length3 & 0xFFFF) &<< 16
            words.store(2 &* index &+ 2, low | high &<< 32)
            words.store(2 &* index &+ 3, 0)
        }
        publish(words, index, layout.kind == .legacy ? nil : isLast ? fields.information : 0, done)
        if behaviour.tracksBuffers {
            let written = writtenBack[queue].bytes
            if index &* 8 &+ 8 <= written.count { written.setLE64(index &* 8, done) }
        }
        if trace.isEnabled, let bytes = receiveRings[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue), UInt64(index),
                view: bytes.slice(index &* 16, 16 &* layout.units).readOnly)
        }
    }

    /// Writes the first word, where there is one, and the status word, in the pieces that the knob says.
    private mutating func publish(_ words: DescriptorWords, _ index: Int, _ first: UInt64?, _ status: UInt64) {
        let word = Self.statusWord(index)
        let done: UInt64 = layout.kind == .legacy ? 1 << 32 : 1
        if behaviour.descriptorPieces == .doneFirst {
            words.storeReleasing(word, status)
            if let first { pendingDone.append(words, index: 2 &* index, value: first) }
            return
        }
        if let first { words.store(2 &* index, first) }
        if behaviour.descriptorPieces != .halves { words.store(word, status & ~done) }
        if behaviour.descriptorPieces == .whole {
            words.storeReleasing(word, status)
        } else {
            pendingDone.append(words, index: word, value: status)
        }
    }
}
