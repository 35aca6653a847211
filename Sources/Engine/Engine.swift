public import DeviceMemory
public import HeaderSplit
public import Logging
public import Packets
public import PagePool
public import Rings
public import TCPLite
public import Timeline
public import VFIODriver

/// One core's run-to-completion loop: receive queues, stack, application channel, transmit queue.
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
    /// By queue: the pool that fills it.
    @usableFromInline var poolOfQueue: Slab<Int>
    @usableFromInline var port: ApplicationPort
    /// The slots' place in this address space, with no rights at all: a stray read of payload dies here.
    @usableFromInline let reservation: MappedView
    @usableFromInline var tap: FrameTap
    @usableFromInline let taps: Bool
    @usableFromInline let burst: Int
    /// The TCP stack: listen and connect through it before polling.
    public var stack: TCPStack

    /// Brings the device up and starts every queue.
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
        do {
            var driver = try Driver(
                device: device, configuration: configuration.device, slotSize: region.slotSize)
            let parts = try EngineParts<Driver>.build(&driver, configuration, region, flushWindow, log, wait)
            self.init(
                driver: driver, parts: parts, port: ApplicationPort(channel, slots: region.slotCount),
                configuration: configuration)
        } catch {
            throw .driver(error)
        }
    }

    private init(
        driver: consuming Driver, parts: consuming EngineParts<Driver>, port: consuming ApplicationPort,
        configuration: EngineConfiguration
    ) {
        var stackConfiguration = configuration.stack
        // A real controller brings its own address.
        let address = driver.macAddress
        if address.count == 6 {
            stackConfiguration.interface.mac = MACAddress(
                address[0], address[1], address[2], address[3], address[4], address[5])
        }
        self.driver = driver
        queues = parts.queues
        transmit = parts.transmit
        memory = parts.memory
        hostMemory = parts.hostMemory
        pools = parts.pools
        poolOfQueue = Slab(count: configuration.device.splitQueues + 1) { $0 == 0 ? 0 : 1 }
        reservation = parts.reservation
        self.port = port
        tap = FrameTap(configuration.frames, interface: stackConfiguration.interface)
        taps = configuration.frames != .none
        burst = configuration.burst
        stack = TCPStack(configuration: stackConfiguration, secret: configuration.secret)
    }

    /// One turn: receive, run the stack, publish records, take returns, transmit. Returns whether anything happened.
    @inlinable public mutating func poll(now: Instant) -> Bool {
        var worked = port.takeReturns(limit: 4096, pools: &pools, stack: &stack)
        if port.takeCommands(pools: &pools, stack: &stack) { worked = true }
        var received = 0
        for index in 0..<queues.count { received &+= receive(from: index, now) }
        stack.poll(now: now, pools: &pools)
        // Visibility is proven per queue before anything of the burst is published; then descriptors go back, those of
        // frames that were dropped too.
        for index in 0..<queues.count { queues[index].endBurst() }
        if deliver() { worked = true }
        if send() { worked = true }
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
            if port.deliver(
                frame: frame.header.slice(0, inHost), headerLength: min(header, inHost), isVerified: verified,
                fragment: &fragment, &pools)
            {
                tap.count(hasPayload: hasPayload)
            } else {
                tap.statistics.noRoom &+= 1
            }
        }
        if let left = fragment.take() { pools.recycle(left) }
    }

    @inlinable mutating func deliver() -> Bool {
        var any = false
        while port.hasRoom(), let delivery = stack.nextDelivery() {
            port.deliver(delivery, &pools)
            any = true
        }
        port.publish()
        return any
    }

    @inlinable mutating func send() -> Bool {
        transmit.reclaim()
        guard !stack.output.isEmpty else { return false }
        while !stack.output.isEmpty {
            let offload = stack.output.frontOffload
            let request =
                offload.tcpChecksum
                ? TransmitOffload(
                    tcpChecksum: true, linkLength: offload.linkLength, networkLength: offload.networkLength,
                    transportLength: offload.transportLength) : nil
            guard transmit.send(stack.output.front, request) else { break }
            stack.output.popFront()
        }
        transmit.flush()
        return true
    }

    /// When ``poll(now:)`` has something to do although nothing arrives.
    public var nextDeadline: Instant { stack.nextDeadline }

    // MARK: sleep

    /// Lets vector 0 of the device wake a sleeper; once, before the first ``fallAsleep(now:)``.
    ///
    /// - Throws: when the device has no interrupts: then poll it, or ask it from time to time.
    public func enableInterrupts() throws(EngineError) {
        do {
            try driver.device.enableInterrupts(vectors: 1)
        } catch {
            throw .driver(.memory(error))
        }
        driver.routeInterrupts()
    }

    /// Whether the caller may sleep until ``nextDeadline``, the device's vector or the application's ring.
    ///
    /// Arms both, then looks once more at everything: what came before arming is seen here, and what comes after wakes.
    /// After `true`, call ``wakeUp()`` before the next poll.
    public mutating func fallAsleep(now: Instant) -> Bool {
        port.gate.arm()
        driver.armInterrupts()
        _ = port.gate.publications
        if poll(now: now) {
            wakeUp()
            return false
        }
        return true
    }

    /// Takes the arming back.
    public func wakeUp() {
        driver.maskInterrupts()
        port.gate.disarm()
    }

    /// The device, for ``Sleeper``.
    public var device: Driver.Device { driver.device }

    /// The station address of the device, 6 bytes.
    public var macAddress: [UInt8] { driver.macAddress }

    /// Everything counted so far. Slow path: it walks every slot.
    public mutating func report() -> EngineReport {
        var split = SplitStatistics()
        for index in 1..<queues.count { split = split + queues[index].statistics }
        return EngineReport(
            split: split, host: queues[0].statistics, transmit: transmit.statistics, pool: pools.pools[1].statistics,
            delivery: port.statistics, stack: stack.statistics, port: driver.statistics(),
            ledger: pools.pools[1].ledger(),
            hostLedger: pools.pools[0].ledger(), frames: tap.statistics, tokensOut: port.tokens.outstanding,
            staleTokens: port.tokens.staleReturns,
            unknownTokens: port.tokens.unknownReturns)
    }

    /// Takes what the application has given back, and nothing else; returns how many tokens it still holds. For the end of a
    /// run, when ``poll(now:)`` would bring more.
    public mutating func takeReturns() -> Int {
        _ = port.takeReturns(limit: 4096, pools: &pools, stack: &stack)
        return port.tokens.outstanding
    }

    /// Stops the device, then takes back every slot that it held; tokens that applications hold stay out and are counted
    /// in the report.
    public mutating func shutDown(wait: (Interval) -> Void) {
        driver.shutDown(wait: wait)
        stack.close(pools: &pools)
        for index in 0..<queues.count { queues[index].stop(&pools.pools[poolOfQueue[index]]) }
    }
}

/// Everything an engine counts.
public struct EngineReport: Sendable {
    /// Split queues together.
    public var split: SplitStatistics
    /// The host queue.
    public var host: SplitStatistics
    /// The transmit queue.
    public var transmit: TransmitStatistics
    /// The region's pool.
    public var pool: PoolStatistics
    /// Records and returns.
    public var delivery: DeliveryStatistics
    /// The TCP stack.
    public var stack: StackStatistics
    /// The port's own counters.
    public var port: PortStatistics
    /// Slots of the region by primary holder.
    public var ledger: Ledger
    /// Slots of the host pool by primary holder.
    public var hostLedger: Ledger
    /// Frames that went to the application without TCP.
    public var frames: FrameStatistics
    /// Tokens that applications hold.
    public var tokensOut: Int
    /// Returns of tokens that were returned before.
    public var staleTokens: UInt64
    /// Returns of tokens that were never issued.
    public var unknownTokens: UInt64
}
