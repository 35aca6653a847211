import ClientKit
import DeviceMemory
import HeaderSplit
import Logging
import Packets
import PagePool
import SoftNIC
import TCPLite
import Timeline
import VFIODriver

@testable import Engine

typealias TestEngine = Engine<I82576Driver<CountedDevice>>

/// A consumer's view of a region.
final class RegionView {
    let view: MappedView
    let slotBytes: Int

    init(_ region: borrowing DeviceRegion) throws {
        view = try region.object.view(length: region.slotBytes, rights: .readWrite)
        slotBytes = region.slotBytes
    }
}

/// An application that checks every byte of every stream that it is told of.
final class Application {
    struct Stream {
        let stream: Int
        var position = 0
        var isClosed = false
    }

    let memory: HeapBytes
    let channel: ApplicationChannel
    var client: ApplicationClient
    var views: [UInt16: RegionView] = [:]
    var streams: [UInt32: Stream] = [:]
    var opened: [UInt32] = []
    var events: [ChannelEvent] = []
    /// Ends of sends from regions, and where it may send from.
    var sends: [FragmentRecord] = []
    var areas: [FragmentRecord] = []
    /// Tokens that are not given back at once, oldest first, and how many are kept.
    var held: [UInt64] = []
    var keeps = 0
    var (device, linear, moved, wrong, unknownRegions) = (0, 0, 0, 0, 0)
    var bytes: Int { device + linear }

    init(_ shape: ChannelShape = .standard) {
        memory = HeapBytes(count: ApplicationChannel.bytes(of: shape))
        channel = ApplicationChannel(memory.bytes, shape: shape)
        client = ApplicationClient(channel)
    }

    /// Takes up to `limit` records.
    func take(_ limit: Int = .max, uniform: Bool = false) {
        var count = 0
        while count < limit, let record = next(uniform) {
            count += 1
            book(record)
        }
        giveBack()
    }

    func rearm(_ event: ChannelEvent) -> Bool { client.rearm(event) }
    func discard(_ bytes: UInt32, on connection: UInt32) -> Bool { client.discard(bytes, on: connection) }

    func giveBack() {
        while held.count > keeps {
            guard client.giveBack(held[0]) else { break }
            held.removeFirst()
        }
        client.flush()
    }

    private func next(_ uniform: Bool) -> FragmentRecord? {
        guard uniform else { return client.next() }
        return client.next { record in
            views[record.region]?.view.bytes.slice(Int(record.offset), Int(record.length))
        }
    }

    private func book(_ record: FragmentRecord) {
        switch record.kind {
        case .opened:
            opened.append(record.connection)
            streams[record.connection] = Stream(stream: Int(record.offset & 0xFFFF) - 40_000)
        case .device:
            device += Int(record.length)
            if record.isMoved { moved += Int(record.length) }
            held.append(record.token)
            guard let view = views[record.region] else {
                unknownRegions += 1
                return
            }
            check(view.view.bytes.readOnly.slice(Int(record.offset), Int(record.length)), record.connection)
        case .linear:
            linear += Int(record.length)
            check(client.bytes(of: record), record.connection)
            client.consumeLinear(record)
        case .closed: streams[record.connection]?.isClosed = true
        case .sent: sends.append(record)
        case .event:
            if let event = record.event { events.append(event) }
            if record.event == .sendArea { areas.append(record) }
        default: break
        }
    }

    /// Goes on with a connection's stream.
    func check(_ bytes: ByteView, _ connection: UInt32) {
        guard var stream = streams[connection] else {
            wrong += bytes.count
            return
        }
        wrong += Pattern.wrong(bytes, stream.stream, stream.position)
        stream.position += bytes.count
        streams[connection] = stream
    }
}

/// An engine over a modelled device, a peer, and applications, in virtual time.
final class Rig {
    let nic: SoftNIC
    let device: CountedDevice
    var engine: TestEngine
    let peer = Peer()
    var applications: [Application]
    /// What each application does in a turn.
    var takes = Int.max
    var uniform = false
    var sleeping: Set<Int> = []

    /// - Parameters:
    ///   - slots: what each application may have.
    ///   - perFlow: slots guaranteed to a flow.
    init(
        queues: Int = 1, applications count: Int = 1, slots: Int = 400, perFlow: Int = 64, regions: Int = 16,
        mtu: Int = 1500,
        shape: ChannelShape = .standard, port: PortConfiguration = PortConfiguration(tokenLimit: 4096),
        quantum: Int = 1 << 20,
        model change: (inout SoftNICConfiguration) -> Void = { _ in }
    ) throws {
        var model = SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1])
        change(&model)
        let nic = SoftNIC(configuration: model)
        self.nic = nic
        device = CountedDevice(nic)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.slotBudget = slots * count
        stack.slotsPerFlow = perFlow
        stack.maxConnections = 64
        var configuration = EngineConfiguration(stack: stack)
        configuration.applications = count
        configuration.regions = regions
        configuration.deliveryQuantum = quantum
        configuration.device.splitQueues = queues
        configuration.device.mtu = mtu
        configuration.device.receiveDescriptors = 64
        configuration.device.transmitDescriptors = 64
        engine = try TestEngine(
            device: device, configuration: configuration,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ = nic.step(now: nic.now + $0) }
        applications = (0..<count).map { _ in Application(shape) }
        for owner in 0..<count {
            try engine.openPort(
                owner, applications[owner].channel, port, flows: owner == 0 ? nil : OwnerConfiguration(slots: slots))
            try engine.stack.listen(port: UInt16(5001 + owner), owner: owner)
        }
    }

    deinit { engine.shutDown { [nic] in _ = nic.step(now: nic.now + $0) } }

    var now: Instant { nic.now }

    /// Binds a region of its own.
    func bind(
        _ queues: [Int], owner: Int = 0, slotSize: Int = 4096, slots: Int = 512,
        _ change: (inout BindingRequest) -> Void = { _ in }, during: () -> Void = {}
    ) throws -> UInt16 {
        let region = try DeviceRegion(size: slots * slotSize, slotSize: slotSize, visibility: .flushRead)
        var request = BindingRequest(queues: queues)
        request.owner = owner
        change(&request)
        let number = try engine.bind(region, flushWindow: device.flushWindow, request, now: now) { [nic] in
            during()
            _ = nic.step(now: nic.now + $0)
        }
        applications[owner].views[number] = try RegionView(region)
        return number
    }

    func rehome(
        _ number: UInt16, owner: Int = 0, slotSize: Int = 4096, slots: Int = 512, during: () -> Void = {}
    ) throws -> UInt16 {
        let region = try DeviceRegion(size: slots * slotSize, slotSize: slotSize, visibility: .flushRead)
        let view = try RegionView(region)
        let next = try engine.rehome(number, to: region, flushWindow: device.flushWindow, now: now) { [nic] in
            during()
            _ = nic.step(now: nic.now + $0)
        }
        applications[owner].views[next] = view
        return next
    }

    func unbind(_ number: UInt16) { engine.unbind(number, now: now) { [nic] in _ = nic.step(now: nic.now + $0) } }

    func restart(_ queue: Int, during: () -> Void = {}) throws {
        try engine.restart(queue: queue, now: now) { [nic] in
            during()
            _ = nic.step(now: nic.now + $0)
        }
    }

    func close(_ owner: Int) -> Int {
        engine.closePort(owner, now: now) { [nic] in _ = nic.step(now: nic.now + $0) }
    }

    /// The peer sends while the engine is at something else.
    func traffic() { peer.poll(nic, now: nic.now) }

    /// One turn of everybody.
    func turn(_ interval: Interval = .microseconds(20)) {
        let now = nic.now + interval
        peer.poll(nic, now: now)
        _ = nic.step(now: now)
        _ = engine.poll(now: now)
        for owner in applications.indices where !sleeping.contains(owner) {
            applications[owner].take(takes, uniform: uniform)
        }
    }

    /// Turns until `done`, or `limit` of them; whether it was done.
    @discardableResult
    func run(_ limit: Int = 20_000, _ interval: Interval = .microseconds(20), until done: () -> Bool = { false })
        -> Bool
    {
        for _ in 0..<limit {
            if done() { return true }
            turn(interval)
        }
        return done()
    }

    /// Whether everything that was sent was taken, byte for byte.
    func isComplete(_ owner: Int = 0) -> Bool {
        let taken = applications[owner].streams.values.reduce(0) { $0 + $1.position }
        return applications[owner].wrong == 0 && applications[owner].unknownRegions == 0
            && taken == peer.flows.filter { isOf($0, owner) }.reduce(0) { $0 + $1.sent }
    }

    private func isOf(_ flow: Peer.Flow, _ owner: Int) -> Bool { flow.stream % applications.count == owner }

    /// What is wrong with the books.
    var faults: [String] { engine.audit() }

    /// Everything about bindings that an application or a further call could see.
    var state: String {
        let report = engine.report()
        let bindings = engine.bindings(now: now).map {
            "\($0.number) \($0.owner) \($0.queues) \($0.state) \($0.ledger)"
        }
        return "\(bindings) \(engine.ruleCount) \(engine.receiveKnobs) \(engine.freeQueue ?? 0)"
            + " \(report.hostLedger) \(device.mappings.regions.sorted())"
    }

    // MARK: what expectations ask, which cannot reach into what is not copyable

    func isActive(_ number: UInt16) -> Bool { engine.isActive(number) }
    func room(ofRegion number: UInt16) -> (slots: Int, free: Int)? { engine.room(ofRegion: number) }
    func held(by owner: Int, now: Instant) -> (tokens: Int, oldestAge: Interval) { engine.held(by: owner, now: now) }
    func ledger(ofRegion number: UInt16) -> Ledger? { engine.ledger(ofRegion: number) }
    func bindings(now: Instant) -> [BindingStatus] { engine.bindings(now: now) }
    func report() -> EngineReport { engine.report() }
    func info(owner: Int) -> OwnerInfo? { engine.stack.info(owner: owner) }
    func info(connection: UInt32) -> ConnectionInfo? { engine.stack.info(ConnectionID(rawValue: connection)) }
    func isPortOpen(_ owner: Int) -> Bool { engine.isPortOpen(owner) }
    var isDeviceIntact: Bool { engine.isDeviceIntact }
    var ruleCount: (used: Int, limit: Int) { engine.ruleCount }
    func nextKind(_ connection: UInt32) -> NextKind { engine.nextKind(connection) }
    func takeReturns() -> Int { engine.takeReturns() }
    func giveBack(_ ranges: [TokenRange], owner: Int = 0) -> ReturnOutcome? { engine.giveBack(ranges, owner: owner) }
    func statistics(_ queue: Int) -> SplitStatistics { engine.queues[queue].statistics }
    func poolOfQueue(_ queue: Int) -> Int { engine.poolOfQueue[queue] }
    func delivery(_ owner: Int) -> DeliveryStatistics { engine.ports[owner].statistics }
    func refusals(_ owner: Int) -> UInt64 { engine.ports[owner].tokens.refusals }
    func placementPool(_ owner: Int) -> Int { engine.ports[owner].placementPool }
    func set(_ change: KnobChange) throws(BindingError) { try engine.set(change) }
    func addRule(
        _ rule: SteeringRule, binding: UInt16, wait: (Interval) -> Void
    ) throws(BindingError) {
        try engine.addRule(rule, binding: binding, wait: wait)
    }
}
