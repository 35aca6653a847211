public import ClientKit
public import Controller
public import DeviceMemory
public import Engine
public import Foundation
public import SoftNIC
public import Timeline
public import VFIODriver
import Logging
import PagePool
import Packets
import TCPLite

/// How a bench is set up.
public struct BenchOptions: Sendable {
    /// Clients that there may be.
    public var clients = 4
    /// Permissions of the socket.
    public var socketMode: UInt16 = 0o600
    /// Bytes that one client's region may have.
    public var mostRegionBytes = 64 << 20
    /// Runs of bytes that may be under way from regions; 0: clients send from none.
    public var placedSends = 1024
    /// Seed of the peer's secrets.
    public var seed: UInt64 = 1

    /// The defaults above.
    public init() {}
}

/// A controller over the model of an 82576, with a peer that sends, all in one thread; clients are in others.
public final class Bench: @unchecked Sendable {
    public typealias Driver = I82576Driver<SoftPCIDevice>

    /// Descriptors of each receive queue.
    public static let descriptors = 64

    /// The device. Only inside ``on(_:)``, as all but ``path``.
    public let nic: SoftNIC
    private var controllers: Slab<Controller<Driver>>
    /// The controller, until it has ended.
    public var controller: Controller<Driver> {
        _read { yield controllers[0] }
        _modify { yield &controllers[0] }
    }
    /// Whether the controller is there.
    public var isRunning: Bool { controllers.count != 0 }
    /// Who sends.
    public var peer: Peer
    /// Where clients connect.
    public let path: String

    private let line: WakeupLine
    private let controlDescriptor: Int32
    private let start = ContinuousClock.now
    private let lock = NSCondition()
    private var pending: [() -> Void] = []
    private var mustEnd = false
    private var hasEnded = false

    /// Starts the thread.
    public init(_ options: BenchOptions = BenchOptions()) throws {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
        let device = SoftPCIDevice(nic)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.maxConnections = 256
        stack.slotBudget = 32 << 10
        stack.owners = options.clients
        stack.defaultOwner = OwnerConfiguration(slots: 0)
        stack.msl = .milliseconds(1)
        stack.transmitChecksumOffload = true
        stack.segmentationOffload = true
        stack.placedSends = options.placedSends
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = options.clients
        configuration.device.receiveDescriptors = Bench.descriptors
        configuration.applications = options.clients
        configuration.regions = 63
        path = "\(NSTemporaryDirectory())uiodrv-bench-\(UUID().uuidString.prefix(8)).sock"
        var plan = ControllerConfiguration(socketPath: path)
        plan.socketMode = options.socketMode
        plan.mostRegionBytes = options.mostRegionBytes
        plan.channel.recordCapacity = 1 << 12
        plan.channel.returnCapacity = 1 << 12
        plan.channel.linearBytes = 1 << 17
        let log = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let wait: (Interval) -> Void = { interval in
            nic.now = nic.now + interval
            _ = nic.step(now: nic.now)
        }
        let line = try WakeupLine()
        self.line = try line.duplicate()
        let made = try Controller<Driver>(
            engine: Engine<Driver>(device: device, configuration: configuration, log: log, wait: wait),
            configuration: plan, line: line, log: log,
            flushWindow: { _ throws(DeviceMemoryError) in device.flushWindow }, wait: wait)
        controlDescriptor = made.controlDescriptor
        controllers = Slab(capacity: 1)
        controllers.append(made)
        self.nic = nic
        peer = Peer(seed: options.seed)
        let thread = Thread { [self] in loop() }
        thread.stackSize = 8 << 20
        thread.start()
    }

    private var now: Instant {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Instant(
            nanoseconds: 1_000_000_000 + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
    }

    private func loop() {
        while true {
            lock.lock()
            let work = pending
            pending = []
            let ends = mustEnd
            lock.unlock()
            for body in work { body() }
            if ends { break }
            turn()
        }
        lock.lock()
        hasEnded = true
        lock.broadcast()
        lock.unlock()
    }

    /// One turn of peer, device and controller.
    public func turn() {
        nic.now = max(nic.now, now)
        peer.poll(nic, now: nic.now)
        _ = nic.step(now: nic.now)
        guard isRunning, !controller.poll(now: nic.now), controller.engine.fallAsleep(now: nic.now) else {
            return
        }
        // The device and the peer have no lines: they are looked at again soon.
        _ = line.wait(nanoseconds: 30_000, other: controlDescriptor)
        line.take()
        controller.engine.wakeUp()
    }

    private final class Box<Value>: @unchecked Sendable { var value: Value? }

    /// Runs `body` in the controller's thread, between two turns, and returns what it returns.
    public func on<Value>(_ body: @escaping (Bench) -> Value) -> Value {
        let box = Box<Value>()
        let done = DispatchSemaphore(value: 0)
        lock.lock()
        pending.append { [self] in
            box.value = body(self)
            done.signal()
        }
        lock.unlock()
        done.wait()
        guard let value = box.value else { fatalError("the body has run") }
        return value
    }

    /// Holds the controller still while `outside` runs here, then runs `body` in its thread before its next turn.
    public func holds<Value>(_ outside: () -> Void, then body: @escaping (Bench) -> Value) -> Value {
        let box = Box<Value>()
        let (entered, goes, done) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        lock.lock()
        pending.append { [self] in
            entered.signal()
            goes.wait()
            box.value = body(self)
            done.signal()
        }
        lock.unlock()
        entered.wait()
        outside()
        goes.signal()
        done.wait()
        guard let value = box.value else { fatalError("the body has run") }
        return value
    }

    /// Waits up to five seconds until `condition` holds in the controller's thread.
    public func waits(until condition: @escaping (Bench) -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(5)
        while ContinuousClock.now < end {
            if on(condition) { return true }
            usleep(500)
        }
        return false
    }

    /// Whether the controller's stack knows a connection. Only inside ``on(_:)``.
    public func hasConnection(_ number: UInt32) -> Bool {
        controller.engine.stack.info(ConnectionID(rawValue: number)) != nil
    }

    /// What is wrong with the books, the device's accesses and the driver's use of it; empty at all times.
    public func problems() -> [String] {
        on { bench in
            guard bench.isRunning else { return [] }
            var found = bench.controller.engine.audit()
            let report = bench.controller.engine.report()
            if !report.ledger.isBalanced { found.append("the ledger does not balance: \(report.ledger)") }
            if report.pool.violations != 0 { found.append("\(report.pool.violations) refused operations") }
            if report.binding.leaked != 0 { found.append("\(report.binding.leaked) slots were lost") }
            if bench.nic.iommuFaultCount != 0 { found.append("\(bench.nic.iommuFaultCount) IOMMU faults") }
            if bench.nic.flags.total != 0 { found.append("errors of the driver: \(bench.nic.flags)") }
            return found
        }
    }

    /// Ends the controller in good order.
    public func shutDown() {
        on { bench in
            guard bench.isRunning else { return }
            bench.controller.shutDown(now: bench.nic.now)
            bench.controllers = Slab(capacity: 1)
        }
    }

    /// The controller vanishes without a word, as if its process had been killed.
    public func vanish() { on { $0.controllers = Slab(capacity: 1) } }

    /// Ends the thread, and the controller if it is still there.
    public func end() {
        shutDown()
        lock.lock()
        mustEnd = true
        while !hasEnded { lock.wait() }
        lock.unlock()
    }
}
