import ClientKit
import ControlBench
import Foundation
import Synchronization

/// A controller in its thread; clients in theirs, of which one comes and goes.
enum ControllerCheck {
    private final class Tally: @unchecked Sendable {
        private let lock = NSLock()
        private var found: [String] = []
        var problems: [String] { lock.withLock { found } }
        let running = Atomic<Int>(3)
        func add(_ problem: String) { lock.withLock { found.append(problem) } }
    }

    static func run(seconds: Int) -> [String] {
        let bench: Bench
        do { bench = try Bench() } catch { return ["\(error)"] }
        bench.on {
            $0.peer.add(6000)
            $0.peer.add(6001)
        }
        let tally = Tally()
        let end = ContinuousClock.now + .seconds(seconds)
        start(tally) {
            // It holds some, and returns the rest in order.
            let client = try BenchClient(bench.path, options(), port: 6000)
            _ = client.take(holding: 100, milliseconds: seconds * 1000) { _ in false }
            if client.deviceBytes < 10_000 || client.wrong != 0 {
                tally.add("first client: \(client.deviceBytes) bytes, \(client.wrong) wrong")
            }
        }
        start(tally) {
            // It changes its region all the time.
            let client = try BenchClient(bench.path, options(), port: 6001)
            while ContinuousClock.now < end {
                let bytes = client.deviceBytes
                if !client.take(holding: 10, until: { $0.deviceBytes > bytes }) { tally.add("no payload for 5 s") }
                _ = try client.session.rehome(options())
                client.giveBack(downTo: 0)
                client.client.flush()
                _ = try client.session.status()
            }
            if client.wrong != 0 { tally.add("second client: \(client.wrong) wrong") }
        }
        start(tally) {
            // It comes and goes.
            var round = 0
            while ContinuousClock.now < end {
                let client = try BenchClient(bench.path, options(), port: 6002)
                round += 1
                _ = try client.session.giveBack([TokenRange(start: 1, count: 5)])
                if round & 1 == 0 { try client.session.detach() }
            }
        }
        while tally.running.load(ordering: .acquiring) != 0 { usleep(1000) }
        var problems = tally.problems
        problems += bench.problems()
        let counted = bench.on { $0.controller.statistics }
        bench.end()
        if counted.connected < 5 || counted.badMessages != 0 { problems.append("\(counted)") }
        return problems
    }

    private static func start(_ tally: Tally, _ body: @escaping @Sendable () throws -> Void) {
        let thread = Thread {
            do { try body() } catch { tally.add("\(error)") }
            tally.running.wrappingSubtract(1, ordering: .releasing)
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    @Sendable private static func options() -> AttachOptions {
        var options = AttachOptions()
        options.slotSize = 2048
        options.regionBytes = 1024 * 2048
        return options
    }
}
