internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The state of a modelled 82576.
///
/// Its parts are extensions by concern: registers, link, receive, transmit. Entered through a pointer; see ``SoftNIC``.
struct I82576Model: DeviceModel, ~Copyable {
    var core: ModelCore

    var receiveQueues: Slab<ReceiveQueueState>
    /// What was last written back in the second word of each descriptor, per queue.
    var writtenBack: Slab<HeapBytes>
    /// Queues with newly posted descriptors that were not looked at, a bit each.
    var newTails: UInt32 = 0
    /// Queues whose ENABLE is about to change, receive in bits 15:0, transmit in bits 31:16.
    var enablesPending: UInt32 = 0
    var hashing: ReceiveSideScaling

    var transmitQueues: Slab<TransmitQueueState>
    /// The descriptors of frames that are being collected: ``TransmitQueueState/pieceLimit`` for each queue.
    var pieces: Slab<TransmitPiece>
    /// Queues with something to transmit, a bit each.
    var transmitPending: UInt32 = 0

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        let missing = configuration.behaviour.hasFilters ? [] : Self.filterRegisters
        core = ModelCore(
            configuration,
            registers: RegisterFile(window: I82576.registerWindow, I82576.registers, absent: missing),
            nvm: NVMImage(mac: configuration.macAddress, device: I82576.device, count: 1024), phy: .igp, trace: trace)
        receiveQueues = Slab(count: I82576.queueCount, repeating: ReceiveQueueState())
        writtenBack = Slab(count: I82576.queueCount) { _ in HeapBytes(count: 0) }
        hashing = ReceiveSideScaling()
        transmitQueues = Slab(count: I82576.queueCount, repeating: TransmitQueueState())
        pieces = Slab(
            count: I82576.queueCount * TransmitQueueState.pieceLimit, repeating: TransmitPiece(address: 0, length: 0))
        resetRegisters(powerUp: true)
        core.phy.reset(now: .zero)
        reloadQueues()
    }

    /// Registers that QEMU's model lacks.
    private static var filterRegisters: [RegisterDescription] {
        [
            .init(8, I82576.psrtype), .init(1, I82576.synqf), .init(8, I82576.saqf), .init(8, I82576.daqf),
            .init(8, I82576.spqf), .init(8, I82576.ftqf), .init(8, I82576.imir), .init(8, I82576.imirext),
            .init(I82576.imirvp), .init(I82576.qde),
        ]
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
        if !delayed.isEmpty && core.landPayload(now) { worked = true }
        guard configuration.mastersBus else { return worked }
        if newTails != 0 {
            takeNewDescriptors()
            worked = true
        }
        if transmitPending != 0 && transmit() { worked = true }
        if !fifo.isEmpty && !core.receiveBlocked && receiveFrames() { worked = true }
        return worked
    }

    /// When ``step(now:)`` would do something by itself.
    var nextDeadline: Instant {
        if enablesPending != 0 || !pendingDone.isEmpty { return now }
        if configuration.mastersBus {
            if newTails != 0 || (!fifo.isEmpty && !core.receiveBlocked) { return now }
            if transmitPending != 0 && !outbound.isFull { return now }
        }
        return min(phy.negotiated, delayed.nextDue)
    }

    mutating func forgetTranslations() {
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue].forgetTranslation()
            transmitQueues[queue].forgetTranslation()
        }
    }

    /// CTRL.RST: DMA stops, registers return to their defaults, frames in the FIFO are lost.
    mutating func resetDevice() {
        core.stop()
        resetRegisters(powerUp: false)
        newTails = 0
        enablesPending = 0
        transmitPending = 0
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue] = ReceiveQueueState()
            transmitQueues[queue] = TransmitQueueState()
        }
        core.phy.reset(now: now)
        hashing.keyChanged()
        reloadQueues()
    }

    /// LU changed: STATUS shows it, and a cause is raised.
    mutating func linkChanged() {
        raise(.init().setting(.linkChange))
        trace.record(.event, at: now, 0x100, phy.linkUp ? 1 : 0)
        core.receiveBlocked = false
    }
}
