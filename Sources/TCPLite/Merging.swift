internal import DeviceMemory
internal import PagePool
internal import Packets

/// Pieces of one stream that lie one behind the other where they are become one piece, and one record for the application.
///
/// That is never so for bytes of different slots, or of a slot and host memory. With one buffer a frame two pieces of a slot
/// touch only when a segment was cut; devices that put several frames into one buffer, and frames that come back from such,
/// make it common. Host bytes touch as often as small segments follow each other, because each block of host memory is filled
/// before the next is begun.
extension Reassembly {
    /// Adds the payload from `from` to `to`, all of it in a slot, to the last piece of `list` if it follows that in stream and
    /// slot; false when it does not. The piece's reference on the slot is enough for both.
    @inline(never) mutating func extend(
        _ payload: inout Payload, _ from: SequenceNumber, _ to: SequenceNumber, _ sum: UInt16, _ isWhole: Bool,
        _ list: PieceList, _ rcv: inout ReceiveSide, _ pools: inout PoolTable
    ) -> Bool {
        let origin = payload.start + payload.linear.count
        let offset = payload.slotOffset &+ UInt32(truncatingIfNeeded: from.distance(from: origin))
        guard let slot = payload.slot, store.ends(list.last, at: from, in: slot, offset),
            var fragment = payload.fragment.take()
        else { return false }
        fragment.trimFront(UInt32(truncatingIfNeeded: from.distance(from: payload.fragmentStart)))
        if to < payload.end {
            payload.fragment = pools.split(&fragment, at: UInt32(truncatingIfNeeded: to.distance(from: from)))
            payload.fragmentStart = to
        }
        rcv.sizes.extend(Int32(truncatingIfNeeded: fragment.length))
        store.extend(list.last, by: fragment.length, sum: sum, hasSum: isWhole)
        pools.recycle(fragment)
        return true
    }
}

extension PieceStore {
    /// Bytes that fit behind those of a piece in its block of host memory, if they are to follow it at `position`.
    func roomBehind(_ index: Int32, _ position: SequenceNumber) -> Int {
        guard index >= 0 else { return 0 }
        let piece = piece(index)
        guard piece.block >= 0, piece.start + Int(piece.length) == position else { return 0 }
        return PieceStore.blockSize &- Int(piece.offset) &- Int(piece.length)
    }

    /// Whether a piece ends at `position` in the stream, and at `offset` of `slot`.
    mutating func ends(_ index: Int32, at position: SequenceNumber, in slot: Netmem, _ offset: UInt32) -> Bool {
        let piece = piece(index)
        guard piece.block < 0, piece.start + Int(piece.length) == position else { return false }
        return endOfFragment(index, in: slot) == offset
    }

    /// Adds bytes behind those of a piece in host memory, where ``roomBehind(_:_:)`` says that they fit.
    mutating func extend(_ index: Int32, copying bytes: ByteView, sum: UInt16, hasSum: Bool) {
        let piece = piece(index)
        fill(piece.block, at: Int(piece.offset) &+ Int(piece.length), bytes)
        lengthen(index, by: UInt32(truncatingIfNeeded: bytes.count), sum: sum, hasSum: hasSum)
    }

    /// Adds as many bytes behind a piece's fragment to it.
    mutating func extend(_ index: Int32, by length: UInt32, sum: UInt16, hasSum: Bool) {
        growFragment(index, by: length)
        lengthen(index, by: length, sum: sum, hasSum: hasSum)
    }
}

extension Piece {
    /// Counts `count` bytes more, whose sum counts from an even position of theirs on.
    mutating func lengthen(by count: UInt32, sum more: UInt16, hasSum isKnown: Bool) {
        hasSum = hasSum && isKnown
        if hasSum {
            var total = InternetChecksum(folded: sum)
            total.add(length & 1 != 0 ? more.byteSwapped : more)
            sum = total.folded
        }
        length &+= count
    }
}
