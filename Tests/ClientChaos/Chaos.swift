import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import Glibc
import Logging
import PagePool
import Packets
import SoftNIC
import TCPLite
import Timeline
import VFIODriver

/// A controller over the model of an 82576, a sender, and clients that are killed; all but the clients in one thread.
final class Chaos {
    private typealias Driver = I82576Driver<SoftPCIDevice>

    private let nic: SoftNIC
    private var controller: Controller<Driver>
    private var peer: Peer
    private var random: SeededGenerator
    private let clients: Int
    private let program: String
    private let path: String
    private var victims: [Victim?]
    private let hold: Int
    private let start = ContinuousClock.now

    private static let firstPort: UInt16 = 6000
    private static let descriptors = 64

    init(clients: Int, seed: UInt64, victim: String, hold: Int) {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
        let device = SoftPCIDevice(nic)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.maxConnections = 256
        stack.slotBudget = hold > 0 ? 3 << 20 : 32 << 10
        stack.owners = clients
        stack.defaultOwner = OwnerConfiguration(slots: 0)
        stack.msl = .milliseconds(1)
        stack.transmitChecksumOffload = true
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = clients
        configuration.device.receiveDescriptors = Chaos.descriptors
        configuration.applications = clients
        configuration.regions = 63
        path = "/tmp/uiodrv-chaos-\(getpid()).sock"
        var plan = ControllerConfiguration(socketPath: path)
        plan.mostRegionBytes = 8 << 30
        plan.channel.recordCapacity = 1 << 12
        plan.channel.returnCapacity = 1 << 12
        plan.channel.linearBytes = 1 << 17
        let log = Logger(label: "chaos") { _ in SwiftLogNoOpLogHandler() }
        let wait: (Interval) -> Void = { interval in
            nic.now = nic.now + interval
            _ = nic.step(now: nic.now)
        }
        do {
            controller = try Controller<Driver>(
                engine: Engine<Driver>(device: device, configuration: configuration, log: log, wait: wait),
                configuration: plan, line: WakeupLine(), log: log,
                flushWindow: { _ throws(DeviceMemoryError) in device.flushWindow }, wait: wait)
        } catch {
            fatalError("\(error)")
        }
        self.nic = nic
        peer = Peer(seed: seed)
        for i in 0..<clients { peer.add(Chaos.firstPort + UInt16(i)) }
        random = SeededGenerator(seed: seed)
        victims = Array(repeating: nil, count: clients)
        self.clients = clients
        self.hold = hold
        program = victim
    }

    private var now: Instant {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Instant(
            nanoseconds: 1_000_000_000 + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
    }

    private func turn() {
        nic.now = max(nic.now, now)
        peer.poll(nic, now: nic.now)
        _ = nic.step(now: nic.now)
        _ = controller.poll(now: nic.now)
    }

    private func turns(for interval: Interval) {
        let end = now + interval
        repeat { turn() } while now < end
    }

    private func spawn(_ i: Int) {
        let hold = hold > 0 ? hold + 1 : Int(random.below(700))
        let slots = self.hold > 0 ? self.hold * 3 / 2 + 4096 : 1024
        // Every kind of binding in turn: tokens of connections or of the binding, plain or uniform.
        let flags = self.hold > 0 ? 1 : Int(random.below(4))
        victims[i] = Victim(
            program, socket: path, port: Chaos.firstPort + UInt16(i), seed: random.next() >> 1,
            regionBytes: slots * 2048, slotSize: 2048, flags: i == 0 ? 0 : flags, hold: i == 0 ? 32 : hold,
            slots: i != 0 && self.hold > 0 ? self.hold * 5 / 4 + 256 : 64)
    }

    /// What is wrong with the books now.
    private func problems() -> [String] {
        var found = controller.engine.audit()
        let report = controller.engine.report()
        if !report.ledger.isBalanced { found.append("the ledger does not balance: \(report.ledger)") }
        if report.pool.violations != 0 { found.append("\(report.pool.violations) refused operations on the books") }
        if report.binding.leaked != 0 { found.append("\(report.binding.leaked) slots were lost") }
        if report.draining != 0 { found.append("\(report.draining) regions of dead clients are not empty") }
        if nic.iommuFaultCount != 0 { found.append("\(nic.iommuFaultCount) accesses were refused by the IOMMU") }
        if nic.flags.total != 0 { found.append("errors of the driver, by the strict model: \(nic.flags)") }
        return found
    }

    /// Kills clients one after the other; returns what went wrong.
    func run(kills: Int) throws -> [String] {
        for i in 0..<clients { spawn(i) }
        turns(for: .milliseconds(100))
        var done = 0
        var slowest = Interval.zero
        var all = Interval.zero
        let began = now
        while done < kills {
            let i = clients == 1 ? 0 : 1 + Int(random.below(UInt32(clients - 1)))
            turns(for: .microseconds(UInt64(random.below(12_000))))
            for j in 0..<clients {
                if let status = victims[j]?.ended() {
                    controller.shutDown(now: now)
                    return ["client \(j) ended by itself with status \(status) after \(done) kills (seed \(random))"]
                }
            }
            guard let victim = victims[i] else { continue }
            let left = controller.statistics.left
            let isConnected = controller.isClient(victim.pid)
            let at = now
            victim.kill()
            if isConnected {
                while controller.statistics.left == left {
                    turn()
                    if now - at > .seconds(5) { return ["the end of client \(i) was not noticed within 5 s"] }
                }
                let took = now - at
                slowest = max(slowest, took)
                all = all + took
            }
            victim.reap()
            // A client that died before it was let in is let in now, and noticed.
            turns(for: .milliseconds(1))
            done += 1
            let wrong = problems()
            if !wrong.isEmpty { return wrong.map { "after \(done) kills: \($0)" } }
            spawn(i)
        }
        let elapsed = now - began
        let report = controller.engine.report()
        let counted = controller.statistics
        print(
            "\(done) clients killed in \(elapsed.seconds) s under load: \(report.delivery.deviceBytes) bytes in regions, \(peer.connections) connections, \(counted.tokensReclaimed) tokens taken back, \(report.binding.restarts) queue restarts"
        )
        print(
            "SIGKILL to slots back: \(all.nanoseconds / UInt64(max(done, 1)) / 1000) us on average, \(slowest.nanoseconds / 1000) us at most; of it the controller's: \(counted.slowestReclaimNs / 1000) us at most"
        )
        var wrong = report.delivery.deviceBytes == 0 ? ["no payload arrived: nothing was tried"] : []
        if let status = victims[0]?.ended() { wrong.append("the client that was spared ended with status \(status)") }
        controller.shutDown(now: now)
        for i in 0..<clients {
            victims[i]?.kill()
            victims[i]?.reap()
        }
        let last = controller.engine.report()
        if last.ledger.pool != last.ledger.total { wrong.append("not every slot is back: \(last.ledger)") }
        return wrong
    }

    /// Kills one client that holds `hold` tokens, and says how long it took until its slots could be posted again.
    func runHold() throws -> [String] {
        spawn(0)
        turns(for: .milliseconds(50))
        spawn(1)
        let began = now
        while controller.engine.held(by: 1, now: nic.now).tokens < hold {
            turn()
            if now - began > .seconds(240) {
                return [
                    "only \(controller.engine.held(by: 1, now: nic.now).tokens) of \(hold) tokens were out after 240 s"
                ]
            }
        }
        guard let victim = victims[1] else { return ["the client did not start"] }
        let left = controller.statistics.left
        let at = now
        victim.kill()
        while controller.statistics.left == left { turn() }
        let took = now - at
        print(
            "held \(hold): SIGKILL to slots back \(took.nanoseconds / 1000) us, of it the controller's \(controller.statistics.slowestReclaimNs / 1000) us"
        )
        victim.reap()
        let wrong = problems()
        victims[0]?.kill()
        victims[0]?.reap()
        controller.shutDown(now: now)
        return wrong
    }
}
