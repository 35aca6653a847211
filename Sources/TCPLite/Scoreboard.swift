internal import DeviceMemory

/// What the peer has reported by SACK (RFC 6675): up to 32 disjoint ranges a connection, in order.
///
/// A report that would need a further range is forgotten; it costs a retransmission at most. A connection has a board from its
/// first report on until that is acknowledged; when no board is left, reports are forgotten too.
struct Scoreboard: ~Copyable {
    struct Block: BitwiseCopyable {
        var left: SequenceNumber
        var right: SequenceNumber
    }

    private static var limit: Int { 32 }
    private var blocks: GrowingSlab<Block>
    /// Ranges on each board.
    private var counts: Slab<Int32>
    /// The board of each connection; -1 for none, and then nothing is reported.
    private var boards: GrowingSlab<Int32>
    /// Boards that are free: a stack.
    private var free: Slab<Int32>
    private(set) var freeCount: Int
    /// Reports that were forgotten because no board was left.
    private(set) var forgotten: UInt64 = 0

    init(connections: Int, boards count: Int) {
        blocks = GrowingSlab(zeroed: max(count, 0) * Scoreboard.limit)
        let there = blocks.count / Scoreboard.limit
        counts = Slab(count: there, repeating: 0)
        boards = GrowingSlab(capacity: connections)
        free = Slab(count: there) { Int32(truncatingIfNeeded: there - 1 - $0) }
        freeCount = there
    }

    /// Makes room for connections up to `count`; false when there is no memory.
    mutating func grow(to count: Int) -> Bool { boards.grow(to: count, repeating: -1) }

    /// Whether nothing is reported.
    @inline(__always) func isEmpty(_ connection: Int) -> Bool { boards[connection] < 0 }

    /// Forgets everything: after a timeout the peer may have thrown it away (RFC 2018, section 8).
    mutating func clear(_ connection: Int) {
        let board = boards[connection]
        if board < 0 { return }
        counts[Int(board)] = 0
        boards[connection] = -1
        free[freeCount] = board
        freeCount &+= 1
    }

    /// The board of a connection, which gets one if it has none; -1 when none is left.
    private mutating func board(_ connection: Int) -> Int {
        if boards[connection] < 0 {
            guard freeCount > 0 else {
                forgotten &+= 1
                return -1
            }
            freeCount &-= 1
            boards[connection] = free[freeCount]
        }
        return Int(boards[connection])
    }

    /// Adds a report; false when it held nothing new.
    mutating func add(_ connection: Int, _ left: SequenceNumber, _ right: SequenceNumber) -> Bool {
        let board = board(connection)
        guard board >= 0 else { return false }
        let base = board * Scoreboard.limit
        var count = Int(counts[board])
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
            counts[board] = Int32(count + 1)
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
        counts[board] = Int32(count)
        return true
    }

    /// Forgets what `una` covers.
    mutating func advance(_ connection: Int, to una: SequenceNumber) {
        let board = Int(boards[connection])
        guard board >= 0 else { return }
        let base = board * Scoreboard.limit
        let count = Int(counts[board])
        var gone = 0
        while gone < count, blocks[base + gone].right <= una { gone += 1 }
        if gone == count {
            clear(connection)
            return
        }
        if gone > 0 {
            for i in gone..<count { blocks[base + i - gone] = blocks[base + i] }
            counts[board] = Int32(count - gone)
        }
        if blocks[base].left < una { blocks[base].left = una }
    }

    /// Reported bytes between two positions.
    func bytes(_ connection: Int, from: SequenceNumber, to: SequenceNumber) -> Int {
        let board = Int(boards[connection])
        guard board >= 0 else { return 0 }
        let base = board * Scoreboard.limit
        var total = 0
        for i in 0..<Int(counts[board]) {
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
        let board = Int(boards[connection])
        guard board >= 0 else { return (from, limit) }
        let base = board * Scoreboard.limit
        var start = from
        for i in 0..<Int(counts[board]) {
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
        let board = Int(boards[connection])
        guard board >= 0 else { return una }
        let base = board * Scoreboard.limit
        var above = 0
        var i = Int(counts[board]) - 1
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
