internal import ClientKit
internal import DeviceMemory
internal import Packets
internal import PagePool
internal import TCPLite
public import Timeline

/// How an application gives tokens back.
public enum ReturnStyle: String, Sendable, Hashable, CaseIterable {
    /// One by one through a ring, in an order that makes no ranges.
    case single
    /// As ranges through a ring.
    case ranges
    /// By its counter: everything up to a token.
    case counter
    /// By a call with ranges.
    case call
}

/// What tokens cost, without a device and without bytes: a pool, a port, a stack and a client in one thread.
public struct TokenBench: ~Copyable {
    private let memory = HeapBytes(count: ApplicationChannel.bytes)
    private var port: ApplicationPort
    private var client: ApplicationClient
    private var pools: PoolTable
    private var stack: TCPStack
    private let batch: Int
    private var tokens: Slab<UInt64>

    /// Time that each part took, over all tokens, in nanoseconds.
    public struct Times: Sendable, Hashable {
        /// Lending a slot, its arrival, the token and its record: the engine's side of a delivery.
        public var issue: UInt64 = 0
        /// Taking the records and giving the tokens back: the application's side.
        public var client: UInt64 = 0
        /// Taking the tokens back, slots free again: the engine's side of a return.
        public var takeBack: UInt64 = 0

        /// None.
        public init() {}
    }

    /// - Parameter batch: records between two turns of the application: 1 to 512.
    public init(batch: Int) {
        let slots = 4096
        let channel = ApplicationChannel(memory.bytes)
        port = ApplicationPort(channel, configuration: PortConfiguration(tokenLimit: 2 * slots))
        client = ApplicationClient(channel)
        pools = PoolTable(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x10_0000), slotSize: 4096, slotCount: slots)
            ))
        stack = TCPStack(
            configuration: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)),
            secret: (1, 2))
        self.batch = min(max(batch, 1), 512)
        tokens = Slab(count: 512, repeating: 0)
    }

    /// Issues and returns `count` tokens, in whole batches; `clock` is read three times a batch.
    public mutating func run(_ style: ReturnStyle, count: Int, clock: () -> Instant) -> Times {
        var times = Times()
        for _ in 0..<(count / batch) {
            let start = clock()
            for _ in 0..<batch {
                guard let slot = pools.pools[1].lend() else { break }
                let fragment = pools.pools[1].arrive(slot, offset: 0, length: 1448)
                port.push(port.announce(fragment, 0, nil, &pools, start))
            }
            port.publish()
            let issued = clock()
            let ranges = take(style)
            let taken = clock()
            if style == .call {
                _ = port.giveBack(ranges, pools: &pools, stack: &stack)
            } else {
                _ = port.takeReturns(limit: 4096, pools: &pools, stack: &stack)
            }
            times.issue &+= (issued - start).nanoseconds
            times.client &+= (taken - issued).nanoseconds
            times.takeBack &+= (clock() - taken).nanoseconds
        }
        return times
    }

    /// Tokens that are out: none between runs.
    public var outstanding: Int { port.tokens.outstanding }

    private mutating func take(_ style: ReturnStyle) -> [TokenRange] {
        var n = 0
        while let record = client.next() {
            tokens[n] = record.token
            n += 1
        }
        var ranges: [TokenRange] = []
        guard n > 0 else { return ranges }
        switch style {
        case .single: for i in stride(from: n - 1, through: 0, by: -1) { _ = client.giveBack(tokens[i]) }
        case .ranges: for i in 0..<n { _ = client.giveBack(tokens[i]) }
        case .counter: client.giveBack(through: tokens[n - 1])
        case .call: ranges.append(TokenRange(start: tokens[0], count: UInt32(n)))
        }
        client.flush()
        return ranges
    }
}
