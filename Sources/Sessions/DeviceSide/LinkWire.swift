internal import Packets
internal import Timeline
internal import Wire

/// What a peer's frames leave and arrive by.
protocol PeerLink: ~Copyable {
    /// Takes what the peer sends; returns how many frames.
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int
    /// Gives the peer what has arrived; returns how many frames.
    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int
}

/// A wire with an in-process cable at its far end, which a peer reaches.
protocol LinkWire: Wire, PeerLink, ~Copyable {}

/// A wire whose near end is a peer's: the peer is where the NIC would be.
struct WireEnd<W: Wire & ~Copyable>: PeerLink, ~Copyable {
    var wire: W
    /// Why nothing passes any more.
    private(set) var failure: WireError?

    init(wire: consuming W) { self.wire = wire }

    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int {
        guard failure == nil else { return 0 }
        do { return try wire.transmit(from: &queue, now: now) } catch { failure = error }
        return 0
    }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        guard failure == nil else { return 0 }
        do { return try wire.receive(into: &queue, now: now, limit: limit) } catch { failure = error }
        return 0
    }
}

extension InProcessLink: LinkWire {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { send(from: &queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        deliver(into: &queue, now: now, limit: limit)
    }
}

extension Impaired: LinkWire where Inner: LinkWire & ~Copyable {}

extension Impaired: PeerLink where Inner: PeerLink & ~Copyable {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { inner.sendFromPeer(&queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        inner.deliverToPeer(&queue, now: now, limit: limit)
    }
}

extension PcapCapture: LinkWire where Inner: LinkWire & ~Copyable {}

extension PcapCapture: PeerLink where Inner: PeerLink & ~Copyable {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { inner.sendFromPeer(&queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        inner.deliverToPeer(&queue, now: now, limit: limit)
    }
}
