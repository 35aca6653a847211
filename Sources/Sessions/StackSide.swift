internal import DeviceMemory
internal import Engine
internal import Logging
internal import Packets
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// Fixed names and numbers of a run.
enum SessionPlan {
    static let receiver = IPv4Address(10, 0, 0, 1)
    static let sender = IPv4Address(10, 0, 0, 2)
    static let port: UInt16 = 5001
    /// Locally administered; the model's NVM holds it.
    static let mac = MACAddress(0x02, 0, 0, 0, 0, 1)
    static let macAddress: [UInt8] = [0x02, 0, 0, 0, 0, 1]

    /// The stack's configuration over a region: what is not in the rings may be promised to flows.
    static func stack(
        _ device: DeviceOptions, interface: InterfaceConfiguration, connections: Int
    ) throws(SessionError) -> Configuration {
        let slots = device.regionBytes / device.slotSize
        let posted = device.queues * device.descriptors
        guard slots > posted + 64 else {
            throw SessionError(
                "the region is smaller than its rings: \(slots) slots of \(device.slotSize) bytes for \(device.queues) rings of \(device.descriptors) descriptors; use a --region of at least \((posted + 64) * device.slotSize * 2) bytes"
            )
        }
        var configuration = Configuration(interface: interface)
        configuration.maxConnections = max(connections + 16, 64)
        configuration.slotBudget = slots - posted
        configuration.slotsPerFlow = max((slots - posted) / max(connections, 1), 8)
        configuration.slotsPerFlow = min(configuration.slotsPerFlow, 4096)
        configuration.linearBytesPerFlow = min(256 << 10, max((1 << 20) / max(connections, 1), 2048))
        configuration.transmitChecksumOffload = true
        configuration.msl = .milliseconds(500)
        return configuration
    }

    static func engine(_ device: DeviceOptions, stack: Configuration) -> EngineConfiguration {
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = device.queues
        configuration.device.receiveDescriptors = device.descriptors
        configuration.device.mtu = device.mtu
        configuration.device.hashSeed = device.seed
        configuration.node = device.node
        configuration.secret = (device.seed &* 0x9E37_79B9_7F4A_7C15, ~device.seed)
        return configuration
    }

    static func region(_ device: DeviceOptions) throws(SessionError) -> DeviceRegion {
        do {
            return try DeviceRegion(
                size: device.regionBytes, slotSize: device.slotSize, visibility: .flushRead)
        } catch {
            throw SessionError(error)
        }
    }
}

/// The stack's side of a run whose device is in another thread or process: polls until the consumer has seen everything.
struct StackSide: ~Copyable {
    private var engine: Engine<RemoteDevice>
    private let device: RemoteDevice
    private let memory: SessionMemory
    /// Mappings of slots that this process had while it polled.
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

    /// Polls until the consumer is done, the device's side has ended, or the run is stopped; returns how long data took.
    mutating func run(progress: (UInt64) -> Void) -> Interval {
        let start = monotonicNow()
        memory.plugged.storeReleasing(1)
        var first: Instant?
        var idle = 0
        var rounds = 0
        var now = start
        while memory.done.loadAcquiring() == 0 && !StopRequest.isMade && !device.isGone {
            now = monotonicNow()
            let worked = engine.poll(now: now)
            if first == nil && memory.progress.loadRelaxed() != 0 { first = now }
            idle = worked ? 0 : idle &+ 1
            if idle > 256 { pauseBriefly() }
            rounds &+= 1
            if rounds & 0xFFFF == 0 { progress(memory.progress.loadRelaxed()) }
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
