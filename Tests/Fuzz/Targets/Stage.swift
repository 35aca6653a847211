internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Simulation
internal import Synchronization
internal import TCPLite
internal import Timeline

/// A stack, its pool and region, and an application that holds what it is given until it is told to give it back.
final class Stage {
    static let slotSize = 2048
    /// What is sent from where it lies: a pool of its own, all of whose slots are the application's.
    static let outwardPool: UInt16 = 2
    static let outwardSlots = 8
    private static let outwardStart = UInt64(0x1000_0000)

    var stack: TCPStack
    var pools: PoolTable
    private let memory: StageMemory
    let configuration: Configuration
    var now = Instant(nanoseconds: 5_000_000_000)
    /// What the application holds.
    private(set) var slots: [(id: ConnectionID, slot: Netmem)] = []
    private(set) var linear: [(id: ConnectionID, bytes: Int)] = []
    /// The device keeps its hold on parts of frames until the next poll.
    var holdsParts = false
    private var parts: [UInt32] = []

    init(_ configuration: Configuration, slots: Int) {
        precondition(slots <= StageMemory.slots)
        self.configuration = configuration
        stack = TCPStack(configuration: configuration, secret: (1, 0x9E37_79B9_7F4A_7C15))
        pools = PoolTable(capacity: Int(Stage.outwardPool) + 1)
        pools.install(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: IOVA(0x10_0000), slotSize: Stage.slotSize, slotCount: slots)))
        memory = StageMemory.lend()
        if configuration.placedSends > 0 { pools.install(Stage.outward()) }
    }

    private static func outward() -> PagePool {
        var pool = PagePool(
            identifier: outwardPool,
            provider: MemoryProvider(
                deviceRegionAt: IOVA(outwardStart), slotSize: slotSize, slotCount: outwardSlots))
        pool.giveForSending()
        return pool
    }

    /// A stack small enough to be made anew for every input.
    static func configuration(_ change: (inout Configuration) -> Void) -> Configuration {
        var c = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24,
                gateway: IPv4Address(10, 0, 0, 254)))
        c.maxConnections = 4
        c.sendBufferBytes = 8 << 10
        c.outputDepth = 64
        c.neighbours = 4
        c.listeners = 4
        change(&c)
        return c
    }

    /// The NIC's part. The header bytes are in memory of their own, so that reading beyond them is seen.
    func receive(_ frame: ByteView, boundary: Int, split: SplitVerdict = .split, _ checksum: ChecksumVerdict) {
        let header = HeapBytes(count: min(boundary, frame.count))
        header.bytes.copy(frame.slice(0, header.bytes.count))
        if boundary >= frame.count {
            stack.receive(
                ReceivedFrame(
                    header: header.bytes.readOnly, fragment: nil, split: split == .split ? .unsplit : split,
                    checksum: checksum),
                now: now, pools: &pools)
        } else if let slot = pools.pools[1].lend() {
            let count = min(frame.count - boundary, Stage.slotSize)
            region.slice(Int(slot) * Stage.slotSize, count).copy(frame.slice(boundary, count))
            let fragment = pools.pools[1].arrive(slot, offset: 0, length: UInt32(count))
            stack.receive(
                ReceivedFrame(header: header.bytes.readOnly, fragment: fragment, split: split, checksum: checksum),
                now: now, pools: &pools)
        }
        extendLifetime(header)
    }

    /// Takes one delivery; its bytes are shown to `use` where it has any, and kept.
    func take(_ use: (Delivery.Kind, ConnectionID, ByteView?, UInt16?) throws(Finding) -> Void) throws(Finding) -> Bool
    {
        guard var delivery = stack.nextDelivery() else { return false }
        let (id, kind, sum) = (delivery.connection, delivery.kind, delivery.payloadSum)
        if let bytes = delivery.linear {
            linear.append((id, bytes.count))
            try use(kind, id, bytes, sum)
        } else if let fragment = delivery.fragment.take() {
            let bytes = region.readOnly.slice(
                Int(fragment.netmem.index) * Stage.slotSize + Int(fragment.offset), Int(fragment.length))
            slots.append((id, pools.deliver(fragment).netmem))
            try use(kind, id, bytes, sum)
        } else {
            try use(kind, id, nil, sum)
        }
        return true
    }

    /// Ends a burst and shows what is sent to `use`, until nothing is due any more.
    func poll(_ use: (Emission?, ByteView) throws(Finding) -> Void) throws(Finding) {
        releaseParts()
        for _ in 0..<256 {
            stack.poll(now: now, pools: &pools)
            while !stack.output.isEmpty {
                let departure = departure()
                for number in 0..<departure.count {
                    let frame = departure.segment(number, memory.segment)
                    try use(try Emission(frame, mtu: configuration.interface.mtu), frame)
                }
                for number in 0..<stack.output.frontPartCount {
                    parts.append(stack.output.frontPart(number).label)
                }
                stack.output.popFront()
                if !holdsParts { releaseParts() }
            }
            if stack.nextDeadline > now { return }
        }
        throw Finding("after 256 polls at one moment there is still something due")
    }

    /// The frame that leaves next; its parts are read where they are.
    private func departure() -> Departure {
        let head = stack.output.frontMutable
        guard stack.output.frontPartCount > 0 else { return Departure(head, stack.output.frontOffload) }
        memory.assembly.slice(0, head.count).copy(head.readOnly)
        var length = head.count
        for number in 0..<stack.output.frontPartCount {
            let part = stack.output.frontPart(number)
            let at = Int(part.iova.rawValue - Stage.outwardStart)
            memory.assembly.slice(length, Int(part.length)).copy(outward.readOnly.slice(at, Int(part.length)))
            length += Int(part.length)
        }
        return Departure(memory.assembly.slice(0, length), stack.output.frontOffload)
    }

    /// The device lets go of all parts of frames that it has read.
    func releaseParts() {
        for label in parts { stack.released(label, pools: &pools) }
        parts.removeAll(keepingCapacity: true)
    }

    /// The application gives back one thing that it holds, from either end or out of the middle.
    func giveBack(_ choice: Int) {
        if !slots.isEmpty {
            let record = slots.remove(at: choice % slots.count)
            pools.returned(record.slot)
            stack.credit(record.id, slots: 1, linearBytes: 0)
        } else if !linear.isEmpty {
            let record = linear.remove(at: choice % linear.count)
            stack.credit(record.id, slots: 0, linearBytes: record.bytes)
        }
    }

    /// What must hold at any time: every slot in exactly one place, and no more in use than there may be.
    func checkBooks() throws(Finding) {
        let ledger = pools.pools[1].ledger()
        guard ledger.isBalanced, ledger.ring == 0, ledger.transmit == 0, pools.pools[1].statistics.violations == 0,
            pools.strays == 0
        else { throw Finding("the ledger does not balance: \(ledger)") }
        guard ledger.application <= slots.count, pools.pools[1].references().application == slots.count else {
            throw Finding("the application holds \(slots.count) records and the books say \(ledger)")
        }
        try checkOutward(isOver: false)
        guard stack.connectionCount <= configuration.maxConnections, let info = stack.info(owner: 0),
            info.slotsPromised <= configuration.slotBudget, info.slotsInUse <= configuration.slotBudget,
            info.linearBlocksUsed <= configuration.linearBlocks
        else { throw Finding("more is promised than there is: \(String(describing: stack.info(owner: 0)))") }
    }

    private func checkOutward(isOver: Bool) throws(Finding) {
        guard configuration.placedSends > 0 else { return }
        let ledger = pools.pools[Int(Stage.outwardPool)].ledger()
        let violations = pools.pools[Int(Stage.outwardPool)].statistics.violations
        guard ledger.isBalanced, violations == 0, !isOver || ledger.application == ledger.total else {
            throw Finding("slots that are sent from: \(ledger), \(violations) violations")
        }
    }

    /// Ends it all: everything must come back.
    func finish() throws(Finding) {
        try checkBooks()
        while !slots.isEmpty || !linear.isEmpty { giveBack(0) }
        stack.close(pools: &pools)
        releaseParts()
        try checkOutward(isOver: true)
        let ledger = pools.pools[1].ledger()
        guard ledger.pool == ledger.total, pools.pools[1].audit().isEmpty, pools.strays == 0 else {
            throw Finding("slots are lost: \(ledger)")
        }
        guard stack.connectionCount == 0, stack.slotsPromised == 0,
            stack.linearBlocksFree == configuration.linearBlocks
        else {
            throw Finding(
                "\(stack.connectionCount) connections, \(stack.slotsPromised) slots promised, "
                    + "\(stack.linearBlocksFree) of \(configuration.linearBlocks) blocks free after the end")
        }
    }

    /// The device's memory.
    private var region: MutableByteView { memory.bytes }
    /// The part of it that is sent from.
    var outward: MutableByteView { memory.outward }

    deinit {
        stack.close(pools: &pools)
        StageMemory.giveBack(memory)
    }
}

/// The device memory of stages, used by one after the other: making it anew took most of an input's time.
private final class StageMemory: @unchecked Sendable {
    static let slots = 264
    private static let idle = Mutex<[StageMemory]>([])

    private let space = HeapBytes(count: StageMemory.slots * Stage.slotSize)
    private let outwardSpace = HeapBytes(count: Stage.outwardSlots * Stage.slotSize)
    private let whole = HeapBytes(count: 1 << 17)
    private let cut = HeapBytes(count: 4096)
    var bytes: MutableByteView { space.bytes }
    var outward: MutableByteView { outwardSpace.bytes }
    /// Room for a frame before a device cuts it, and for a segment of it.
    var assembly: MutableByteView { whole.bytes }
    var segment: MutableByteView { cut.bytes }

    static func lend() -> StageMemory { idle.withLock { $0.popLast() } ?? StageMemory() }
    static func giveBack(_ memory: StageMemory) { idle.withLock { $0.append(memory) } }
}
