internal import DeviceMemory
public import HeaderSplit
public import Packets
public import PagePool
public import Timeline

/// TCP over IPv4 and IPv6 over Ethernet for one interface: frames and time in, frames and events out.
///
/// The stack does no I/O and owns no clock. What it holds for each connection is in tables that grow when a connection opens, up
/// to the configuration's `maxConnections`, and never shrink; nothing else allocates. One thread uses it: hand it each frame
/// of a burst (``receive(_:now:pools:)``), then ``poll(now:pools:)`` once, then send what is in ``output`` and take what
/// ``nextDelivery()`` gives. Payload in device memory passes through by reference.
public struct TCPStack: ~Copyable {
    let configuration: Configuration
    let hash: KeyedHash
    let identifiers: IdentifierLayout
    /// The configuration's, as segments are counted.
    let acknowledgeEvery: Int32
    /// The interface's netmask, and its network's broadcast address (zero for prefixes too long to have one).
    let netmask: UInt32
    let directedBroadcast: UInt32
    /// Our IPv6 addresses, if we have any.
    let ipv6: IPv6Configuration?
    /// Frames to transmit, drained by the caller. When it is full the stack stops producing and goes on at the next
    /// ``poll(now:pools:)``.
    public var output: FrameQueue
    /// What has been done and dropped so far.
    public internal(set) var statistics = StackStatistics()

    var connections: GrowingSlab<Connection>
    /// What is counted of each connection, apart from what its segments touch.
    var counters: GrowingSlab<ConnectionCounters>
    var windows: GrowingSlab<WindowHistory>
    /// CUBIC's part of each connection; none when another algorithm is chosen.
    var cubics: GrowingSlab<Cubic>
    var flows: FlowTable
    /// What connections over IPv6 have besides; none without IPv6.
    var paths6: GrowingSlab<IPv6Path>
    var timers: DeadlineHeap
    var neighbours: NeighbourTable
    var reassembly: Reassembly
    var buffers: SendBuffers
    var scoreboard: Scoreboard
    /// What is sent from regions: the runs, each connection's part (none when nothing is), and who waits.
    var sendPieces: SendPieces
    var placed: GrowingSlab<PlacedSide>
    var tickets: SendTickets
    /// Ports that are listened on, and for each port one more than its place among them, in 16 bits.
    var listeners: Slab<Listener>
    let ports: HeapBytes
    /// Applications, and one bit for each pool that one may take fragments of.
    var owners: Slab<OwnerState>
    let allowed: HeapBytes

    /// Places in the table that are free.
    var free: ConnectionList
    /// Connections that may have something to send.
    var pending: ConnectionList
    /// Connections that wait for their next hop's hardware address.
    var parked: ConnectionList
    /// Connections with something for the application, by owner.
    var deliverable: OwnerLists
    /// Flows without a guarantee that hold data out of order, by owner: what can be given up.
    var sheddable: OwnerLists
    /// Connections whose stall has not been told, by owner.
    var stalled: OwnerLists
    /// Passive connections that are not established yet, by listener, oldest first.
    var opening: OwnerLists
    /// Connections in TIME-WAIT, oldest first.
    var timeWaiting: ConnectionList
    /// Connections whose data waits, or waited when owners' accounts were last looked at: those that can stall.
    var holding: ConnectionList
    /// Connections whose application could not send because no send buffer was left.
    var bufferless: ConnectionList

    /// The flow of the last frame that header prediction looked at, and its connection: frames of one flow come in trains.
    var train = FlowKey.none
    var trainPlace: Int32 = -1

    /// Counts local ports handed out (RFC 6056, section 3.3.3).
    var portsHandedOut: UInt32 = 0
    /// When owners' accounts are looked at next, when that is worth waking up for, and when they were last looked at.
    var accountsDue = Instant.never
    var accountsWake = Instant.never
    var accountedAt = Instant.zero

    /// Sets aside everything that `configuration` asks for, and takes memory for the first connections.
    ///
    /// - Parameter secret: keys the sequence numbers (RFC 6528) and the flow table; from a good source, and kept.
    public init(configuration: Configuration, secret: (UInt64, UInt64)) {
        var configuration = configuration
        configuration.maxConnections = min(max(configuration.maxConnections, 1), 1 << 20)
        configuration.windowScale = min(configuration.windowScale, 14)
        configuration.interface.mtu = min(max(configuration.interface.mtu, 68), 0xFFFF)
        configuration.owners = min(max(configuration.owners, 1), 4096)
        configuration.placedSends = min(max(configuration.placedSends, 0), 1 << 20)
        configuration.deliveryQuantum = max(configuration.deliveryQuantum, 1)
        let count = configuration.maxConnections
        let keys = KeyedHash(k0: secret.0, k1: secret.1)
        // Every range of sequence numbers that is filled in by one segment can cut that segment once more, so twice as many
        // pieces as slots and blocks suffice.
        let pieces = 2 * (max(configuration.slotBudget, 0) + max(configuration.linearBlocks, 0)) + 64
        hash = keys
        acknowledgeEvery = Int32(clamping: max(configuration.acknowledgeEvery, 1))
        netmask = IPv4Address.mask(prefixLength: configuration.interface.prefixLength)
        directedBroadcast = netmask < .max - 1 ? configuration.interface.address.rawValue | ~netmask : 0
        output = FrameQueue(
            depth: max(configuration.outputDepth, 4),
            // An ACK with all its options is 100 bytes, however small the MTU.
            frameCapacity: max(configuration.interface.mtu, 100) + 22,
            partLimit: configuration.placedSends > 0 ? TCPStack.framePartLimit : 0)
        connections = GrowingSlab(capacity: count)
        counters = GrowingSlab(capacity: count)
        windows = GrowingSlab(capacity: count)
        cubics = GrowingSlab(capacity: configuration.congestionControl == .cubic ? count : 0)
        identifiers = IdentifierLayout(places: count)
        flows = FlowTable(expecting: min(count, 512))
        let hasIPv6 = configuration.interface.mtu >= IPv6Header.minimumMTU
        let addresses = hasIPv6 ? configuration.interface.ipv6?.checked : nil
        ipv6 = addresses
        paths6 = GrowingSlab(capacity: addresses == nil ? 0 : count)
        timers = DeadlineHeap(capacity: count)
        neighbours = NeighbourTable(capacity: configuration.neighbours)
        reassembly = Reassembly(
            pieces: pieces, blocks: max(configuration.linearBlocks, 0), owners: configuration.owners,
            rangesPerFlow: configuration.outOfOrderRanges)
        let rings = min(max(configuration.sendBuffers ?? min(count, 4096), 0), count)
        buffers = SendBuffers(connections: count, rings: rings, bytes: configuration.sendBufferBytes)
        // Who sends from regions has reports to remember, and no buffer.
        scoreboard = Scoreboard(
            connections: count, boards: configuration.placedSends > 0 ? max(rings, min(count, 4096)) : rings)
        sendPieces = SendPieces(count: configuration.placedSends, applications: configuration.owners)
        placed = GrowingSlab(capacity: configuration.placedSends > 0 ? count : 0)
        tickets = SendTickets(count: configuration.placedSends, applications: configuration.owners)
        listeners = Slab(count: min(max(configuration.listeners, 1), 0xFFFE), repeating: Listener())
        ports = HeapBytes(count: 2 * 65536)
        let nobody = OwnerConfiguration(slots: 0)
        owners = Slab(count: configuration.owners, repeating: OwnerState(configuration: nobody))
        allowed = HeapBytes(count: configuration.owners * TCPStack.poolBytes)
        free = ConnectionList(capacity: count)
        pending = ConnectionList(capacity: count)
        parked = ConnectionList(capacity: count)
        deliverable = OwnerLists(connections: count, owners: configuration.owners)
        sheddable = OwnerLists(connections: count, owners: configuration.owners)
        stalled = OwnerLists(connections: count, owners: configuration.owners)
        opening = OwnerLists(connections: count, owners: listeners.count)
        timeWaiting = ConnectionList(capacity: count)
        holding = ConnectionList(capacity: count)
        bufferless = ConnectionList(capacity: count)
        self.configuration = configuration
        _ = openPlaces()
        install(
            0, configuration.defaultOwner ?? OwnerConfiguration(slots: configuration.slotBudget / configuration.owners))
        for at in 0..<TCPStack.poolBytes { allowed.bytes[at] = 0xFF }
    }

    /// The interface as configured.
    public var interface: InterfaceConfiguration { configuration.interface }

    /// When to call ``poll(now:pools:)`` at the latest: at once (``Timeline/Instant/zero``) when there is work that waits for
    /// it, ``Timeline/Instant/never`` when only a frame or a call can bring work. It may be earlier than necessary.
    public var nextDeadline: Instant {
        if !pending.isEmpty || (!bufferless.isEmpty && buffers.freeCount > 0) { return .zero }
        return min(min(timers.earliest, neighbours.nextDue), accountsWake)
    }

    /// Takes one received frame; its header view need not be valid afterwards.
    public mutating func receive(_ frame: consuming ReceivedFrame, now: Instant, pools: inout PoolTable) {
        statistics.framesReceived &+= 1
        let header = frame.header
        let verdict = frame.checksum
        let overflow = frame.split == .headerOverflow
        var fragment = frame.fragment.take()
        if overflow {
            headerOverflow(header)
        } else if !predictedInput(header, verdict, &fragment, now) {
            frameInput(header, verdict, &fragment, now, &pools)
        }
        // Whoever keeps a fragment takes it out: every other path ends here.
        if let left = fragment.take() { pools.recycle(left) }
    }

    /// Ends a burst: decides on ACKs, runs timers, and sends what can be sent.
    public mutating func poll(now: Instant, pools: inout PoolTable) {
        while true {
            let i = timers.popDue(now)
            if i < 0 { break }
            statistics.timersDue &+= 1
            expire(i, now, &pools)
        }
        if accountsDue <= now {
            account(now)
        } else if accountsWake == .never && !pending.isEmpty {
            // What has just arrived may be the beginning of a silence.
            accountsWake = accountsDue
        }
        // Each connection once: what is left (output full) keeps its place for the next call.
        var rounds = pending.count
        while rounds > 0 && !output.isFull {
            rounds &-= 1
            let i = pending.popFirst()
            if i < 0 { break }
            statistics.connectionsServed &+= 1
            service(i, now)
        }
        if !bufferless.isEmpty { offerBuffers() }
        if flows.isMoving { flows.move(FlowTable.step) }
        requestNeighbours(now)
    }
}
