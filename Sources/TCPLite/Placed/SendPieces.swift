internal import DeviceMemory
internal import PagePool

/// A run of one connection's stream that is sent from a slot, from the moment it is queued until it has been acknowledged and
/// no frame that refers to it is left.
struct SendPiece: BitwiseCopyable {
    var start: SequenceNumber
    var length: UInt32
    var iova: IOVA
    var netmem: Netmem
    /// Placed bytes of the stream before this one, modulo 2^32: what tells where bytes in host memory stand in their ring.
    var before: UInt32
    /// Frames that refer to it and that the device may still read.
    var references: UInt32
    var next: Int32
    /// In the owner's numbers.
    var label: UInt32
    /// The flow that a relayed fragment arrived on, which gets its record back.
    var origin: ConnectionID
    var flags: PacketFlags
    /// Whose share it is of.
    var application: Int32
    var isRelayed: Bool
    /// Off its connection's list: acknowledged, or given up.
    var hasEnded: Bool
    var isAcknowledged: Bool

    var end: SequenceNumber { start + Int(length) }
}

/// What a connection has queued of such runs.
struct PlacedSide: BitwiseCopyable {
    /// The oldest that is not wholly acknowledged, and the newest; -1.
    var first: Int32 = -1
    var last: Int32 = -1
    /// Where the frame before ended: the next one most likely begins there.
    var cursor: Int32 = -1
    /// Placed bytes that were ever queued, modulo 2^32.
    var total: UInt32 = 0
    /// Number of the next send.
    var number: UInt32 = 0
}

/// All runs of all connections.
struct SendPieces: ~Copyable {
    private var entries: Slab<SendPiece>
    private var firstFree: Int32
    private(set) var freeCount: Int
    /// Runs of each application, and how many it may have.
    private var used: Slab<Int32>
    private let share: Int32

    init(count: Int, applications: Int = 1) {
        entries = Slab(count: count) { i in
            SendPiece(
                start: SequenceNumber(0), length: 0, iova: IOVA(0),
                netmem: Netmem(kind: .deviceSlot, pool: 0, index: 0), before: 0, references: 0,
                next: i + 1 < count ? Int32(i + 1) : -1, label: 0, origin: ConnectionID(rawValue: 0),
                flags: [], application: 0, isRelayed: false, hasEnded: false, isAcknowledged: false)
        }
        firstFree = count > 0 ? 0 : -1
        freeCount = count
        used = Slab(count: applications, repeating: 0)
        share = Int32(count == 0 ? 0 : max(count / applications, 1))
    }

    /// How many runs more an application may have.
    func room(for application: Int) -> Int { min(freeCount, Int(share &- used[application])) }

    /// Whether `count` runs more of an application fit.
    func hasRoom(_ count: Int, for application: Int) -> Bool { count <= room(for: application) }

    subscript(_ at: Int32) -> SendPiece { entries[Int(at)] }

    /// Room for all there could be.
    var capacity: Int { entries.count }

    /// Appends a run to its connection's list. The caller has asked for room.
    mutating func append(_ piece: SendPiece, to side: inout PlacedSide) {
        let at = firstFree
        firstFree = entries[Int(at)].next
        freeCount -= 1
        used[Int(piece.application)] += 1
        entries[Int(at)] = piece
        entries[Int(at)].next = -1
        if side.last >= 0 { entries[Int(side.last)].next = at } else { side.first = at }
        side.last = at
    }

    /// The first run of a connection that ends behind `sequence`; -1 when none does. Mutating, because it remembers.
    mutating func locate(_ sequence: SequenceNumber, in side: inout PlacedSide) -> Int32 {
        var at = side.cursor
        if at < 0 || entries[Int(at)].start > sequence { at = side.first }
        while at >= 0 && entries[Int(at)].end <= sequence { at = entries[Int(at)].next }
        side.cursor = at
        return at
    }

    /// A frame refers to a run.
    mutating func refer(_ at: Int32) { entries[Int(at)].references &+= 1 }

    /// The device is done with a frame that referred to a run; whether that was the last thing to wait for.
    mutating func release(_ at: Int32) -> Bool {
        guard at >= 0, Int(at) < entries.count, entries[Int(at)].references > 0 else { return false }
        entries[Int(at)].references &-= 1
        return entries[Int(at)].hasEnded && entries[Int(at)].references == 0
    }

    /// Takes the oldest run off its connection's list; whether nothing refers to it any more.
    mutating func endFirst(_ side: inout PlacedSide, isAcknowledged: Bool) -> (at: Int32, isFree: Bool) {
        let at = side.first
        side.first = entries[Int(at)].next
        if side.first < 0 { side.last = -1 }
        if side.cursor == at { side.cursor = side.first }
        entries[Int(at)].hasEnded = true
        entries[Int(at)].isAcknowledged = isAcknowledged
        return (at, entries[Int(at)].references == 0)
    }

    /// Ends a run for good: its owner first, which still finds everything in place, then its slot (S1.05).
    mutating func free<Owner: ZeroCopyOwner & ~Copyable>(
        _ at: Int32, _ owner: inout Owner, _ pools: inout PoolTable
    ) {
        let piece = entries[Int(at)]
        owner.complete(
            piece.label,
            PlacedPacket(
                label: piece.label, pool: piece.netmem.pool, slot: piece.netmem.index, length: piece.length,
                flags: piece.flags),
            success: piece.isAcknowledged)
        pools.transmitted(piece.netmem)
        entries[Int(at)].next = firstFree
        firstFree = at
        freeCount += 1
        used[Int(piece.application)] -= 1
    }
}
