internal import DeviceMemory
internal import Packets
internal import Timeline

/// What every modelled controller has: an identity on the bus, registers, a way to memory, a FIFO, a wire and errors to tell.
struct ModelCore: ~Copyable {
    let behaviour: Behaviour
    let trace: Trace
    let seed: UInt64
    let maxFrame: Int
    let payloadDelay: PayloadDelay
    let capabilities: SoftNICCapabilities
    var faults: SoftNICFaults

    /// Receive descriptors until the receiver hangs (``SoftNICFaults/receiveHangsAfter``).
    private(set) var descriptorsLeft: Int
    /// Frames that were delivered, for ``SoftNICFaults/losesDataEvery``.
    private var framesDelivered = 0

    var now = Instant.zero
    var configuration: ConfigurationSpace
    var vectors: MessageVectors
    var registers: RegisterFile
    var iommu = SoftIOMMU()
    var nvm: NVMImage
    var phy: PHY
    var errors = DriverErrors()
    var draw: SeededGenerator

    /// Accesses before this are too early after CTRL.RST.
    var resetUntil = Instant.zero
    /// Reads of statistics since ``statisticsFrom``.
    var statisticsReads = 0
    var statisticsFrom = Instant.zero
    /// When MDIC shows READY.
    var phyReadyAt = Instant.zero
    /// The MDIC value that READY will show.
    var phyAnswer: UInt32 = 0

    var fifo: ReceiveFIFO
    /// The next frame of the FIFO waits for the driver.
    var receiveBlocked = false
    var delayed: DelayedPayload
    var posted = PostedBuffers()
    /// Words of descriptors that the next step writes (``Behaviour/descriptorPieces``).
    var pendingDone: PendingDone
    /// The descriptors of frames that are being collected: ``TransmitQueueState/pieceLimit`` for each queue.
    var pieces: Slab<TransmitPiece>
    /// Frames that left.
    var outbound: FrameQueue
    /// Where a frame is assembled that does not leave.
    let scratch: HeapBytes

    init(
        _ configuration: SoftNICConfiguration, registers: consuming RegisterFile, nvm: consuming NVMImage,
        phy: PHY.Part, transmitQueues: Int, trace: Trace
    ) {
        behaviour = configuration.behaviour
        self.trace = trace
        seed = configuration.seed
        maxFrame = max(configuration.maxFrame, 64)
        payloadDelay = configuration.payloadDelay
        capabilities = configuration.capabilities
        faults = configuration.faults
        descriptorsLeft = configuration.faults.receiveHangsAfter
        vectors = MessageVectors(count: configuration.capabilities.vectors)
        self.configuration = ConfigurationSpace(configuration.model, vectors: vectors.count)
        self.registers = registers
        self.nvm = nvm
        self.phy = PHY(phy, behaviour: configuration.behaviour, negotiationTime: configuration.negotiationTime)
        draw = SeededGenerator(seed: configuration.seed, stream: 0x4E49)
        fifo = ReceiveFIFO(depth: configuration.receiveFIFODepth, capacity: maxFrame)
        delayed = DelayedPayload(capacity: 4 * configuration.receiveFIFODepth)
        pendingDone = PendingDone(capacity: 1024)
        pieces = Slab(
            count: transmitQueues * TransmitQueueState.pieceLimit, repeating: TransmitPiece(address: 0, length: 0))
        // A tag is inserted in place.
        outbound = FrameQueue(depth: configuration.transmitDepth, frameCapacity: maxFrame + 4)
        scratch = HeapBytes(count: maxFrame + 4)
        // It may never have been there.
        advance(to: .zero)
    }

    /// Time passes; it never goes back. At its moment the device is unplugged.
    mutating func advance(to instant: Instant) {
        now = max(now, instant)
        guard now >= faults.unpluggedAt else { return }
        faults.unpluggedAt = .never
        configuration.vanish()
    }

    /// True once, when the moment has come to pull the cable.
    mutating func takeLinkFault() -> Bool {
        guard now >= faults.linkLostAt else { return false }
        faults.linkLostAt = .never
        return true
    }

    /// Takes a receive descriptor; false when the receiver hangs.
    mutating func takesDescriptor() -> Bool {
        guard descriptorsLeft > 0 else { return false }
        descriptorsLeft &-= 1
        return true
    }

    /// Whether the next frame is one of those whose bytes get lost.
    mutating func losesNextFrame() -> Bool {
        guard faults.losesDataEvery > 0 else { return false }
        framesDelivered &+= 1
        return framesDelivered % faults.losesDataEvery == 0
    }

    /// When the next fault strikes.
    var nextFault: Instant { min(faults.unpluggedAt, faults.linkLostAt) }

    /// Records a driver's error.
    mutating func flag(_ error: DriverErrorKind, _ detail: UInt64 = 0) {
        errors.count(error)
        trace.record(.event, at: now, UInt64(error.rawValue), detail)
    }

    // MARK: wire

    /// The oldest frame that left, until it is popped.
    var nextTransmitted: ByteView? { outbound.isEmpty ? nil : outbound.front }

    /// Removes the oldest frame that left, if there is one.
    mutating func popTransmitted() { if !outbound.isEmpty { outbound.popFront() } }

    // MARK: writes to memory

    /// Writes received bytes, which are the FIFO's, to `address`: delayed where it lies in a device region.
    mutating func writePayload(_ bytes: ByteView, _ address: UInt64) {
        guard let target = iommu.write(address, bytes.count) else {
            // A device sees no error of a posted write: the descriptor completes all the same.
            flag(.accessRefused, address)
            return
        }
        guard target.isRegion, case .between(let soonest, let latest) = payloadDelay else {
            target.bytes.copy(bytes)
            return
        }
        if delayed.isFull { drainPayload() }
        let span = latest.nanoseconds > soonest.nanoseconds ? latest.nanoseconds &- soonest.nanoseconds : 0
        let extra = draw.below(UInt32(truncatingIfNeeded: min(span, UInt64(UInt32.max))))
        let due = now + soonest + .nanoseconds(UInt64(extra))
        delayed.append(bytes, to: target.bytes, iova: address, due: due, frame: fifo.nextNumber)
    }

    /// Writes received bytes to `address` at once.
    mutating func writeHeader(_ bytes: ByteView, _ address: UInt64) {
        guard let target = iommu.write(address, bytes.count) else {
            flag(.accessRefused, address)
            return
        }
        target.bytes.copy(bytes)
    }

    /// A ring's bytes; `nil`, with a flag, when the device may not write there.
    mutating func translateRing(at base: UInt64, descriptors: Int) -> MutableByteView? {
        guard descriptors > 0 else { return nil }
        guard let target = iommu.write(base, descriptors &* 16) else {
            flag(.accessRefused, base)
            return nil
        }
        return target.bytes
    }

    /// Makes all delayed payload visible.
    mutating func drainPayload() { _ = landPayload(.never) }

    /// Makes payload visible that is due until `instant`; true if there was some.
    mutating func landPayload(_ instant: Instant) -> Bool {
        let landed = delayed.apply(now: instant)
        guard landed > 0 else { return false }
        trace.record(.event, at: now, 0x200, UInt64(landed))
        freeFIFO()
        return true
    }

    /// Gives places of the FIFO back whose payload has been written.
    mutating func freeFIFO() { fifo.free(upTo: delayed.oldestFrame ?? fifo.processed) }

    /// Takes a mapping back; the model must forget what it translated.
    mutating func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        drainPayload()
        _ = pendingDone.publish()
        let end = iova.rawValue &+ UInt64(truncatingIfNeeded: length)
        if behaviour.tracksBuffers && iova.rawValue < end && posted.contains(in: iova.rawValue..<end) {
            flag(.unmappedWhilePosted, iova.rawValue)
        }
        try iommu.unmap(iova)
    }

    /// What a reset of the device does beyond its registers: DMA stops, frames in the FIFO are lost.
    mutating func stop() {
        drainPayload()
        _ = pendingDone.publish()
        posted.removeAll()
        fifo.clear()
        receiveBlocked = false
        phyReadyAt = .zero
        phyAnswer = 0
        resetUntil = now + .microseconds(1)
    }
}
