internal import DeviceMemory

extension ModelCore {
    /// A driver hands over a payload buffer, and a header buffer where the descriptor has one: the strict rules about both.
    mutating func post(_ payload: UInt64, size: Int, header: UInt64?, headerSize: Int, queue: Int, index: Int) {
        if payload == 0 || header == 0 { flag(.nullAddress, UInt64(index)) }
        guard payload != 0 else { return }
        guard posted.insert(payload, queue: queue) else { return flag(.bufferPostedTwice, payload) }
        if let header, header != 0, iommu.write(header, headerSize) == nil { flag(.bufferUnmapped, header) }
        guard let target = iommu.write(payload, size) else { return flag(.bufferUnmapped, payload) }
        guard behaviour.poisonsBuffers else { return }
        // Payload that was for the buffer's last life must not land after the poison of its next.
        if delayed.mayTouch(payload) { drainPayload() }
        target.bytes.fill(SoftNIC.poison)
    }

    /// Writes the two words of a completed descriptor, in the pieces that the knob says; `done` is the bit of the second that is DD.
    mutating func publish(_ words: DescriptorWords, _ index: Int, _ first: UInt64, _ second: UInt64, done: UInt64) {
        switch behaviour.descriptorPieces {
        case .whole:
            words.store(2 &* index, first)
            words.store(2 &* index &+ 1, second & ~done)
            words.storeReleasing(2 &* index &+ 1, second)
        case .doneLast:
            words.store(2 &* index, first)
            words.store(2 &* index &+ 1, second & ~done)
            pendingDone.append(words, index: 2 &* index &+ 1, value: second)
        case .halves:
            words.store(2 &* index, first)
            pendingDone.append(words, index: 2 &* index &+ 1, value: second)
        case .doneFirst:
            words.storeReleasing(2 &* index &+ 1, second)
            pendingDone.append(words, index: 2 &* index, value: first)
        }
    }
}
