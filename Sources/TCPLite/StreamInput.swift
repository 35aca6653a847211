internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// Payload and FIN of an acceptable segment.
    @inline(__always) mutating func streamInput(
        _ i: Int, _ segment: Segment, _ fragment: inout Fragment?, _ now: Instant, _ pools: inout PoolTable
    ) {
        switch connections[i].state {
        case .established, .finWait1, .finWait2: break
        case .timeWait:
            // Only the FIN again says that our ACK of it was lost (RFC 9293, section 3.10.7.4, eighth).
            if segment.flags.contains(.fin) { restartTimeWait(i, now) }
            duplicateInput(i, segment, now)
            return
        default:
            // The peer has said that there is no more.
            return
        }
        pending.append(i)
        if segment.payloadLength > 0 {
            if connections[i].isOrphan {
                // RFC 9293, section 3.6.1, case 2 and RFC 2525: data for nobody is not acknowledged.
                statistics.droppedAfterClose &+= UInt64(truncatingIfNeeded: segment.payloadLength)
                abandon(i, .aborted, &pools)
                return
            }
            dataInput(i, segment, &fragment, &pools)
        }
        if segment.flags.contains(.fin) { noteFIN(i, segment) }
        if connections[i].rcv.hasFIN && connections[i].rcv.nxt == connections[i].rcv.finAt {
            consumeFIN(i, now, &pools)
        }
    }

    @inline(__always) private mutating func dataInput(
        _ i: Int, _ segment: Segment, _ fragment: inout Fragment?, _ pools: inout PoolTable
    ) {
        let nxt = connections[i].rcv.nxt
        let start = segment.seq
        let end = start + segment.payloadLength
        let from = SequenceNumber.later(start, nxt)
        var to = SequenceNumber.earlier(end, connections[i].rcv.adv)
        if connections[i].rcv.hasFIN { to = .earlier(to, connections[i].rcv.finAt) }
        if from != start {
            statistics.duplicateBytes &+= UInt64(
                truncatingIfNeeded: SequenceNumber.earlier(nxt, end).distance(from: start))
        }
        guard from < to else {
            // All of it old, or beyond a window that is closed: the peer is told where we are.
            connections[i].rcv.noteDuplicate(start, .earlier(nxt, end))
            connections[i].rcv.ackNow = true
            return
        }
        if segment.linear.count > 0 { misplaced(i, .unsplit) }
        if segment.linear.count < segment.payloadLength && !isAtHome(i, &fragment) {
            statistics.foreignFragments &+= 1
            counters[i].refused &+= 1
            misplaced(i, .foreignPool)
            owesDuplicate(i)
            return
        }
        if connections[i].rcv.isShared && from <= nxt { makeRoom(i, &pools) }
        var payload = Payload(
            start: start, length: segment.payloadLength, linear: segment.linear, fragment: fragment.take(),
            sum: segment.payloadSum)
        let acceptance = reassembly.accept(&payload, from: from, to: to, &connections[i].rcv, &statistics, &pools)
        fragment = payload.fragment.take()
        statistics.bytesReceived &+= UInt64(
            truncatingIfNeeded: connections[i].rcv.nxt.distance(from: nxt))
        switch acceptance {
        case .inOrder:
            connections[i].rcv.unacknowledged &+= 1
            arrived(i)
        case .gapFilled:
            connections[i].rcv.ackNow = true
            arrived(i)
        case .outOfOrder:
            statistics.outOfOrderSegments &+= 1
            owesDuplicate(i)
        case .nothing:
            counters[i].refused &+= 1
            noteShortage(i)
            owesDuplicate(i)
        }
        if from != start {
            connections[i].rcv.noteDuplicate(start, nxt)
            connections[i].rcv.ackNow = true
        }
        if connections[i].rcv.isShared { noteSheddable(i) }
        if connections[i].rcv.discarding > 0 { _ = dropDiscarded(i, &pools) }
    }

    /// The application has data to take, which counts as waiting from now on.
    @inline(__always) mutating func arrived(_ i: Int) {
        deliverable.append(i, connections[i].rcv.owner)
        if !connections[i].rcv.isHolding { startsWaiting(i) }
    }

    @inline(never) private mutating func startsWaiting(_ i: Int) {
        connections[i].rcv.isHolding = true
        connections[i].rcv.isTouched = false
        connections[i].rcv.waited = 0
        holding.append(i)
    }

    /// Whether the fragment is of a pool that the connection's owner has a part in.
    @inline(__always) private mutating func isAtHome(_ i: Int, _ fragment: inout Fragment?) -> Bool {
        guard let held = fragment.take() else { return true }
        let pool = held.netmem.pool
        fragment = consume held
        return connections[i].rcv.pool == Int32(pool) || mayTake(i, pool: pool)
    }

    /// RFC 5681, section 4.2: each out-of-order segment is answered at once. A peer without SACK counts the answers, so it
    /// gets one for each segment of the burst; one with SACK reads the blocks of a single ACK.
    private mutating func owesDuplicate(_ i: Int) {
        if connections[i].rcv.ackNow && !connections[i].usesSACK && connections[i].rcv.duplicatesOwed < 64 {
            connections[i].rcv.duplicatesOwed &+= 1
        }
        connections[i].rcv.ackNow = true
    }

    /// Remembers where the stream ends, once, and not before data that is there already.
    @inline(never) private mutating func noteFIN(_ i: Int, _ segment: Segment) {
        let at = segment.seq + segment.payloadLength
        connections[i].rcv.ackNow = true
        guard !connections[i].rcv.hasFIN, at >= connections[i].rcv.nxt, at <= connections[i].rcv.adv else { return }
        let last = connections[i].rcv.lastRange
        if last >= 0 && reassembly.bounds(last).end > at { return }
        connections[i].rcv.hasFIN = true
        connections[i].rcv.finAt = at
    }

    /// Everything before the FIN has arrived (RFC 9293, section 3.10.7.4, eighth).
    @inline(never) private mutating func consumeFIN(_ i: Int, _ now: Instant, _ pools: inout PoolTable) {
        // What a broken peer sent beyond its own FIN is no part of the stream.
        reassembly.discardRanges(&connections[i].rcv, &pools)
        sheddable.remove(i)
        connections[i].rcv.discarding = 0
        connections[i].rcv.nxt = connections[i].rcv.finAt + 1
        connections[i].rcv.adv = .later(connections[i].rcv.adv, connections[i].rcv.nxt)
        connections[i].rcv.ackNow = true
        connections[i].rcv.hasFIN = false
        // Nothing more can arrive: what was promised and is not held may be promised to others, long before TIME-WAIT ends.
        reassembly.budgets[Int(connections[i].rcv.owner)].giveUpGuarantee(
            held: connections[i].rcv.held, guarantee: connections[i].rcv.guarantee)
        connections[i].rcv.guarantee = 0
        raise(i, .endOfStream)
        switch connections[i].state {
        case .established: connections[i].state = .closeWait
        case .finWait1: connections[i].state = .closing
        case .finWait2: enterTimeWait(i, now)
        default: break
        }
    }
}
