internal import DeviceMemory
internal import Packets
internal import Timeline

/// How much a peer may send: what was promised, and what may be promised now.
extension TCPStack {
    /// Bytes beyond RCV.NXT and beyond what is queued out of order for which there is memory now.
    @inline(__always) func capacity(_ i: Int) -> Int {
        let guarantee = connections[i].rcv.guarantee
        var bytes = Int.max
        if guarantee > 0 {
            let slots = guarantee &- reassembly.reserve(guarantee) &- connections[i].rcv.held
            bytes = Int(max(slots, 0)) &* Int(connections[i].rcv.unit)
        } else if connections[i].rcv.isShared {
            let share = reassembly.budgets[Int(connections[i].rcv.owner)].share
            bytes = max(share &- Int(connections[i].rcv.held), 0) &* Int(connections[i].rcv.unit)
        }
        if connections[i].rcv.sizes.usesLinear || (guarantee == 0 && !connections[i].rcv.isShared) {
            // A block may hold as little as a short segment: half of its size is counted on. One in eight is for data at
            // RCV.NXT only, so that a full store cannot keep the gap from closing.
            let budget = Int(connections[i].rcv.owner)
            let blocks = max(
                reassembly.budgets[budget].freeBlocks &- reassembly.budgets[budget].blockLimit / 8, 0)
            let own = max(configuration.linearBytesPerFlow &- Int(connections[i].rcv.linearHeld), 0)
            bytes = min(bytes, blocks &* (PieceStore.blockSize / 2), own)
        }
        return bytes
    }

    /// The value for the window field, and RCV.ADV moved accordingly.
    ///
    /// The edge advances in steps worth a segment (RFC 9293, section 3.8.6.2.2) and never goes back; where the scale forces
    /// rounding, up if there is memory for it, otherwise down, and the furthest edge stays what is accepted.
    @inline(__always) mutating func advertise(_ i: Int, isSYN: Bool, _ now: Instant) -> UInt16 {
        let nxt = connections[i].rcv.nxt
        let scale = isSYN ? 0 : Int(connections[i].rcv.scale)
        let largest = 0xFFFF &<< scale
        let promised = max(connections[i].rcv.adv.distance(from: nxt), 0)
        let backed = min(Int(connections[i].rcv.outOfOrder) &+ min(capacity(i), 1 << 30), largest)
        let grows = backed &- promised >= leastGrant(i)
        let wanted = grows ? backed : min(promised, largest)
        var field = wanted &>> scale
        if field &<< scale < promised && (field &+ 1) &<< scale <= backed { field &+= 1 }
        // A flow without a guarantee may be offered a little more than there is; nothing would leave it to probes for ever.
        if field == 0 && grows && connections[i].rcv.isShared { field = 1 }
        // Counted once for each closing: nothing is taken, and nothing new acknowledged, until it is open again.
        if field == 0 && nxt != connections[i].rcv.lastACK { windowClosed(i, now) }
        let edge = nxt + field &<< scale
        if edge > connections[i].rcv.adv { connections[i].rcv.adv = edge }
        if promised == 0 && field > 0 && nxt == connections[i].rcv.lastACK && !isSYN { record(.reopened, i, now) }
        return UInt16(truncatingIfNeeded: field)
    }

    @inline(never) private mutating func windowClosed(_ i: Int, _ now: Instant) {
        counters[i].windowClosings &+= 1
        record(.closed, i, now)
    }

    /// Whether enough came back that the peer should hear of it without asking (RFC 9293, section 3.8.6.2.2): a segment when
    /// the peer may be blocked, a quarter of the window otherwise.
    ///
    /// Mutating, because the stack was copied to lend it to a function that does not change it: 190 instructions a call.
    @inline(__always) mutating func isWorthAnnouncing(_ i: Int) -> Bool {
        let promised = max(connections[i].rcv.adv.distance(from: connections[i].rcv.nxt), 0)
        let largest = 0xFFFF &<< Int(connections[i].rcv.scale)
        let backed = min(Int(connections[i].rcv.outOfOrder) + min(capacity(i), 1 << 30), largest)
        let mss = Int(connections[i].rcv.mss)
        if promised < 2 * mss { return backed - promised >= leastGrant(i) }
        return backed - promised >= max(total(i) / 4, 2 * mss)
    }

    /// The smaller of a segment and half of all that the flow can have.
    @inline(__always) private func leastGrant(_ i: Int) -> Int {
        max(min(Int(connections[i].rcv.mss), total(i) / 2), 1)
    }

    @inline(__always) private func total(_ i: Int) -> Int {
        let guarantee = Int(connections[i].rcv.guarantee)
        if guarantee > 0 { return guarantee &* Int(connections[i].rcv.unit) }
        guard connections[i].rcv.isShared else { return configuration.linearBytesPerFlow }
        return reassembly.budgets[Int(connections[i].rcv.owner)].share &* Int(connections[i].rcv.unit)
    }
}
