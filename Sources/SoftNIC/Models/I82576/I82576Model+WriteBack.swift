internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// The two words of a completed descriptor.
struct WriteBackWords: BitwiseCopyable {
    var first: UInt64
    var second: UInt64
    /// Which bit of the second word is DD.
    var done: UInt64
}

/// When completed descriptors reach memory: at once, in batches, in pieces; RDH and the causes follow them.
extension I82576Model {
    /// Longest time that a completed descriptor waits for others.
    private static var batchTime: Interval { .microseconds(5) }

    /// Takes a completed descriptor: to memory, or to the batch.
    mutating func complete(_ queue: Int, _ words: DescriptorWords, _ index: Int, _ done: WriteBackWords) {
        let kept = writtenBack[queue].bytes
        if index &* 16 &+ 16 <= kept.count {
            kept.setLE64(index &* 16, done.first)
            kept.setLE64(index &* 16 &+ 8, done.second)
        }
        guard receiveQueues[queue].batch > 1 else { return publish(queue, words, index, done) }
        if receiveQueues[queue].held == 0 {
            receiveQueues[queue].heldFrom = index
            receiveQueues[queue].heldDue = now + Self.batchTime
            heldQueues |= 1 &<< UInt32(queue)
        }
        receiveQueues[queue].held &+= 1
    }

    /// A frame is complete: tells of it, or looks whether its batch is. An immediate one takes its batch along.
    mutating func finishBurst(_ queue: Int, isImmediate: Bool) {
        let state = receiveQueues[queue]
        guard state.batch > 1 else {
            showHead(queue, state.head)
            return announce(.init().setting(.receiveDone), receiveVector(queue), isImmediate: isImmediate)
        }
        var ready = state.held >= state.batch ? state.held : 0
        if behaviour.writeBack == .cacheLine {
            // Lines of four descriptors; what is in the last, unfinished one stays.
            let open = state.head & 3
            ready = state.held > open ? state.held &- open : 0
        }
        writeHeld(queue, isImmediate ? state.held : ready, isImmediate: isImmediate)
    }

    /// Writes back the first `count` descriptors that a queue holds.
    mutating func writeHeld(_ queue: Int, _ count: Int, isImmediate: Bool = false) {
        guard count > 0, let words = translateReceiveRing(queue) else { return }
        let state = receiveQueues[queue]
        let kept = writtenBack[queue].bytes.readOnly
        var index = state.heldFrom
        for _ in 0..<count where index &* 16 &+ 16 <= kept.count && index < state.count {
            let done = WriteBackWords(
                first: kept.le64(index &* 16), second: kept.le64(index &* 16 &+ 8), done: state.isLegacy ? 1 << 32 : 1)
            publish(queue, words, index, done)
            index = index &+ 1 == state.count ? 0 : index &+ 1
        }
        receiveQueues[queue].heldFrom = index
        receiveQueues[queue].held = state.held &- count
        receiveQueues[queue].heldDue = now + Self.batchTime
        if receiveQueues[queue].held == 0 { heldQueues &= ~(1 &<< UInt32(queue)) }
        showHead(queue, index)
        announce(.init().setting(.receiveDone), receiveVector(queue), isImmediate: isImmediate)
    }

    /// Writes back what has waited long enough; true if there was something.
    mutating func writeOverdue() -> Bool {
        var worked = false
        for queue in 0..<I82576.queueCount
        where heldQueues &>> UInt32(queue) & 1 != 0 && receiveQueues[queue].heldDue <= now {
            writeHeld(queue, receiveQueues[queue].held)
            worked = true
        }
        return worked
    }

    /// When that is next.
    var nextOverdue: Instant {
        var next = Instant.never
        guard heldQueues != 0 else { return next }
        for queue in 0..<I82576.queueCount where heldQueues &>> UInt32(queue) & 1 != 0 {
            next = min(next, receiveQueues[queue].heldDue)
        }
        return next
    }

    /// What a queue holds is not written any more.
    mutating func forgetHeld(_ queue: Int) {
        receiveQueues[queue].held = 0
        heldQueues &= ~(1 &<< UInt32(queue))
    }

    /// Writes a descriptor to memory, in the pieces that the knob says.
    private mutating func publish(_ queue: Int, _ words: DescriptorWords, _ index: Int, _ done: WriteBackWords) {
        core.publish(words, index, done.first, done.second, done: done.done)
        if trace.isEnabled, let bytes = receiveQueues[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue), UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
    }

    /// RDH follows the write-back.
    mutating func showHead(_ queue: Int, _ index: Int) {
        registers[I82576.rdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: index))
    }

    // MARK: causes

    /// Raises causes and a vector, after the done bits that are still on their way.
    mutating func announce(_ causes: I82576.InterruptCause, _ vectors: UInt32, isImmediate: Bool = false) {
        if pendingDone.isEmpty { return raise(causes, vectors: vectors, isImmediate: isImmediate) }
        lateCauses.rawValue |= causes.rawValue
        lateVectors |= vectors
        if isImmediate { isLateImmediate = true }
    }

    /// Raises what waited for done bits.
    mutating func raiseLate() {
        let (causes, vectors, isImmediate) = (lateCauses, lateVectors, isLateImmediate)
        forgetLate()
        raise(causes, vectors: vectors, isImmediate: isImmediate)
    }

    /// Nothing waits any more.
    mutating func forgetLate() {
        lateCauses = .init()
        lateVectors = 0
        isLateImmediate = false
    }
}
