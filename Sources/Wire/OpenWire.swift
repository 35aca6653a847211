public import Packets
public import Timeline

/// A wire chosen at run time by its name: one switch a burst, no existential.
public enum OpenWire: Wire, ~Copyable {
    /// The kernel's stack behind a TAP interface.
    case tap(TapWire)
    /// A capture file.
    case pcap(PcapReplay)
    /// Another process behind a Unix datagram socket.
    case datagram(DatagramWire)

    /// Opens what `name` says.
    ///
    /// - Throws: ``WireError``, as the wire of that kind does.
    public init(_ name: WireName) throws(WireError) {
        switch name {
        case .tap(let name): self = .tap(try TapWire(name: name))
        case .pcap(let path): self = .pcap(try PcapReplay(path: path))
        case .datagram(let local, let remote): self = .datagram(try DatagramWire(local: local, remote: remote))
        }
    }

    public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        // A payload cannot be changed in place: it is taken out (a few words) and put back, also when it throws.
        switch consume self {
        case .tap(var wire):
            let result = attempt { () throws(WireError) in try wire.receive(into: &queue, now: now, limit: limit) }
            self = .tap(wire)
            return try result.get()
        case .pcap(var wire):
            let result = attempt { () throws(WireError) in try wire.receive(into: &queue, now: now, limit: limit) }
            self = .pcap(wire)
            return try result.get()
        case .datagram(var wire):
            let result = attempt { () throws(WireError) in try wire.receive(into: &queue, now: now, limit: limit) }
            self = .datagram(wire)
            return try result.get()
        }
    }

    public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        switch consume self {
        case .tap(var wire):
            let result = attempt { () throws(WireError) in try wire.transmit(from: &queue, now: now) }
            self = .tap(wire)
            return try result.get()
        case .pcap(var wire):
            let result = attempt { () throws(WireError) in try wire.transmit(from: &queue, now: now) }
            self = .pcap(wire)
            return try result.get()
        case .datagram(var wire):
            let result = attempt { () throws(WireError) in try wire.transmit(from: &queue, now: now) }
            self = .datagram(wire)
            return try result.get()
        }
    }

    public var nextDeadline: Instant {
        switch self {
        case .tap(let wire): wire.nextDeadline
        case .pcap(let wire): wire.nextDeadline
        case .datagram(let wire): wire.nextDeadline
        }
    }

    /// The descriptor, borrowed, that announces frames; `nil` for a wire that has deadlines instead.
    public var fileDescriptor: Int32? {
        switch self {
        case .tap(let wire): wire.fileDescriptor
        case .pcap: nil
        case .datagram(let wire): wire.fileDescriptor
        }
    }

    /// Whether nothing more will ever come (a capture that was replayed to its end).
    public var isFinished: Bool {
        switch self {
        case .pcap(let wire): wire.isFinished
        case .tap: false
        case .datagram: false
        }
    }

    /// Counters since the start.
    public var statistics: WireStatistics {
        switch self {
        case .tap(let wire): wire.statistics
        case .pcap(let wire): wire.statistics
        case .datagram(let wire): wire.statistics
        }
    }
}

private func attempt(_ body: () throws(WireError) -> Int) -> Result<Int, WireError> {
    do { return .success(try body()) } catch { return .failure(error) }
}
