internal import DeviceMemory
internal import Packets
internal import PagePool
internal import HeaderSplit
internal import TCPLite
internal import Timeline
internal import Wire

/// What a sending peer is to do, and as whom.
struct SendingPlan {
    /// Its own address, in the receiver's /24 or /64.
    var address = InternetAddress(SessionPlan.sender)
    /// Whom it connects to, of the same family.
    var receiver = InternetAddress(SessionPlan.receiver)
    var port = SessionPlan.port
    var mtu = 1500
    /// Connections, all at once.
    var flows = 1
    /// Bytes over all flows, of a pattern that follows from `seed`; without effect when there is an `input`.
    var bytes: UInt64 = 0
    /// What every flow sends instead of a pattern.
    var input: InputFile?
    /// Sizes of messages, drawn evenly; `nil` is one endless message.
    var messageMinimum: UInt64?
    var messageMaximum: UInt64?
    var seed: UInt64 = 1
    /// How long a receiver may be silent; `nil` leaves it to the stack.
    var patience: Interval?
}

/// The other end of a wire: a TCP stack that opens every flow and sends its pattern or file.
struct SendingPeer: ~Copyable {
    struct Flow: BitwiseCopyable {
        var id: ConnectionID
        var remaining: UInt64
        var messageLeft: UInt64
        var position: UInt64 = 0
        var established = false
        var finished = false
        /// The receiver has acknowledged everything and closed in order.
        var complete = false
    }

    private var stack: TCPStack
    /// The peer has no device memory: its pool is there because the stack asks for one.
    private var pools: PoolTable
    private let poolMemory: HeapBytes
    private var arrived: FrameQueue
    private var flows: Slab<Flow>
    private var patterns: Slab<Pattern>
    private var digests: Slab<StreamDigest>
    private let scratch = HeapBytes(count: 64 << 10)
    private var messages: SeededGenerator
    private let minimum: UInt64
    private let maximum: UInt64
    private let address: InternetAddress
    private let input: InputFile?
    private(set) var failures = 0

    init(_ plan: SendingPlan, now: Instant) throws(TCPError) {
        let mac = MACAddress(0x02, 0, 0, 0, 0, 2)
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: mac, address: plan.address.ipv4 ?? SessionPlan.sender, prefixLength: 24, gateway: nil,
                mtu: plan.mtu,
                ipv6: plan.address.ipv6.map { SessionPlan.ipv6($0, mac: mac) }))
        configuration.maxConnections = max(plan.flows, 8)
        configuration.sendBufferBytes = 1 << 20
        configuration.linearBlocks = 64
        // It receives nothing: no flow needs slots.
        configuration.slotsPerFlow = 1
        configuration.slotBudget = configuration.maxConnections
        // A message leaves as it was written, so that segments of every size reach the receiver.
        configuration.nagle = false
        configuration.msl = .milliseconds(1)
        if let patience = plan.patience {
            configuration.giveUp = patience
            configuration.giveUpOpening = patience
            // A receiver that is only starting must not be left alone for a minute once it is there.
            configuration.maximumRTO = .seconds(1)
        }
        var stack = TCPStack(
            configuration: configuration, secret: (plan.seed, plan.seed ^ 0x5EED))
        let share = plan.bytes / UInt64(plan.flows)
        let extra = plan.bytes % UInt64(plan.flows)
        var flows = Slab<Flow>(capacity: plan.flows)
        for i in 0..<plan.flows {
            let id = try stack.connect(to: plan.receiver, port: plan.port, localPort: SendingPeer.port(i), now: now)
            let bytes = plan.input?.size ?? share + (UInt64(i) < extra ? 1 : 0)
            flows.append(Flow(id: id, remaining: bytes, messageLeft: 0))
        }
        let memory = HeapBytes(count: 2048 * 8)
        pools = PoolTable(
            PagePool(
                identifier: 0,
                provider: MemoryProvider(
                    hostPages: HostBlock(bytes: memory.bytes, iova: IOVA(0)), slotSize: 2048)))
        poolMemory = memory
        self.stack = stack
        self.flows = flows
        patterns = Slab(count: plan.flows) { Pattern(seed: plan.seed, flow: $0) }
        digests = Slab(count: plan.flows) { _ in StreamDigest() }
        arrived = FrameQueue(depth: 256, frameCapacity: plan.mtu + 64)
        messages = SeededGenerator(seed: plan.seed, stream: 0x2000)
        minimum = plan.messageMinimum ?? .max
        maximum = plan.messageMaximum ?? .max
        address = plan.address
        input = plan.input
    }

    /// Fixed local ports: a loopback's receiver orders flows by them.
    private static func port(_ flow: Int) -> UInt16 { UInt16(40_000 + flow) }

    /// One turn: take what arrived, feed the flows, give what is to leave to the wire.
    mutating func poll<Link: PeerLink & ~Copyable>(now: Instant, wire: inout Link) -> Bool {
        var worked = wire.deliverToPeer(&arrived, now: now, limit: 128) != 0
        while !arrived.isEmpty {
            let frame = ReceivedFrame(header: arrived.front, fragment: nil, split: .unsplit, checksum: .unknown)
            stack.receive(frame, now: now, pools: &pools)
            arrived.popFront()
        }
        while let delivery = stack.nextDelivery() { take(delivery) }
        for i in 0..<flows.count where flows[i].established && !flows[i].finished {
            if feed(i) { worked = true }
        }
        stack.poll(now: now, pools: &pools)
        if wire.sendFromPeer(&stack.output, now: now) != 0 { worked = true }
        return worked
    }

    private mutating func take(_ delivery: consuming Delivery) {
        for i in 0..<flows.count where flows[i].id == delivery.connection {
            switch delivery.kind {
            case .opened: flows[i].established = true
            case .closed(let reason):
                if !flows[i].finished { failures += 1 }
                flows[i].complete = flows[i].finished && reason == .finished
                flows[i].finished = true
            default: break
            }
        }
        if let fragment = delivery.fragment.take() { pools.recycle(fragment) }
    }

    /// Writes at most one message (or a buffer's worth of an endless one), so that segment boundaries follow messages.
    private mutating func feed(_ i: Int) -> Bool {
        if flows[i].messageLeft == 0 {
            let span = maximum &- minimum
            let size = span == 0 ? minimum : minimum &+ messages.next() % (span &+ 1)
            flows[i].messageLeft = min(size, flows[i].remaining)
        }
        let space = stack.sendSpace(flows[i].id)
        let n = min(Int(min(flows[i].messageLeft, UInt64(scratch.count))), space)
        if n > 0 {
            let bytes = scratch.bytes.slice(0, n)
            if let input { input.read(bytes, at: flows[i].position) } else { patterns[i].fill(bytes) }
            digests[i].update(bytes.readOnly) { _ in }
            let accepted = stack.send(flows[i].id, bytes.readOnly)
            if accepted != n { failures += 1 }
            flows[i].messageLeft &-= UInt64(n)
            flows[i].remaining &-= UInt64(n)
            flows[i].position &+= UInt64(n)
        }
        if flows[i].remaining == 0 {
            stack.shutdown(flows[i].id)
            flows[i].finished = true
            digests[i].flush { _ in }
        }
        return n > 0
    }

    var nextDeadline: Instant { stack.nextDeadline }

    /// Whether no flow will send anything more: all have closed or failed.
    var isFinished: Bool { stack.connectionCount == 0 }

    /// One digest over all flows, as the receiver must compute it.
    func expectedDigest() -> String { combinedDigest((0..<digests.count).map { digests[$0].finish() }) }

    /// What each flow sent, named as its receiver names it.
    func results() -> [StreamResult] {
        (0..<flows.count).map { i in
            StreamResult(
                peer: address.description(port: SendingPeer.port(i)), bytes: digests[i].count,
                sha256: hexadecimal(digests[i].finish()), complete: flows[i].complete)
        }
    }

    var statistics: StackStatistics { stack.statistics }
}
