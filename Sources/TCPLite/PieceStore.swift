internal import DeviceMemory
internal import PagePool
internal import Packets

/// A run of stream bytes in one slot or in one block of host memory.
struct Piece: BitwiseCopyable {
    var start: SequenceNumber
    var length: UInt32
    /// The next piece of the same list, or -1.
    var next: Int32
    /// The host block that holds the bytes; -1 when a fragment does.
    var block: Int32
    var sum: UInt16
    var hasSum: Bool
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
    /// Blocks that only data at RCV.NXT may use, so that a full store cannot keep the gap from closing.
    let reservedBlocks: Int
    /// Blocks in all.
    let blockCount: Int

    init(pieces count: Int, blocks blockCount: Int) {
        pieces = Slab(count: count) { i in
            Piece(
                start: SequenceNumber(0), length: 0, next: i + 1 < count ? Int32(i + 1) : -1, block: -1, sum: 0,
                hasSum: false)
        }
        fragments = Slab(count: count) { _ in nil }
        firstFree = count > 0 ? 0 : -1
        freePieces = count
        blocks = HeapBytes(count: blockCount * PieceStore.blockSize)
        freeBlockList = Slab(count: max(blockCount, 1)) { Int32(blockCount - 1 - $0) }
        freeBlocks = blockCount
        reservedBlocks = blockCount / 8
        self.blockCount = blockCount
    }

    /// The piece at `index`.
    @inline(__always) func piece(_ index: Int32) -> Piece { pieces[Int(index)] }

    /// The bytes of a piece in host memory.
    func bytes(_ piece: Piece) -> ByteView {
        blocks.bytes.readOnly.slice(Int(piece.block) &* PieceStore.blockSize, Int(piece.length))
    }

    /// Appends a fragment to `list`; the caller has made sure that a piece is free.
    @inline(__always) mutating func append(
        _ fragment: consuming Fragment, at start: SequenceNumber, sum: UInt16, hasSum: Bool, to list: inout PieceList
    ) {
        let length = fragment.length
        let index = take(
            Piece(start: start, length: length, next: -1, block: -1, sum: sum, hasSum: hasSum), &list)
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
                start: start, length: UInt32(truncatingIfNeeded: bytes.count), next: -1, block: block, sum: sum,
                hasSum: hasSum), &list)
    }

    /// Moves all of `other` behind `list`.
    mutating func concatenate(_ list: inout PieceList, _ other: PieceList) {
        if other.isEmpty { return }
        if list.isEmpty {
            list = other
            return
        }
        pieces[Int(list.last)].next = other.first
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

    /// Gives a block back.
    mutating func release(block: Int32) {
        freeBlockList[freeBlocks] = block
        freeBlocks &+= 1
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

    /// Removes the last piece of a list that is not empty, if it is in host memory; false when it is not. O(list).
    mutating func discardLastInHostMemory(_ list: inout PieceList) -> Piece? {
        let index = list.last
        let piece = pieces[Int(index)]
        guard piece.block >= 0 else { return nil }
        if list.first == index {
            list = PieceList()
        } else {
            var before = list.first
            while pieces[Int(before)].next != index { before = pieces[Int(before)].next }
            pieces[Int(before)].next = -1
            list.last = before
        }
        release(block: piece.block)
        pieces[Int(index)].next = firstFree
        firstFree = index
        freePieces += 1
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
