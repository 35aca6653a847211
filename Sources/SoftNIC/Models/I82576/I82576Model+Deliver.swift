internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// DMA of a received frame: payload, header, descriptor, and the done bit last.
extension I82576Model {
    /// Writes a frame to `queue`, which has room for it.
    mutating func deliver(_ frame: ByteView, _ plan: SplitPlan, to queue: Int, _ fields: WriteBackFields) {
        guard let words = translateReceiveRing(queue) else { return }
        let state = receiveQueues[queue]
        var index = state.head
        var offset = 0
        var isFirst = true
        repeat {
            let payload = words.load(2 &* index)
            let header = words.load(2 &* index &+ 1)
            if trace.isEnabled, let bytes = state.bytes {
                trace.record(
                    .descriptorFetched, at: now, UInt64(queue), UInt64(index),
                    view: bytes.slice(index &* 16, 16).readOnly)
            }
            let isSplit = state.type == 2 || state.type == 5
            if behaviour.nullHeaderEatsRing && isSplit && header == 0 { return eatRing(queue, words) }
            let chunk = min(plan.payloadLength &- offset, state.packetSize)
            if isPosted(payload, queue, index) {
                if chunk > 0 { core.writePayload(frame.slice(plan.payloadStart &+ offset, chunk), payload) }
                if isFirst && plan.headerBytes > 0 { core.writeHeader(frame.slice(0, plan.headerBytes), header & ~1) }
            }
            offset &+= chunk
            let isLast = offset >= plan.payloadLength
            writeBack(words, index, queue, plan, fields, length: chunk, isFirst: isFirst, isLast: isLast)
            index = index &+ 1 == state.count ? 0 : index &+ 1
            isFirst = false
            if isLast { break }
        } while true
        moveHead(queue, index)
        raise(.init().setting(.receiveDone))
    }

    /// The strict rule: DMA goes to buffers that are posted now.
    private mutating func isPosted(_ payload: UInt64, _ queue: Int, _ index: Int) -> Bool {
        guard behaviour.tracksBuffers else { return true }
        if posted.remove(payload) { return true }
        flag(.bufferNotPosted, UInt64(index))
        return false
    }

    private mutating func writeBack(
        _ words: DescriptorWords, _ index: Int, _ queue: Int, _ plan: SplitPlan, _ fields: WriteBackFields,
        length: Int, isFirst: Bool, isLast: Bool
    ) {
        var first: UInt64 = 0
        // Bit 0 is DD, bit 1 EOP, bit 23 HBO; everything but DD and lengths comes with EOP only.
        var status: UInt32 = 1
        if isFirst || behaviour.repeatsHeaderStatus {
            first |= UInt64(plan.headerLength & 0x3FF) &<< 21 | (plan.splitHeader ? 1 << 31 : 0)
        }
        if plan.headerOverflow && (isLast || behaviour.repeatsHeaderStatus) { status |= 1 << 23 }
        if isLast {
            first |= UInt64(fields.types) | UInt64(fields.hash) &<< 32
            status |= fields.status | 1 << 1
        }
        let tag = isLast ? UInt64(fields.tag) : 0
        let second = UInt64(status) | UInt64(length & 0xFFFF) &<< 32 | tag &<< 48
        words.store(2 &* index, first)
        words.store(2 &* index &+ 1, second & ~1)
        if behaviour.delaysDone {
            pendingDone.append(words, index: 2 &* index &+ 1, value: second)
        } else {
            words.storeReleasing(2 &* index &+ 1, second)
        }
        if behaviour.tracksBuffers {
            let written = writtenBack[queue].bytes
            if index &* 8 &+ 8 <= written.count { written.setLE64(index &* 8, second) }
        }
        if trace.isEnabled, let bytes = receiveQueues[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue), UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
    }

    /// What QEMU's model does with a null header address: every descriptor is done with nothing in it.
    private mutating func eatRing(_ queue: Int, _ words: DescriptorWords) {
        let state = receiveQueues[queue]
        var index = state.head
        while index != state.tail {
            words.store(2 &* index, 0)
            words.storeReleasing(2 &* index &+ 1, 1)
            index = index &+ 1 == state.count ? 0 : index &+ 1
        }
        moveHead(queue, index)
    }

    private mutating func moveHead(_ queue: Int, _ index: Int) {
        receiveQueues[queue].head = index
        registers[I82576.rdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: index))
    }
}
