internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The state of a modelled 82576.
///
/// Its parts are extensions by concern: registers, link, receive, transmit. Entered through a pointer; see ``SoftNIC``.
struct I82576Model: ~Copyable {
    let behaviour: Behaviour
    let trace: Trace
    let seed: UInt64
    let maxFrame: Int
    let payloadDelay: PayloadDelay

    var now = Instant.zero
    var configuration: ConfigurationSpace
    var registers: RegisterFile
    var iommu: SoftIOMMU
    var nvm: NVMImage
    var phy: PHY
    var errors = DriverErrors()
    var draw: SeededGenerator

    /// Accesses before this are too early after CTRL.RST.
    var resetUntil = Instant.zero
    /// Reads of MDIC until READY.
    var phyReadsLeft = 0
    /// The MDIC value that READY will show.
    var phyAnswer: UInt32 = 0

    var receiveQueues: Slab<ReceiveQueueState>
    /// What was last written back in the second word of each descriptor, per queue.
    var writtenBack: Slab<HeapBytes>
    /// Queues with newly posted descriptors that were not looked at, a bit each.
    var newTails: UInt32 = 0
    /// Queues whose ENABLE is about to change, receive in bits 15:0, transmit in bits 31:16.
    var enablesPending: UInt32 = 0
    var fifo: ReceiveFIFO
    /// The next frame of the FIFO waits for the driver.
    var receiveBlocked = false
    var delayed: DelayedPayload
    var posted = PostedBuffers()
    var hashing: ReceiveSideScaling
    /// Done bits that the next step writes (``Behaviour/delaysDone``).
    var pendingDone: PendingDone

    var transmitQueues: Slab<TransmitQueueState>
    /// The descriptors of frames that are being collected: ``TransmitQueueState/pieceLimit`` for each queue.
    var pieces: Slab<TransmitPiece>
    /// Queues with something to transmit, a bit each.
    var transmitPending: UInt32 = 0
    /// Frames that left.
    var outbound: FrameQueue
    /// Where a frame is assembled that does not leave.
    let scratch: HeapBytes

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        behaviour = configuration.behaviour
        self.trace = trace
        seed = configuration.seed
        maxFrame = max(configuration.maxFrame, 64)
        payloadDelay = configuration.payloadDelay
        self.configuration = ConfigurationSpace()
        registers = RegisterFile(hasFilters: configuration.behaviour.hasFilters)
        iommu = SoftIOMMU()
        nvm = NVMImage(mac: configuration.macAddress)
        phy = PHY(behaviour: configuration.behaviour, negotiationTime: configuration.negotiationTime)
        draw = SeededGenerator(seed: configuration.seed, stream: 0x4E49)
        receiveQueues = Slab(count: I82576.queueCount, repeating: ReceiveQueueState())
        writtenBack = Slab(count: I82576.queueCount) { _ in HeapBytes(count: 0) }
        fifo = ReceiveFIFO(depth: configuration.receiveFIFODepth, capacity: maxFrame)
        delayed = DelayedPayload(capacity: 4 * configuration.receiveFIFODepth)
        hashing = ReceiveSideScaling()
        pendingDone = PendingDone(capacity: 1024)
        transmitQueues = Slab(count: I82576.queueCount, repeating: TransmitQueueState())
        pieces = Slab(
            count: I82576.queueCount * TransmitQueueState.pieceLimit, repeating: TransmitPiece(address: 0, length: 0))
        // A tag is inserted in place.
        outbound = FrameQueue(depth: configuration.transmitDepth, frameCapacity: maxFrame + 4)
        scratch = HeapBytes(count: maxFrame + 4)
        resetRegisters(powerUp: true)
        phy.reset(now: .zero)
        reloadQueues()
    }

    /// Time passes; it never goes back.
    mutating func advance(to instant: Instant) { now = max(now, instant) }

    /// Records a driver's error.
    mutating func flag(_ error: DriverErrorKind, _ detail: UInt64 = 0) {
        errors.count(error)
        trace.record(.event, at: now, UInt64(error.rawValue), detail)
    }

    /// Does what is due.
    mutating func step(now instant: Instant) -> Bool {
        advance(to: instant)
        var worked = false
        if phy.step(now: now) {
            linkChanged()
            worked = true
        }
        if enablesPending != 0 {
            commitEnables()
            worked = true
        }
        if pendingDone.publish() { worked = true }
        if !delayed.isEmpty && landPayload(now) { worked = true }
        guard configuration.mastersBus else { return worked }
        if newTails != 0 {
            takeNewDescriptors()
            worked = true
        }
        if transmitPending != 0 && transmit() { worked = true }
        if !fifo.isEmpty && !receiveBlocked && receiveFrames() { worked = true }
        return worked
    }

    /// When ``step(now:)`` would do something by itself.
    var nextDeadline: Instant {
        if enablesPending != 0 || !pendingDone.isEmpty { return now }
        if configuration.mastersBus {
            if newTails != 0 || (!fifo.isEmpty && !receiveBlocked) { return now }
            if transmitPending != 0 && !outbound.isFull { return now }
        }
        return min(phy.negotiated, delayed.nextDue)
    }

    /// Makes all delayed payload visible.
    mutating func drainPayload() { _ = landPayload(.never) }

    private mutating func landPayload(_ until: Instant) -> Bool {
        let landed = delayed.apply(now: until)
        guard landed > 0 else { return false }
        trace.record(.event, at: now, 0x200, UInt64(landed))
        freeFIFO()
        return true
    }

    /// Gives places of the FIFO back whose payload has been written.
    mutating func freeFIFO() { fifo.free(upTo: delayed.oldestFrame ?? fifo.processed) }

    /// Takes a mapping back.
    mutating func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        drainPayload()
        _ = pendingDone.publish()
        let end = iova.rawValue &+ UInt64(truncatingIfNeeded: length)
        if behaviour.tracksBuffers && iova.rawValue < end && posted.contains(in: iova.rawValue..<end) {
            flag(.unmappedWhilePosted, iova.rawValue)
        }
        try iommu.unmap(iova)
        // Rings were translated once and remembered.
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue].forgetTranslation()
            transmitQueues[queue].forgetTranslation()
        }
    }

    // MARK: configuration space and resets

    /// Writes configuration space; a function level reset may follow from it.
    mutating func writeConfiguration(_ offset: Int, _ value: UInt32) {
        let mastered = configuration.mastersBus
        if configuration.write(offset, value) { resetFunction() }
        if configuration.mastersBus && !mastered { receiveBlocked = false }
    }

    /// A function level reset.
    mutating func resetFunction() {
        configuration.reset()
        resetDevice()
    }

    /// CTRL.RST: DMA stops, registers return to their defaults, frames in the FIFO are lost.
    mutating func resetDevice() {
        drainPayload()
        _ = pendingDone.publish()
        resetRegisters(powerUp: false)
        posted.removeAll()
        fifo.clear()
        newTails = 0
        enablesPending = 0
        transmitPending = 0
        receiveBlocked = false
        phyReadsLeft = 0
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue] = ReceiveQueueState()
            transmitQueues[queue] = TransmitQueueState()
        }
        phy.reset(now: now)
        hashing.keyChanged()
        reloadQueues()
        resetUntil = now + .microseconds(1)
    }

    // MARK: link

    /// Plugs the cable in or out.
    mutating func setCable(_ connected: Bool) {
        let had = phy.linkUp
        phy.setCable(connected, now: now)
        if had { linkChanged() }
    }

    /// LU changed: STATUS shows it, and a cause is raised.
    mutating func linkChanged() {
        raise(.init().setting(.linkChange))
        trace.record(.event, at: now, 0x100, phy.linkUp ? 1 : 0)
        receiveBlocked = false
    }
}
