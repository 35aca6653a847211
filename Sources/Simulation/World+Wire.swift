internal import DeviceMemory
internal import Packets
internal import TCPLite
internal import Timeline

/// What leaves a station, what becomes of it, and what arrives.
extension World {
    /// Takes everything that station `i` sends.
    mutating func send(_ i: Int, _ workspace: Workspace) throws(Failure) {
        guard let station = stations[i] else { return }
        if station.stack.output.isFull { counts[.shortOutput] += 1 }
        while !station.stack.output.isEmpty {
            let departure = station.departure(workspace.assembly)
            for number in 0..<departure.count {
                try leave(departure.segment(number, workspace.segment), from: i, workspace)
            }
            station.departed(departure, now: now)
        }
    }

    /// Looks at a frame that station `i` sends, and puts it on its line.
    private mutating func leave(_ frame: ByteView, from i: Int, _ workspace: Workspace) throws(Failure) {
        let sighting = Sighting(frame)
        if let sighting {
            let flow = flow(sighting, from: i)
            guard flow >= 0 else { throw located(Failure(.malformed, "a segment of no flow: \(sighting)"), 0, i) }
            do throws(Failure) {
                try oracles[flow].sent(sighting, frame, by: i, permission(flow, i), workspace.pattern, now: now)
            } catch {
                note { "\(i) sends  \(sighting)  <-- \(error.rule.rawValue)" }
                throw located(error, flow, i)
            }
            if sighting.window == 0 && !sighting.isRST { counts[.closedWindow] += 1 }
        }
        transmit(frame, sighting, from: i, workspace)
    }

    private func flow(_ s: Sighting, from i: Int) -> Int {
        let flow = Int(i == 0 ? s.destinationPort : s.sourcePort) - Int(Ports.of(0, 1))
        guard flow >= 0, flow < scenario.flows.count else { return -1 }
        let expected = (Ports.of(flow, i), Ports.of(flow, 1 - i))
        return (s.sourcePort, s.destinationPort) == expected ? flow : -1
    }

    private func permission(_ flow: Int, _ i: Int) -> Permission {
        guard let state = stations[i]?.application.ends[flow] else { return Permission() }
        var may = Permission()
        may.mtu = scenario.stations[i].mtu
        may.initialWindow = scenario.stations[i].initialWindow
        may.stream = state.sends
        may.written = state.written
        may.isShut = state.isShut
        return may
    }

    /// Puts one frame on the line of station `i`.
    mutating func transmit(_ frame: ByteView, _ sighting: Sighting?, from i: Int, _ workspace: Workspace) {
        frames += 1
        let number = lines[i].frames
        let headerBits = 8 * (sighting.map { $0.payloadAt } ?? frame.count)
        let fate = lines[i].next(now, headerBits: headerBits, bits: 8 * frame.count)
        note {
            var line = "\(i) sends #\(number)  \(sighting.map { "\($0)" } ?? "\(frame.count) other bytes")"
            if fate.isLost { line += "  lost" }
            if fate.lateness > 0 { line += "  late \(fate.lateness)" }
            if let late = fate.copyLateness { line += "  twice, \(late)" }
            if let flip = fate.flip { line += "  bit \(flip) flipped" }
            return line
        }
        guard let passed = lines[i].occupy(frame.count, now: now) else { return }
        if fate.isLost { return }
        if let sighting, sighting.ipLength > lines[i].plan.mtu {
            lines[i].note(.pathMTU, now)
            tellTooBig(frame, from: i, workspace)
            return
        }
        // What has no checksum of its own has the frame check sequence.
        if fate.flip != nil && sighting == nil { return }
        push(frame, i, passed + .microseconds(UInt64(fate.lateness)), fate.flip, workspace)
        if let late = fate.copyLateness { push(frame, i, passed + .microseconds(UInt64(late)), nil, workspace) }
    }

    private mutating func push(_ frame: ByteView, _ i: Int, _ due: Instant, _ flip: Int?, _ workspace: Workspace) {
        var due = due
        let step = UInt64(scenario.stations[1 - i].coalescing) * 1000
        if step > 0 { due = Instant(nanoseconds: (due.nanoseconds + step - 1) / step * step) }
        if !workspace.frames.push(frame, lane: i, due: due, flip: flip) { lines[i].note(.queueOverflow, now) }
    }

    /// A router says that a datagram does not fit (RFC 1191, RFC 8201).
    private mutating func tellTooBig(_ frame: ByteView, from i: Int, _ workspace: Workspace) {
        let due = now + .microseconds(UInt64(2 * lines[i].plan.delay))
        if scenario.isIPv6 {
            let message = workspace.scratch.slice(0, 14 + 40 + 8 + 48)
            EthernetHeader(destination: Station.mac(i), source: Station.mac(1 - i), type: EthernetHeader.typeIPv6)
                .write(to: message)
            let ip = IPv6Header(
                source: IPv6Address(high: 0xFD00_0000_0000_0000, low: 254), destination: Station.address6(i),
                nextHeader: IPv6Header.protocolICMP, payloadLength: 56)
            ip.write(to: message.from(14))
            message.slice(62, 48).copy(frame.slice(14, 48))
            ICMPv6Message(type: ICMPv6Message.packetTooBig, rest: UInt32(lines[i].plan.mtu))
                .write(to: message.slice(54, 56), ip)
            push(message.readOnly, 1 - i, due, nil, workspace)
            return
        }
        let message = workspace.scratch.slice(0, 14 + 20 + 8 + 28)
        EthernetHeader(destination: Station.mac(i), source: Station.mac(1 - i), type: EthernetHeader.typeIPv4)
            .write(to: message)
        IPv4Header(
            source: IPv4Address(10, 0, 0, 254), destination: Station.address(i), transport: IPv4Header.protocolICMP,
            payloadLength: 36
        ).write(to: message.from(14))
        message.slice(42, 28).copy(frame.slice(14, 28))
        ICMPMessage(type: ICMPMessage.unreachable, code: 4, rest: UInt32(lines[i].plan.mtu))
            .write(to: message.slice(34, 36))
        push(message.readOnly, 1 - i, due, nil, workspace)
    }

    /// Hands over everything that has arrived by now.
    mutating func deliver(_ workspace: Workspace) throws(Failure) {
        while let flying = workspace.frames.pop(now) {
            let i = 1 - flying.lane
            let frame = workspace.frames.view(flying).readOnly
            let sighting = flying.isDamaged ? nil : Sighting(frame)
            if let station = stations[i] {
                let isTaken = station.receive(frame, isDamaged: flying.isDamaged, now: now)
                if !isTaken { lines[flying.lane].note(.starvation, now) }
                if let sighting, isTaken {
                    let flow = flow(sighting, from: flying.lane)
                    if flow >= 0 { oracles[flow].heard(sighting, by: i, now: now) }
                } else if sighting == nil {
                    for flow in oracles.indices { oracles[flow].heardRouter(by: i) }
                }
                station.burst += 1
            } else if !flying.isDamaged {
                liar?.hear(frame, sighting, now: now)
            }
            workspace.frames.release(flying)
            if let station = stations[i], station.burst >= station.plan.burst {
                do throws(Failure) { try station.turn(workspace.pattern, now: now) } catch {
                    throw located(error, 0, i)
                }
                try send(i, workspace)
            }
        }
    }

    /// The scripted peer's turn.
    mutating func lie(_ workspace: Workspace) {
        guard let liar else { return }
        liar.step(now: now)
        while let length = liar.next(workspace.scratch, workspace.pattern) {
            let frame = workspace.scratch.slice(0, length).readOnly
            counts[.lie] += 1
            transmit(frame, Sighting(frame), from: 0, workspace)
        }
    }

    // MARK: why connections end

    /// What an application was told must fit what happened.
    func checkEnding(_ flow: Int, _ end: Int, _ state: ApplicationEnd) throws(Failure) {
        guard liar == nil, let other = stations[1 - end]?.application.ends[flow] else { return }
        if state.sawEnd && (state.read != other.written || !other.isShut) {
            throw Failure(.streamShort, "the end after \(state.read) bytes of \(other.written)")
        }
        if state.read > other.written { throw Failure(.streamDiffers, "\(state.read) bytes of \(other.written)") }
        guard let reason = state.reason else { return }
        let otherFailed = other.isGone || (other.reason.map { $0 != .finished } ?? false)
        switch reason {
        case .finished:
            guard state.isGone || (state.sawEnd && state.isShut) else {
                throw Failure(.streamShort, "finished before both ends")
            }
        case .aborted:
            guard state.isGone else { throw Failure(.unexplainedEnd, "aborted, and nobody asked for it") }
        case .reset, .refused:
            // An end whose last ACK was lost too often hears a reset from where the connection is long forgotten.
            let isForgotten = other.isOver && wasUnreachable
            // Both were to open, and the other had no slots to do so yet.
            let isEarly = scenario.flows[flow].isSimultaneous && other.id == nil
            let isExplained =
                otherFailed || oracles[flow].isReborn || isForgotten || isEarly || hasOpeningRunOut(other)
            guard oracles[flow].ends[end].heardReset, isExplained else {
                throw Failure(.unexplainedEnd, "\(reason), and the other end is well")
            }
        case .timedOut:
            guard otherFailed || wasUnreachable else {
                throw Failure(.unexplainedEnd, "timed out on a line that works")
            }
        }
    }

    /// Nobody answered an end's opening for R2 (three minutes), and its application was never told of it. What the other end has
    /// opened is then a half, of which it hears only when it says something.
    func hasOpeningRunOut(_ end: ApplicationEnd) -> Bool {
        end.id == nil && wasUnreachable && now - .zero >= .seconds(180)
    }

    /// Whether so many frames did not arrive that a connection may have given up.
    private var wasUnreachable: Bool {
        var faults = 0
        for line in lines {
            for dimension in [
                Dimension.loss, .burstLoss, .silence, .queueOverflow, .corruptHeader, .corruptPayload, .shortage,
            ] {
                faults += line.counts[dimension]
            }
            faults += line.plan.script?.count ?? 0
        }
        return faults >= 4
    }
}
