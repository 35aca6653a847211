internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// DMA of a received frame: payload, header, descriptor.
extension I82576Model {
    /// Writes a frame to `queue`, which has room for it.
    mutating func deliver(
        _ frame: ByteView, _ plan: SplitPlan, to queue: Int, _ fields: WriteBackFields, isImmediate: Bool
    ) {
        guard let words = translateReceiveRing(queue) else { return }
        let state = receiveQueues[queue]
        let losesData = core.losesNextFrame()
        var index = state.head
        var offset = 0
        var isFirst = true
        repeat {
            guard core.takesDescriptor() else { return }
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
            let written = plan.written(chunk, at: offset)
            if isPosted(payload, queue, index) && !losesData {
                if written > 0 { core.writePayload(frame.slice(plan.payloadStart &+ offset, written), payload) }
                if isFirst && plan.headerBytes > 0 { core.writeHeader(frame.slice(0, plan.headerBytes), header & ~1) }
            }
            offset &+= chunk
            let isLast = offset >= plan.payloadLength
            let done =
                state.isLegacy
                ? legacyWriteBack(payload, fields, length: written, isLast: isLast)
                : advancedWriteBack(plan, fields, length: written, isFirst: isFirst, isLast: isLast)
            complete(queue, words, index, done)
            index = index &+ 1 == state.count ? 0 : index &+ 1
            isFirst = false
            if isLast { break }
        } while true
        moveHead(queue, index)
        finishBurst(queue, isImmediate: isImmediate)
    }

    /// The strict rule: DMA goes to buffers that are posted now.
    private mutating func isPosted(_ payload: UInt64, _ queue: Int, _ index: Int) -> Bool {
        guard behaviour.tracksBuffers else { return true }
        if posted.remove(payload) { return true }
        flag(.bufferNotPosted, UInt64(index))
        return false
    }

    private func advancedWriteBack(
        _ plan: SplitPlan, _ fields: WriteBackFields, length: Int, isFirst: Bool, isLast: Bool
    ) -> WriteBackWords {
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
        return WriteBackWords(first: first, second: second, done: 1)
    }

    /// The legacy format: length 15:0, status 39:32, errors 47:40, tag 63:48 of the second word; the address stays.
    private func legacyWriteBack(
        _ address: UInt64, _ fields: WriteBackFields, length: Int, isLast: Bool
    ) -> WriteBackWords {
        var second = UInt64(length & 0xFFFF) | 1 &<< 32
        if isLast {
            // The status and error bits that both formats have are in the same order: 7:0, and 31:29 as 7:5.
            let errors = UInt64(fields.status &>> 24 & 0xE0)
            second |= UInt64(fields.status & 0xFE | 1 << 1) &<< 32 | errors &<< 40 | UInt64(fields.tag) &<< 48
        }
        return WriteBackWords(first: address, second: second, done: 1 << 32)
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
        showHead(queue, index)
    }

    /// Descriptors were used; RXDMT0 tells when few are left (SRRCTL.RDMTS).
    private mutating func moveHead(_ queue: Int, _ index: Int) {
        let threshold = receiveQueues[queue].threshold
        let before = receiveQueues[queue].free
        receiveQueues[queue].head = index
        guard before > threshold, receiveQueues[queue].free <= threshold else { return }
        raise(.init().setting(.receiveThreshold))
        if behaviour.countsDrops { registers.count(I82576.rxdmtc) }
    }
}
