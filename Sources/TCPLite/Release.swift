internal import DeviceMemory
internal import PagePool

/// What is given up before it was delivered, and what becomes of the accounts then.
extension Reassembly {
    /// Slots of a guarantee that only data at RCV.NXT may use.
    @inline(__always) func reserve(_ guarantee: Int32) -> Int32 { SlotBudget.reserve(guarantee) }

    /// Whether a flow may ask for one more slot.
    @inline(__always) func mayTake(_ inOrder: Bool, _ rcv: inout ReceiveSide) -> Bool {
        if rcv.isShared { return budgets[Int(rcv.owner)].admitsShared(inOrder: inOrder) }
        return inOrder || rcv.held < rcv.guarantee &- reserve(rcv.guarantee)
    }

    /// Counts bytes that found no slot.
    @inline(never) mutating func refuse(_ bytes: Int, _ rcv: inout ReceiveSide, _ statistics: inout StackStatistics) {
        budgets[Int(rcv.owner)].refusals &+= 1
        if rcv.isShared {
            statistics.droppedOverShare &+= UInt64(truncatingIfNeeded: bytes)
        } else {
            statistics.droppedWithoutSlots &+= UInt64(truncatingIfNeeded: bytes)
        }
    }

    /// Records on slots of a flow came back, or were never delivered: the cut ones first, which hold no slot of their own.
    @inline(__always) mutating func giveBack(_ records: Int32, _ rcv: inout ReceiveSide) {
        let cuts = min(records, rcv.cuts)
        rcv.cuts &-= cuts
        budgets[Int(rcv.owner)].giveBack(records &- cuts, held: rcv.held, guarantee: rcv.guarantee)
        rcv.held &-= records &- cuts
    }

    /// A block of host memory goes to the application until ``endLending()`` of the store.
    @inline(never) mutating func lend(_ block: Int32, _ owner: Int32) {
        budgets[Int(owner)].blocks &-= 1
        store.lend(block, isSpent: true)
    }

    /// Gives up the highest piece of what arrived out of order: it is furthest from being of use. The peer may have been told
    /// that it arrived (RFC 2018, section 8 allows that) and sends it again when its timer says so.
    mutating func shedLast(
        _ rcv: inout ReceiveSide, _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> Bool {
        let last = rcv.lastRange
        guard last >= 0 else { return false }
        var pieces = ranges[Int(last)].pieces
        let piece = store.discardLast(&pieces, &pools)
        ranges[Int(last)].pieces = pieces
        settle(piece, &rcv)
        rcv.outOfOrder &-= Int32(truncatingIfNeeded: piece.length)
        if piece.block >= 0 {
            statistics.linearBytes &-= UInt64(piece.length)
            statistics.droppedWithoutBlocks &+= UInt64(piece.length)
        } else {
            statistics.deviceBytes &-= UInt64(piece.length)
            statistics.droppedOverShare &+= UInt64(piece.length)
        }
        ranges[Int(last)].end = piece.start
        if ranges[Int(last)].pieces.isEmpty { unlink(last, &rcv) }
        return true
    }

    /// Under shortage of host blocks the highest out-of-order data goes first, as long as it is in host memory: fragments of
    /// a guaranteed flow that were reported by SACK are never given up.
    mutating func shed(
        _ rcv: inout ReceiveSide, _ statistics: inout StackStatistics, _ pools: inout PoolTable
    ) -> Bool {
        let last = rcv.lastRange
        guard last >= 0, store.piece(ranges[Int(last)].pieces.last).block >= 0 else { return false }
        return shedLast(&rcv, &statistics, &pools)
    }

    /// Gives up all out-of-order data of a connection.
    mutating func discardRanges(_ rcv: inout ReceiveSide, _ pools: inout PoolTable) {
        while rcv.firstRange >= 0 {
            let range = rcv.firstRange
            var pieces = ranges[Int(range)].pieces
            discard(&pieces, &rcv, &pools)
            unlink(range, &rcv)
        }
        rcv.outOfOrder = 0
    }

    /// Gives up all data of a connection that waits for the application.
    mutating func discardReady(_ rcv: inout ReceiveSide, _ pools: inout PoolTable) {
        var ready = rcv.ready
        discard(&ready, &rcv, &pools)
        rcv.ready = ready
    }

    /// Gives up the first `bytes` bytes that wait for the application, or all there are; returns how many.
    mutating func drop(_ bytes: Int, _ rcv: inout ReceiveSide, _ pools: inout PoolTable) -> Int {
        var left = bytes
        var ready = rcv.ready
        while left > 0, !ready.isEmpty {
            let length = Int(store.piece(ready.first).length)
            if length > left {
                if store.piece(ready.first).block >= 0 { rcv.linearHeld &-= Int32(truncatingIfNeeded: left) }
                store.dropFront(ready.first, left)
                left = 0
                break
            }
            settle(store.discardFirst(&ready, &pools), &rcv)
            left &-= length
        }
        rcv.ready = ready
        return bytes &- left
    }

    private mutating func discard(_ list: inout PieceList, _ rcv: inout ReceiveSide, _ pools: inout PoolTable) {
        while !list.isEmpty { settle(store.discardFirst(&list, &pools), &rcv) }
    }

    /// Books a piece that was given up.
    private mutating func settle(_ piece: Piece, _ rcv: inout ReceiveSide) {
        if piece.block >= 0 {
            rcv.linearHeld &-= Int32(truncatingIfNeeded: piece.length)
            budgets[Int(rcv.owner)].blocks &-= 1
        } else {
            giveBack(1, &rcv)
        }
    }
}
