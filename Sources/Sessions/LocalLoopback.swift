internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Logging
internal import Packets
internal import PagePool
internal import SoftNIC
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// A loopback in one thread and in virtual time: the same options give the same trace, bit for bit.
struct LocalLoopback: FarEndUser {
    let options: LoopbackOptions
    let nic: SoftNIC
    let recorder: TraceRecorder
    let log: Logger

    init(options: LoopbackOptions, log: Logger) throws(SessionError) {
        self.options = options
        self.log = log
        do {
            recorder = try TraceRecorder(path: options.tracePath)
        } catch {
            throw SessionError(error)
        }
        nic = SoftNIC(configuration: options.device.model, trace: recorder.trace)
    }

    /// Virtual time that one turn takes when something happened in it.
    fileprivate static var turn: Interval { .microseconds(1) }
    /// A run without progress for so long is stuck: beyond every retransmission's back-off.
    fileprivate static var patience: Interval { .seconds(300) }
    /// And one in which something happens in so many turns without progress goes round in circles.
    fileprivate static var patienceInTurns: UInt64 { 2_000_000 }

    func use<End: FarEnd & ~Copyable>(_ end: consuming End) throws(SessionError) -> LoopbackResult {
        let family = try options.device.modelFamily()
        let region = try SessionPlan.region(options.device, VFIOSystem(log: log))
        do {
            let shared = HeapBytes(count: ApplicationChannel.bytes)
            let channel = ApplicationChannel(shared.bytes)
            let consumer = try Consumer(
                channel: channel, region: region, connections: options.flows, hold: options.hold, service: .take,
                outputPath: nil, trace: recorder.trace, uniform: options.uniform)
            let side = DeviceSide(
                port: nic, end: end, consumer: consumer, frameCapacity: options.device.mtu + 64)
            let changes = try LiveChanges(options, first: region)
            let result = try family.withDriver(
                LocalRun(loopback: self, channel: channel, changes: changes, side: side))
            extendLifetime(shared)
            return result
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(error)
        }
    }
}

/// A local loopback whose driver is yet to be chosen.
private struct LocalRun<End: FarEnd & ~Copyable>: DriverUser, ~Copyable {
    typealias Device = SoftPCIDevice

    let loopback: LocalLoopback
    let channel: ApplicationChannel
    var changes: LiveChanges
    var side: DeviceSide<End, SoftNIC, Consumer>

    private var options: LoopbackOptions { loopback.options }
    private var nic: SoftNIC { loopback.nic }
    private var recorder: TraceRecorder { loopback.recorder }

    init(
        loopback: LocalLoopback, channel: ApplicationChannel, changes: consuming LiveChanges,
        side: consuming DeviceSide<End, SoftNIC, Consumer>
    ) {
        self.loopback = loopback
        self.channel = channel
        self.changes = changes
        self.side = side
    }

    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> LoopbackResult where Driver.Device == SoftPCIDevice {
        let device = SoftPCIDevice(nic)
        let slots = changes.withFirst { $0.slotCount }
        let stack = try SessionPlan.stack(
            options.device, slots: slots, interface: SessionPlan.interface(options.device),
            connections: options.flows)
        // The model's clock is the run's: waiting for the device moves it.
        let model = nic
        let wait: (Interval) -> Void = { interval in
            model.now = model.now + interval
            _ = model.step(now: model.now)
        }
        do {
            var configuration = SessionPlan.engine(options.device, stack: stack)
            if options.uniform {
                configuration.port = PortConfiguration(tokenLimit: slots * 8)
                configuration.port?.uniform = true
            }
            let channel = channel
            let log = loopback.log
            var engine = try changes.withFirst { (region) throws(EngineError) in
                try Engine<Driver>(
                    device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
                    channel: channel, log: log, wait: wait)
            }
            try engine.stack.listen(port: SessionPlan.port)
            return run(&engine, device, wait)
        } catch {
            throw SessionError(error)
        }
    }

    private mutating func run<Driver: NICDriver & ~Copyable>(
        _ engine: inout Engine<Driver>, _ device: SoftPCIDevice, _ wait: (Interval) -> Void
    ) -> LoopbackResult where Driver.Device == SoftPCIDevice {
        let began = monotonicNow()
        var result = LoopbackResult()
        var now = nic.now
        var progressAt = now
        var consumed: UInt64 = 0
        var turns: UInt64 = 0
        var progressTurn: UInt64 = 0
        while !side.isDone {
            nic.now = now
            let arrived = side.poll(now: now)
            let ran = engine.poll(now: now)
            advance(&now, worked: arrived || ran, min(side.nextDeadline, engine.nextDeadline))
            if side.consumedBytes != consumed {
                consumed = side.consumedBytes
                progressAt = now
                progressTurn = turns
            }
            if now - progressAt > LocalLoopback.patience || turns &- progressTurn > LocalLoopback.patienceInTurns
                || now == .never
                || side.hasRunDry(now: now)
            {
                result.transfer.problems.append(
                    "the transfer stopped at \(consumed) bytes and \(progressAt.nanoseconds) ns of virtual time; replay seed \(options.device.seed) with --trace"
                )
                break
            }
            if changes.isDue(consumed) {
                nic.now = max(nic.now, now)
                do {
                    try change(&engine, device, consumed, wait)
                } catch {
                    result.transfer.problems.append(error.description)
                    break
                }
                // Waiting for the device has moved its clock.
                now = max(now, nic.now)
            }
            turns &+= 1
            if turns & 0xFFF == 0 && StopRequest.isMade {
                result.transfer.interrupt()
                break
            }
        }
        result.transfer.seed = options.device.seed
        result.queueRestarts = options.restarts == 0 ? nil : changes.restarted
        result.regionChanges = options.regionChanges == 0 ? nil : changes.changed
        result.transfer.expect(
            changes.restarted == options.restarts && changes.changed == options.regionChanges,
            "only \(changes.restarted) of \(options.restarts) restarts and \(changes.changed) of \(options.regionChanges) changes of the region were made; enlarge --region or --bytes"
        )
        result.transfer.elapsedS = (monotonicNow() - began).seconds
        result.virtualS = (now - .zero).seconds
        side.finish()
        do {
            try recorder.flush()
        } catch {
            result.transfer.problems.append(error.description)
        }
        let mid = engine.report()
        let device = side.report()
        result.take(mid, device, options)
        // Every token that the consumer held has been given back by now; one more poll books them.
        for _ in 0..<64 {
            nic.now = now
            _ = side.poll(now: now)
            _ = engine.poll(now: now)
            now = now + LocalLoopback.turn
        }
        engine.shutDown(wait: wait)
        result.finish(engine.report())
        result.traceHash = recorder.hash()
        return result
    }

    private mutating func change<Driver: NICDriver & ~Copyable>(
        _ engine: inout Engine<Driver>, _ device: SoftPCIDevice, _ consumed: UInt64, _ wait: (Interval) -> Void
    ) throws(SessionError) where Driver.Device == SoftPCIDevice {
        try changes.make(&engine, consumed, device, now: nic.now, wait: wait) {
            (region, number) throws(DeviceMemoryError) in
            try side.add(region, number: number)
        }
    }

    private func advance(_ now: inout Instant, worked: Bool, _ deadline: Instant) {
        let next = now + LocalLoopback.turn
        now = worked ? next : max(next, deadline)
    }
}

extension LoopbackResult {
    mutating func take(_ report: EngineReport, _ device: DeviceReport, _ options: LoopbackOptions) {
        transfer.take(report, device)
        digestExpected = device.digestExpected ?? ""
        digestReceived = device.digestReceived
        transfer.expect(device.isDone, "only \(device.streams.count { $0.complete }) of \(options.flows) flows ended")
        transfer.expect(device.streams.allSatisfy { $0.complete }, "a flow was reset")
        transfer.expect(device.peerFailures == 0, "\(device.peerFailures) flows failed at the sender")
        transfer.expect(transfer.bytes == options.bytes, "\(transfer.bytes) bytes arrived of \(options.bytes)")
        transfer.expect(
            digestExpected == digestReceived, "the digest of what was received is not that of what was sent")
    }

    mutating func finish(_ report: EngineReport) {
        transfer.finish(report)
        transfer.ok = transfer.problems.isEmpty
    }
}

extension TransferResult {
    mutating func finish(_ report: EngineReport) {
        // An application that ended early still holds tokens: they are said, and are no leak.
        leakedSlots = report.ledger.total - report.ledger.pool - report.ledger.application
        require(leakedSlots == 0, "\(leakedSlots) slots did not come back")
        expect(report.ledger.application == 0, "the application did not return \(report.ledger.application) slots")
        require(report.hostLedger.pool == report.hostLedger.total, "host pages did not come back")
    }
}
