internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

/// How a place in the table gets a connection, and how it becomes free again.
extension TCPStack {
    /// A free place, and room for its flow; the oldest connection in TIME-WAIT makes room when there is none and its end was
    /// delivered.
    mutating func allocate() -> Int? {
        guard flows.makeRoom() else {
            statistics.growthsRefused &+= 1
            return nil
        }
        if free.isEmpty, !openPlaces(), timeWaiting.first >= 0 {
            let oldest = Int(timeWaiting.first)
            if connections[oldest].isForgotten {
                leaveTimeWait(oldest)
                release(oldest)
            }
        }
        let i = free.popFirst()
        return i < 0 ? nil : i
    }

    /// Fills in a place that is free; its generation has been moved on when it became so.
    mutating func prepare(
        _ i: Int, _ key: FlowKey, remote: InternetAddress, port: UInt16, route: Route, owner: Int32, slots: Int32,
        _ now: Instant
    ) {
        var connection = Connection()
        connection.id = connections[i].id
        connection.key = key
        connection.remotePort = port
        if let address = remote.ipv4, let nextHop = route.nextHop.ipv4 {
            connection.remote = address
            connection.nextHop = nextHop
        } else {
            connection.isIPv6 = true
            paths6[i] = IPv6Path(
                remote: remote.mapped, nextHop: route.nextHop.mapped, flowLabel: hash.flowLabel(key.rawValue),
                isLinkLocal: route.isLinkLocal)
        }
        connection.rcv.owner = owner
        connection.rcv.guarantee = max(slots, 0)
        connection.rcv.isShared = slots < 0
        connection.rcv.isPull = owners[Int(owner)].configuration.pull
        connection.rcv.turn = configuration.deliveryQuantum
        connection.rcv.mss = Int32(truncatingIfNeeded: segmentLimit(isIPv6: connection.isIPv6))
        connection.rcv.scale = windowScale(connection.rcv)
        connection.snd.pathMSS = connection.rcv.mss
        connection.snd.rtt.base = configuration.initialRTO.nanoseconds
        connection.snd.stalledSince = now
        // Over IPv6 our address is in the key.
        let local = connection.isIPv6 ? 0 : configuration.interface.address.rawValue
        connection.tsOffset = hash.timestampOffset(local: local, flow: key.rawValue)
        connections[i] = connection
        counters[i] = ConnectionCounters()
        if windows[i].total > 0 { windows[i].removeAll() }
        if configuration.congestionControl == .cubic { cubics[i] = Cubic() }
        if configuration.placedSends > 0 { placed[i] = PlacedSide() }
        switch configuration.initialSequence {
        case .keyed: setInitialSequence(i, hash.initialSequence(local: local, flow: key.rawValue, now: now))
        case .fixed(let number): setInitialSequence(i, SequenceNumber(number))
        }
        flows.insert(key.tag(hash), i)
        // A connection may have got the place of the train's, which is gone.
        (train, trainPlace) = (.none, -1)
    }

    /// Payload of the largest segment that is asked for (RFC 6691: without options), and sent.
    private func segmentLimit(isIPv6: Bool) -> Int {
        let path = configuration.interface.mtu - headerBytes(isIPv6: isIPv6)
        guard let own = configuration.maximumSegmentSize else { return path }
        return min(max(own, 1), path)
    }

    /// Whether a flow in TIME-WAIT may be opened anew from this side: the peer tells its old segments from new ones by their
    /// timestamps, which have moved on since (RFC 6191, section 2), and the application knows that it is over.
    func mayReuse(_ i: Int, _ now: Instant) -> Bool {
        connections[i].state == .timeWait && connections[i].isForgotten && connections[i].usesTimestamps
            && now + configuration.msl + configuration.msl >= connections[i].lifeDeadline + .seconds(1)
    }

    /// Ends TIME-WAIT for a new connection of the same flow; returns the last number that was used.
    mutating func reuse(_ i: Int) -> SequenceNumber {
        let last = connections[i].snd.nxt
        leaveTimeWait(i)
        release(i)
        return last
    }

    /// A flow that comes out of TIME-WAIT continues above its old numbers (RFC 9293, section 3.6.1).
    mutating func continueAbove(_ i: Int, _ last: SequenceNumber) {
        if connections[i].snd.iss <= last { setInitialSequence(i, last + 128_000) }
    }

    /// The least shift that can tell the largest window that the flow may be offered, at most the configuration's: with
    /// coarser steps a flow with few slots, whose peer sends small segments, would round its window down to nothing.
    private func windowScale(_ rcv: ReceiveSide) -> UInt8 {
        let slots = rcv.isShared ? reassembly.budgets[Int(rcv.owner)].limit : Int(rcv.guarantee)
        let largest = slots > 0 ? slots &* Int(max(rcv.mss, 1)) : configuration.linearBytesPerFlow
        var scale: UInt8 = 0
        while scale < configuration.windowScale && 0xFFFF << Int(scale) < largest { scale &+= 1 }
        return scale
    }

    /// ISS, and everything that follows from it.
    mutating func setInitialSequence(_ i: Int, _ iss: SequenceNumber) {
        connections[i].snd.iss = iss
        connections[i].snd.una = iss
        connections[i].snd.nxt = iss
        connections[i].snd.end = iss + 1
        connections[i].snd.recover = iss
        connections[i].snd.rtxNext = iss
    }

    /// Payload of a full segment, after MSS or path have changed (RFC 6691: options that are always there count).
    mutating func updateSegmentSize(_ i: Int) {
        let options: Int32 = connections[i].usesTimestamps ? 12 : 0
        let size = min(connections[i].snd.peerMSS, connections[i].snd.pathMSS) &- options
        connections[i].snd.mss = max(size, 1)
    }

    /// Something for the application.
    @inline(__always) mutating func raise(_ i: Int, _ event: PendingEvents) {
        if connections[i].isOrphan { return }
        connections[i].events.insert(event)
        deliverable.append(i, connections[i].rcv.owner)
    }

    /// The connection is over: nothing is kept but what the application has yet to be told.
    mutating func finish(_ i: Int, _ reason: CloseReason, _ pools: inout PoolTable) {
        let state = connections[i].state
        if state == .closed { return }
        sheddable.remove(i)
        reassembly.discardRanges(&connections[i].rcv, &pools)
        if connections[i].snd.isPlaced { giveUpPlaced(i, &pools) }
        leaveOpening(i)
        flows.remove(connections[i].key.tag(hash), i)
        giveUpSending(i)
        timers.remove(i)
        timeWaiting.remove(i)
        connections[i].rcv.ackDeadline = .never
        connections[i].snd.retransmitDeadline = .never
        connections[i].lifeDeadline = .never
        connections[i].state = .closed
        connections[i].keepsAlive = false
        connections[i].reason = reason
        statistics.closed &+= 1
        // A passive connection that was never established was never anybody's (RFC 9293, section 3.10.7.4).
        let isKnown = connections[i].wasOpened || !connections[i].isPassive
        if connections[i].isOrphan || !isKnown {
            connections[i].isForgotten = true
        } else if !connections[i].isForgotten {
            raise(i, .closed)
        }
        if !connections[i].resetOwed {
            pending.remove(i)
            parked.remove(i)
            if connections[i].isForgotten { release(i) }
        }
    }

    /// Ends a connection with a RST (RFC 9293, section 3.10.5), which goes out at the next poll.
    mutating func abandon(_ i: Int, _ reason: CloseReason, _ pools: inout PoolTable) {
        switch connections[i].state {
        case .closed: return
        case .synSent, .timeWait: break
        default:
            connections[i].resetOwed = true
            pending.append(i)
        }
        finish(i, reason, &pools)
    }

    /// Makes a place free: the application knows everything, nothing is left to send.
    mutating func release(_ i: Int) {
        pending.remove(i)
        parked.remove(i)
        deliverable.remove(i)
        stalled.remove(i)
        holding.remove(i)
        timers.remove(i)
        taken(i)
        let owner = Int(connections[i].rcv.owner)
        reassembly.budgets[owner].leave(
            held: connections[i].rcv.held, cuts: connections[i].rcv.cuts, guarantee: connections[i].rcv.guarantee)
        if connections[i].rcv.isShared { reassembly.budgets[owner].leaveShared() }
        connections[i].rcv.held = 0
        connections[i].rcv.cuts = 0
        connections[i].rcv.guarantee = 0
        connections[i].rcv.isShared = false
        connections[i].rcv.owner = Int32(configuration.owners)
        connections[i].id = identifiers.next(connections[i].id)
        connections[i].state = .closed
        connections[i].key = .none
        free.append(i)
    }

    /// RFC 9293, section 3.6.1: two segment lifetimes of waiting, which the application need not wait for.
    mutating func enterTimeWait(_ i: Int, _ now: Instant) {
        connections[i].state = .timeWait
        connections[i].keepsAlive = false
        connections[i].reason = .finished
        connections[i].snd.retransmitDeadline = .never
        restartTimeWait(i, now)
        if connections[i].isOrphan {
            connections[i].isForgotten = true
        } else {
            raise(i, .closed)
        }
    }

    mutating func restartTimeWait(_ i: Int, _ now: Instant) {
        connections[i].lifeDeadline = now + configuration.msl + configuration.msl
        timers.require(i, by: connections[i].lifeDeadline)
        timeWaiting.remove(i)
        timeWaiting.append(i)
    }

    /// TIME-WAIT is over; the place stays until the application has taken everything.
    mutating func endTimeWait(_ i: Int, _ pools: inout PoolTable) {
        leaveTimeWait(i)
        pending.remove(i)
        parked.remove(i)
        sheddable.remove(i)
        reassembly.discardRanges(&connections[i].rcv, &pools)
        if connections[i].snd.isPlaced { giveUpPlaced(i, &pools) }
        statistics.closed &+= 1
        if connections[i].isForgotten { release(i) }
    }

    private mutating func leaveTimeWait(_ i: Int) {
        flows.remove(connections[i].key.tag(hash), i)
        giveUpSending(i)
        timers.remove(i)
        timeWaiting.remove(i)
        connections[i].lifeDeadline = .never
        connections[i].rcv.ackDeadline = .never
        connections[i].state = .closed
    }
}
