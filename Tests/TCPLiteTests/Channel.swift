import DeviceMemory
import HeaderSplit
import Packets
import TCPLite
import Timeline

/// What a channel does to frames.
struct Impairments {
    var loss = Probability.never
    var duplication = Probability.never
    var reorder = Probability.never
    var corruption = Probability.never
    /// The device reports a checksum verdict; otherwise it says that it does not know.
    var verifies = true
}

/// Two hosts and the wires between them, in virtual time, from one seed.
final class Channel {
    let a: Host
    let b: Host
    var now = Instant(nanoseconds: 1_000_000_000)
    var impairments = Impairments()
    var random: SeededGenerator
    /// One-way delay.
    var delay = Interval.microseconds(50)
    /// Time that a frame occupies the wire.
    var serialization = Interval.microseconds(1)
    /// Frames on their way, to `b` if the flag is set.
    private var flying: [(due: Instant, order: Int, toB: Bool, bytes: [UInt8], damaged: Bool)] = []
    private var sent = 0
    private var wireFree = [Instant.zero, Instant.zero]
    /// Sees every frame that enters the channel.
    var watch: ((_ frame: ByteView, _ toB: Bool) -> Void)?
    /// Called after each round: applications go here.
    var step: (() -> Void)?

    init(_ a: Host, _ b: Host, seed: UInt64 = 1) {
        self.a = a
        self.b = b
        random = SeededGenerator(seed: seed)
    }

    /// Runs until nothing happens any more, `until` holds, or `limit` has passed.
    func run(limit: Interval = .seconds(600), until: () -> Bool = { false }) {
        let end = now + limit
        while now < end {
            round()
            if until() { return }
            let next = min(
                flying.map(\.due).min() ?? .never, min(a.stack.nextDeadline, b.stack.nextDeadline))
            if next == .never { return }
            now = max(next, now)
            if next > end { return }
        }
    }

    /// Delivers what is due, polls both, collects what they send.
    func round() {
        let due = flying.filter { $0.due <= now }.sorted { ($0.due, $0.order) < ($1.due, $1.order) }
        flying.removeAll { $0.due <= now }
        for frame in due {
            let host = frame.toB ? b : a
            let verdict: ChecksumVerdict = impairments.verifies ? (frame.damaged ? .bad : .good) : .unknown
            let bytes = Bytes(frame.bytes)
            withExtendedLifetime(bytes) { host.receive(bytes.view, verdict, now: now) }
        }
        for host in [a, b] {
            host.stack.poll(now: now, pools: &host.pools)
            host.drain()
        }
        step?()
        for host in [a, b] { host.stack.poll(now: now, pools: &host.pools) }
        collect(a, toB: true)
        collect(b, toB: false)
    }

    private func collect(_ host: Host, toB: Bool) {
        while !host.stack.output.isEmpty {
            for frame in host.takeFrames(release: host.releasesAtOnce) { carry(frame, toB: toB) }
        }
    }

    private func carry(_ frame: [UInt8], toB: Bool) {
        let kept = Bytes(frame)
        withExtendedLifetime(kept) { watch?(kept.view, toB) }
        var bytes = frame
        if random.happens(impairments.loss) { return }
        var damaged = false
        if random.happens(impairments.corruption) {
            // Behind the addresses, so that the frame still arrives.
            let start = bytes[12] == 0x86 ? 54 : 34
            let at = start + Int(random.below(UInt32(bytes.count - start)))
            bytes[at] ^= 1 << UInt8(random.below(8))
            damaged = true
        }
        let lane = toB ? 1 : 0
        wireFree[lane] = max(now, wireFree[lane]) + serialization
        var due = wireFree[lane] + delay
        if random.happens(impairments.reorder) {
            due = due + Interval(nanoseconds: serialization.nanoseconds * UInt64(1 + random.below(8)))
        }
        let copies = random.happens(impairments.duplication) ? 2 : 1
        for _ in 0..<copies {
            flying.append((due, sent, toB, bytes, damaged))
            sent += 1
        }
    }
}
