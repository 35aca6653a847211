internal import DeviceMemory
internal import Packets
internal import PagePool
internal import HeaderSplit
internal import TCPLite
internal import Timeline
internal import Wire

/// The other end of a loopback: a TCP stack on the far side of the wire that opens every flow and sends its pattern.
struct SendingPeer: ~Copyable {
    struct Flow: BitwiseCopyable {
        var id: ConnectionID
        var remaining: UInt64
        var messageLeft: UInt64
        var established = false
        var finished = false
    }

    private var stack: TCPStack
    /// The peer has no device memory: its pool is there because the stack asks for one.
    private var pool: PagePool
    private let poolMemory: HeapBytes
    private var input: FrameQueue
    private var flows: Slab<Flow>
    private var patterns: Slab<Pattern>
    private var digests: Slab<StreamDigest>
    private let scratch = HeapBytes(count: 64 << 10)
    private var messages: SeededGenerator
    private let minimum: UInt64
    private let maximum: UInt64
    private(set) var failures = 0

    init(options: LoopbackOptions, address: IPv4Address, receiver: IPv4Address, port: UInt16, now: Instant)
        throws(TCPError)
    {
        let mac = MACAddress(0x02, 0, 0, 0, 0, 2)
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: mac, address: address, prefixLength: 24, gateway: nil, mtu: options.device.mtu))
        configuration.maxConnections = max(options.flows, 8)
        configuration.sendBufferBytes = 1 << 20
        configuration.linearBlocks = 64
        // It receives nothing: no flow needs slots.
        configuration.slotsPerFlow = 1
        configuration.slotBudget = configuration.maxConnections
        // A message leaves as it was written, so that segments of every size reach the receiver.
        configuration.nagle = false
        configuration.msl = .milliseconds(1)
        var stack = TCPStack(
            configuration: configuration, secret: (options.device.seed, options.device.seed ^ 0x5EED))
        let share = options.bytes / UInt64(options.flows)
        let extra = options.bytes % UInt64(options.flows)
        var flows = Slab<Flow>(capacity: options.flows)
        for i in 0..<options.flows {
            // Fixed local ports: the receiver orders flows by them.
            let id = try stack.connect(to: receiver, port: port, localPort: UInt16(40_000 + i), now: now)
            flows.append(Flow(id: id, remaining: share + (UInt64(i) < extra ? 1 : 0), messageLeft: 0))
        }
        let memory = HeapBytes(count: 2048 * 8)
        pool = PagePool(
            identifier: 0,
            provider: MemoryProvider(
                hostPages: HostBlock(bytes: memory.bytes, iova: IOVA(0)), slotSize: 2048))
        poolMemory = memory
        self.stack = stack
        self.flows = flows
        patterns = Slab(count: options.flows) { Pattern(seed: options.device.seed, flow: $0) }
        digests = Slab(count: options.flows) { _ in StreamDigest() }
        input = FrameQueue(depth: 256, frameCapacity: options.device.mtu + 64)
        messages = SeededGenerator(seed: options.device.seed, stream: 0x2000)
        minimum = options.messageMinimum ?? .max
        maximum = options.messageMaximum ?? .max
    }

    /// One turn: take what arrived, feed the flows, give what is to leave to the wire.
    mutating func poll<W: LinkWire & ~Copyable>(now: Instant, wire: inout W) -> Bool {
        var worked = wire.deliverToPeer(&input, now: now, limit: 128) != 0
        while !input.isEmpty {
            let frame = ReceivedFrame(header: input.front, fragment: nil, split: .unsplit, checksum: .unknown)
            stack.receive(frame, now: now, pool: &pool)
            input.popFront()
        }
        while let delivery = stack.nextDelivery() { take(delivery) }
        for i in 0..<flows.count where flows[i].established && !flows[i].finished {
            if feed(i) { worked = true }
        }
        stack.poll(now: now, pool: &pool)
        if wire.sendFromPeer(&stack.output, now: now) != 0 { worked = true }
        return worked
    }

    private mutating func take(_ delivery: consuming Delivery) {
        for i in 0..<flows.count where flows[i].id == delivery.connection {
            switch delivery.kind {
            case .opened: flows[i].established = true
            case .closed:
                if !flows[i].finished { failures += 1 }
                flows[i].finished = true
            default: break
            }
        }
        if let fragment = delivery.fragment.take() { pool.recycle(fragment) }
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
            patterns[i].fill(bytes)
            digests[i].update(bytes.readOnly) { _ in }
            let accepted = stack.send(flows[i].id, bytes.readOnly)
            if accepted != n { failures += 1 }
            flows[i].messageLeft &-= UInt64(n)
            flows[i].remaining &-= UInt64(n)
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

    var statistics: StackStatistics { stack.statistics }
}
