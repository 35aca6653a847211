internal import PagePool
internal import ClientKit
internal import Controller
internal import DeviceMemory
internal import Engine
public import Logging
internal import SoftNIC
internal import TCPLite
internal import Timeline
internal import VFIODriver
internal import Wire

extension Session {
    /// Runs a controller until it is told to end; `ready` is called once clients can connect.
    public static func serve(
        _ options: ServeOptions, log: Logger, ready: @escaping () -> Void
    ) throws(SessionError) -> ServeResult {
        switch options.device.name {
        case .softnic:
            return try options.station.withFarEnd(
                of: options.device, SoftServing(options: options, log: log, ready: ready))
        case .pci:
            let system = VFIOSystem(log: log)
            guard let device = try options.device.openHardware(system) else {
                throw SessionError("the device is not there; see uiodrv list")
            }
            let run = ServeRun(
                options: options, device: device, log: log, ready: ready,
                flushWindow: { region throws(DeviceMemoryError) in try device.flushWindow(region) },
                wait: { device.wait($0) }, turn: { _ in false }, isGone: { device.isGone }, mayMoveClock: false)
            return try device.family().withDriver(run)
        case .qemu:
            throw SessionError(
                "\(options.device.name) has one region, and every client wants its own; use softnic:igb, or a PCI function"
            )
        }
    }
}

/// A controller over one of the models, wire and model and stack in one thread.
private struct SoftServing: FarEndUser, ~Copyable {
    let options: ServeOptions
    let log: Logger
    let ready: () -> Void

    consuming func use<End: FarEnd & ~Copyable>(_ end: consuming End) throws(SessionError) -> ServeResult {
        let nic = SoftNIC(configuration: options.device.model, trace: .disabled)
        let device = SoftPCIDevice(nic)
        let family = try options.device.modelFamily()
        // The model's own clock, until the run's takes over: it never goes back.
        nic.now = monotonicNow()
        let side = ServingSide(
            DeviceSide(port: nic, end: end, consumer: NoConsumer(), frameCapacity: options.device.mtu + 64), nic)
        let run = ServeRun(
            options: options, device: device, log: log, ready: ready,
            flushWindow: { _ throws(DeviceMemoryError) in device.flushWindow },
            wait: { interval in
                nic.now = nic.now + interval
                _ = nic.step(now: nic.now)
            },
            turn: { side.poll(now: $0) }, isGone: { side.hasFailed }, mayMoveClock: true)
        return try family.withDriver(run)
    }
}

/// The device's side of a controller, boxed because closures reach it: once a turn.
private final class ServingSide<End: FarEnd & ~Copyable> {
    private var side: DeviceSide<End, SoftNIC, NoConsumer>
    private let nic: SoftNIC

    init(_ side: consuming DeviceSide<End, SoftNIC, NoConsumer>, _ nic: SoftNIC) {
        self.side = side
        self.nic = nic
    }

    func poll(now: Instant) -> Bool {
        nic.now = max(nic.now, now)
        return side.poll(now: nic.now)
    }

    var hasFailed: Bool { side.wireFailure != nil }
}

/// Clients consume for themselves, elsewhere.
struct NoConsumer: RunConsumer {
    mutating func poll(now: Instant) -> Bool { false }
    var isDone: Bool { false }
    var deviceBytes: UInt64 { 0 }
    var linearBytes: UInt64 { 0 }
    mutating func finish() {}
    func fill(_ report: inout DeviceReport) {}
}

/// A controller whose driver is yet to be chosen.
private struct ServeRun<Device: PCIDevice>: DriverUser, ~Copyable {
    let options: ServeOptions
    let device: Device
    let log: Logger
    let ready: () -> Void
    let flushWindow: (borrowing DeviceRegion) throws(DeviceMemoryError) -> Device.BusType
    let wait: (Interval) -> Void
    /// A turn of the device's side, where it is in this thread.
    let turn: (Instant) -> Bool
    let isGone: () -> Bool
    /// Whether the device's side must be asked for work, so that sleeping is no more than a pause.
    let mayMoveClock: Bool

    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> ServeResult where Driver.Device == Device {
        let clients = options.device.queues
        var stack = Configuration(interface: try options.station.interface(mtu: options.device.mtu))
        stack.maxConnections = 4096
        stack.slotsPerFlow = 64
        stack.slotBudget = clients * (options.mostRegionBytes / max(options.device.slotSize, 2048))
        stack.slotBudget = min(stack.slotBudget, 1 << 20)
        stack.transmitChecksumOffload = true
        stack.msl = .milliseconds(500)
        var configuration = SessionPlan.engine(options.device, stack: stack)
        SessionPlan.sendFromRegion(&configuration)
        configuration.applications = clients
        configuration.regions = 63
        configuration.stack.owners = clients
        configuration.stack.defaultOwner = OwnerConfiguration(slots: 0)
        var plan = ControllerConfiguration(socketPath: options.socketPath)
        plan.socketMode = options.socketMode
        plan.mostRegionBytes = options.mostRegionBytes
        plan.visibility = mayMoveClock ? .flushRead : .coherent
        if let slots = options.quotaSlots {
            plan.quota = SlotTimeQuota(averageSlots: slots, burstSlotSeconds: options.quotaBurst)
        }
        do {
            let line = try WakeupLine()
            let sleeper = Sleeper(try line.duplicate())
            var controller = try Controller<Driver>(
                engine: Engine<Driver>(device: device, configuration: configuration, log: log, wait: wait),
                configuration: plan, line: line, log: log, flushWindow: flushWindow, wait: wait)
            var sleeps = false
            if !mayMoveClock && !options.device.busyPoll {
                sleeps = (try? controller.engine.enableInterrupts()) != nil
            }
            ready()
            return run(&controller, sleeper, sleeps)
        } catch {
            throw SessionError(error)
        }
    }

    private func run<Driver: NICDriver & ~Copyable>(
        _ controller: inout Controller<Driver>, _ sleeper: borrowing Sleeper, _ sleeps: Bool
    ) -> ServeResult where Driver.Device == Device {
        let start = monotonicNow()
        var idle = 0
        var now = start
        while !StopRequest.isMade && !isGone() {
            now = monotonicNow()
            let arrived = turn(now)
            let worked = controller.poll(now: now)
            idle = arrived || worked ? 0 : idle &+ 1
            if idle > 256 {
                if sleeps {
                    sleep(&controller, sleeper, now)
                } else if !options.device.busyPoll {
                    pauseBriefly()
                }
                idle = 128
            }
        }
        var result = ServeResult()
        result.elapsedS = (now - start).seconds
        let before = controller.engine.report()
        controller.shutDown(now: now)
        let report = controller.engine.report()
        let counted = controller.statistics
        result.clients = counted.connected
        result.clientsDied = counted.died
        result.tokensReclaimed = counted.tokensReclaimed
        result.slowestReclaimUs = Double(counted.slowestReclaimNs) / 1000
        result.requestsRefused = counted.refused
        result.badMessages = counted.badMessages
        result.deviceBytes = report.delivery.deviceBytes
        result.linearBytes = report.delivery.linearBytes
        result.badReturns = report.delivery.badReturns
        result.queueRestarts = report.binding.restarts
        result.deviceResets = report.binding.reestablished
        if isGone() { result.problems.append("the device or its wire is gone; see uiodrv doctor and the kernel's log") }
        if !before.ledger.isBalanced || !report.ledger.isBalanced || report.ledger.total != report.ledger.pool {
            result.problems.append("the books do not balance: \(report.ledger)")
        }
        if report.binding.leaked != 0 || report.pool.violations != 0 {
            result.problems.append(
                "\(report.binding.leaked) slots lost, \(report.pool.violations) refused operations on the books")
        }
        result.ok = result.problems.isEmpty
        return result
    }

    private func sleep<Driver: NICDriver & ~Copyable>(
        _ controller: inout Controller<Driver>, _ sleeper: borrowing Sleeper, _ now: Instant
    ) where Driver.Device == Device {
        guard controller.engine.fallAsleep(now: now) else { return }
        let limit = min(controller.engine.nextDeadline - now, .milliseconds(10))
        _ = sleeper.wait(on: device, limit: limit, other: controller.controlDescriptor)
        controller.engine.wakeUp()
    }
}
