internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Logging
internal import Packets
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// The stack's side of a run whose device is in another thread or process: polls until the consumer has seen everything.
struct StackSide<Driver: NICDriver & ~Copyable>: ~Copyable where Driver.Device: RunDevice {
    private var engine: Engine<Driver>
    private let device: Driver.Device
    private let memory: SessionMemory
    private let sleeper: Sleeper?
    /// How often it slept; `nil` when it never may.
    private(set) var sleeps: SleepCounts?
    /// Nothing arrived for longer than the run's patience.
    private(set) var isStuck = false
    /// Connections that are to be echoed by the engine itself; `nil`: there is a consumer.
    private let relays: UInt64?
    private let slots: MappingAudit.Memory
    /// Mappings of the region that this process had while it polled.
    private(set) var audit = MappingAudit.Finding()

    init(
        device: Driver.Device, memory: SessionMemory, region: borrowing DeviceRegion,
        sleeper: consuming Sleeper?, configuration: EngineConfiguration, ports: [UInt16], connect: ConnectPlan?,
        relays: Int?, lends: Bool, log: Logger
    ) throws(SessionError) {
        do {
            let flushWindow = try device.flushWindow(region)
            var engine = try Engine<Driver>(
                device: device, configuration: configuration, region: region, flushWindow: flushWindow,
                channel: ApplicationChannel(memory.channelBytes), log: log,
                wait: { device.wait($0) })
            do throws(EngineError) {
                if relays != nil { try engine.echo() }
                if lends { try Self.lend(&engine, region.slotCount, configuration) }
                do throws(TCPError) {
                    for port in ports { try engine.stack.listen(port: port) }
                    if let connect {
                        _ = try engine.stack.connect(
                            to: connect.address, port: connect.port, localPort: nil, now: monotonicNow())
                    }
                } catch {
                    throw .stack(error)
                }
            } catch {
                engine.shutDown(wait: { device.wait($0) })
                throw error
            }
            if sleeper != nil { sleeps = Self.prepareToSleep(&engine, log) }
            self.engine = engine
        } catch {
            throw SessionError(error)
        }
        self.device = device
        self.memory = memory
        self.sleeper = sleeper
        self.relays = relays.map(UInt64.init)
        slots = MappingAudit.Memory(slotsOf: region)
    }

    /// Polls until the consumer is done, the device's side has ended, the run is stopped, or nothing has arrived for
    /// `patience`; returns how long data took.
    ///
    /// - Parameter loseRegionAfter: bytes that the consumer has seen when the region is taken away under the device.
    mutating func run(
        patience: Interval, loseRegionAfter: UInt64?, progress: (UInt64) -> Void
    ) throws(DeviceMemoryError) -> Interval {
        let start = monotonicNow()
        memory.plugged.storeReleasing(1)
        var first: Instant?
        var idle = 0
        var rounds = 0
        var reached: UInt64 = 0
        var reachedAt = start
        var now = start
        while !isDone && !StopRequest.isMade && !isAlone {
            now = monotonicNow()
            let worked = engine.poll(now: now)
            if let loseRegionAfter, memory.progress.loadRelaxed() >= loseRegionAfter { try device.loseRegion() }
            if first == nil && reachedNow != 0 { first = now }
            idle = worked ? 0 : idle &+ 1
            var slept = false
            if idle > 256 {
                if sleeps != nil {
                    sleep(now)
                    slept = true
                    idle = 0
                } else if sleeper != nil {
                    pauseBriefly()
                }
            }
            rounds &+= 1
            if slept || rounds & 0xFFF == 0 {
                device.look()
                let bytes = reachedNow
                progress(bytes)
                if bytes != reached {
                    reached = bytes
                    reachedAt = now
                } else if now - reachedAt > patience {
                    isStuck = true
                    break
                }
            }
            if rounds == 512 { audit = MappingAudit.look(for: slots) }
        }
        let end = now
        if rounds < 512 { audit = MappingAudit.look(for: slots) }
        linger()
        return end - (first ?? start)
    }

    /// Half of what the rings leave is the application's to send from; the other half is for what comes back.
    private static func lend(
        _ engine: inout Engine<Driver>, _ slots: Int, _ configuration: EngineConfiguration
    ) throws(EngineError) {
        let posted = configuration.device.splitQueues * configuration.device.receiveDescriptors
        do throws(BindingError) {
            try engine.lendForSending(1, slots: (slots - posted) / 2)
        } catch {
            throw .binding(error)
        }
    }

    /// A device without interrupts is polled, with a short pause after an empty turn.
    private static func prepareToSleep(_ engine: inout Engine<Driver>, _ log: Logger) -> SleepCounts? {
        do {
            try engine.enableInterrupts()
            return SleepCounts()
        } catch {
            log.info("\(error)")
            return nil
        }
    }

    /// The longest sleep: whoever stops a run by a word in memory is seen that late.
    private static var longestSleep: Interval { .milliseconds(10) }

    private mutating func sleep(_ now: Instant) {
        guard engine.fallAsleep(now: now) else {
            sleeps?.keptAwake &+= 1
            return
        }
        let limit = min(engine.nextDeadline - now, Self.longestSleep)
        switch sleeper {
        case .some(let sleeper):
            switch sleeper.wait(on: device, limit: limit) {
            case .device: sleeps?.wokenByDevice &+= 1
            case .application: sleeps?.wokenByApplication &+= 1
            case .time: sleeps?.wokenByTime &+= 1
            }
        case .none: break
        }
        engine.wakeUp()
    }

    /// Whether everything was done that the run is for.
    private var isDone: Bool {
        if let relays { return engine.echoed.closed >= relays }
        return memory.done.loadAcquiring() != 0
    }

    /// Bytes that arrived where they were to.
    private var reachedNow: UInt64 {
        relays == nil ? memory.progress.loadRelaxed() : engine.echoed.relayedBytes &+ engine.echoed.hostBytes
    }

    /// What the engine has sent back by itself.
    var echoed: EchoStatistics? { relays == nil ? nil : engine.echoed }

    /// Whether the device has gone away, or whoever is at the far end of its wire.
    private var isAlone: Bool { device.isGone || MailboxBus(memory.mailboxBytes, window: .registers).isGone }

    /// Lets the last FINs and ACKs pass: until every connection is gone, for at most two seconds.
    private mutating func linger() {
        let end = monotonicNow() + .seconds(2)
        while !isAlone && !StopRequest.isMade {
            let now = monotonicNow()
            let statistics = engine.stack.statistics
            if now > end || statistics.closed >= statistics.passiveOpens + statistics.activeOpens { return }
            if !engine.poll(now: now) { pauseBriefly() }
        }
    }

    /// The counters while everything is still in place.
    mutating func report() -> EngineReport { engine.report() }

    /// Stops the device, takes every slot back, tells the device's side to end, and returns the final books.
    mutating func shutDown() -> EngineReport {
        let device = device
        engine.shutDown(wait: { device.wait($0) })
        // The consumer may still be at the last records; one that holds on to tokens is not waited for.
        var quiet = 0
        var out = engine.takeReturns()
        while out != 0 && quiet < 1000 && !device.isGone {
            pauseBriefly()
            let left = engine.takeReturns()
            quiet = left == out ? quiet + 1 : 0
            out = left
        }
        let report = engine.report()
        memory.stop.storeReleasing(1)
        return report
    }
}

/// What a run of the stack's side needs besides device and region.
struct StackPlan {
    let memory: SessionMemory
    let configuration: EngineConfiguration
    let ports: [UInt16]
    /// A connection to open besides.
    let connect: ConnectPlan?
    /// Connections that the engine is to echo by itself; `nil`: there is a consumer.
    let relays: Int?
    /// The application is lent slots to send from.
    let lends: Bool
    let patience: Interval
    let loseRegionAfter: UInt64?
    let log: Logger
    let progress: (UInt64) -> Void
}

/// What the stack's side saw of a run.
struct StackFinding {
    var elapsed: Interval
    var isStuck: Bool
    var sleeps: SleepCounts?
    var audit: MappingAudit.Finding
    /// Whether the consumer was done when the run ended.
    var isDone: Bool
    /// Counters while everything was still in place.
    var report: EngineReport
    /// What the engine sent back by itself.
    var echoed: EchoStatistics?
    /// The books after everything was taken back.
    var final: EngineReport
}

/// Runs the stack's side with a driver that is yet to be chosen.
struct StackRun<Device: RunDevice>: DriverUser, ~Copyable {
    let device: Device
    let region: DeviceRegion
    /// `nil` never sleeps.
    let sleeper: Sleeper?
    let plan: StackPlan

    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> StackFinding where Driver.Device == Device {
        let memory = plan.memory
        var side: StackSide<Driver>
        do {
            side = try StackSide<Driver>(
                device: device, memory: memory, region: region, sleeper: sleeper, configuration: plan.configuration,
                ports: plan.ports, connect: plan.connect, relays: plan.relays, lends: plan.lends, log: plan.log)
        } catch {
            memory.stop.storeReleasing(1)
            throw error
        }
        let elapsed: Interval
        do {
            elapsed = try side.run(
                patience: plan.patience, loseRegionAfter: plan.loseRegionAfter, progress: plan.progress)
        } catch {
            _ = side.shutDown()
            throw SessionError(error)
        }
        let isDone = memory.done.loadAcquiring() != 0
        let report = side.report()
        return StackFinding(
            elapsed: elapsed, isStuck: side.isStuck, sleeps: side.sleeps, audit: side.audit, isDone: isDone,
            report: report, echoed: side.echoed, final: side.shutDown())
    }
}
