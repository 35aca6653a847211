internal import ClientKit
internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Rings
internal import TCPLite
internal import Timeline

/// The engine's end of a channel: publishes records, takes returns and commands.
@usableFromInline struct ApplicationPort: ~Copyable {
    var records: SPSCProducer<FragmentRecord>
    var lanes: Slab<ReturnIntake>
    var commands: SPSCConsumer<ApplicationCommand>
    let channel: ApplicationChannel
    let linear: MutableByteView
    let linearConsumed: SharedWord64
    let sends: ByteView
    let sendConsumed: SharedWord64
    let consumedThrough: SharedWord64
    /// By which the application wakes the engine.
    let gate: WakeupGate
    private let bellGate: WakeupGate
    private let bell: WakeupLine?
    let configuration: PortConfiguration
    /// Its place at the engine and number at the stack.
    let owner: Int
    /// The pool whose slots linear bytes are placed in; 0 is none.
    var placementPool = 0
    /// What is left of the slot that linear bytes are being placed in.
    var placement: Fragment?
    var linearProduced: UInt64 = 0
    var linearCredited: UInt64 = 0
    var sendTaken: UInt64 = 0
    /// Every token up to here was returned by the application's counter.
    var returnedThrough: UInt64 = 0
    var counterWork = ReturnWork()
    /// The send in progress, and the one command that had to wait behind it.
    var pendingSend: ApplicationCommand?
    var waiting: ApplicationCommand?
    var unpublished = false
    /// Frames for this application that its queues dropped for want of a slot.
    var emptyDrops: UInt64 = 0
    var frames: UInt32 = 0
    var linearOwners: LinearOwners
    /// Tokens that the application holds.
    var tokens: TokenTable
    var events = EventGate()
    /// Events that found no room among the records, the last of each kind, and which kinds they are, as bits.
    private var late: Slab<FragmentRecord>
    private var lateKinds: UInt32 = 0
    /// Events that the application has asked for again since the stack was told, as bits.
    var rearmed: UInt32 = 0
    var statistics = DeliveryStatistics()

    init(
        _ channel: ApplicationChannel, owner: Int = 0, configuration: PortConfiguration,
        bell: consuming WakeupLine? = nil
    ) {
        self.owner = owner
        self.channel = channel
        self.configuration = configuration
        self.bell = bell
        records = SPSCProducer(channel.recordRing, capacity: channel.shape.recordCapacity)
        lanes = Slab(count: channel.shape.returnLanes) {
            ReturnIntake(channel.returnRing(lane: $0), capacity: channel.shape.returnCapacity)
        }
        commands = SPSCConsumer(channel.commandRing, capacity: channel.shape.commandCapacity)
        linear = channel.linearRing
        linearConsumed = channel.linearConsumed
        sends = channel.sendRing.readOnly
        sendConsumed = channel.sendConsumed
        consumedThrough = channel.consumedThrough
        gate = channel.engineGate
        bellGate = channel.clientGate
        linearOwners = LinearOwners(capacity: channel.shape.recordCapacity * 2)
        late = Slab(count: 32, repeating: FragmentRecord(.event, connection: .max))
        tokens = TokenTable(capacity: configuration.tokenLimit, limit: configuration.tokenLimit)
    }

    /// The smallest channel: a place that nobody has looks at one.
    static var vacantShape: ChannelShape {
        ChannelShape(
            recordCapacity: 8, returnCapacity: 1, returnLanes: 1, commandCapacity: 1, linearBytes: 512, sendBytes: 64)
    }

    /// A place that nobody has.
    static func vacant(_ memory: MutableByteView) -> ApplicationPort {
        ApplicationPort(
            ApplicationChannel(memory, shape: vacantShape), configuration: PortConfiguration(tokenLimit: 2))
    }

    /// Whether any one delivery fits now.
    @usableFromInline mutating func hasRoom() -> Bool {
        // A linear piece that wraps takes two records, each with a place where placement is uniform; one is kept for events.
        let hasRings =
            records.hasSpace(for: 5) && linearFree >= ApplicationPort.largestLinearPiece && !linearOwners.isFull
        if hasRings && tokens.room >= 2 { return true }
        statistics.pauses &+= 1
        return false
    }

    /// The stack's linear blocks are 256 bytes (TCPLite).
    private static var largestLinearPiece: Int { 256 }

    var linearFree: Int {
        // A consumer that claims more than was produced has consumed everything; one that goes back gets nothing more.
        let used = linearProduced &- min(linearConsumed.loadAcquiring(), linearProduced)
        return used > UInt64(linear.count) ? 0 : linear.count &- Int(used)
    }

    /// Makes everything pushed visible; once a poll.
    @usableFromInline mutating func publish() {
        guard unpublished else { return }
        unpublished = false
        records.publish()
        ring()
    }

    private func ring() {
        switch bell {
        case .some(let line): if bellGate.publish() { line.ring() }
        case .none: break
        }
    }

    mutating func push(_ record: FragmentRecord) {
        unpublished = true
        if !records.push(record) { statistics.lostRecords &+= 1 }
    }

    /// Tells the application of something that is no connection's, unless it was told before and has not asked again.
    mutating func tell(_ event: ChannelEvent, connection: UInt32 = .max, number: UInt64 = 0, region: UInt16 = 0) {
        guard events.passes(event) else { return }
        events.close(event)
        let record = FragmentRecord(event: event, connection: connection, number: number, region: region)
        if lateKinds == 0 && records.hasSpace(for: 1) {
            push(record)
        } else {
            late[Int(event.rawValue)] = record
            lateKinds |= 1 &<< UInt32(event.rawValue)
        }
    }

    /// Tells what found no room before.
    mutating func tellLate() {
        while lateKinds != 0, records.hasSpace(for: 1) {
            push(late[lateKinds.trailingZeroBitCount])
            lateKinds &= lateKinds &- 1
        }
    }

    /// Copies what is counted to where the application can read it.
    func showCounters() {
        let counters = channel.counters
        counters[.deviceBytes] = statistics.deviceBytes
        counters[.linearBytes] = statistics.linearBytes
        counters[.movedBytes] = statistics.movedBytes
        counters[.records] = statistics.records
        counters[.tokensOut] = UInt64(tokens.outstanding)
        counters[.tokensReturned] = statistics.tokensReturned
        counters[.staleReturns] = tokens.staleReturns
        counters[.badReturns] = statistics.badReturns
        counters[.badCommands] = statistics.badCommands
        counters[.pauses] = statistics.pauses
    }
}

/// One return ring, and what is left of a range that was longer than one call's work.
struct ReturnIntake: ~Copyable {
    var ring: SPSCConsumer<TokenRange>
    var work = ReturnWork()

    init(_ bytes: MutableByteView, capacity: Int) { ring = SPSCConsumer(bytes, capacity: capacity) }
}
