internal import Packets
internal import Timeline
internal import Wire

/// A wire with an in-process cable at its far end, which a peer reaches.
protocol LinkWire: Wire, ~Copyable {
    /// Takes what the peer sends; returns how many frames.
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int
    /// Gives the peer what has arrived; returns how many frames.
    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int
}

extension InProcessLink: LinkWire {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { send(from: &queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        deliver(into: &queue, now: now, limit: limit)
    }
}

extension Impaired: LinkWire where Inner: LinkWire & ~Copyable {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { inner.sendFromPeer(&queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        inner.deliverToPeer(&queue, now: now, limit: limit)
    }
}

extension PcapCapture: LinkWire where Inner: LinkWire & ~Copyable {
    mutating func sendFromPeer(_ queue: inout FrameQueue, now: Instant) -> Int { inner.sendFromPeer(&queue, now: now) }

    mutating func deliverToPeer(_ queue: inout FrameQueue, now: Instant, limit: Int) -> Int {
        inner.deliverToPeer(&queue, now: now, limit: limit)
    }
}
