internal import DeviceMemory
internal import HeaderSplit
internal import PagePool
internal import Rings

/// Receive queues of every format and placement, beside a device that writes back whatever it likes, wherever it likes.
///
/// An input is a choice of queue, then steps. Whatever is written back, a header lies in its buffer, a fragment in a slot that
/// was posted, a slot is in one place, and stopping gives all of them back.
enum DescriptorTarget {
    static let steps = 200

    static func run(_ input: inout FuzzInput) throws(Finding) {
        let choice = input.byte()
        let placements: [HeaderPlacement] = [
            .headerBuffer(192), .headerBuffer(256), .slot, .slotBehindHeader(room: 256),
        ]
        let placement = placements[Int(choice >> 2 & 3)]
        switch choice & 3 {
        case 0: try run(PacketSplitFormat.self, placement, choice, &input)
        case 1: try run(TenGigabitSplitFormat.self, placement, choice, &input)
        default: try run(AdvancedSplitFormat.self, placement, choice, &input)
        }
    }

    private static func run<Format: SplitDescriptorFormat>(
        _: Format.Type, _ placement: HeaderPlacement, _ choice: UInt8, _ input: inout FuzzInput
    ) throws(Finding) {
        let run: QueueRun<Format>
        do { run = try QueueRun(placement, slots: choice & 16 == 0 ? 12 : 9) } catch {
            throw Finding("no queue: \(error)")
        }
        for _ in 0..<steps where !input.isEmpty { try run.step(&input) }
        try run.finish()
    }
}

/// Counts what is asked of a device and answers nothing.
private final class SilentBus: Bus {
    var tails: [UInt32] = []
    func read32(_ offset: UInt32) -> UInt32 { .max }
    func write32(_ offset: UInt32, _ value: UInt32) { tails.append(value) }
}

private final class QueueRun<Format: SplitDescriptorFormat> {
    static var descriptors: Int { 8 }
    static var slotSize: Int { 512 }

    private let ring: HeapBytes
    private let headers: HeapBytes
    private let bus = SilentBus()
    private let slots: Int
    private var pool: PagePool
    private var queue: SplitReceiveQueue<Format, SilentBus>
    private var held: [UInt32] = []
    private var total: UInt64 = 0
    private var isHalted = false

    init(_ placement: HeaderPlacement, slots: Int) throws(HeaderSplitError) {
        self.slots = slots
        ring = HeapBytes(count: QueueRun.descriptors * Format.stride)
        headers = HeapBytes(count: QueueRun.descriptors * 256)
        let memory = HeapBytes(count: slots * QueueRun.slotSize)
        switch placement {
        case .headerBuffer:
            pool = PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: IOVA(0x1_0000), slotSize: QueueRun.slotSize, slotCount: slots))
        default:
            pool = PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    hostPages: HostBlock(bytes: memory.bytes, iova: IOVA(0x1_0000)), slotSize: QueueRun.slotSize))
        }
        queue = try SplitReceiveQueue(
            ring: HostBlock(bytes: ring.bytes, iova: IOVA(0)),
            headers: HostBlock(bytes: headers.bytes, iova: IOVA(0x8_0000)),
            placement: placement, doorbell: Doorbell(offset: 0xC018), bus: bus, flushWindow: bus,
            visibility: .flushRead,
            pool: &pool)
        queue.start()
        self.memory = memory
    }

    private let memory: HeapBytes

    func step(_ input: inout FuzzInput) throws(Finding) {
        let kind = input.byte()
        switch kind & 15 {
        case 0...4: writeBack(&input, index: Int(kind >> 4) % QueueRun.descriptors)
        case 5, 6: believable(&input, index: Int(kind >> 4) % QueueRun.descriptors)
        case 7:
            // The device writes past its own descriptor.
            let at = Int(input.byte()) % (ring.bytes.count / 8)
            ring.bytes.setLE64(at * 8, input.word())
        case 8, 9, 10: try take(&input)
        case 11: queue.endBurst()
        case 12: if !held.isEmpty { pool.returned(held.remove(at: Int(kind >> 4) % held.count)) }
        case 13: for slot in 0..<headers.bytes.count where slot % 61 == 0 { headers.bytes[slot] = input.byte() }
        case 14 where kind & 16 != 0:
            if isHalted {
                queue.rearm(&pool)
                queue.start()
            } else {
                queue.halt()
            }
            isHalted.toggle()
        default: break
        }
        try check()
    }

    /// Any words; the done bit is mostly set.
    private func writeBack(_ input: inout FuzzInput, index: Int) {
        let words = Format.stride / 8
        for word in 0..<words { ring.bytes.setLE64((index * words + word) * 8, input.word()) }
        let done = (index * words + 1) * 8
        if input.byte() & 7 != 0 { ring.bytes.setLE64(done, ring.bytes.readOnly.le64(done) | 1) }
    }

    /// Words that a device might write, with lengths of the input's.
    private func believable(_ input: inout FuzzInput, index: Int) {
        let (header, length, status) = (UInt64(input.be16()), UInt64(input.be16()), UInt64(input.byte()))
        let words = Format.stride / 8
        if words == 2 {
            ring.bytes.setLE64(index * 16, 0x11 << 4 | (header & 0x3FF) << 21 | (header >> 15) << 31)
            ring.bytes.setLE64(index * 16 + 8, 0x63 ^ status << 1 | length << 32)
        } else {
            ring.bytes.setLE64(index * 32 + 8, 0x63 ^ status << 1 | 2 << 16 | (header & 0x3FF) << 32)
            ring.bytes.setLE64(index * 32 + 16, 0x8000 | length << 16)
        }
    }

    private func take(_ input: inout FuzzInput) throws(Finding) {
        guard var frame = queue.nextFrame(&pool) else { return }
        let header = frame.header
        // Every byte must be there to be read.
        for i in 0..<header.count { total &+= UInt64(header[i]) }
        guard header.count > 0 else { throw Finding("a frame without a header") }
        guard let fragment = frame.fragment.take() else { return }
        let (slot, offset, length) = (fragment.netmem.index, fragment.offset, fragment.length)
        let keeps = input.flag()
        if keeps { held.append(pool.deliver(fragment).slot) } else { pool.recycle(fragment) }
        guard queue.splits, Int(slot) < slots, length > 0, Int(offset) + Int(length) <= QueueRun.slotSize else {
            throw Finding("a fragment of \(length) bytes at \(offset) of slot \(slot)")
        }
    }

    private func check() throws(Finding) {
        let books = pool.ledger()
        guard books.isBalanced, books.ring == QueueRun.descriptors, books.stack == 0, books.application == held.count,
            pool.statistics.violations == 0
        else { throw Finding("the ledger: \(books), and the application holds \(held.count)") }
        guard bus.tails.allSatisfy({ $0 < UInt32(QueueRun.descriptors) * Format.tailUnit && $0 % Format.tailUnit == 0 })
        else { throw Finding("a tail beyond the ring: \(bus.tails)") }
        bus.tails.removeAll(keepingCapacity: true)
    }

    func finish() throws(Finding) {
        queue.halt()
        queue.stop(&pool)
        for slot in held { pool.returned(slot) }
        let books = pool.ledger()
        guard books.pool == slots, pool.audit().isEmpty, pool.freeCount == slots else {
            throw Finding("slots are lost: \(books)")
        }
    }
}
