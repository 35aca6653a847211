internal import DeviceMemory
internal import PagePool
internal import Packets

/// A contiguous run of data beyond RCV.NXT.
struct HeldRange: BitwiseCopyable {
    var start: SequenceNumber
    var end: SequenceNumber
    var pieces: PieceList
    var next: Int32
    var previous: Int32
}

/// What a segment's payload brought about.
enum Acceptance {
    /// Nothing new, or no room.
    case nothing
    /// RCV.NXT moved, and nothing was waiting.
    case inOrder
    /// RCV.NXT moved while there was out-of-order data.
    case gapFilled
    /// Kept for later.
    case outOfOrder
}

/// Puts payload in order by reference: positions are compared, fragments are trimmed and split, no byte is looked at.
///
/// The first accepted copy of a byte wins, because an application may hold it already.
struct Reassembly: ~Copyable {
    var store: PieceStore
    /// By owner, and one for connections whose owner is gone.
    var budgets: Slab<SlotBudget>
    var ranges: Slab<HeldRange>
    var firstFreeRange: Int32
    private let rangeLimit: Int32

    init(pieces: Int, blocks: Int, owners: Int, rangesPerFlow: Int) {
        store = PieceStore(pieces: pieces, blocks: blocks)
        budgets = Slab(count: owners + 1, repeating: SlotBudget(limit: 0, blockLimit: 0))
        // A range has at least one piece.
        ranges = Slab(count: pieces) { i in
            HeldRange(
                start: SequenceNumber(0), end: SequenceNumber(0), pieces: PieceList(),
                next: i + 1 < pieces ? Int32(i + 1) : -1, previous: -1)
        }
        firstFreeRange = pieces > 0 ? 0 : -1
        rangeLimit = Int32(clamping: rangesPerFlow)
    }

    /// Takes what is new of `payload` between `from` and `to`, both within the payload and the window.
    @inline(__always) mutating func accept(
        _ payload: inout Payload, from: SequenceNumber, to: SequenceNumber, _ rcv: inout ReceiveSide,
        _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> Acceptance {
        if from <= rcv.nxt && rcv.firstRange < 0 {
            let before = rcv.nxt
            var ready = rcv.ready
            let reached = append(&payload, before, to, inOrder: true, &ready, &rcv, &statistics, &pools)
            rcv.ready = ready
            rcv.nxt = reached
            return reached == before ? .nothing : .inOrder
        }
        if from <= rcv.nxt { return fill(&payload, to, &rcv, &statistics, &pools) }
        return keep(&payload, from, to, &rcv, &statistics, &pools)
    }

    /// Takes a whole segment that begins at RCV.NXT while nothing is waiting, for a flow with a slot and a piece to spare.
    @inline(__always) mutating func take(_ fragment: consuming Fragment, sum: UInt16, _ rcv: inout ReceiveSide) {
        let length = Int32(truncatingIfNeeded: fragment.length)
        let start = rcv.nxt
        budgets[Int(rcv.owner)].takeGuaranteed()
        rcv.held &+= 1
        rcv.unit = rcv.sizes.add(length, unit: rcv.unit)
        rcv.nxt = start + Int(length)
        store.append(consume fragment, at: start, sum: sum, hasSum: true, to: &rcv.ready)
    }

    /// In-order data while later data is waiting: moves RCV.NXT over both.
    @inline(never) private mutating func fill(
        _ payload: inout Payload, _ to: SequenceNumber, _ rcv: inout ReceiveSide,
        _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> Acceptance {
        let before = rcv.nxt
        var ready = rcv.ready
        // Of several ranges that the payload repeats, the first is reported (RFC 2883, section 4).
        var repeated = (start: to, end: to)
        while true {
            let first = rcv.firstRange
            let limit = first >= 0 ? SequenceNumber.earlier(to, ranges[Int(first)].start) : to
            if rcv.nxt < limit {
                rcv.nxt = append(&payload, rcv.nxt, limit, inOrder: true, &ready, &rcv, &statistics, &pools)
                if rcv.nxt < limit { break }
            }
            // Shedding may have taken the range away that was first.
            guard first >= 0, first == rcv.firstRange, ranges[Int(first)].start <= rcv.nxt else {
                if rcv.nxt < to && first != rcv.firstRange { continue }
                break
            }
            if ranges[Int(first)].start < repeated.start {
                repeated = (ranges[Int(first)].start, .earlier(to, ranges[Int(first)].end))
            }
            store.concatenate(&ready, ranges[Int(first)].pieces)
            rcv.outOfOrder &-= length(first)
            rcv.nxt = ranges[Int(first)].end
            unlink(first, &rcv)
        }
        rcv.ready = ready
        rcv.noteDuplicate(repeated.start, repeated.end)
        return rcv.nxt == before ? .nothing : .gapFilled
    }

    /// Out-of-order data: fills the gaps between the ranges that are there, and joins what touches.
    @inline(never) private mutating func keep(
        _ payload: inout Payload, _ from: SequenceNumber, _ to: SequenceNumber, _ rcv: inout ReceiveSide,
        _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> Acceptance {
        // From the end: what arrives last is usually highest.
        var current = rcv.lastRange
        while current >= 0, ranges[Int(current)].start > from { current = ranges[Int(current)].previous }
        var at = from
        var repeated = (start: to, end: to)
        let before = rcv.outOfOrder
        if current < 0 || ranges[Int(current)].end < from {
            guard rcv.rangeCount < rangeLimit, firstFreeRange >= 0 else {
                statistics.droppedOverRanges &+= UInt64(to.distance(from: from))
                return .nothing
            }
            current = insert(HeldRange(start: from, end: from, pieces: PieceList(), next: -1, previous: current), &rcv)
        } else {
            at = SequenceNumber.later(from, ranges[Int(current)].end)
            if from < at { repeated = (from, .earlier(to, at)) }
        }
        while at < to {
            let next = ranges[Int(current)].next
            let limit = next >= 0 ? SequenceNumber.earlier(to, ranges[Int(next)].start) : to
            if at < limit {
                var pieces = ranges[Int(current)].pieces
                let reached = append(&payload, at, limit, inOrder: false, &pieces, &rcv, &statistics, &pools)
                ranges[Int(current)].pieces = pieces
                ranges[Int(current)].end = reached
                rcv.outOfOrder &+= Int32(truncatingIfNeeded: reached.distance(from: at))
                at = reached
                if reached < limit { break }
            }
            guard next >= 0, ranges[Int(next)].start <= at else { break }
            if ranges[Int(next)].start < repeated.start {
                repeated = (ranges[Int(next)].start, .earlier(to, ranges[Int(next)].end))
            }
            join(current, next, &rcv)
            at = SequenceNumber.later(at, ranges[Int(current)].end)
        }
        rcv.noteDuplicate(repeated.start, repeated.end)
        if ranges[Int(current)].pieces.isEmpty {
            unlink(current, &rcv)
            return .nothing
        }
        // A duplicate counts as most recent too: the first block reports the segment that caused the ACK (RFC 2018, section 4).
        rcv.recent.touch(current)
        return rcv.outOfOrder == before ? .nothing : .outOfOrder
    }

    /// Appends the payload from `from` to `to` to `list`, and returns how far it got.
    @inline(__always) private mutating func append(
        _ payload: inout Payload, _ from: SequenceNumber, _ to: SequenceNumber, inOrder: Bool,
        _ list: inout PieceList, _ rcv: inout ReceiveSide, _ statistics: inout StackStatistics,
        _ pools: inout PoolTable
    ) -> SequenceNumber {
        let isWhole = from == payload.start && to == payload.end
        var at = from
        var sum = payload.sum
        if payload.linear.count != 0 && from < payload.start + payload.linear.count {
            at = appendLinear(&payload, from, to, isWhole, inOrder, &sum, &list, &rcv, &statistics, &pools)
            if at < SequenceNumber.earlier(to, payload.start + payload.linear.count) || at == to { return at }
        }
        if list.last >= 0, payload.slotOffset > 0, extend(&payload, at, to, sum, isWhole, list, &rcv, &pools) {
            statistics.deviceBytes &+= UInt64(truncatingIfNeeded: to.distance(from: at))
            statistics.deviceRecordsMerged &+= 1
            return to
        }
        let owner = Int(rcv.owner)
        guard mayTake(inOrder, &rcv), store.freePieces > 0,
            budgets[owner].take(held: rcv.held, guarantee: rcv.guarantee)
        else {
            refuse(to.distance(from: at), &rcv, &statistics)
            return at
        }
        guard var fragment = payload.fragment.take() else {
            budgets[owner].giveBack(1, held: rcv.held &+ 1, guarantee: rcv.guarantee)
            return at
        }
        fragment.trimFront(UInt32(truncatingIfNeeded: at.distance(from: payload.fragmentStart)))
        if to < payload.end {
            payload.fragment = pools.split(&fragment, at: UInt32(truncatingIfNeeded: to.distance(from: at)))
            payload.fragmentStart = to
        }
        let length = Int32(truncatingIfNeeded: fragment.length)
        rcv.held &+= 1
        rcv.unit = rcv.sizes.add(length, unit: rcv.unit)
        statistics.deviceBytes &+= UInt64(truncatingIfNeeded: length)
        store.append(consume fragment, at: at, sum: sum, hasSum: isWhole, to: &list)
        return to
    }

    /// The host-memory part of ``append``; leaves in `sum` what the fragment's bytes must sum to.
    @inline(never) private mutating func appendLinear(
        _ payload: inout Payload, _ from: SequenceNumber, _ to: SequenceNumber, _ isWhole: Bool, _ inOrder: Bool,
        _ sum: inout UInt16, _ list: inout PieceList, _ rcv: inout ReceiveSide,
        _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> SequenceNumber {
        let end = SequenceNumber.earlier(to, payload.start + payload.linear.count)
        var at = from
        while at < end {
            let room = min(store.roomBehind(list.last, at), end.distance(from: at))
            if room > 0 {
                let own = take(room, at, payload, isWhole, &sum)
                let bytes = payload.linear.slice(at.distance(from: payload.start), room)
                store.extend(list.last, copying: bytes, sum: own, hasSum: isWhole)
                countLinear(room, &rcv, &statistics)
                statistics.linearRecordsMerged &+= 1
                at = at + room
                continue
            }
            // Half of an owner's blocks are for data at RCV.NXT: a peer that leaves a gap and fills what is behind it with
            // tiny segments cannot close everybody's window.
            let owner = Int(rcv.owner)
            let reserve = inOrder ? 0 : budgets[owner].blockLimit / 2
            while budgets[owner].freeBlocks <= reserve || store.freeBlocks == 0 || store.freePieces == 0 {
                guard inOrder, shed(&rcv, &statistics, &pools) else {
                    statistics.droppedWithoutBlocks &+= UInt64(end.distance(from: at))
                    return at
                }
            }
            let offset = at.distance(from: payload.start)
            let count = min(end.distance(from: at), PieceStore.blockSize)
            let bytes = payload.linear.slice(offset, count)
            let own = take(count, at, payload, isWhole, &sum)
            store.append(copying: bytes, at: at, sum: own, hasSum: isWhole, to: &list)
            budgets[owner].blocks &+= 1
            countLinear(count, &rcv, &statistics)
            at = at + count
        }
        return at
    }

    private func countLinear(_ count: Int, _ rcv: inout ReceiveSide, _ statistics: inout StackStatistics) {
        rcv.linearHeld &+= Int32(truncatingIfNeeded: count)
        rcv.sizes.addLinear(Int32(truncatingIfNeeded: count))
        statistics.linearBytes &+= UInt64(truncatingIfNeeded: count)
    }

    /// The sum of the next `count` host bytes of a whole segment; leaves in `sum` that of what follows them.
    private func take(
        _ count: Int, _ at: SequenceNumber, _ payload: borrowing Payload, _ isWhole: Bool, _ sum: inout UInt16
    ) -> UInt16 {
        let offset = at.distance(from: payload.start)
        guard isWhole && offset + count < payload.length else { return sum }
        var partial = InternetChecksum()
        partial.add(payload.linear.slice(offset, count))
        sum = subtract(partial.folded, offset: 0, from: sum, nextOdd: count & 1 != 0)
        return partial.folded
    }

    /// One's-complement difference of two sums that begin at the same parity, as the sum of a part that begins `nextOdd`.
    private func subtract(_ part: UInt16, offset: Int, from whole: UInt16, nextOdd: Bool) -> UInt16 {
        var rest = InternetChecksum(folded: whole)
        rest.add(~part)
        return nextOdd ? rest.folded.byteSwapped : rest.folded
    }
}
