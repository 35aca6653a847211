import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Timeline

/// Two hosts ten milliseconds apart, in steps of a millisecond, for hundreds of flows: frames keep their order, and what is
/// to be seen on the wire is written down.
final class LongPath {
    /// A segment as it passed.
    struct Passed {
        var at: Instant
        var toB: Bool
        /// The port at b, and the one at a.
        var service: UInt16
        var port: UInt16
        var payload: Int
        var window: UInt16
        var isSYN: Bool
    }

    let a: Host
    let b: Host
    var now = Instant(nanoseconds: 1_000_000_000)
    let delay = Interval.milliseconds(10)
    private(set) var record: [Passed] = []
    /// Says whether a segment is lost.
    var loses: (Passed) -> Bool = { _ in false }
    /// The applications.
    var step: () -> Void = {}
    private var toA: [(due: Instant, bytes: [UInt8])] = []
    private var toB: [(due: Instant, bytes: [UInt8])] = []
    private var headA = 0
    private var headB = 0

    init(_ a: Host, _ b: Host) {
        self.a = a
        self.b = b
    }

    /// Runs until `end`, or until `isDone`.
    func run(until end: Instant, isDone: () -> Bool = { false }) {
        while now < end && !isDone() {
            for (host, isB) in [(a, false), (b, true)] {
                while let bytes = arrival(isB) {
                    let kept = Bytes(bytes)
                    withExtendedLifetime(kept) { host.receive(kept.view, .good, now: now) }
                }
                host.stack.poll(now: now, pools: &host.pools)
            }
            step()
            for (host, isB) in [(a, false), (b, true)] {
                host.stack.poll(now: now, pools: &host.pools)
                while !host.stack.output.isEmpty {
                    send(host.stack.output.front, toB: !isB)
                    host.stack.output.popFront()
                    if host.stack.output.isEmpty { host.stack.poll(now: now, pools: &host.pools) }
                }
            }
            now = now + .milliseconds(1)
        }
    }

    private func arrival(_ isB: Bool) -> [UInt8]? {
        if isB {
            guard headB < toB.count, toB[headB].due <= now else { return nil }
            headB += 1
            return toB[headB - 1].bytes
        }
        guard headA < toA.count, toA[headA].due <= now else { return nil }
        headA += 1
        return toA[headA - 1].bytes
    }

    private func send(_ frame: ByteView, toB isToB: Bool) {
        if let sent = Script.parse(frame) {
            let passed = Passed(
                at: now, toB: isToB, service: isToB ? sent.header.destinationPort : sent.header.sourcePort,
                port: isToB ? sent.header.sourcePort : sent.header.destinationPort, payload: sent.payload.count,
                window: sent.header.window, isSYN: sent.flags.contains(.syn))
            record.append(passed)
            if loses(passed) { return }
        }
        if isToB { toB.append((now + delay, frame.array())) } else { toA.append((now + delay, frame.array())) }
    }

    /// Payload bytes that left a for these services in a stretch of time.
    func bytes(to services: Set<UInt16>, from start: Instant, to end: Instant) -> Int {
        record.reduce(0) { sum, passed in
            passed.toB && services.contains(passed.service) && passed.at >= start && passed.at < end
                ? sum + passed.payload : sum
        }
    }
}
