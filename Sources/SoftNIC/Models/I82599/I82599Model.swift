internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// The state of a modelled 82599.
///
/// Its parts are extensions by concern: registers, link, receive, steering, transmit. Nothing else than public drivers and the
/// sister parts' datasheets says what this part does; where they are silent, it does what the 82576 does. No QEMU models it:
/// the `qemu` preset is a device without filters. Interrupts are those of vectors 0 to 15; receive-side coalescing, pools and
/// security are not modelled.
struct I82599Model: DeviceModel, ~Copyable {
    var core: ModelCore

    var receiveQueues: Slab<ReceiveQueueState>
    /// The second word of each descriptor as it was last written back, per queue.
    var writtenBack: Slab<HeapBytes>
    /// Queues with newly posted descriptors that were not looked at, a bit each.
    var newTails: UInt128 = 0
    /// Queues whose ENABLE is about to change, a bit each.
    var receiveEnables: UInt128 = 0
    var transmitEnables: UInt128 = 0
    var transmitter = AdvancedTransmitQueues(count: I82599.queueCount)
    var hashing = ReceiveSideScaling()
    var steering = I82599Steering()
    var flows: FlowTable
    /// When the command that FDIRCMD shows is done.
    var flowCommandDone = Instant.zero
    /// Causes that wait for done bits on their way: bits of EICR.
    var lateCauses: UInt32 = 0
    var throttle = VectorThrottle()

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        core = ModelCore(
            configuration,
            registers: RegisterFile(
                window: I82599.registerWindow, I82599.registers,
                absent: Self.missingRegisters(configuration.capabilities)),
            nvm: NVMImage(mac: configuration.macAddress, device: I82599.device, count: 2048), phy: .mac,
            transmitQueues: I82599.queueCount, trace: trace)
        receiveQueues = Slab(count: I82599.queueCount, repeating: ReceiveQueueState())
        writtenBack = Slab(count: I82599.queueCount) { _ in HeapBytes(count: 0) }
        flows = FlowTable()
        resetRegisters()
        core.phy.reset(now: .zero)
    }

    /// Registers of parts that this device does not have.
    private static func missingRegisters(_ has: SoftNICCapabilities) -> [RegisterDescription] {
        var missing: [RegisterDescription] = []
        if !has.receiveSideScaling {
            missing += [.init(I82599.mrqc), .init(32, I82599.reta), .init(10, I82599.rssrk)]
        }
        for queue in max(1, min(has.queues, I82599.queueCount))..<I82599.queueCount {
            missing += [
                .init(I82599.rdbal(queue)), .init(I82599.rdbah(queue)), .init(I82599.rdlen(queue)),
                .init(I82599.rdh(queue)), .init(I82599.rdt(queue)), .init(I82599.rxdctl(queue)),
                .init(I82599.rscctl(queue)), .init(I82599.srrctl(queue)), .init(I82599.dcaRxctrl(queue)),
                .init(I82599.tdbal(queue)), .init(I82599.tdbah(queue)), .init(I82599.tdlen(queue)),
                .init(I82599.dcaTxctrl(queue)), .init(I82599.tdh(queue)), .init(I82599.tdt(queue)),
                .init(I82599.txdctl(queue)),
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
        if core.phy.step(now: now) {
            linkChanged()
            worked = true
        }
        if receiveEnables | transmitEnables != 0 && commitEnables() { worked = true }
        if pendingDone.publish() { worked = true }
        if lateCauses != 0 {
            let causes = lateCauses
            lateCauses = 0
            raise(causes)
            worked = true
        }
        if sendThrottled() { worked = true }
        if !delayed.isEmpty && core.landPayload(now) { worked = true }
        guard core.configuration.mastersBus else { return worked }
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
        if !pendingDone.isEmpty || lateCauses != 0 { return now }
        if core.configuration.mastersBus {
            if newTails != 0 || (!fifo.isEmpty && !core.receiveBlocked) { return now }
            if transmitter.pending != 0 && !outbound.isFull { return now }
        }
        let own = min(nextEnable, min(throttle.nextDue, core.nextFault))
        return min(own, min(phy.negotiated, delayed.nextDue))
    }

    mutating func forgetTranslations() {
        transmitter.forgetTranslations()
        for queue in 0..<I82599.queueCount { receiveQueues[queue].forgetTranslation() }
    }

    /// CTRL.LRST, or a function level reset: the link starts over too.
    mutating func resetDevice() {
        resetFunctionBlocks()
        core.phy.reset(now: now)
    }

    /// CTRL.RST: DMA stops, registers return to their defaults, frames in the FIFO are lost; the link stays.
    mutating func resetFunctionBlocks() {
        core.stop()
        resetRegisters()
        newTails = 0
        receiveEnables = 0
        transmitEnables = 0
        transmitter.reset()
        for queue in 0..<I82599.queueCount { receiveQueues[queue] = ReceiveQueueState() }
        hashing.keyChanged()
        steering = I82599Steering()
        flows.clear(capacity: 0)
        flowCommandDone = .zero
        lateCauses = 0
        throttle = VectorThrottle()
    }

    /// Brings all registers to their state after a reset.
    private mutating func resetRegisters() {
        registers.clear(except: [])
        registers[I82599.eec] = I82599.EEPROMControl(rawValue: 1 << 8).setting(.autoReadDone)
        registers[I82599.rdrxctl][.initDone] = true
        registers[I82599.hlreg0] = I82599.HighLevel().setting(.transmitCRC).setting(.stripCRC).setting(.pad)
        registers[I82599.rdrxctl][.stripCRC] = true
        registers[I82599.maxfrs][.size] = 1518
        registers[I82599.vlnctrl][.type] = 0x8100
        for queue in 0..<I82599.queueCount { registers[I82599.dcaRxctrl(queue)][.mustBeClear] = true }
        let mac = core.nvm.macAddress
        registers[I82599.ral(0)] = PlainValue(mac.low)
        registers[I82599.rah(0)] = .init(rawValue: mac.high | 1 << 31)
    }

    /// The link went up or down.
    mutating func linkChanged() {
        // LSC, bit 20.
        raise(1 << 20)
        trace.record(.event, at: now, 0x100, phy.linkUp ? 1 : 0)
        core.receiveBlocked = false
    }
}
