internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The state of a modelled 82574.
///
/// Its parts are extensions by concern: registers, link, interrupts, receive, transmit. Entered through a pointer; see ``SoftNIC``.
struct I82574Model: DeviceModel, ~Copyable {
    var core: ModelCore

    var receiveRings: Slab<I82574ReceiveRing>
    /// How descriptors and buffers of both queues are laid out: latched by a write of RCTL.
    var layout = I82574ReceiveLayout()
    /// The word that holds the status of each descriptor as it was last written back, per queue.
    var writtenBack: Slab<HeapBytes>
    /// Queues with newly posted descriptors that were not looked at, a bit each.
    var newTails: UInt32 = 0
    var hashing = ReceiveSideScaling()

    var transmitRings: Slab<I82574TransmitRing>
    /// Queues with something to transmit, a bit each.
    var transmitPending: UInt32 = 0

    /// Receive causes that wait for RDTR or RADV.
    var receiveDelay = InterruptDelay()
    /// Transmit causes that wait for TIDV or TADV.
    var transmitDelay = InterruptDelay()

    /// Causes that wait for done bits on their way.
    var lateCauses = I82574.InterruptCause()
    /// Vector 0 to 4 by EITR; the message of MSI by ITR, as vector 0.
    var throttle = VectorThrottle()

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        let missing: [RegisterDescription] =
            configuration.capabilities.receiveSideScaling
            ? [] : [.init(I82574.mrqc), .init(32, I82574.reta), .init(10, I82574.rssrk)]
        core = ModelCore(
            configuration,
            registers: RegisterFile(window: I82574.registerWindow, I82574.registers, absent: missing),
            nvm: NVMImage(mac: configuration.macAddress, device: I82574.device, count: 64), phy: .bm,
            transmitQueues: I82574.queueCount, trace: trace)
        receiveRings = Slab(count: I82574.queueCount, repeating: I82574ReceiveRing())
        writtenBack = Slab(count: I82574.queueCount) { _ in HeapBytes(count: 0) }
        transmitRings = Slab(count: I82574.queueCount, repeating: I82574TransmitRing())
        resetRegisters(powerUp: true)
        core.phy.reset(now: .zero)
    }

    /// Does what is due.
    mutating func step(now instant: Instant) -> Bool {
        advance(to: instant)
        var worked = false
        if core.takeLinkFault() {
            setCable(false)
            worked = true
        }
        if core.phy.step(now: now) {
            linkChanged()
            worked = true
        }
        if pendingDone.publish() { worked = true }
        if lateCauses.rawValue != 0 {
            let causes = lateCauses
            lateCauses = .init()
            raise(causes)
            worked = true
        }
        if sendThrottled() { worked = true }
        if !delayed.isEmpty && core.landPayload(now) { worked = true }
        if fireDelayed() { worked = true }
        guard core.configuration.mastersBus else { return worked }
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
        if !pendingDone.isEmpty || lateCauses.rawValue != 0 { return now }
        if core.configuration.mastersBus {
            if newTails != 0 || (!fifo.isEmpty && !core.receiveBlocked) { return now }
            if transmitPending != 0 && !outbound.isFull { return now }
        }
        let own = min(min(receiveDelay.due, transmitDelay.due), throttle.nextDue)
        return min(min(phy.negotiated, delayed.nextDue), min(own, core.nextFault))
    }

    mutating func forgetTranslations() {
        for queue in 0..<I82574.queueCount {
            receiveRings[queue].forgetTranslation()
            transmitRings[queue].forgetTranslation()
        }
    }

    /// CTRL.RST: DMA stops, registers but PBA return to their defaults, frames in the FIFO are lost.
    mutating func resetDevice() {
        core.stop()
        resetRegisters(powerUp: false)
        newTails = 0
        transmitPending = 0
        layout = I82574ReceiveLayout()
        receiveDelay = InterruptDelay()
        transmitDelay = InterruptDelay()
        lateCauses = .init()
        throttle = VectorThrottle()
        for queue in 0..<I82574.queueCount {
            receiveRings[queue] = I82574ReceiveRing()
            transmitRings[queue] = I82574TransmitRing()
        }
        core.phy.reset(now: now)
        hashing.keyChanged()
    }

    /// LU changed: STATUS shows it, and a cause is raised.
    mutating func linkChanged() {
        raise(.init().setting(.linkChange))
        trace.record(.event, at: now, 0x100, phy.linkUp ? 1 : 0)
        core.receiveBlocked = false
        if phy.linkUp {
            // What auto-negotiation with a partner that pauses leaves behind (observed on QEMU 10's e1000e).
            registers[I82574.ctrl] = registers[I82574.ctrl].setting(.receiveFlowControl).setting(.transmitFlowControl)
        }
    }
}
