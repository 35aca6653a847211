internal import DeviceMemory
internal import Packets
internal import TCPLite
internal import Timeline
internal import Wire

/// What is beyond the NIC: a wire, and whoever drives its far end.
protocol FarEnd: Wire, ~Copyable {
    /// One turn of whoever drives the far end.
    mutating func drive(now: Instant) -> Bool
    /// When that has something to do by itself.
    var driveDeadline: Instant { get }
    /// The digest that the receiver must compute, where the far end knows it.
    func expectedDigest() -> String?
    /// Flows that failed at the far end.
    var failures: Int { get }
}

/// A loopback's far end: an in-process cable with a sending peer.
struct LoopbackEnd<W: LinkWire & ~Copyable>: FarEnd, ~Copyable {
    private var wire: W
    private var peer: SendingPeer

    init(wire: consuming W, peer: consuming SendingPeer) {
        self.wire = wire
        self.peer = peer
    }

    mutating func receive(into queue: inout FrameQueue, now: Instant, limit: Int) throws(WireError) -> Int {
        try wire.receive(into: &queue, now: now, limit: limit)
    }

    mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        try wire.transmit(from: &queue, now: now)
    }

    var nextDeadline: Instant { wire.nextDeadline }
    var isFinished: Bool { peer.isFinished && wire.nextDeadline == .never }
    mutating func flush() throws(WireError) { try wire.flush() }
    mutating func drive(now: Instant) -> Bool { peer.poll(now: now, wire: &wire) }
    var driveDeadline: Instant { peer.nextDeadline }
    func expectedDigest() -> String? { peer.expectedDigest() }
    var failures: Int { peer.failures }
}

/// A far end that somebody else drives: the kernel behind a TAP, or a capture file.
struct OutsideEnd<W: Wire & ~Copyable>: FarEnd, ~Copyable {
    private var wire: W

    init(wire: consuming W) { self.wire = wire }

    mutating func receive(into queue: inout FrameQueue, now: Instant, limit: Int) throws(WireError) -> Int {
        try wire.receive(into: &queue, now: now, limit: limit)
    }

    mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        try wire.transmit(from: &queue, now: now)
    }

    var nextDeadline: Instant { wire.nextDeadline }
    var isFinished: Bool { wire.isFinished }
    mutating func flush() throws(WireError) { try wire.flush() }
    mutating func drive(now: Instant) -> Bool { false }
    var driveDeadline: Instant { .never }
    func expectedDigest() -> String? { nil }
    var failures: Int { 0 }
}

/// The far end of a device that is plugged in elsewhere: nothing is known of it.
struct AbsentEnd: FarEnd {
    mutating func receive(into queue: inout FrameQueue, now: Instant, limit: Int) -> Int { 0 }
    mutating func transmit(from queue: inout FrameQueue, now: Instant) -> Int { 0 }
    var nextDeadline: Instant { .never }
    mutating func drive(now: Instant) -> Bool { false }
    var driveDeadline: Instant { .never }
    func expectedDigest() -> String? { nil }
    var failures: Int { 0 }
}
