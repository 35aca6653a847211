internal import DeviceMemory
internal import Rings

/// One of a channel's ways back for tokens: each has one producer, so that threads return tokens without a lock between them.
public struct ReturnLane: ~Copyable, Sendable {
    private var ring: SPSCProducer<TokenRange>
    private let gate: WakeupGate
    private var pending = TokenRange(start: 0, count: 0)
    private var dirty = false

    /// Tokens that one range holds at most: what an engine takes in one piece of work.
    public static let longestRange: UInt32 = 1024

    /// Lane `lane` of `channel`, which nobody else may use as a producer. Lane 0 belongs to ``ApplicationClient``.
    public init(_ channel: ApplicationChannel, lane: Int) {
        ring = SPSCProducer(channel.returnRing(lane: lane), capacity: channel.shape.returnCapacity)
        gate = channel.engineGate
    }

    /// Gives a token back. Consecutive ones travel as one range, at the latest with ``publish()``; false when the ring is
    /// full (publish, and try again after the engine's next poll).
    public mutating func giveBack(_ token: UInt64) -> Bool {
        if pending.count != 0 && pending.start &+ UInt64(pending.count) == token && pending.count < Self.longestRange {
            pending.count &+= 1
            return true
        }
        if pending.count != 0 {
            guard ring.push(pending) else { return false }
        }
        pending = TokenRange(start: token, count: 1)
        dirty = true
        return true
    }

    /// Makes everything returned visible to the engine; returns whether there was anything. A sleeping engine is woken by
    /// ``ring(_:)`` or by the client that owns lane 0.
    @discardableResult public mutating func publish() -> Bool {
        guard dirty else { return false }
        if pending.count != 0 && ring.push(pending) { pending.count = 0 }
        dirty = pending.count != 0
        ring.publish()
        return true
    }

    /// Rings `wakeup` if the engine sleeps; after ``publish()``, by threads other than the client's own.
    public mutating func ring(_ wakeup: borrowing WakeupLine) {
        if gate.publish() { wakeup.ring() }
    }
}
