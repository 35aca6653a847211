public import ClientKit
public import DeviceMemory
public import Engine
public import Logging
internal import TCPLite
public import Timeline
public import VFIODriver

/// Owns a device, its stack and its memory, and lends parts of them to clients: each gets a region and a receive queue of its
/// own, rings, and the ports that it asks for. What a client holds comes back the moment its socket closes.
///
/// One thread runs it, between turns of the packet path; it has no clock of its own.
public struct Controller<Driver: NICDriver & ~Copyable>: ~Copyable {
    /// The engine: the packet path.
    public var engine: Engine<Driver>
    let configuration: ControllerConfiguration
    let socket: ListeningSocket
    var clients: Slab<ClientPlace>
    /// Rung by clients to wake the engine.
    let engineLine: WakeupLine
    let log: Logger
    let wait: (Interval) -> Void
    let flushWindow: (borrowing DeviceRegion) throws(DeviceMemoryError) -> Driver.Device.BusType
    /// What was done so far.
    public internal(set) var statistics = ControllerStatistics()
    var nextControl = Instant.zero
    var nextWatch = Instant.zero

    /// Takes charge of an engine that nobody uses yet, and listens for clients.
    ///
    /// - Parameters:
    ///   - engine: with as many places for applications as there may be clients.
    ///   - line: rung by clients that publish while the engine sleeps; the caller sleeps on another end of it.
    ///   - flushWindow: the bus window whose read proves that payload has reached a region.
    ///   - wait: how to wait for the device; see ``NICDriver``.
    public init(
        engine: consuming Engine<Driver>, configuration: ControllerConfiguration, line: consuming WakeupLine,
        log: Logger,
        flushWindow: @escaping (borrowing DeviceRegion) throws(DeviceMemoryError) -> Driver.Device.BusType,
        wait: @escaping (Interval) -> Void
    ) throws(ControllerError) {
        let places = engine.portCapacity
        do {
            socket = try ListeningSocket(path: configuration.socketPath, mode: configuration.socketMode)
        } catch {
            engine.shutDown(wait: wait)
            throw error
        }
        clients = Slab(count: places + Self.doorway) { _ in .vacant }
        self.engine = engine
        self.configuration = configuration
        engineLine = line
        self.log = log
        self.wait = wait
        self.flushWindow = flushWindow
    }

    /// Places beyond those that the engine has: for clients that are to be told that all are taken.
    private static var doorway: Int { 8 }
    /// How often the sockets are looked at while packets flow: a system call, and the latency of a request.
    private static var controlInterval: Interval { .microseconds(50) }
    /// How often the device is asked whether it was reset by somebody else.
    private static var watchInterval: Interval { .milliseconds(100) }

    /// One turn: packets, then, when it is time, clients and device. Returns whether anything happened.
    public mutating func poll(now: Instant) -> Bool {
        var worked = engine.poll(now: now)
        if now >= nextControl {
            nextControl = now + Self.controlInterval
            if serveClients(now) { worked = true }
        }
        if now >= nextWatch {
            nextWatch = now + Self.watchInterval
            watchDevice(now)
        }
        return worked
    }

    /// Readable while a client has something to say: to sleep on, besides the engine's line.
    public var controlDescriptor: Int32 { socket.watchDescriptor }

    /// Clients that are there now.
    public var clientCount: Int { (0..<clients.count).count { clients[$0].link != nil } }

    /// Whether a process is among the clients.
    public func isClient(_ process: Int32) -> Bool {
        for place in 0..<clients.count where clients[place].link != nil && clients[place].process == process {
            return true
        }
        return false
    }

    /// Tells every client that the controller ends, stops the device and takes everything back.
    public mutating func shutDown(now: Instant) {
        for place in 0..<clients.count {
            _ = send(ControlMessage(.goodbye), to: place)
            release(place, now, died: false)
        }
        engine.shutDown(wait: wait)
    }

    private mutating func watchDevice(_ now: Instant) {
        guard !engine.isDeviceIntact else { return }
        log.warning("the device was reset or is gone; setting it up again")
        if !engine.reestablish(now: now, wait: wait) {
            log.error("the device does not come back; trying again")
            nextWatch = now + .seconds(1)
        }
    }

    // MARK: clients

    private mutating func serveClients(_ now: Instant) -> Bool {
        let tags = socket.readable()
        for tag in tags {
            if tag == .max {
                admit()
            } else {
                serve(Int(tag), now)
            }
        }
        noticeDrained()
        return !tags.isEmpty
    }

    private mutating func admit() {
        while let descriptor = socket.accept() {
            var place = -1
            for i in stride(from: clients.count - 1, through: 0, by: -1) where clients[i].link == nil { place = i }
            let link = ControlLink(taking: descriptor)
            // Whoever does not even fit the doorway finds the door closed.
            if place < 0 { continue }
            socket.add(link.fileDescriptor, tag: UInt32(place))
            clients[place] = .vacant
            clients[place].process = peerProcess(link.fileDescriptor)
            clients[place].link = consume link
            statistics.connected &+= 1
        }
    }

    private mutating func serve(_ place: Int, _ now: Instant) {
        guard place < clients.count else { return }
        // A client that never stops asking gets its turns, and no more.
        for _ in 0..<16 {
            switch receive(place) {
            case .message(let received): answer(received, place, now)
            case .nothing: return
            case .nonsense: statistics.badMessages &+= 1
            case .gone:
                release(place, now, died: true)
                return
            }
        }
    }

    private func receive(_ place: Int) -> ControlLink.Outcome {
        switch clients[place].link {
        case .some(let link): link.receive(wait: false)
        case .none: .nothing
        }
    }

    func send(_ message: ControlMessage, to place: Int, descriptor: Int32 = -1) -> Bool {
        switch clients[place].link {
        case .some(let link): link.send(message, descriptor: descriptor)
        case .none: false
        }
    }

    /// A client has left or died: connections, ports, rules, slots and memory go, and its place is free.
    mutating func release(_ place: Int, _ now: Instant, died: Bool) {
        guard clients[place].link != nil else { return }
        let began = ContinuousClock.now
        detach(place, now)
        clients[place] = .vacant
        statistics.left &+= 1
        if died { statistics.died &+= 1 }
        let took = began.duration(to: .now).components
        let nanoseconds = UInt64(took.seconds) &* 1_000_000_000 &+ UInt64(took.attoseconds / 1_000_000_000)
        statistics.slowestReclaimNs = max(statistics.slowestReclaimNs, nanoseconds)
    }

    mutating func detach(_ place: Int, _ now: Instant) {
        for (port, rule) in clients[place].ports {
            engine.stack.unlisten(port: port)
            if let rule { engine.removeRule(rule, wait: wait) }
        }
        for (_, rule) in clients[place].rules { engine.removeRule(rule, wait: wait) }
        let held = engine.closePort(place, now: now, wait: wait)
        statistics.tokensReclaimed &+= UInt64(held)
        clients[place].ports = [:]
        clients[place].rules = []
        clients[place].binding = 0
        clients[place].regions = []
        clients[place].channel = nil
    }

    /// Tells clients of past regions whose last token is back, so that they can let go of their mappings.
    private mutating func noticeDrained() {
        for place in 0..<clients.count where clients[place].regions.count > 1 {
            for number in clients[place].regions where engine.room(ofRegion: number) == nil { tellGone(number, place) }
        }
    }

    /// Tells every client that knows of region `number` that nothing names it any more.
    mutating func tellGone(_ number: UInt16) {
        for place in 0..<clients.count where clients[place].regions.contains(number) { tellGone(number, place) }
    }

    private mutating func tellGone(_ number: UInt16, _ place: Int) {
        var notice = ControlMessage(.regionGone)
        notice.operands.0 = UInt64(number)
        _ = send(notice, to: place)
        clients[place].regions.removeAll { $0 == number }
    }
}
