internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import TCPLite
public import Timeline

/// What connections cost that have nothing to say: a stack alone, fed with frames that are made up here, in one thread and in
/// virtual time.
public struct ConnectionBench: ~Copyable {
    private var stack: TCPStack
    private var pools = PoolTable(capacity: 1)
    private let frame = HeapBytes(count: 64)
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var random = SeededGenerator(seed: 1)
    /// What each peer's next segment acknowledges.
    private var acknowledgements: Slab<UInt32>
    private let count: Int

    /// Work that some turns brought about.
    public struct Work: Sendable, Hashable {
        /// Connections looked at because a time of theirs had come, and because they had something to do.
        public var timersDue: UInt64 = 0
        public var served: UInt64 = 0
        /// Turns, and the time that they took in nanoseconds.
        public var turns = 0
        public var nanoseconds: UInt64 = 0
        /// The longest that one took.
        public var worst: UInt64 = 0

        /// None.
        public init() {}
    }

    private static var mac: MACAddress { MACAddress(2, 0, 0, 0, 0, 1) }
    private static var address: IPv4Address { IPv4Address(10, 0, 0, 1) }
    private static var gateway: IPv4Address { IPv4Address(10, 0, 0, 254) }

    /// - Parameters:
    ///   - connections: how many are opened; 1 to 1048576.
    ///   - keepAlive: whether peers that say nothing are asked whether they are there.
    public init(connections: Int, keepAlive: Bool) {
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: ConnectionBench.mac, address: ConnectionBench.address, prefixLength: 24,
                gateway: ConnectionBench.gateway))
        configuration.maxConnections = connections
        configuration.keepAlive = keepAlive
        configuration.timestamps = false
        stack = TCPStack(configuration: configuration, secret: (0x9E37_79B9_7F4A_7C15, 0xBF58_476D_1CE4_E5B9))
        acknowledgements = Slab(count: connections, repeating: 0)
        count = connections
        try? stack.listen(port: 80, flow: .shared)
        introduce()
    }

    /// Connections that are established.
    public var established: UInt64 { stack.statistics.established }
    /// What one connection takes in the stack's tables, and what the tables in all grew to.
    public var bytesPerPlace: Int { stack.bytesPerPlace }

    /// The router says who it is.
    private mutating func introduce() {
        let view = frame.bytes
        EthernetHeader(
            destination: ConnectionBench.mac, source: MACAddress(2, 0, 0, 0, 0, 9), type: EthernetHeader.typeARP
        )
        .write(to: view)
        ARPPacket(
            operation: ARPPacket.request, senderMAC: MACAddress(2, 0, 0, 0, 0, 9),
            senderAddress: ConnectionBench.gateway,
            targetMAC: .zero, targetAddress: ConnectionBench.address
        ).write(to: view.from(14))
        stack.receive(
            ReceivedFrame(header: view.readOnly.slice(0, 60), fragment: nil, split: .unsplit, checksum: .good),
            now: now,
            pools: &pools)
        turn()
    }

    /// A segment of peer `n`, without payload or with one byte.
    private mutating func segment(_ n: Int, _ flags: TCPFlags, _ seq: UInt32, _ ack: UInt32, payload: Int = 0) {
        let view = frame.bytes
        EthernetHeader(
            destination: ConnectionBench.mac, source: MACAddress(2, 0, 0, 0, 0, 9), type: EthernetHeader.typeIPv4
        )
        .write(to: view)
        IPv4Header(
            source: IPv4Address(rawValue: 11 << 24 | UInt32(n >> 15)), destination: ConnectionBench.address,
            transport: IPv4Header.protocolTCP, payloadLength: 20 + payload
        ).write(to: view.from(14))
        TCPHeader(
            sourcePort: UInt16(1024 + n & 0x7FFF), destinationPort: 80, sequence: seq, acknowledgement: ack,
            flags: flags,
            window: 65535
        ).write(to: view.from(34))
        stack.receive(
            ReceivedFrame(
                header: view.readOnly.slice(0, 54 + payload), fragment: nil, split: .unsplit, checksum: .good),
            now: now,
            pools: &pools)
    }

    /// Ends a burst, and takes what there is to take.
    private mutating func turn() {
        stack.poll(now: now, pools: &pools)
        while !stack.output.isEmpty { stack.output.popFront() }
        while let delivery = stack.nextDelivery() { drop(delivery) }
    }

    private mutating func drop(_ delivery: consuming Delivery) {
        if let linear = delivery.linear { stack.credit(delivery.connection, slots: 0, linearBytes: linear.count) }
        if let fragment = delivery.fragment.take() { pools.recycle(fragment) }
    }

    /// Opens all connections, one after the other; a turn is one connection.
    public mutating func open(clock: () -> Instant) -> Work {
        measure(count, clock) { bench, n in
            bench.now = bench.now + .microseconds(1)
            bench.segment(n, .syn, UInt32(truncatingIfNeeded: n), 0)
            bench.stack.poll(now: bench.now, pools: &bench.pools)
            if !bench.stack.output.isEmpty { bench.acknowledgements[n] = bench.stack.output.front.be32(38) &+ 1 }
            bench.segment(n, .ack, UInt32(truncatingIfNeeded: n) &+ 1, bench.acknowledgements[n])
            bench.turn()
        }
    }

    /// Lets so much time pass in so many turns.
    public mutating func idle(_ interval: Interval, turns: Int, clock: () -> Instant) -> Work {
        let step = Interval(nanoseconds: interval.nanoseconds / UInt64(max(turns, 1)))
        return measure(turns, clock) { bench, _ in
            bench.now = bench.now + step
            bench.turn()
        }
    }

    /// A byte from so many peers, chosen anew each time; a turn is 32 of them.
    public mutating func segments(_ segments: Int, clock: () -> Instant) -> Work {
        measure(segments / 32, clock) { bench, _ in
            for _ in 0..<32 {
                let n = Int(bench.random.below(UInt32(bench.count)))
                // Ones that have been sent before: what a search for the flow costs, and little else.
                bench.segment(n, .ack, UInt32(truncatingIfNeeded: n), bench.acknowledgements[n])
            }
            bench.turn()
        }
    }

    private mutating func measure(
        _ turns: Int, _ clock: () -> Instant, _ body: (inout ConnectionBench, Int) -> Void
    ) -> Work {
        var work = Work()
        let before = stack.statistics
        var last = clock()
        let start = last
        for n in 0..<turns {
            body(&self, n)
            let next = clock()
            work.worst = max(work.worst, (next - last).nanoseconds)
            last = next
        }
        work.turns = turns
        work.nanoseconds = (last - start).nanoseconds
        work.timersDue = stack.statistics.timersDue &- before.timersDue
        work.served = stack.statistics.connectionsServed &- before.connectionsServed
        return work
    }

    /// Ends all connections without a word to their peers.
    public mutating func close() { stack.close(pools: &pools) }
}
