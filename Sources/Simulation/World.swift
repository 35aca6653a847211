internal import DeviceMemory
internal import Packets
internal import TCPLite
internal import Timeline

/// Two stations and the lines between them, in virtual time.
struct World: ~Copyable {
    static let startMicroseconds = 1_000_000
    /// After the last end of a connection the stacks are given this long to forget everything.
    static let drainLimit = Interval.seconds(20_000)

    let scenario: Scenario
    var stations: [Station?]
    var liar: Liar?
    var lines: [Line]
    var oracles: [FlowOracle]
    var now: Instant
    var counts = Coverage()
    var trace: [String]?
    var frames = 0
    private var stalls: [StallWatch]
    /// When each flow is opened.
    private var opens: [Instant]
    private var turns = 0
    private var turnsNow = 0
    private var spun = Instant.zero
    private let start: Instant

    init(_ scenario: Scenario, _ workspace: Workspace, isTraced: Bool, isLogged: Bool) {
        self.scenario = scenario
        let first = Instant.zero + .microseconds(UInt64(World.startMicroseconds))
        start = first
        now = first
        let seed = scenario.seed
        let flows = scenario.flows
        stations = (0...1).map { i in
            i == 0 && scenario.liar != nil
                ? nil
                : Station(
                    scenario.stations[i], number: i, flows: flows,
                    peerRelays: scenario.liar == nil && scenario.stations[1 - i].relays, seed: seed, workspace)
        }
        liar = scenario.liar.map { Liar($0, plan: scenario.stations[0], seed: seed, start: first) }
        let healsAt = first + .microseconds(UInt64(scenario.healsAt))
        let plans = scenario.lines
        lines = (0...1).map {
            Line(plans[$0], seed: seed, stream: UInt64(20 + $0), healsAt: healsAt, isLogged: isLogged)
        }
        oracles = flows.map { _ in FlowOracle() }
        opens = flows.map { first + .microseconds(UInt64($0.opensAt)) }
        stalls = flows.map { _ in StallWatch(first) }
        trace = isTraced ? [] : nil
        workspace.frames.removeAll()
        if let lies = scenario.liar {
            stations[1]?.application.isLiedTo = true
            oracles[0].isClockWild = lies.contains { $0.kind == .time }
        }
    }

    /// Adds a line to the trace.
    mutating func note(_ text: () -> String) {
        guard trace != nil else { return }
        let line = "\(elapsed) us  " + text()
        trace?.append(line)
    }

    /// Microseconds since the start.
    var elapsed: Int { Int((now - start).nanoseconds / 1000) }

    /// Runs to the end; throws what was broken first.
    mutating func run(_ workspace: Workspace) throws(Failure) {
        do throws(Failure) { try play(workspace) } catch {
            throw error.at == 0 ? located(error, error.flow, error.end) : error
        }
    }

    private mutating func play(_ workspace: Workspace) throws(Failure) {
        try listen()
        var drainUntil = Instant.never
        while true {
            try open()
            try deliver(workspace)
            for i in 0...1 { try turn(i, workspace) }
            lie(workspace)
            if drainUntil == .never {
                if try isOver() { drainUntil = now + World.drainLimit }
            }
            if drainUntil != .never { releaseAll() }
            let next = nextEvent(workspace, isDraining: drainUntil != .never)
            if next == .never {
                if drainUntil == .never { throw Failure(.stall, "nothing is due any more: \(unfinished())") }
                break
            }
            guard next < drainUntil else { break }
            try spinGuard(next)
            now = max(now, next)
        }
        for i in 0...1 {
            guard let station = stations[i] else { continue }
            do throws(Failure) { try station.checkEnd() } catch { throw located(error, 0, i) }
        }
    }

    private mutating func listen() throws(Failure) {
        guard let station = stations[1] else { return }
        for (i, flow) in scenario.flows.enumerated() where !flow.isSimultaneous || liar != nil {
            do { try station.stack.listen(port: Ports.of(i, 1), flow: station.flowClass) } catch {
                throw Failure(.malformed, "listen: \(error)")
            }
        }
    }

    /// Opens what is due.
    private mutating func open() throws(Failure) {
        guard liar == nil else { return }
        for (i, flow) in scenario.flows.enumerated() {
            for end in 0...1 where end == 0 || flow.isSimultaneous {
                guard let station = stations[end], station.application.ends[i].id == nil, opens[i] <= now else {
                    continue
                }
                do {
                    station.application.ends[i].id = try station.stack.connect(
                        to: scenario.isIPv6
                            ? InternetAddress(Station.address6(1 - end)) : InternetAddress(Station.address(1 - end)),
                        port: Ports.of(i, 1 - end), localPort: Ports.of(i, end), now: now,
                        flow: station.flowClass)
                    station.application.acted[i] = now
                } catch {
                    // Others hold the slots: it is tried again, as an application would.
                    guard case .noSlots = error, station.plan.guarantee <= station.plan.slots else {
                        throw Failure(.malformed, "connect: \(error)")
                    }
                    opens[i] = now + .milliseconds(100)
                    stalls[i].acted(now)
                }
            }
        }
    }

    private mutating func turn(_ i: Int, _ workspace: Workspace) throws(Failure) {
        guard let station = stations[i] else { return }
        let isDue =
            station.burst > 0 || station.stack.nextDeadline <= now || station.application.wake <= now
            || station.outward.due <= now
        guard isDue else { return }
        turns += 1
        if station.application.wake <= now {
            for flow in scenario.flows.indices { stalls[flow].acted(now) }
        }
        for _ in 0..<64 {
            do throws(Failure) {
                try station.turn(workspace.pattern, now: now)
                if turns & 31 == 0 { try station.checkBounds() }
            } catch { throw located(error, 0, i) }
            try send(i, workspace)
            if station.stack.nextDeadline > now { break }
        }
        if station.hasDropped() { lines[1 - i].note(.shortage, now) }
        for flow in scenario.flows.indices {
            for end in 0...1 {
                stalls[flow].moved(end, oracles[flow].moved[end])
                if oracles[flow].isQuiet(end) { stalls[flow].isQuiet(end, now) }
            }
            stalls[flow].acted(station.application.acted[flow])
            if station.application.isAsleep(now) { stalls[flow].acted(now) }
        }
    }

    /// A stack that is never content would keep the world where it is.
    mutating func spinGuard(_ next: Instant) throws(Failure) {
        if next > spun {
            spun = next
            turnsNow = 0
        }
        turnsNow += 1
        if turns > 1_000_000 { throw Failure(.spins, "a million turns and no end") }
        if turnsNow > 10_000 { throw Failure(.spins, "10000 turns and no end at one moment") }
    }

    private func nextEvent(_ workspace: Workspace, isDraining: Bool) -> Instant {
        var next = workspace.frames.earliest
        for station in stations {
            guard let station else { continue }
            next = min(next, min(station.stack.nextDeadline, station.application.wake, station.outward.due))
        }
        if let liar { next = min(next, liar.wake) }
        if isDraining { return next }
        if liar == nil {
            for i in scenario.flows.indices where stations[0]?.application.ends[i].id == nil {
                next = min(next, opens[i])
            }
        }
        for i in scenario.flows.indices { next = min(next, stalls[i].patience) }
        return next
    }

    private func releaseAll() {
        for station in stations { if let station { station.application.releaseAll(station) } }
    }

    // MARK: ends

    /// Whether every connection is over at both ends; gives up what one end alone still has, after a while.
    private mutating func isOver() throws(Failure) -> Bool {
        var isOver = true
        for i in scenario.flows.indices {
            for end in 0...1 {
                guard let station = stations[end] else { continue }
                do throws(Failure) { try checkEnding(i, end, station.application.ends[i]) } catch {
                    throw located(error, i, end)
                }
            }
            if isFlowOver(i) {
                stalls[i].patience = .never
                continue
            }
            let isHalf = (0...1).contains { isFailed(i, $0) }
            if isHalf || liar?.isDone == true {
                if stalls[i].patience == .never && !stalls[i].isGivenUp { stalls[i].patience = now + .seconds(300) }
                if now >= stalls[i].patience {
                    for station in stations { if let station { station.application.giveUp(i, station) } }
                    stalls[i].patience = .never
                    stalls[i].isGivenUp = true
                }
                if !isFlowOver(i) { isOver = false }
                continue
            }
            isOver = false
            if liar != nil || (stations.contains { $0?.application.isAsleep(now) == true }) { continue }
            let faults = max(lines[0].lastFault, lines[1].lastFault)
            let trip = UInt64(scenario.lines[0].delay + scenario.lines[1].delay)
            guard !stalls[i].isStalled(now, lastFault: faults, roundTrip: .microseconds(trip)) else {
                throw located(Failure(.stall, "\(stalls[i].explain(now)); \(unfinished())"), i, 0)
            }
        }
        return isOver
    }

    private func isFlowOver(_ i: Int) -> Bool {
        let first = stations[0]?.application.ends[i]
        guard let second = stations[1]?.application.ends[i] else { return true }
        // A passive end that was not told of the connection in all that time has nothing to end.
        let isSecondOver = second.isOver || (second.id == nil && stalls[i].isGivenUp)
        return isSecondOver && (first?.isOver ?? (liar?.isDone == true))
    }

    /// An end that is over otherwise than in order: the other may never hear of it.
    private func isFailed(_ i: Int, _ end: Int) -> Bool {
        guard let state = stations[end]?.application.ends[i] else { return false }
        if hasOpeningRunOut(state) { return true }
        guard state.isOver else { return false }
        return state.isGone || state.reason != .finished
    }

    private func unfinished() -> String {
        var parts: [String] = []
        for i in scenario.flows.indices where !isFlowOver(i) {
            for end in 0...1 {
                guard let station = stations[end] else { continue }
                let state = station.application.ends[i]
                let info = state.id.flatMap { station.stack.info($0) }
                parts.append(
                    "flow \(i) station \(end): wrote \(state.written) of \(state.plan.bytes), read \(state.read), "
                        + "saw end \(state.sawEnd), over \(state.isOver), \(World.describe(info))")
            }
        }
        return parts.joined(separator: "; ")
    }

    private static func describe(_ info: ConnectionInfo?) -> String {
        guard let info else { return "no connection" }
        return "state \(info.state), \(info.slotsHeld) of \(info.slotsGuaranteed) slots, "
            + "\(info.linearBytesHeld) bytes in host memory, \(info.outOfOrderRanges) ranges"
    }

    func located(_ failure: Failure, _ flow: Int, _ end: Int) -> Failure {
        var failure = failure
        failure.at = elapsed
        failure.flow = flow
        failure.end = end
        return failure
    }
}
