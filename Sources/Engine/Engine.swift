public import ClientKit
public import DeviceMemory
public import HeaderSplit
public import Logging
public import Packets
public import PagePool
internal import Rings
public import TCPLite
public import Timeline
public import VFIODriver

/// One core's run-to-completion loop: receive queues, stack, application channels, transmit queue.
///
/// Everything a packet needs is in this one struct, so that a poll touches no reference count and no lock. It has no clock:
/// the caller says what time it is.
@frozen public struct Engine<Driver: NICDriver & ~Copyable>: ~Copyable {
    @usableFromInline var driver: Driver
    @usableFromInline var queues: Slab<Driver.ReceiveQueue>
    @usableFromInline var transmit: Driver.TransmitRing
    @usableFromInline var memory: HostMemory
    @usableFromInline var hostMemory: HostMemory
    @usableFromInline var pools: PoolTable
    /// By queue: the pool that fills it; 0 is the host's.
    @usableFromInline var poolOfQueue: Slab<Int>
    /// By queue: what it had dropped for want of a slot when that was last booked.
    var emptyDropsSeen: Slab<UInt64>
    /// Ring and header memory that no queue uses: the next restart's.
    var spareMemory: QueueMemory
    /// By pool: the region behind it, if any, and what is bound to it.
    var regions: Slab<RegionPlace<Driver.Device.BusType>>
    @usableFromInline var ports: Slab<ApplicationPort>
    @usableFromInline var openPorts: Slab<Bool>
    /// What vacant ports look at.
    let vacantMemory: HeapBytes
    @usableFromInline var tap: FrameTap
    @usableFromInline let taps: Bool
    @usableFromInline let burst: Int
    @usableFromInline let deliveryQuantum: Int32
    /// Sends from regions are possible, and their ends are told.
    @usableFromInline let tellsSends: Bool
    let flushWindowOfHost: Driver.Device.BusType
    /// The device could not be brought up again: nothing arrives until ``reestablish(now:wait:)`` succeeds.
    var isBroken = false
    /// Interrupts were enabled, and must be again after a reset.
    var hasInterrupts = false
    var rules: [InstalledRule] = []
    var knobs: ReceiveKnobs
    /// Steps of queue changes that are to fail, for tests.
    var failures: [RestartStep] = []
    var failuresAfter = 0
    var binding = BindingStatistics()
    /// The application that is an echo; -1: none is.
    @usableFromInline var isEcho = false
    var echoStatistics = EchoStatistics()
    @usableFromInline var nextLook = Instant.zero
    /// The TCP stack: listen and connect through it before polling.
    public var stack: TCPStack

    /// Brings the device up, with every queue in host memory and nobody at any port.
    ///
    /// - Parameter wait: how to wait for the device; see ``NICDriver``.
    public init(
        device: Driver.Device, configuration: EngineConfiguration, log: Logger, wait: (Interval) -> Void
    ) throws(EngineError) {
        do {
            var driver = try Driver(device: device, configuration: configuration.device, slotSize: 1 << 14)
            var nothing: FirstRegion<Driver.Device.BusType>?
            let parts = try EngineParts<Driver>.build(&driver, configuration, &nothing, log, wait)
            self.init(driver: driver, parts: parts, configuration: configuration, channel: nil, slots: 0)
        } catch {
            throw .driver(error)
        }
    }

    /// Brings the device up with every split queue bound to one region, for one application: port 0.
    ///
    /// - Parameters:
    ///   - region: where payload goes. The engine maps it for the device and never for itself.
    ///   - flushWindow: the bus window whose read proves payload writes complete.
    ///   - channel: shared memory towards the application; zeroed, and alive as long as the engine.
    ///   - wait: how to wait for the device; see ``NICDriver``.
    public init(
        device: Driver.Device, configuration: EngineConfiguration, region: borrowing DeviceRegion,
        flushWindow: Driver.Device.BusType, channel: ApplicationChannel, log: Logger, wait: (Interval) -> Void
    ) throws(EngineError) {
        do throws(DriverError) {
            let needed = configuration.device.receiveDescriptors * configuration.device.splitQueues
            guard region.slotCount > needed else {
                throw DriverError.split(.poolTooSmall(slots: region.slotCount, descriptors: needed))
            }
            var driver = try Driver(device: device, configuration: configuration.device, slotSize: region.slotSize)
            var first: FirstRegion? = try FirstRegion.map(region, for: device, flushWindow, configuration.memory)
            let parts = try EngineParts<Driver>.build(&driver, configuration, &first, log, wait)
            self.init(
                driver: driver, parts: parts, configuration: configuration, channel: channel,
                slots: region.slotCount)
        } catch {
            throw .driver(error)
        }
    }

    /// - Parameter channel: towards application 0, which owns the region that all queues fill; `nil`: nobody is there yet.
    private init(
        driver: consuming Driver, parts: consuming EngineParts<Driver>, configuration: EngineConfiguration,
        channel: ApplicationChannel?, slots: Int
    ) {
        var stackConfiguration = configuration.stack
        // A real controller brings its own address.
        let address = driver.macAddress
        if address.count == 6 {
            stackConfiguration.interface.mac = MACAddress(
                address[0], address[1], address[2], address[3], address[4], address[5])
        }
        stackConfiguration.owners = configuration.applications
        knobs = ReceiveKnobs(queues: configuration.device.splitQueues)
        self.driver = driver
        queues = parts.queues
        transmit = parts.transmit
        memory = parts.memory
        hostMemory = parts.hostMemory
        pools = parts.pools
        poolOfQueue = parts.poolOfQueue
        emptyDropsSeen = Slab(count: configuration.device.splitQueues + 1, repeating: 0)
        spareMemory = parts.spareMemory
        flushWindowOfHost = parts.flushWindowOfHost
        regions = parts.regions
        vacantMemory = parts.vacantMemory
        ports = parts.ports
        openPorts = Slab(count: configuration.applications, repeating: false)
        tap = FrameTap(configuration.frames, interface: stackConfiguration.interface)
        taps = configuration.frames != .none
        burst = configuration.burst
        deliveryQuantum = Int32(clamping: configuration.deliveryQuantum)
        tellsSends = configuration.stack.placedSends > 0
        stack = TCPStack(configuration: stackConfiguration, secret: configuration.secret)
        guard let channel else { return }
        channel.describe()
        var port = configuration.port ?? PortConfiguration(tokenLimit: slots * 2)
        port.tokenLimit = max(port.tokenLimit, 4)
        ports[0] = ApplicationPort(channel, configuration: port)
        openPorts[0] = true
        if port.uniform { ports[0].placementPool = 1 }
    }

    /// One turn: receive, run the stack, publish records, take returns, transmit. Returns whether anything happened.
    @inlinable public mutating func poll(now: Instant) -> Bool {
        var worked = takeFromApplications()
        var received = 0
        for index in 0..<queues.count { received &+= receive(from: index, now) }
        stack.poll(now: now, pools: &pools)
        // Visibility is proven per queue before anything of the burst is published; then descriptors go back, those of
        // frames that were dropped too.
        for index in 0..<queues.count { queues[index].endBurst() }
        if deliver(now) { worked = true }
        if send() { worked = true }
        if now >= nextLook { look(now) }
        return worked || received != 0
    }

    @inlinable mutating func receive(from index: Int, _ now: Instant) -> Int {
        var count = 0
        let pool = poolOfQueue[index]
        while count < burst, let frame = queues[index].nextFrame(&pools.pools[pool]) {
            if taps { receiveTapped(frame, now) } else { stack.receive(frame, now: now, pools: &pools) }
            count &+= 1
        }
        return count
    }

    /// Gives a frame to the application, to the stack, or to nobody.
    @inlinable mutating func receiveTapped(_ frame: consuming ReceivedFrame, _ now: Instant) {
        var fragment: Fragment?
        var inSlot = 0
        if let taken = frame.fragment.take() {
            inSlot = Int(taken.length)
            fragment = consume taken
        }
        switch tap.decide(frame, payload: inSlot) {
        case .stack:
            stack.receive(
                ReceivedFrame(
                    header: frame.header, fragment: fragment.take(), split: frame.split, checksum: frame.checksum),
                now: now, pools: &pools)
        case .drop: break
        case .deliver(let header, let payload, let verified):
            let inHost = min(frame.header.count, header &+ payload)
            tap.trim(&fragment, to: header &+ payload &- inHost, &pools)
            let hasPayload = fragment != nil
            if ports[0].deliver(
                frame: frame.header.slice(0, inHost), headerLength: min(header, inHost), isVerified: verified,
                fragment: &fragment, &pools, now)
            {
                tap.count(hasPayload: hasPayload)
            } else {
                tap.statistics.noRoom &+= 1
            }
        }
        if let left = fragment.take() { pools.recycle(left) }
    }

    @inlinable mutating func send() -> Bool {
        transmit.reclaim()
        takeReleased()
        guard !stack.output.isEmpty else { return false }
        while !stack.output.isEmpty {
            let offload = stack.output.frontOffload
            let request = offload.tcpChecksum ? offload : nil
            let parts = stack.output.frontPartCount
            if parts == 0 {
                guard transmit.send(stack.output.front, request) else { break }
            } else {
                guard sendParts(parts, request) else { break }
            }
            stack.output.popFront()
        }
        transmit.flush()
        return true
    }

    /// A frame whose payload stays where it is.
    @inlinable mutating func sendParts(_ count: Int, _ request: TransmitOffload?) -> Bool {
        var bytes = 0
        for part in 0..<count { bytes &+= Int(stack.output.frontPart(part).length) }
        guard transmit.send(stack.output.front, request, parts: count, partBytes: bytes) else { return false }
        for part in 0..<count { transmit.append(stack.output.frontPart(part)) }
        return true
    }

    /// When ``poll(now:)`` has something to do although nothing arrives.
    public var nextDeadline: Instant { stack.nextDeadline }

    /// The device, for ``Sleeper``.
    public var device: Driver.Device { driver.device }

    /// The station address of the device, 6 bytes.
    public var macAddress: [UInt8] { driver.macAddress }

    /// Takes what the applications have given back, and nothing else; returns how many tokens they still hold. For the end of
    /// a run, when ``poll(now:)`` would bring more.
    public mutating func takeReturns() -> Int {
        var out = 0
        for owner in 0..<ports.count where openPorts[owner] {
            _ = ports[owner].takeReturns(limit: 4096, pools: &pools, stack: &stack)
            out += ports[owner].tokens.outstanding
        }
        return out
    }

    /// Stops the device, then takes back every slot that it held; tokens that applications hold stay out and are counted
    /// in the report.
    public mutating func shutDown(wait: (Interval) -> Void) {
        driver.shutDown(wait: wait)
        giveUpTransmissions()
        stack.close(pools: &pools)
        for place in 1..<regions.count where regions[place].state == .active { withdrawSending(place) }
        for owner in 0..<ports.count where openPorts[owner] { ports[owner].closePlacement(&pools) }
        for index in 0..<queues.count { queues[index].stop(&pools.pools[poolOfQueue[index]]) }
    }
}
