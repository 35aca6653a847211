public import DeviceMemory
public import PagePool
public import Rings

/// Where a receive queue puts the leading bytes of frames.
@frozen public enum HeaderPlacement: Sendable, Hashable {
    /// In a host header buffer of this many bytes each; the rest goes to a slot (DESCTYPE 5).
    case headerBuffer(Int)
    /// Whole frames go to slots of readable host memory (DESCTYPE 1): the queue for everything that is not split.
    case slot
    /// Whole frames as well, but the device splits them all the same: its header buffer is the first `room` bytes of the
    /// slot and the rest of the frame goes behind them (82574, where one descriptor type serves all queues).
    case slotBehindHeader(room: Int)
}

/// A receive queue that turns completions into frames and keeps its ring full.
///
/// Every descriptor holds a slot at all times: a slot leaves only against a replacement, so the ring never starves. The
/// device owns the descriptors up to the tail register, and the tail moves only at ``endBurst()``; that is what keeps the
/// header bytes of a burst in place while the stack reads them.
///
/// Armed when made, it runs from ``start(ringsTail:)`` to ``halt()``; what was completed until then can still be taken. After
/// ``rearm(_:)`` it can be started again, in the same memory and with the same slots.
@frozen public struct SplitReceiveQueue<Format: SplitDescriptorFormat, B: Bus>: ~Copyable {
    @usableFromInline let ring: DescriptorWords
    @usableFromInline let headers: HostBlock
    /// The ring and header memory, to be used again once the device has stopped and ``stop(_:)`` gave the slots back.
    public let memory: QueueMemory
    @usableFromInline let headerStride: Int
    @usableFromInline let headerSize: UInt32
    @usableFromInline let takesWholeFrames: Bool
    // Of a slot, what is left for the payload buffer.
    @usableFromInline let payloadSize: UInt32
    @usableFromInline var posted: Slab<UInt32>
    @usableFromInline let mask: UInt32
    @usableFromInline var next: UInt32
    @usableFromInline var rung: UInt32
    @usableFromInline var inChain: Bool
    @usableFromInline var unflushed: Bool
    @usableFromInline var state: SplitQueueState
    @usableFromInline let doorbell: Doorbell
    @usableFromInline let bus: B
    @usableFromInline let flushWindow: B
    @usableFromInline let flushOffset: UInt32
    @usableFromInline let visibility: Visibility
    @usableFromInline var counters: SplitStatistics

    /// Bytes a header buffer starts apart from the next: whole cache lines, so that two never share one.
    public static func headerStride(_ size: Int) -> Int { (size + 63) & ~63 }

    /// Arms a queue: every descriptor gets a slot from `pool`. The tail is not rung yet: see ``start(ringsTail:)``.
    ///
    /// - Parameters:
    ///   - ring: descriptor memory, aligned to the format's `ringAlignment`, a power of two of descriptors.
    ///   - headers: header slab, ``headerStride(_:)`` bytes a descriptor; ignored when whole frames go to slots.
    ///   - flushWindow: the region's window on the bus, and the flush page's offset in it.
    /// - Throws: ``HeaderSplitError/poolTooSmall(slots:descriptors:)``; every slot taken is given back then.
    public init(
        ring: HostBlock, headers: HostBlock, placement: HeaderPlacement, doorbell: Doorbell, bus: B,
        flushWindow: B, flushOffset: UInt32 = 0, visibility: Visibility, pool: inout PagePool
    ) throws(HeaderSplitError) {
        let count = ring.bytes.count / Format.stride
        guard count >= 8, count & (count - 1) == 0 else { throw .ringSize(descriptors: count) }
        guard pool.freeCount > count else { throw .poolTooSmall(slots: pool.freeCount, descriptors: count) }
        switch placement {
        case .headerBuffer: break
        case .slot where pool.kind == .hostPage: break
        case .slotBehindHeader(let room) where pool.kind == .hostPage:
            guard room < pool.slotSize else { throw .slotTooSmall(slotSize: pool.slotSize, room: room) }
        case .slot, .slotBehindHeader: throw .unreadableHostQueue
        }
        self.ring = DescriptorWords(ring.bytes)
        self.headers = headers
        memory = QueueMemory(ring: ring, headers: headers)
        switch placement {
        case .headerBuffer(let size):
            takesWholeFrames = false
            headerSize = UInt32(size)
            headerStride = SplitReceiveQueue.headerStride(size)
            payloadSize = UInt32(pool.slotSize)
        case .slot:
            takesWholeFrames = true
            headerSize = 0
            headerStride = 0
            payloadSize = UInt32(pool.slotSize)
        case .slotBehindHeader(let room):
            takesWholeFrames = true
            headerSize = UInt32(room)
            headerStride = 0
            payloadSize = UInt32(pool.slotSize - room)
        }
        posted = Slab(count: count, repeating: 0)
        mask = UInt32(count - 1)
        next = 0
        rung = 0
        inChain = false
        unflushed = false
        state = .armed
        self.doorbell = doorbell
        self.bus = bus
        self.flushWindow = flushWindow
        self.flushOffset = flushOffset
        self.visibility = visibility
        counters = SplitStatistics()
        for i in 0..<count {
            // Cannot fail: the pool was asked for more than this above and has one user.
            guard let slot = pool.lend() else { break }
            posted[i] = slot
            post(i, pool.iova(of: slot))
        }
    }

    /// Counters since the start.
    public var statistics: SplitStatistics { counters }
    /// Number of descriptors.
    public var size: Int { Int(mask) + 1 }

    /// Whether payload goes to slots and headers to buffers of their own; otherwise whole frames go to slots.
    public var splits: Bool { !takesWholeFrames }
    /// Bytes of a payload buffer: the slot, less what a header buffer in front of it takes.
    public var payloadBytes: Int { Int(payloadSize) }

    /// The next received frame, or `nil` when the device is done with no more.
    ///
    /// Frames that cannot be believed or kept are counted and skipped here. The frame's header stays valid until
    /// ``endBurst()``.
    @inlinable public mutating func nextFrame(_ pool: inout PagePool) -> ReceivedFrame? {
        while true {
            // All descriptors but one may be outstanding: stop before lapping what the device has not been given back.
            if next &- rung == mask { return nil }
            let index = Int(next & mask)
            guard let completion = Format.completion(ring, index: index) else { return nil }
            next &+= 1
            if let frame = take(completion, index, &pool) { return frame }
        }
    }

    /// Ends a burst: proves payload visible when the region needs it, then gives every consumed descriptor back.
    ///
    /// Call after the stack has read the headers and before its records are published.
    @inlinable public mutating func endBurst() {
        proveVisible()
        if next != rung { ringTail() }
    }

    /// The words of the next descriptor if the device is done with it, as the device wrote them: for bring-up, where a
    /// completion is compared bit by bit. Changes nothing.
    public func nextWriteBack() -> [UInt64]? {
        guard next &- rung != mask else { return nil }
        let index = Int(next & mask)
        guard Format.completion(ring, index: index) != nil else { return nil }
        return (0..<(Format.stride / 8)).map { ring.load(index * Format.stride / 8 + $0) }
    }

    @inlinable mutating func proveVisible() {
        guard unflushed else { return }
        unflushed = false
        switch visibility {
        case .coherent, .consumerFence: break
        case .flushRead: _ = flushWindow.read32(flushOffset)
        }
    }

    @inlinable mutating func ringTail() {
        // The descriptor at the tail holds a slot but is not the device's: hardware reads head == tail as "empty".
        // A disabled queue has no use for a tail: silicon ignores it, QEMU keeps it for later, when the ring is another.
        if state != .halted { doorbell.ring(((next &+ mask) & mask) &* Format.tailUnit, on: bus) }
        rung = next
    }

    // Takes the address and not the pool: lending the pool out by borrowing copied all of it (seen under callgrind).
    @inlinable func post(_ index: Int, _ payload: IOVA) {
        if takesWholeFrames {
            let header = headerSize == 0 ? IOVA(0) : payload
            Format.post(ring, index: index, payload: payload + Int(headerSize), header: header)
        } else {
            Format.post(ring, index: index, payload: payload, header: headers.iova + index &* headerStride)
        }
    }

    @inlinable mutating func repost(_ index: Int, _ pool: inout PagePool) {
        counters.reposted &+= 1
        post(index, pool.iova(of: posted[index]))
    }

    /// Believes a completion or not; always leaves the descriptor armed.
    @inlinable mutating func take(
        _ completion: ReceiveCompletion, _ index: Int, _ pool: inout PagePool
    ) -> ReceivedFrame? {
        let partOfChain = inChain
        inChain = !completion.endOfFrame
        if partOfChain || !completion.endOfFrame {
            counters.chained &+= 1
            repost(index, &pool)
            return nil
        }
        let payloadLength = completion.payloadLength
        guard completion.buffer == UInt32(truncatingIfNeeded: index) else {
            counters.badBuffer &+= 1
            repost(index, &pool)
            return nil
        }
        guard payloadLength <= payloadSize, !completion.frameError else {
            if completion.frameError { counters.frameErrors &+= 1 } else { counters.badLength &+= 1 }
            repost(index, &pool)
            return nil
        }
        if takesWholeFrames { return takeWhole(completion, index, &pool) }
        // HDR_LEN is the parsed header's real length, which may exceed the buffer only together with HBO
        // (82575 manual, table 33).
        let headerLength = min(completion.headerLength, headerSize)
        guard headerLength != 0, completion.headerLength <= headerSize || completion.headerOverflow else {
            counters.badLength &+= 1
            repost(index, &pool)
            return nil
        }
        let verdict: SplitVerdict =
            completion.headerOverflow ? .headerOverflow : completion.split ? .split : .unsplit
        let header = headers.bytes.slice(index &* headerStride, Int(headerLength)).readOnly
        if payloadLength == 0 {
            repost(index, &pool)
            count(verdict, headerLength, 0)
            return ReceivedFrame(header: header, fragment: nil, split: verdict, checksum: checksum(completion))
        }
        guard let replacement = pool.lend() else {
            counters.noReplacement &+= 1
            repost(index, &pool)
            return nil
        }
        let fragment = pool.arrive(posted[index], offset: 0, length: payloadLength)
        posted[index] = replacement
        post(index, pool.iova(of: replacement))
        unflushed = true
        count(verdict, headerLength, payloadLength)
        return ReceivedFrame(header: header, fragment: fragment, split: verdict, checksum: checksum(completion))
    }

    /// A whole frame in a slot of host memory: read in place, the slot never leaves the ring.
    @inlinable mutating func takeWhole(
        _ completion: ReceiveCompletion, _ index: Int, _ pool: inout PagePool
    ) -> ReceivedFrame? {
        // Without a header buffer the length of what went there means nothing: the 82576 reports the parsed header's.
        let inHeader = headerSize == 0 ? 0 : completion.headerLength
        let length = inHeader &+ completion.payloadLength
        guard length != 0, inHeader <= headerSize,
            let header = pool.joined(
                slot: posted[index], header: Int(inHeader), room: Int(headerSize), rest: Int(completion.payloadLength))
        else {
            counters.badLength &+= 1
            repost(index, &pool)
            return nil
        }
        repost(index, &pool)
        count(.unsplit, length, 0)
        return ReceivedFrame(header: header, fragment: nil, split: .unsplit, checksum: checksum(completion))
    }

    @inlinable mutating func count(_ verdict: SplitVerdict, _ headerLength: UInt32, _ payloadLength: UInt32) {
        counters.frames &+= 1
        counters.headerBytes &+= UInt64(headerLength)
        counters.payloadBytes &+= UInt64(payloadLength)
        switch verdict {
        case .split: counters.split &+= 1
        case .unsplit: counters.unsplit &+= 1
        case .headerOverflow: counters.headerOverflow &+= 1
        }
    }

    @inlinable func checksum(_ completion: ReceiveCompletion) -> ChecksumVerdict {
        completion.checksumBad ? .bad : completion.checksumChecked ? .good : .unknown
    }
}
