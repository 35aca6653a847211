internal import Timeline

/// The impairments of one direction: what becomes of each frame, from a plan.
struct Line {
    /// What becomes of one frame.
    struct Fate {
        var isLost = false
        /// Microseconds that it is late; and the copy, if there is one.
        var lateness = 0
        var copyLateness: Int?
        var flip: Int?
    }

    let plan: LinePlan
    private let healsAt: Instant
    private var random: SeededGenerator
    private var burstLeft = 0
    private(set) var frames = 0
    private var script: [Int: [Fault]]
    /// When the line is free again.
    private var freeAt = Instant.zero
    /// What really happened, if it is to be known.
    var log: [Fault]?
    var counts = Coverage()
    /// When a frame last did not arrive as it was sent.
    private(set) var lastFault = Instant.zero

    init(_ plan: LinePlan, seed: UInt64, stream: UInt64, healsAt: Instant, isLogged: Bool) {
        self.plan = plan
        self.healsAt = healsAt
        random = SeededGenerator(seed: seed, stream: stream)
        log = isLogged ? [] : nil
        script = Dictionary(grouping: plan.script ?? [], by: \.frame)
    }

    /// When a frame of so many bytes that is sent now has passed; `nil` when too much waits already.
    mutating func occupy(_ bytes: Int, now: Instant) -> Instant? {
        let start = max(now, freeAt)
        let waiting = Int((start - now).nanoseconds) / max(plan.byteTime, 1)
        if waiting > plan.queue {
            note(.queueOverflow, now)
            return nil
        }
        freeAt = start + .nanoseconds(UInt64(bytes * plan.byteTime))
        return freeAt + .microseconds(UInt64(plan.delay))
    }

    /// The fate of the next frame. So many draws whatever is switched on, so that switching one impairment off changes
    /// nothing about the others.
    mutating func next(_ now: Instant, headerBits: Int, bits: Int) -> Fate {
        let frame = frames
        frames += 1
        var fate = Fate()
        if let faults = script[frame] {
            for fault in faults { apply(fault, &fate, now) }
            return fate
        }
        if plan.script != nil { return fate }
        let draws = (chance(plan.loss), chance(plan.burst), chance(plan.reorder), chance(plan.duplicate))
        let flips = (chance(plan.corruptHeader), chance(plan.corruptPayload))
        let (length, late, copyLate, bit) = (random.next(), random.next(), random.next(), random.next())
        if isSilent(now) {
            happen(Fault(frame: frame, kind: .drop), .silence, &fate, now)
            return fate
        }
        if now >= healsAt { return fate }
        if burstLeft > 0 {
            burstLeft -= 1
            happen(Fault(frame: frame, kind: .drop), .burstLoss, &fate, now)
            return fate
        }
        if draws.1 {
            burstLeft = Int(length % UInt64(max(plan.burstLength, 1)))
            happen(Fault(frame: frame, kind: .drop), .burstLoss, &fate, now)
            return fate
        }
        if draws.0 {
            happen(Fault(frame: frame, kind: .drop), .loss, &fate, now)
            return fate
        }
        let most = UInt64(max(plan.reorderDelay, 1))
        if draws.2 {
            happen(Fault(frame: frame, kind: .delay, value: 1 + Int(late % most)), .reorder, &fate, now)
        }
        if draws.3 {
            happen(Fault(frame: frame, kind: .duplicate, value: Int(copyLate % most)), .duplicate, &fate, now)
        }
        if flips.0 {
            // Behind the Ethernet header, whose damage a NIC sees by the frame check sequence.
            let at = 112 + Int(bit % UInt64(max(headerBits - 112, 1)))
            happen(Fault(frame: frame, kind: .flip, value: at), .corruptHeader, &fate, now)
        } else if flips.1, bits > headerBits {
            let at = headerBits + Int(bit % UInt64(bits - headerBits))
            happen(Fault(frame: frame, kind: .flip, value: at), .corruptPayload, &fate, now)
        }
        return fate
    }

    /// Something was done to a frame that the plan does not say: a queue overflowed, a router refused.
    mutating func note(_ dimension: Dimension, _ now: Instant) {
        counts[dimension] += 1
        lastFault = now
    }

    func isSilent(_ now: Instant) -> Bool {
        let at = Int(now.nanoseconds / 1_000) - World.startMicroseconds
        return plan.silences.contains { at >= $0.from && at < $0.from + $0.length }
    }

    private mutating func happen(_ fault: Fault, _ dimension: Dimension, _ fate: inout Fate, _ now: Instant) {
        counts[dimension] += 1
        log?.append(fault)
        apply(fault, &fate, now)
    }

    private mutating func apply(_ fault: Fault, _ fate: inout Fate, _ now: Instant) {
        // A copy or a late frame costs the receiver nothing, but what it makes the sender do may.
        lastFault = now
        switch fault.kind {
        case .drop: fate.isLost = true
        case .duplicate: fate.copyLateness = fault.value
        case .delay: fate.lateness = fault.value
        case .flip: fate.flip = fault.value
        }
    }

    private mutating func chance(_ millionths: Int) -> Bool { random.below(1_000_000) < UInt32(millionths) }
}
