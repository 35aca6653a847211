/// TCP over IPv4 that is to arrive at a queue of its own: by the port here, and optionally by the rest of the connection's
/// addresses.
///
/// Of several rules that match a frame, the one that says more wins.
public struct SteeringRule: Sendable, Hashable {
    /// The port here, where frames go to.
    public var localPort: UInt16
    /// The address here, first byte highest; `nil` is any.
    public var localAddress: UInt32?
    /// The port that frames come from; `nil` is any.
    public var remotePort: UInt16?
    /// The address that frames come from, first byte highest; `nil` is any.
    public var remoteAddress: UInt32?

    /// A rule for everything to `localPort`, or for less.
    public init(
        localPort: UInt16, localAddress: UInt32? = nil, remotePort: UInt16? = nil, remoteAddress: UInt32? = nil
    ) {
        self.localPort = localPort
        self.localAddress = localAddress
        self.remotePort = remotePort
        self.remoteAddress = remoteAddress
    }

    /// 1 for a port alone, up to 4: how much the rule says, and so how early it is asked.
    var precision: UInt32 {
        1 + (localAddress == nil ? 0 : 1) + (remotePort == nil ? 0 : 1) + (remoteAddress == nil ? 0 : 1)
    }
}

/// Which filter of a device holds which rule, and where it leads.
struct SteeringTable {
    struct Entry: Hashable {
        var rule: SteeringRule
        var queue: Int
    }

    /// By filter number.
    private(set) var entries: [Entry?]

    init(capacity: Int) { entries = Array(repeating: nil, count: capacity) }

    /// Rules in force.
    var rules: [SteeringRule] { entries.compactMap { $0?.rule } }

    /// The filter that holds `rule`.
    func filter(of rule: SteeringRule) -> Int? { entries.firstIndex { $0?.rule == rule } }

    /// The filter for `rule`: its own, or a free one.
    func place(for rule: SteeringRule) throws(DriverError) -> Int {
        if let filter = filter(of: rule) { return filter }
        guard let free = entries.firstIndex(of: nil) else { throw .tooManyRules(limit: entries.count) }
        return free
    }

    /// Notes what a filter holds.
    mutating func set(_ filter: Int, _ entry: Entry?) { entries[filter] = entry }
}

/// Queues that the redirection table spreads hashed frames over.
struct QueueSpread {
    /// Never empty.
    private(set) var queues: [Int]

    /// All split queues: what a driver starts with.
    init(splitQueues: Int) { queues = Array(1...splitQueues) }

    /// Names the queues; none is the host's alone.
    init(over queues: [Int]) { self.queues = queues.isEmpty ? [0] : queues }

    /// The queue of entry `index`.
    func queue(_ index: Int) -> Int { queues[index % queues.count] }

    /// Four entries as RETA has them, the first lowest, each made by `encode`.
    func word(_ index: Int, _ encode: (Int) -> UInt32 = { UInt32($0) }) -> UInt32 {
        (0..<4).reduce(0) { $0 | encode(queue(index * 4 + $1)) << ($1 * 8) }
    }
}
