internal import DeviceMemory
internal import PagePool
internal import Packets
internal import TCPLite
internal import Timeline

/// One end of a connection as its application sees it.
struct ApplicationEnd {
    let plan: EndPlan
    let flow: Int
    /// The streams that it sends and receives.
    let sends: Int
    let receives: Int
    var id: ConnectionID?
    var isOpen = false
    var written = 0
    var read = 0
    var nextWrite = Instant.zero
    var isShut = false
    var sawEnd = false
    /// It left or aborted; it hears no more.
    var isGone = false
    var reason: CloseReason?

    var isOver: Bool { isGone || reason != nil }
    var wantsToWrite: Bool { isOpen && !isOver && !isShut && written < plan.bytes }
}

/// A station's application: reads all connections at one pace, and does with each what its plan says.
struct Application {
    struct Held {
        var id: ConnectionID
        var slot: Netmem?
        var linearBytes: Int
        var until: Instant
    }

    /// Records are kept no longer than this.
    static let longestHold = Interval.milliseconds(50)
    /// Most bytes of a record in host memory.
    static let longestCopy = 256

    let plan: StationPlan
    let number: Int
    /// The peer may send other bytes for a place than before.
    var isLiedTo = false
    var ends: [ApplicationEnd]
    /// For each flow, when the application did something last, or was told something.
    var acted: [Instant]
    private var held: [Held] = []
    private var firstHeld = 0
    private var nextRead = Instant.zero
    private var asleepUntil = Instant.zero
    private var hasSlept = false
    private var total = 0
    /// When it wants to be called although nothing happens.
    private(set) var wake = Instant.never
    var counts = Coverage()

    init(_ plan: StationPlan, number: Int, flows: [FlowPlan], peerRelays: Bool) {
        self.plan = plan
        self.number = number
        ends = flows.enumerated().map { i, flow in
            let (own, other) = (2 * i + number, 2 * i + 1 - number)
            return ApplicationEnd(
                plan: flow.ends[number], flow: i, sends: plan.relays ? other : own, receives: peerRelays ? own : other)
        }
        acted = flows.map { _ in .zero }
    }

    mutating func step(_ station: Station, _ pattern: borrowing Pattern, now: Instant) throws(Failure) {
        wake = .never
        try station.outward.complete(station)
        release(station, now: now)
        if now >= asleepUntil && now >= nextRead {
            try read(station, pattern, now: now)
            nextRead = now + .microseconds(UInt64(plan.readEvery))
        }
        if now < asleepUntil {
            wake(by: asleepUntil, now)
        } else if mayRead(station), station.stack.hasDelivery(owner: 0) || (plan.demand > 0 && hasWaiting(station)) {
            wake(by: max(nextRead, now + .microseconds(1)), now)
        }
        for i in ends.indices { write(i, station, pattern, now: now) }
        try station.outward.complete(station)
        if firstHeld < held.count { wake(by: held[firstHeld].until, now) }
    }

    /// Whether it stands still of its own will.
    func isAsleep(_ now: Instant) -> Bool { now < asleepUntil }

    private mutating func wake(by time: Instant, _ now: Instant) { wake = min(wake, max(time, now)) }

    private func hasWaiting(_ station: Station) -> Bool {
        ends.contains { end in
            guard let id = end.id, !end.isOver else { return false }
            return station.stack.available(id) > 0
        }
    }

    // MARK: reading

    private mutating func read(_ station: Station, _ pattern: borrowing Pattern, now: Instant) throws(Failure) {
        var left = plan.readRecords == 0 ? Int.max : plan.readRecords
        while left > 0 {
            let before = left
            if plan.demand > 0 {
                for end in ends {
                    if let id = end.id, !end.isOver, station.stack.demanded(id) == 0 {
                        station.stack.demand(id, bytes: plan.demand)
                    }
                }
            }
            while left > 0, mayRead(station), let delivery = station.stack.nextDelivery(owner: 0, pools: &station.pools)
            {
                try take(delivery, station, pattern, now: now)
                left -= 1
                if plan.sleep > 0 && !hasSlept && total >= plan.sleepAfter && total > 0 {
                    hasSlept = true
                    counts[.sleepingReader] += 1
                    asleepUntil = now + .microseconds(UInt64(plan.sleep))
                    return
                }
            }
            if left == before || plan.demand == 0 { break }
        }
        if left == 0 { counts[.slowReader] += 1 }
    }

    /// What is relayed is taken only when it can go out again.
    private func mayRead(_ station: Station) -> Bool {
        guard plan.relays else { return true }
        return station.stack.relaySpace() > 0
            && ends.allSatisfy { end in
                guard let id = end.id, !end.isOver, let info = station.stack.info(id) else { return true }
                let isSending = info.state == .established || info.state == .closeWait
                return end.isShut || !isSending || station.stack.sendSpace(id) >= Application.longestCopy
            }
    }

    private mutating func take(
        _ delivery: consuming Delivery, _ station: Station, _ pattern: borrowing Pattern, now: Instant
    ) throws(Failure) {
        var delivery = delivery
        var failure: Failure?
        let i = find(delivery)
        if delivery.kind == .data {
            if let linear = delivery.linear {
                failure = check(i, linear, delivery.payloadSum, pattern)
                if let i, self.plan.relays { relay(i, copying: linear, station) }
                keep(Held(id: delivery.connection, linearBytes: linear.count, until: now + Application.longestHold))
            }
            if let fragment = delivery.fragment.take() {
                let at = Int(fragment.netmem.index) * Station.slotSize + Int(fragment.offset)
                let bytes = station.region.readOnly.slice(at, Int(fragment.length))
                failure = failure ?? check(i, bytes, delivery.payloadSum, pattern)
                var left: Fragment? = consume fragment
                if let i, self.plan.relays { relay(i, &left, station) }
                if let fragment = left.take() {
                    let slot = station.pools.deliver(fragment).netmem
                    keep(
                        Held(
                            id: delivery.connection, slot: slot, linearBytes: 0, until: now + Application.longestHold))
                }
            }
            release(station, now: now)
        }
        if let failure { throw failure }
        if i == nil && (isLiedTo || self.plan.wraps) {
            // A liar may open again, and so may old segments where sequence numbers always begin alike (RFC 6528 is there for a
            // reason); this application serves each once.
            if case .opened = delivery.kind { station.stack.abort(delivery.connection, pools: &station.pools) }
            return
        }
        guard let i else { throw Failure(.streamDiffers, "a delivery of no connection: \(delivery.kind)") }
        acted[i] = now
        switch delivery.kind {
        case .opened:
            ends[i].isOpen = true
            ends[i].id = delivery.connection
            if plan.demand > 0 {
                counts[.demand] += 1
                station.stack.setPull(delivery.connection, true)
            }
        case .endOfStream: ends[i].sawEnd = true
        case .closed(let reason): ends[i].reason = reason
        default: break
        }
    }

    private func find(_ delivery: borrowing Delivery) -> Int? {
        let id = delivery.connection
        if let i = ends.firstIndex(where: { $0.id == id }) { return i }
        guard case .opened(_, let port, let localPort, _) = delivery.kind else { return nil }
        return ends.firstIndex {
            Ports.of($0.flow, number) == localPort && Ports.of($0.flow, 1 - number) == port && $0.id == nil
        }
    }

    /// Compares what was delivered with the stream; `i` is `nil` for a connection that nobody knows.
    mutating func check(
        _ i: Int?, _ bytes: ByteView, _ sum: UInt16?, _ pattern: borrowing Pattern
    ) -> Failure? {
        guard let i else { return nil }
        if let wrong = pattern.mismatch(bytes, ends[i].receives, ends[i].read),
            !isLiedTo || !areLies(bytes, ends[i].receives, ends[i].read, pattern)
        {
            return Failure(.streamDiffers, "byte \(ends[i].read + wrong)")
        }
        ends[i].read += bytes.count
        total += bytes.count
        if let sum {
            var words: UInt64 = 0
            for at in 0..<bytes.count / 2 { words += UInt64(bytes.be16(2 * at)) }
            if bytes.count % 2 != 0 { words += UInt64(bytes[bytes.count - 1]) << 8 }
            // Zero and 0xFFFF are one sum.
            guard words % 0xFFFF == UInt64(sum) % 0xFFFF else {
                return Failure(.sumDiffers, "\(sum) for the \(bytes.count) bytes before byte \(ends[i].read)")
            }
        }
        return nil
    }

    /// Whether every byte is the right one or the one that a liar sends in its place.
    private func areLies(_ bytes: ByteView, _ stream: Int, _ position: Int, _ pattern: borrowing Pattern) -> Bool {
        let right = pattern.bytes(stream, position, bytes.count)
        for i in 0..<bytes.count where bytes[i] != right[i] && bytes[i] != right[i] ^ Liar.wrongness { return false }
        return true
    }

    /// Sends on what was received: host bytes as a copy, a slot as it is.
    private mutating func relay(_ i: Int, copying bytes: ByteView, _ station: Station) {
        guard let id = ends[i].id, !ends[i].isOver else { return }
        ends[i].written += station.stack.send(id, bytes)
    }

    private mutating func relay(_ i: Int, _ fragment: inout Fragment?, _ station: Station) {
        guard let id = ends[i].id, !ends[i].isOver, let whole = fragment.take() else { return }
        let length = Int(whole.length)
        fragment = consume whole
        do { try station.stack.relay(id, &fragment, from: id, pools: &station.pools) } catch { return }
        counts[.relay] += 1
        ends[i].written += length
    }

    private mutating func keep(_ record: Held) {
        held.append(record)
        if plan.hold > 0 { counts[.heldTokens] += 1 }
    }

    private mutating func release(_ station: Station, now: Instant) {
        while firstHeld < held.count, held.count - firstHeld > plan.hold || held[firstHeld].until <= now {
            let record = held[firstHeld]
            firstHeld += 1
            if let slot = record.slot { station.pools.returned(slot) }
            station.stack.credit(
                record.id, slots: record.slot == nil ? 0 : 1, linearBytes: record.linearBytes)
        }
        if firstHeld == held.count {
            held.removeAll(keepingCapacity: true)
            firstHeld = 0
        }
    }

    // MARK: writing and ending

    private mutating func write(_ i: Int, _ station: Station, _ pattern: borrowing Pattern, now: Instant) {
        guard let id = ends[i].id, ends[i].isOpen, !ends[i].isOver else { return }
        let plan = ends[i].plan
        while ends[i].wantsToWrite && now >= ends[i].nextWrite {
            let count = min(plan.write, plan.bytes - ends[i].written)
            if station.outward.isWanted() {
                let taken = station.outward.send(id, ends[i].sends, ends[i].written, count, station, pattern)
                if taken > 0 {
                    acted[i] = now
                    ends[i].written += taken
                    if plan.writeEvery > 0 { ends[i].nextWrite = now + .microseconds(UInt64(plan.writeEvery)) }
                    continue
                }
            }
            let bytes = pattern.bytes(ends[i].sends, ends[i].written, count)
            let taken = station.stack.send(id, bytes)
            if taken > 0 { acted[i] = now }
            ends[i].written += taken
            if taken < bytes.count { break }
            if plan.writeEvery > 0 && taken == count {
                ends[i].nextWrite = now + .microseconds(UInt64(plan.writeEvery))
            }
        }
        if ends[i].wantsToWrite {
            if now < ends[i].nextWrite { wake(by: ends[i].nextWrite, now) }
            return
        }
        finish(i, id, station, now: now)
    }

    private mutating func finish(_ i: Int, _ id: ConnectionID, _ station: Station, now: Instant) {
        switch ends[i].plan.ending {
        case .afterPeer where !ends[i].sawEnd: return
        case .depart:
            ends[i].isShut = true
            ends[i].isGone = true
            counts[.departure] += 1
            station.stack.leave(id, pools: &station.pools)
        case .abort:
            ends[i].isGone = true
            counts[.abort] += 1
            station.stack.abort(id, pools: &station.pools)
        default:
            if !ends[i].isShut {
                ends[i].isShut = true
                acted[i] = now
                if !ends[i].sawEnd { counts[.halfClose] += 1 }
                station.stack.shutdown(id)
            }
            if ends[i].plan.ending == .leave && ends[i].sawEnd {
                ends[i].isGone = true
                station.stack.leave(id, pools: &station.pools)
            }
        }
    }

    /// Gives up on a connection whose other end is gone, as an application's own timeout would.
    mutating func giveUp(_ i: Int, _ station: Station) {
        guard let id = ends[i].id, !ends[i].isOver else { return }
        ends[i].isGone = true
        station.stack.abort(id, pools: &station.pools)
    }

    /// Everything that is held goes back.
    mutating func releaseAll(_ station: Station) { release(station, now: .never) }
}

/// The ports of a flow.
enum Ports {
    static func of(_ flow: Int, _ station: Int) -> UInt16 { UInt16((station == 0 ? 40000 : 5000) + flow) }
}
