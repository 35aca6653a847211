internal import DeviceMemory
internal import Engine
internal import Logging
internal import Packets
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// The stack's side of a run whose device is in another thread or process: polls until the consumer has seen everything.
struct StackSide: ~Copyable {
    private var engine: Engine<RemoteDevice>
    private let device: RemoteDevice
    private let memory: SessionMemory
    /// Nothing arrived for longer than the run's patience.
    private(set) var isStuck = false
    /// Mappings of the region that this process had while it polled.
    private(set) var audit = MappingAudit.Finding()

    init(
        device: RemoteDevice, memory: SessionMemory, region: borrowing DeviceRegion,
        configuration: EngineConfiguration, ports: [UInt16], log: Logger
    ) throws(SessionError) {
        do {
            var engine = try Engine(
                device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
                channel: ApplicationChannel(memory.channelBytes), log: log,
                wait: { device.wait($0) })
            for port in ports { try engine.stack.listen(port: port) }
            self.engine = engine
        } catch {
            throw SessionError(error)
        }
        self.device = device
        self.memory = memory
    }

    /// Polls until the consumer is done, the device's side has ended, the run is stopped, or nothing has arrived for
    /// `patience`; returns how long data took.
    mutating func run(patience: Interval, progress: (UInt64) -> Void) -> Interval {
        let start = monotonicNow()
        memory.plugged.storeReleasing(1)
        var first: Instant?
        var idle = 0
        var rounds = 0
        var reached: UInt64 = 0
        var reachedAt = start
        var now = start
        while memory.done.loadAcquiring() == 0 && !StopRequest.isMade && !device.isGone {
            now = monotonicNow()
            let worked = engine.poll(now: now)
            if first == nil && memory.progress.loadRelaxed() != 0 { first = now }
            idle = worked ? 0 : idle &+ 1
            if idle > 256 { pauseBriefly() }
            rounds &+= 1
            if rounds & 0xFFF == 0 {
                let bytes = memory.progress.loadRelaxed()
                progress(bytes)
                if bytes != reached {
                    reached = bytes
                    reachedAt = now
                } else if now - reachedAt > patience {
                    isStuck = true
                    break
                }
            }
            if rounds == 512 { audit = MappingAudit.deviceRegion() }
        }
        let end = now
        if rounds < 512 { audit = MappingAudit.deviceRegion() }
        linger()
        return end - (first ?? start)
    }

    /// Lets the last FINs and ACKs pass: until every connection is gone, for at most two seconds.
    private mutating func linger() {
        let end = monotonicNow() + .seconds(2)
        while !device.isGone && !StopRequest.isMade {
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
        let report = engine.report()
        memory.stop.storeReleasing(1)
        return report
    }
}
