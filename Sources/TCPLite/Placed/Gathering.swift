internal import DeviceMemory
internal import Packets

/// How the bytes of a segment come together that are not all in host memory: those that are first, then parts by reference.
extension TCPStack {
    /// Parts of one frame: with its beginning and a context they fit the shortest ring, of 8 descriptors of which one stays
    /// empty, and five of the longest parts are more than an IP packet.
    static var framePartLimit: Int { 5 }

    /// Where a byte in host memory stands in its connection's ring: placed bytes before it take no room there.
    @inline(__always) mutating func ringPosition(_ i: Int, _ sequence: SequenceNumber) -> SequenceNumber {
        guard connections[i].snd.isPlaced else { return sequence }
        let at = sendPieces.locate(sequence, in: &placed[i])
        let before = at < 0 ? placed[i].total : sendPieces[at].before
        return sequence + -Int(before)
    }

    /// Placed bytes from SND.UNA on.
    @inline(__always) func placedOut(_ i: Int) -> Int {
        guard connections[i].snd.isPlaced, placed[i].first >= 0 else { return 0 }
        let first = sendPieces[placed[i].first]
        let acknowledged = max(connections[i].snd.una.distance(from: first.start), 0)
        return Int(placed[i].total &- first.before) &- acknowledged
    }

    /// How much of `wanted` bytes from `start` on one frame carries: bytes in host memory that are followed by parts, never the
    /// other way round, and no more parts than a frame has.
    ///
    /// - Parameter size: payload of a segment. More is for the device to cut, which it does at multiples of it: only what ends
    ///   the stream so far (`isAll`) may leave a rest.
    mutating func shape(_ i: Int, _ start: SequenceNumber, _ wanted: Int, size: Int, isAll: Bool) -> Int {
        guard connections[i].snd.isPlaced else { return min(wanted, size) }
        var at = sendPieces.locate(start, in: &placed[i])
        guard at >= 0 else { return min(wanted, size) }
        let host = max(sendPieces[at].start.distance(from: start), 0)
        let limit = host > 0 || !configuration.segmentationOffload ? min(wanted, size) : wanted
        if host >= limit { return limit }
        var total = host
        var parts = 0
        while at >= 0, total < limit, parts < Self.framePartLimit, sendPieces[at].start <= start + total {
            let within = (start + total).distance(from: sendPieces[at].start)
            let count = min(min(Int(sendPieces[at].length) &- within, limit &- total), PlacedPart.limit)
            total &+= count
            parts &+= 1
            if within &+ count == Int(sendPieces[at].length) { at = sendPieces[at].next }
        }
        if total > size && !(isAll && total == wanted) { total &-= total % size }
        return total
    }

    /// Payload of the largest frame that is handed to the device at once: whole segments, and an IP packet's worth.
    @inline(__always) func largestPayload(_ i: Int, _ size: Int) -> Int {
        guard connections[i].snd.isPlaced, configuration.segmentationOffload else { return size }
        let limit = 0xFFFF &- IPv6Header.length &- 60
        return max(limit &- limit % size, size)
    }

    /// Copies what is in host memory of a segment to `space` and gives the frame its parts.
    ///
    /// - Returns: bytes copied, and parts.
    @inline(never) mutating func gather(
        _ i: Int, _ start: SequenceNumber, _ length: Int, into space: MutableByteView
    ) -> (host: Int, parts: Int) {
        var at = sendPieces.locate(start, in: &placed[i])
        let host = at < 0 ? length : min(length, max(sendPieces[at].start.distance(from: start), 0))
        if host > 0 { buffers.load(i, ringPosition(i, start), into: space.slice(0, host)) }
        var done = host
        var parts = 0
        while done < length, at >= 0 {
            let piece = sendPieces[at]
            let within = (start + done).distance(from: piece.start)
            let count = min(min(Int(piece.length) &- within, length &- done), PlacedPart.limit)
            output.place(
                PlacedPart(
                    iova: piece.iova + within, length: UInt32(truncatingIfNeeded: count),
                    label: UInt32(bitPattern: at) &+ 1), number: parts)
            sendPieces.refer(at)
            parts &+= 1
            done &+= count
            if within &+ count == Int(piece.length) { at = piece.next }
        }
        statistics.placedBytesSent &+= UInt64(truncatingIfNeeded: length &- host)
        return (host, parts)
    }
}
