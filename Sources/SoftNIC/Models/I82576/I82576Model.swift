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
    /// What was last written back, 16 bytes a descriptor, per queue; made when the queue is enabled.
    var writtenBack: Slab<HeapBytes>
    /// Queues with newly posted descriptors that were not looked at, a bit each.
    var newTails: UInt32 = 0
    /// Queues whose ENABLE is about to change, receive in bits 15:0, transmit in bits 31:16.
    var enablesPending: UInt32 = 0
    var hashing: ReceiveSideScaling
    var steering = SteeringFilters()
    /// Queues that hold completed descriptors back, a bit each.
    var heldQueues: UInt32 = 0
    /// Causes that wait for done bits on their way.
    var lateCauses = I82576.InterruptCause()
    var lateVectors: UInt32 = 0
    var isLateImmediate = false
    var throttle = VectorThrottle()

    var transmitter = AdvancedTransmitQueues(count: I82576.queueCount)

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        var missing = configuration.behaviour.hasFilters ? [] : Self.filterRegisters
        missing += Self.missingRegisters(configuration.capabilities)
        core = ModelCore(
            configuration,
            registers: RegisterFile(window: I82576.registerWindow, I82576.registers, absent: missing),
            nvm: NVMImage(mac: configuration.macAddress, device: I82576.device, count: 1024), phy: .igp,
            transmitQueues: I82576.queueCount, trace: trace)
        receiveQueues = Slab(count: I82576.queueCount, repeating: ReceiveQueueState())
        writtenBack = Slab(count: I82576.queueCount) { _ in HeapBytes(count: 0) }
        hashing = ReceiveSideScaling()
        resetRegisters(powerUp: true)
        core.phy.reset(now: .zero)
        reloadQueues()
    }

    /// Registers that QEMU's model lacks.
    private static var filterRegisters: [RegisterDescription] {
        [
            .init(8, I82576.psrtype), .init(I82576.synqf), .init(8, I82576.saqf), .init(8, I82576.daqf),
            .init(8, I82576.spqf), .init(8, I82576.ftqf), .init(8, I82576.imir), .init(8, I82576.imirext),
            .init(I82576.imirvp), .init(I82576.qde),
        ]
    }

    /// Registers of parts that this device does not have.
    private static func missingRegisters(_ has: SoftNICCapabilities) -> [RegisterDescription] {
        var missing: [RegisterDescription] = []
        if !has.receiveSideScaling {
            missing += [.init(I82576.mrqc), .init(32, I82576.reta), .init(10, I82576.rssrk)]
        }
        for queue in max(1, min(has.queues, I82576.queueCount))..<I82576.queueCount {
            missing += [
                .init(I82576.rdbal(queue)), .init(I82576.rdbah(queue)), .init(I82576.rdlen(queue)),
                .init(I82576.srrctl(queue)), .init(I82576.rdh(queue)), .init(I82576.dcaRxctrl(queue)),
                .init(I82576.rdt(queue)), .init(I82576.rxdctl(queue)), .init(I82576.rqdpc(queue)),
                .init(I82576.tdbal(queue)), .init(I82576.tdbah(queue)), .init(I82576.tdlen(queue)),
                .init(I82576.tdh(queue)), .init(I82576.dcaTxctrl(queue)), .init(I82576.tdt(queue)),
                .init(I82576.txdctl(queue)), .init(I82576.tdwbal(queue)), .init(I82576.tdwbah(queue)),
            ]
        }
        return missing
    }

    /// Does what is due.
    mutating func step(now instant: Instant) -> Bool {
        advance(to: instant)
        var worked = false
        if core.takeLinkFault() {
            setCable(false)
            worked = true
        }
        if phy.step(now: now) {
            linkChanged()
            worked = true
        }
        if enablesPending != 0 && commitEnables() { worked = true }
        if pendingDone.publish() { worked = true }
        if lateCauses.rawValue != 0 {
            raiseLate()
            worked = true
        }
        if sendThrottled() { worked = true }
        if !delayed.isEmpty && core.landPayload(now) { worked = true }
        guard core.configuration.mastersBus else { return worked }
        if heldQueues != 0 && writeOverdue() { worked = true }
        if newTails != 0 {
            takeNewDescriptors()
            worked = true
        }
        if transmitter.pending != 0 && transmit() { worked = true }
        if !fifo.isEmpty && !core.receiveBlocked && receiveFrames() { worked = true }
        return worked
    }

    /// When ``step(now:)`` would do something by itself.
    var nextDeadline: Instant {
        if !pendingDone.isEmpty || lateCauses.rawValue != 0 { return now }
        if core.configuration.mastersBus {
            if newTails != 0 || (!fifo.isEmpty && !core.receiveBlocked) { return now }
            if transmitter.pending != 0 && !outbound.isFull { return now }
        }
        let own = min(min(nextEnable, throttle.nextDue), min(phy.negotiated, delayed.nextDue))
        return min(min(own, core.nextFault), core.configuration.mastersBus ? nextOverdue : .never)
    }

    mutating func forgetTranslations() {
        transmitter.forgetTranslations()
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue].forgetTranslation()
        }
    }

    /// CTRL.RST: DMA stops, registers return to their defaults, frames in the FIFO are lost.
    mutating func resetDevice() {
        core.stop()
        resetRegisters(powerUp: false)
        newTails = 0
        enablesPending = 0
        transmitter.reset()
        heldQueues = 0
        throttle = VectorThrottle()
        steering = SteeringFilters()
        forgetLate()
        for queue in 0..<I82576.queueCount {
            receiveQueues[queue] = ReceiveQueueState()
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
