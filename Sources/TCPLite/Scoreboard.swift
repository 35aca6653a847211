internal import DeviceMemory

/// What the peer has reported by SACK (RFC 6675): up to 32 disjoint ranges a connection, in order.
///
/// A report that would need a further range is forgotten; it costs a retransmission at most.
struct Scoreboard: ~Copyable {
    struct Block: BitwiseCopyable {
        var left: SequenceNumber
        var right: SequenceNumber
    }

    private static var limit: Int { 32 }
    private var blocks: Slab<Block>
    private var counts: Slab<Int32>

    init(connections: Int) {
        let none = SequenceNumber(0)
        blocks = Slab(count: connections * Scoreboard.limit, repeating: Block(left: none, right: none))
        counts = Slab(count: connections, repeating: 0)
    }

    /// Whether nothing is reported.
    @inline(__always) func isEmpty(_ connection: Int) -> Bool { counts[connection] == 0 }

    /// Forgets everything: after a timeout the peer may have thrown it away (RFC 2018, section 8).
    mutating func clear(_ connection: Int) { counts[connection] = 0 }

    /// Adds a report; false when it held nothing new.
    mutating func add(_ connection: Int, _ left: SequenceNumber, _ right: SequenceNumber) -> Bool {
        let base = connection * Scoreboard.limit
        var count = Int(counts[connection])
        var at = 0
        while at < count, blocks[base + at].right < left { at += 1 }
        if at == count || right < blocks[base + at].left {
            guard count < Scoreboard.limit else { return false }
            var i = count
            while i > at {
                blocks[base + i] = blocks[base + i - 1]
                i -= 1
            }
            blocks[base + at] = Block(left: left, right: right)
            counts[connection] = Int32(count + 1)
            return true
        }
        if blocks[base + at].left <= left && right <= blocks[base + at].right { return false }
        blocks[base + at].left = .earlier(left, blocks[base + at].left)
        blocks[base + at].right = .later(right, blocks[base + at].right)
        // The grown range may reach its successors now.
        while at + 1 < count, blocks[base + at + 1].left <= blocks[base + at].right {
            blocks[base + at].right = .later(blocks[base + at].right, blocks[base + at + 1].right)
            var i = at + 1
            while i + 1 < count {
                blocks[base + i] = blocks[base + i + 1]
                i += 1
            }
            count -= 1
        }
        counts[connection] = Int32(count)
        return true
    }

    /// Forgets what `una` covers.
    mutating func advance(_ connection: Int, to una: SequenceNumber) {
        let base = connection * Scoreboard.limit
        let count = Int(counts[connection])
        var gone = 0
        while gone < count, blocks[base + gone].right <= una { gone += 1 }
        if gone > 0 {
            for i in gone..<count { blocks[base + i - gone] = blocks[base + i] }
            counts[connection] = Int32(count - gone)
        }
        if counts[connection] > 0, blocks[base].left < una { blocks[base].left = una }
    }

    /// Reported bytes between two positions.
    func bytes(_ connection: Int, from: SequenceNumber, to: SequenceNumber) -> Int {
        let base = connection * Scoreboard.limit
        var total = 0
        for i in 0..<Int(counts[connection]) {
            let left = SequenceNumber.later(from, blocks[base + i].left)
            let right = SequenceNumber.earlier(to, blocks[base + i].right)
            if left < right { total += right.distance(from: left) }
        }
        return total
    }

    /// The first hole at or after `from`: where it begins and where the next reported byte is (`limit` if there is none).
    func hole(
        _ connection: Int, from: SequenceNumber, limit: SequenceNumber
    ) -> (start: SequenceNumber, end: SequenceNumber) {
        let base = connection * Scoreboard.limit
        var start = from
        for i in 0..<Int(counts[connection]) {
            if blocks[base + i].right <= start { continue }
            if blocks[base + i].left > start {
                return (start, .earlier(blocks[base + i].left, limit))
            }
            start = blocks[base + i].right
        }
        return (start, limit)
    }

    /// Unreported bytes before this position count as lost: three segments or three ranges above were reported
    /// (RFC 6675's IsLost). `una` when nothing is.
    func lossEdge(_ connection: Int, una: SequenceNumber, mss: Int) -> SequenceNumber {
        let base = connection * Scoreboard.limit
        var above = 0
        var i = Int(counts[connection]) - 1
        var ranges = 0
        while i >= 0 {
            above += blocks[base + i].right.distance(from: blocks[base + i].left)
            ranges += 1
            if above > 2 * mss || ranges >= 3 { return blocks[base + i].left }
            i -= 1
        }
        return una
    }
}
