internal import DeviceMemory
internal import HeaderSplit
internal import PagePool
internal import Packets
internal import TCPLite
internal import Timeline

/// A stack with its pool and region, and a stand-in for its NIC and driver.
final class Station {
    static let slotSize = 4096
    /// Where the device finds what it receives into.
    static let start = UInt64(0x10_0000)
    /// Slots that rings would hold, beyond what the stack may promise.
    static let ringSlots = 8

    let plan: StationPlan
    let number: Int
    var stack: TCPStack
    var pools: PoolTable
    let region: MutableByteView
    var random: SeededGenerator
    var application: Application
    var outward: Outward
    var counts = Coverage()
    /// What the stack has dropped for want of memory.
    private var dropped: UInt64 = 0
    /// Frames since the last poll.
    var burst = 0

    static func address(_ station: Int) -> IPv4Address { IPv4Address(10, 0, 0, UInt8(1 + station)) }
    static func address6(_ station: Int) -> IPv6Address {
        IPv6Address(high: 0xFD00_0000_0000_0000, low: UInt64(1 + station))
    }
    static func mac(_ station: Int) -> MACAddress { MACAddress(2, 0, 0, 0, 0, UInt8(1 + station)) }

    init(_ plan: StationPlan, number: Int, flows: [FlowPlan], peerRelays: Bool, seed: UInt64, _ workspace: Workspace) {
        self.plan = plan
        self.number = number
        region = workspace.region(number)
        outward = Outward(
            plan, region: workspace.outward(number), random: SeededGenerator(seed: seed, stream: UInt64(30 + number)))
        random = SeededGenerator(seed: seed, stream: UInt64(10 + number))
        stack = TCPStack(
            configuration: Station.configuration(plan, number, flows.count), secret: (random.next(), random.next()))
        pools = PoolTable(capacity: Int(Outward.pool) + 1)
        pools.install(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: IOVA(Station.start), slotSize: Station.slotSize,
                    slotCount: plan.slots + Station.ringSlots)))
        if plan.placed > 0 { pools.install(Outward.pool(plan)) }
        if plan.relays { pools.pools[1].maySend = true }
        application = Application(plan, number: number, flows: flows, peerRelays: peerRelays)
    }

    static func configuration(_ plan: StationPlan, _ number: Int, _ flows: Int) -> Configuration {
        var c = Configuration(
            interface: InterfaceConfiguration(
                mac: mac(number), address: address(number), prefixLength: 24, mtu: plan.mtu,
                ipv6: IPv6Configuration(linkLocal: .linkLocal(mac(number)), address: address6(number))))
        c.maxConnections = 16
        c.slotsPerFlow = plan.guarantee
        c.slotBudget = plan.slots
        c.linearBlocks = plan.blocks
        c.linearBytesPerFlow = plan.linearBytes
        c.sendBufferBytes = plan.sendBuffer
        c.outputDepth = plan.output
        c.outOfOrderRanges = plan.ranges
        c.neighbours = 4
        c.listeners = 8
        c.windowScale = UInt8(clamping: plan.scale)
        c.timestamps = plan.timestamps
        c.selectiveAcknowledgement = plan.sack
        c.delayedAcknowledgement = .microseconds(UInt64(plan.delayedACK))
        c.initialWindow = plan.initialWindow
        c.nagle = plan.nagle
        c.acknowledgeEvery = plan.acknowledgeEvery
        c.congestionControl = plan.isCubic ? .cubic : .newReno
        if plan.wraps { c.initialSequence = .fixed(.max - 5_000) }
        c.transmitChecksumOffload = plan.offload
        if plan.placed > 0 || plan.relays {
            c.placedSends = plan.placedRuns
            c.segmentationOffload = plan.segmentation
        }
        return c
    }

    /// The class of flows that the plan asks for.
    var flowClass: FlowClass { plan.isShared ? .shared : .guaranteed(slots: plan.guarantee) }

    /// The NIC's and the driver's part: lays a frame out and hands it to the stack. False when it did not get so far.
    func receive(_ frame: ByteView, isDamaged: Bool, now: Instant) -> Bool {
        let boundary = boundary(frame)
        let isWhole = boundary >= frame.count
        var verdict: ChecksumVerdict = isDamaged ? .bad : .good
        if random.below(1_000_000) < UInt32(plan.unverified) && isWhole {
            verdict = .unknown
            counts[.unverified] += 1
        }
        guard !isWhole else {
            counts[.hostMemory] += 1
            stack.receive(
                ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: verdict), now: now, pools: &pools
            )
            return true
        }
        guard let slot = pools.pools[1].lend() else {
            counts[.starvation] += 1
            return false
        }
        let count = frame.count - boundary
        region.slice(Int(slot) * Station.slotSize, count).copy(frame.slice(boundary, count))
        let fragment = pools.pools[1].arrive(slot, offset: 0, length: UInt32(count))
        stack.receive(
            ReceivedFrame(header: frame.slice(0, boundary), fragment: fragment, split: .split, checksum: verdict),
            now: now, pools: &pools)
        return true
    }

    private func boundary(_ frame: ByteView) -> Int {
        guard let (tcpAt, _) = Sighting.layout(frame) else { return frame.count }
        let end = tcpAt + Int(frame[tcpAt + 12] >> 4) * 4
        return switch plan.layout {
        case .split: min(end, frame.count)
        case .late: min(end + plan.boundary, frame.count)
        case .buffered: frame.count <= plan.boundary ? frame.count : min(end, frame.count)
        case .whole: frame.count
        }
    }

    /// Ends a burst, lets the application work, and lets the stack act on it.
    func turn(_ pattern: borrowing Pattern, now: Instant) throws(Failure) {
        burst = 0
        outward.release(self, now: now)
        stack.poll(now: now, pools: &pools)
        try application.step(self, pattern, now: now)
        if stack.nextDeadline <= now { stack.poll(now: now, pools: &pools) }
    }

    /// Whether the stack has dropped anything for want of memory since the last call: as good as lost on the way.
    func hasDropped() -> Bool {
        let s = stack.statistics
        let payload = s.droppedWithoutSlots &+ s.droppedOverShare &+ s.droppedWithoutBlocks &+ s.droppedOverRanges
        let now = payload &+ s.synsWithoutSlots &+ s.synsOverBacklog
        defer { dropped = now }
        return now != dropped
    }

    /// The frame that leaves next, as its NIC sends it. Its parts are read to `space`.
    func departure(_ space: MutableByteView) -> Departure {
        let head = stack.output.frontMutable
        let parts = stack.output.frontPartCount
        guard parts > 0 else { return Departure(head, stack.output.frontOffload) }
        counts[.placedBytes] += 1
        space.slice(0, head.count).copy(head.readOnly)
        var length = head.count
        for number in 0..<parts {
            let part = stack.output.frontPart(number)
            let count = Int(part.length)
            space.slice(length, count).copy(memory(part.iova, count))
            length += count
        }
        return Departure(space.slice(0, length), stack.output.frontOffload)
    }

    /// Takes the frame off that has left.
    func departed(_ departure: Departure, now: Instant) {
        if departure.count > 1 { counts[.segmentation] += 1 }
        for number in 0..<stack.output.frontPartCount { outward.hold(stack.output.frontPart(number).label, now: now) }
        stack.output.popFront()
        outward.release(self, now: now)
    }

    /// What a device reads at an address.
    private func memory(_ iova: IOVA, _ count: Int) -> ByteView {
        let isOutward = iova.rawValue >= Outward.start
        let base = isOutward ? Outward.start : Station.start
        return (isOutward ? outward.region : region).readOnly.slice(Int(iova.rawValue - base), count)
    }

    /// What must hold at any time.
    func checkBounds() throws(Failure) {
        guard let info = stack.info(owner: 0) else { return }
        let ledger = pools.pools[1].ledger()
        guard ledger.isBalanced, pools.pools[1].statistics.violations == 0, pools.strays == 0 else {
            throw Failure(.memory, "the ledger: \(ledger)")
        }
        guard info.slotsInUse <= plan.slots, info.slotsPromised <= plan.slots, ledger.stack <= plan.slots,
            info.linearBlocksUsed <= plan.blocks, stack.connectionCount <= 16
        else { throw Failure(.memory, "\(info)") }
    }

    /// What must hold when all is over: nothing is kept, nothing is due.
    func checkEnd() throws(Failure) {
        let ledger = pools.pools[1].ledger()
        guard ledger.pool == ledger.total, pools.pools[1].audit().isEmpty, pools.strays == 0 else {
            throw Failure(.leak, "slots: \(ledger)")
        }
        try outward.complete(self)
        if plan.placed > 0 { try outward.checkEnd(self) }
        for end in application.ends {
            guard let id = end.id, let info = stack.info(id) else { continue }
            throw Failure(.leak, "flow \(end.flow) in state \(info.state)")
        }
        guard stack.connectionCount == 0, stack.slotsPromised == 0, stack.linearBlocksFree == plan.blocks,
            stack.nextDeadline == .never
        else {
            throw Failure(
                .leak,
                "\(stack.connectionCount) connections, \(stack.slotsPromised) slots promised, "
                    + "\(stack.linearBlocksFree) of \(plan.blocks) blocks free, due \(stack.nextDeadline)")
        }
        if let info = stack.info(owner: 0), info.slotsInUse != 0 || info.linearBlocksUsed != 0 {
            throw Failure(.leak, "\(info)")
        }
    }
}
