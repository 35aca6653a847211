internal import DeviceMemory
internal import PagePool
internal import Packets
internal import TCPLite
internal import Timeline

/// Device memory that a station sends from. Its application writes there, its NIC reads there when a frame leaves, and what a
/// send used is overwritten as soon as the stack says that it may be: bytes that are read again after that are wrong ones.
struct Outward {
    /// A send that is under way.
    private struct Send {
        var id: ConnectionID
        var number: UInt32
        var slots: [Int]
    }

    static let pool: UInt16 = 2
    static let start = UInt64(0x1000_0000)
    static let mostSlots = 64
    /// What stands where nothing is sent from.
    private static let garbage: UInt8 = 0xA5

    let region: MutableByteView
    private let share: UInt32
    private let hold: Interval
    private var free: [Int]
    private var sends: [Send] = []
    /// Parts of frames that the device has not let go of, oldest first, and when it will.
    private var held: [(label: UInt32, until: Instant)] = []
    private var random: SeededGenerator

    init(_ plan: StationPlan, region: MutableByteView, random: SeededGenerator) {
        self.region = region
        self.random = random
        share = UInt32(plan.placed)
        hold = .microseconds(UInt64(plan.release))
        free = Array((0..<plan.placedSlots).reversed())
    }

    /// All slots of it are the application's, as those of a region are that was bound for sending.
    static func pool(_ plan: StationPlan) -> PagePool {
        var pool = PagePool(
            identifier: Outward.pool,
            provider: MemoryProvider(
                deviceRegionAt: IOVA(Outward.start), slotSize: Station.slotSize, slotCount: plan.placedSlots))
        pool.giveForSending()
        return pool
    }

    /// When the device lets go of a part.
    var due: Instant { held.first?.until ?? .never }

    // MARK: the application

    /// Whether the next write is to come from the region.
    mutating func isWanted() -> Bool { share > 0 && !free.isEmpty && random.below(1_000_000) < share }

    /// Writes up to `count` bytes of a stream to slots, and sends them from there; how many, 0 when the stack takes none.
    mutating func send(
        _ id: ConnectionID, _ stream: Int, _ position: Int, _ count: Int, _ station: Station,
        _ pattern: borrowing Pattern
    ) -> Int {
        var ranges: [SendRange] = []
        var slots: [Int] = []
        var done = 0
        for _ in 0...random.below(4) where done < count {
            guard let slot = free.popLast() else { break }
            slots.append(slot)
            let from = random.below(3) == 0 ? 0 : Int(random.below(UInt32(Station.slotSize)))
            let most = min(Station.slotSize - from, count - done)
            let length = random.below(2) == 0 ? most : 1 + Int(random.below(UInt32(most)))
            let at = slot * Station.slotSize + from
            region.slice(at, length).copy(pattern.bytes(stream, position + done, length))
            // Ranges that touch, and such without a byte, are as good as one.
            let cut = random.below(4) == 0 ? Int(random.below(UInt32(length))) : length
            ranges.append(SendRange(offset: UInt64(at), length: cut))
            if cut < length { ranges.append(SendRange(offset: UInt64(at + cut), length: length - cut)) }
            done += length
        }
        do {
            let number = try station.stack.send(id, from: Outward.pool, ranges, pools: &station.pools)
            sends.append(Send(id: id, number: number, slots: slots))
            return done
        } catch {
            for slot in slots { clear(slot) }
            return 0
        }
    }

    /// Takes what is over, and what must be right about it.
    mutating func complete(_ station: Station) throws(Failure) {
        guard !sends.isEmpty else { return }
        while let over = station.stack.nextCompletion(owner: 0) {
            if !over.isAcknowledged, let state = station.stack.info(over.connection)?.state, state != .closed {
                throw Failure(.completion, "\(over) failed in state \(state)")
            }
            for number in over.first...over.last {
                guard let at = sends.firstIndex(where: { $0.id == over.connection && $0.number == number }) else {
                    throw Failure(.completion, "\(over) of what is not under way")
                }
                for slot in sends[at].slots { clear(slot) }
                sends.remove(at: at)
            }
        }
    }

    private mutating func clear(_ slot: Int) {
        let bytes = region.slice(slot * Station.slotSize, Station.slotSize)
        for i in 0..<bytes.count { bytes[i] = Outward.garbage }
        free.append(slot)
    }

    /// What must hold when all is over.
    func checkEnd(_ station: Station) throws(Failure) {
        let ledger = station.pools.pools[Int(Outward.pool)].ledger()
        guard ledger.application == ledger.total, ledger.isBalanced, sends.isEmpty, held.isEmpty else {
            throw Failure(.leak, "\(sends.count) sends and \(held.count) parts of frames under way, slots: \(ledger)")
        }
    }

    // MARK: the device

    /// The device has read parts of a frame, and lets go of them in its own time.
    mutating func hold(_ label: UInt32, now: Instant) { held.append((label, now + hold)) }

    /// Lets go of what is due.
    mutating func release(_ station: Station, now: Instant) {
        guard due <= now else { return }
        let count = held.firstIndex { $0.until > now } ?? held.count
        for part in held[..<count] { station.stack.released(part.label, pools: &station.pools) }
        held.removeFirst(count)
    }
}
