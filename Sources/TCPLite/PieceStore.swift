internal import DeviceMemory
internal import PagePool
internal import Packets

/// A run of stream bytes in one slot or in one block of host memory.
struct Piece: BitwiseCopyable {
    var start: SequenceNumber
    var length: UInt32
    /// The next and the previous piece of the same list, or -1.
    var next: Int32
    var previous: Int32
    /// The host block that holds the bytes; -1 when a fragment does.
    var block: Int32
    var sum: UInt16
    var hasSum: Bool
    /// First byte within the block.
    var offset: UInt8
}

/// Pieces in stream order, linked through the store.
struct PieceList: BitwiseCopyable {
    var first: Int32 = -1
    var last: Int32 = -1

    var isEmpty: Bool { first < 0 }
}

/// What holds received bytes from arrival to delivery: a fixed number of pieces, their fragments, and host blocks.
struct PieceStore: ~Copyable {
    static var blockSize: Int { 256 }

    private var pieces: Slab<Piece>
    // Beside the pieces, because owners in optional elements cannot be reached through (compiler crash in 6.3.1).
    private var fragments: Slab<Fragment?>
    private var firstFree: Int32
    private(set) var freePieces: Int

    private let blocks: HeapBytes
    private var freeBlockList: Slab<Int32>
    private(set) var freeBlocks: Int
    /// The block whose bytes the last delivery lent out, and whether it goes back when that ends.
    private var lentBlock: Int32 = -1
    private var lentIsSpent = false

    init(pieces count: Int, blocks blockCount: Int) {
        pieces = Slab(count: count) { i in
            Piece(
                start: SequenceNumber(0), length: 0, next: i + 1 < count ? Int32(i + 1) : -1, previous: -1, block: -1,
                sum: 0, hasSum: false, offset: 0)
        }
        fragments = Slab(count: count) { _ in nil }
        firstFree = count > 0 ? 0 : -1
        freePieces = count
        blocks = HeapBytes(count: blockCount * PieceStore.blockSize)
        freeBlockList = Slab(count: max(blockCount, 1)) { Int32(blockCount - 1 - $0) }
        freeBlocks = blockCount
    }

    /// The piece at `index`.
    @inline(__always) func piece(_ index: Int32) -> Piece { pieces[Int(index)] }

    /// The bytes of a piece in host memory.
    func bytes(_ piece: Piece) -> ByteView {
        blocks.bytes.readOnly.slice(
            Int(piece.block) &* PieceStore.blockSize &+ Int(piece.offset), Int(piece.length))
    }

    /// Appends a fragment to `list`; the caller has made sure that a piece is free.
    @inline(__always) mutating func append(
        _ fragment: consuming Fragment, at start: SequenceNumber, sum: UInt16, hasSum: Bool, to list: inout PieceList
    ) {
        let length = fragment.length
        let index = take(
            Piece(
                start: start, length: length, next: -1, previous: list.last, block: -1, sum: sum, hasSum: hasSum,
                offset: 0), &list)
        fragments[index] = consume fragment
    }

    /// Copies up to a block of bytes and appends them to `list`; the caller has made sure that a piece and a block are free.
    mutating func append(
        copying bytes: ByteView, at start: SequenceNumber, sum: UInt16, hasSum: Bool, to list: inout PieceList
    ) {
        freeBlocks &-= 1
        let block = freeBlockList[freeBlocks]
        blocks.bytes.slice(Int(block) &* PieceStore.blockSize, PieceStore.blockSize).copy(bytes)
        _ = take(
            Piece(
                start: start, length: UInt32(truncatingIfNeeded: bytes.count), next: -1, previous: list.last,
                block: block, sum: sum, hasSum: hasSum, offset: 0), &list)
    }

    /// A piece has got longer by `count` bytes, which are there already.
    mutating func lengthen(_ index: Int32, by count: UInt32, sum: UInt16, hasSum: Bool) {
        pieces[Int(index)].lengthen(by: count, sum: sum, hasSum: hasSum)
    }

    /// Copies bytes into a block.
    mutating func fill(_ block: Int32, at offset: Int, _ bytes: ByteView) {
        blocks.bytes.slice(Int(block) &* PieceStore.blockSize, PieceStore.blockSize).copy(bytes, at: offset)
    }

    /// Where in `slot` a piece's fragment ends; `nil` if it is in another.
    mutating func endOfFragment(_ index: Int32, in slot: Netmem) -> UInt32? {
        guard let fragment = fragments[Int(index)].take() else { return nil }
        let end = fragment.netmem == slot ? fragment.offset &+ fragment.length : nil
        fragments[Int(index)] = consume fragment
        return end
    }

    /// A piece's fragment goes on for `count` bytes, which are those of another one.
    mutating func growFragment(_ index: Int32, by count: UInt32) {
        guard var fragment = fragments[Int(index)].take() else { return }
        fragment.extendBack(count)
        fragments[Int(index)] = consume fragment
    }

    /// Moves all of `other` behind `list`.
    mutating func concatenate(_ list: inout PieceList, _ other: PieceList) {
        if other.isEmpty { return }
        if list.isEmpty {
            list = other
            return
        }
        pieces[Int(list.last)].next = other.first
        pieces[Int(other.first)].previous = list.last
        list.last = other.last
    }

    /// Removes the first piece of a list that is not empty. Its fragment and block stay to be taken.
    @inline(__always) mutating func popFirst(_ list: inout PieceList) -> (index: Int32, piece: Piece) {
        let index = list.first
        let piece = pieces[Int(index)]
        list.first = piece.next
        if piece.next < 0 { list.last = -1 }
        pieces[Int(index)].next = firstFree
        firstFree = index
        freePieces &+= 1
        return (index, piece)
    }

    /// The fragment of a piece that was just removed.
    @inline(__always) mutating func takeFragment(_ index: Int32) -> Fragment? { fragments[Int(index)].take() }

    /// Gives a block back; one that is lent out goes when that ends.
    mutating func release(block: Int32) {
        if block == lentBlock {
            lentIsSpent = true
            return
        }
        freeBlockList[freeBlocks] = block
        freeBlocks &+= 1
    }

    /// The bytes of a block go to an application until ``endLending()``.
    @inline(__always) mutating func lend(_ block: Int32, isSpent: Bool) {
        lentBlock = block
        lentIsSpent = isSpent
    }

    /// What the last delivery lent out is no longer looked at.
    @inline(__always) mutating func endLending() {
        if lentBlock < 0 { return }
        let block = lentBlock
        lentBlock = -1
        if lentIsSpent { release(block: block) }
    }

    /// Lends out the first `count` bytes of a piece in host memory, which is longer; the piece keeps the rest.
    mutating func cutBytes(_ index: Int32, _ count: Int) -> ByteView {
        let piece = pieces[Int(index)]
        shorten(index, count)
        pieces[Int(index)].offset = piece.offset &+ UInt8(truncatingIfNeeded: count)
        lend(piece.block, isSpent: false)
        return bytes(piece).slice(0, count)
    }

    /// Takes the first `count` bytes off the fragment of a piece, which is longer; the piece keeps the rest.
    mutating func cutFragment(_ index: Int32, _ count: Int, _ pools: inout PoolTable) -> Fragment? {
        guard var first = fragments[Int(index)].take() else { return nil }
        fragments[Int(index)] = pools.split(&first, at: UInt32(truncatingIfNeeded: count))
        shorten(index, count)
        return first
    }

    /// Drops the first `count` bytes of a piece, which is longer.
    mutating func dropFront(_ index: Int32, _ count: Int) {
        shorten(index, count)
        if pieces[Int(index)].block >= 0 {
            pieces[Int(index)].offset &+= UInt8(truncatingIfNeeded: count)
        } else if var fragment = fragments[Int(index)].take() {
            fragment.trimFront(UInt32(truncatingIfNeeded: count))
            fragments[Int(index)] = consume fragment
        }
    }

    private mutating func shorten(_ index: Int32, _ count: Int) {
        pieces[Int(index)].start = pieces[Int(index)].start + count
        pieces[Int(index)].length &-= UInt32(truncatingIfNeeded: count)
        // What is left is no whole segment.
        pieces[Int(index)].hasSum = false
    }

    /// Removes the first piece of a list and gives back what it holds.
    mutating func discardFirst(_ list: inout PieceList, _ pools: inout PoolTable) -> Piece {
        let (index, piece) = popFirst(&list)
        if piece.block >= 0 {
            release(block: piece.block)
        } else if let fragment = takeFragment(index) {
            pools.recycle(fragment)
        }
        return piece
    }

    /// Removes the last piece of a list that is not empty and gives back what it holds.
    mutating func discardLast(_ list: inout PieceList, _ pools: inout PoolTable) -> Piece {
        let index = list.last
        let piece = pieces[Int(index)]
        if list.first == index {
            list = PieceList()
        } else {
            pieces[Int(piece.previous)].next = -1
            list.last = piece.previous
        }
        if piece.block >= 0 {
            release(block: piece.block)
        } else if let fragment = fragments[Int(index)].take() {
            pools.recycle(fragment)
        }
        pieces[Int(index)].next = firstFree
        firstFree = index
        freePieces &+= 1
        return piece
    }

    @inline(__always) private mutating func take(_ piece: Piece, _ list: inout PieceList) -> Int {
        let index = Int(firstFree)
        firstFree = pieces[index].next
        freePieces &-= 1
        pieces[index] = piece
        if list.last >= 0 {
            pieces[Int(list.last)].next = Int32(truncatingIfNeeded: index)
        } else {
            list.first = Int32(truncatingIfNeeded: index)
        }
        list.last = Int32(truncatingIfNeeded: index)
        return index
    }
}
