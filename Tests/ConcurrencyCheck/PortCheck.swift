import ClientKit
import ControlBench
import DeviceMemory
import Engine
import Foundation
import Logging
import Packets
import SoftNIC
import Synchronization
import TCPLite
import Timeline
import VFIODriver

/// Engine, device and sender: one thread, which sleeps whenever it can.
private final class EngineSide: @unchecked Sendable {
    typealias Driver = I82576Driver<SoftPCIDevice>
    let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
    var engine: Engine<Driver>
    var peer = Peer(seed: 5)
    let region: DeviceRegion
    let line: WakeupLine
    let mustEnd = Atomic<Bool>(false)
    let stopsSending = Atomic<Bool>(false)
    /// The thread's last store: what it did is seen by whoever sees this.
    let hasEnded = Atomic<Bool>(false)
    private(set) var sleeps = 0
    private let start = ContinuousClock.now

    init(_ channel: ApplicationChannel, line: consuming WakeupLine, bell: consuming WakeupLine) throws {
        let device = SoftPCIDevice(nic)
        let nic = nic
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.slotBudget = 900
        stack.slotsPerFlow = 400
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = 1
        configuration.device.receiveDescriptors = 64
        let wait: (Interval) -> Void = { _ = nic.step(now: nic.now + $0) }
        region = try DeviceRegion(size: 1024 * 2048, slotSize: 2048, visibility: .flushRead)
        engine = try Engine<Driver>(
            device: device, configuration: configuration, log: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
            wait: wait)
        try engine.openPort(0, channel, PortConfiguration(tokenLimit: 2048), bell: bell, flows: nil)
        _ = try engine.bind(
            region, flushWindow: device.flushWindow, BindingRequest(queues: [1]), now: nic.now, wait: wait)
        try engine.stack.listen(port: 5001)
        peer.add(5001)
        self.line = line
    }

    func loop() {
        while !mustEnd.load(ordering: .acquiring) {
            let (seconds, attoseconds) = (ContinuousClock.now - start).components
            let now = Instant(
                nanoseconds: 1_000_000_000 + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
            nic.now = max(nic.now, now)
            peer.isSending = !stopsSending.load(ordering: .relaxed)
            peer.poll(nic, now: nic.now)
            _ = nic.step(now: nic.now)
            guard !engine.poll(now: nic.now), engine.fallAsleep(now: nic.now) else { continue }
            sleeps += 1
            _ = line.wait(nanoseconds: 100_000)
            line.take()
            engine.wakeUp()
        }
    }
}

/// A thread that gives tokens back over a lane of its own.
private final class Returner: @unchecked Sendable {
    // A lock that the thread sanitizer knows; it does not see those of Synchronization.
    private let lock = NSLock()
    private var tokens: [UInt64] = []
    private let isOver = Atomic<Bool>(false)
    private let channel: ApplicationChannel
    private let lane: Int
    private let line: WakeupLine
    private var thread: Thread?
    let returned = Atomic<Int>(0)

    init(_ channel: ApplicationChannel, lane: Int, line: consuming WakeupLine) {
        self.channel = channel
        self.lane = lane
        self.line = line
        let thread = Thread { [self] in loop() }
        self.thread = thread
        thread.start()
    }

    func take(_ token: UInt64) { lock.withLock { tokens.append(token) } }

    private func loop() {
        var ring = ReturnLane(channel, lane: lane)
        while true {
            let ends = isOver.load(ordering: .acquiring)
            let some = lock.withLock {
                let some = tokens
                tokens = []
                return some
            }
            for token in some {
                while !ring.giveBack(token) {
                    ring.publish()
                    ring.ring(line)
                    sched_yield()
                }
            }
            returned.wrappingAdd(some.count, ordering: .relaxed)
            while ring.publish() { ring.ring(line) }
            if some.isEmpty {
                if ends { return }
                usleep(100)
            }
        }
    }

    func end() {
        isOver.store(true, ordering: .releasing)
        while thread?.isFinished == false { usleep(100) }
    }
}

/// One port over plain memory that all threads see at the same addresses: four return lanes, the cumulative counter, a client
/// and an engine that both sleep.
enum PortCheck {
    static func run(tokens goal: Int) -> [String] {
        do {
            return try check(goal)
        } catch {
            return ["\(error)"]
        }
    }

    private static func check(_ goal: Int) throws -> [String] {
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        let line = try WakeupLine()
        let bell = try WakeupLine()
        let side = try EngineSide(channel, line: line.duplicate(), bell: bell.duplicate())
        let thread = Thread {
            side.loop()
            side.hasEnded.store(true, ordering: .releasing)
        }
        thread.stackSize = 8 << 20
        thread.start()
        let returners = try (1...3).map { Returner(channel, lane: $0, line: try line.duplicate()) }
        var client = try ApplicationClient(channel, wakeup: line.duplicate(), bell: bell.duplicate())
        var random = SeededGenerator(seed: 9)
        var taken = 0
        var problems: [String] = []
        let limit = ContinuousClock.now + .seconds(240)
        var quiet = ContinuousClock.now
        while taken < goal || ContinuousClock.now - quiet < .milliseconds(200) {
            var count = 0
            while let record = client.next() {
                count += 1
                if record.kind == .linear { client.consumeLinear(record) }
                guard record.kind == .device else { continue }
                taken += 1
                switch random.below(64) {
                case 0: client.giveBack(through: record.token)
                case 1...16: while !client.giveBack(record.token) { client.flush() }
                default: returners[Int(random.below(3))].take(record.token)
                }
            }
            client.flush()
            if count != 0 { quiet = .now }
            if taken >= goal { side.stopsSending.store(true, ordering: .relaxed) }
            if count == 0 { client.wait(nanoseconds: 1_000_000) }
            if ContinuousClock.now > limit {
                problems.append("only \(taken) of \(goal) tokens came in 240 s")
                break
            }
            if taken < goal && ContinuousClock.now - quiet > .seconds(10) {
                problems.append("nothing came for 10 s after \(taken) tokens: somebody was not woken")
                break
            }
        }
        for returner in returners { returner.end() }
        client.giveBack(through: .max)
        client.flush()
        usleep(50_000)
        side.mustEnd.store(true, ordering: .releasing)
        line.ring()
        while !side.hasEnded.load(ordering: .acquiring) { usleep(100) }
        let report = side.engine.report()
        problems += side.engine.audit()
        if report.tokensOut != 0 { problems.append("\(report.tokensOut) tokens are still out") }
        if Int(report.delivery.tokensReturned) != taken {
            problems.append("\(taken) tokens were taken, and \(report.delivery.tokensReturned) came back")
        }
        // The counter is ahead of the lanes at times; what it was given cannot be wrong in any other way.
        if report.unknownTokens != 1 {
            problems.append(
                "\(report.unknownTokens) returns of tokens that never were; the last one, ahead on purpose, is one")
        }
        if report.pool.violations != 0 { problems.append("\(report.pool.violations) refused operations") }
        if side.sleeps == 0 { problems.append("the engine never slept: that was not tried") }
        extendLifetime(memory)
        return problems
    }
}
