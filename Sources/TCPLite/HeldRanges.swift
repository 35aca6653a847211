internal import DeviceMemory
internal import Packets

/// How ranges hang together: in stream order, linked through one storage.
extension Reassembly {
    /// First and following byte of a range, for SACK.
    func bounds(_ range: Int32) -> (start: SequenceNumber, end: SequenceNumber) {
        (ranges[Int(range)].start, ranges[Int(range)].end)
    }

    func length(_ range: Int32) -> Int32 {
        Int32(truncatingIfNeeded: ranges[Int(range)].end.distance(from: ranges[Int(range)].start))
    }

    mutating func insert(_ range: HeldRange, _ rcv: inout ReceiveSide) -> Int32 {
        let index = firstFreeRange
        firstFreeRange = ranges[Int(index)].next
        var range = range
        range.next = range.previous >= 0 ? ranges[Int(range.previous)].next : rcv.firstRange
        ranges[Int(index)] = range
        if range.previous >= 0 { ranges[Int(range.previous)].next = index } else { rcv.firstRange = index }
        if range.next >= 0 { ranges[Int(range.next)].previous = index } else { rcv.lastRange = index }
        rcv.rangeCount &+= 1
        return index
    }

    mutating func unlink(_ index: Int32, _ rcv: inout ReceiveSide) {
        let range = ranges[Int(index)]
        if range.previous >= 0 { ranges[Int(range.previous)].next = range.next } else { rcv.firstRange = range.next }
        if range.next >= 0 { ranges[Int(range.next)].previous = range.previous } else { rcv.lastRange = range.previous }
        rcv.rangeCount &-= 1
        rcv.recent.remove(index)
        ranges[Int(index)].pieces = PieceList()
        ranges[Int(index)].next = firstFreeRange
        firstFreeRange = index
    }

    mutating func join(_ range: Int32, _ next: Int32, _ rcv: inout ReceiveSide) {
        var pieces = ranges[Int(range)].pieces
        store.concatenate(&pieces, ranges[Int(next)].pieces)
        ranges[Int(range)].pieces = pieces
        ranges[Int(range)].end = ranges[Int(next)].end
        unlink(next, &rcv)
    }
}
