import Packets
import SoftNIC
import Timeline
import Wire

/// Plugs the NIC model into a TAP: what a cable does for a real NIC.
struct NICCable: ~Copyable {
    private let nic: SoftNIC
    private var tap: TapWire
    private var arriving = FrameQueue(depth: 64, frameCapacity: 2048)
    private var leaving = FrameQueue(depth: 64, frameCapacity: 2048)
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let offset: Instant

    init(_ nic: SoftNIC, _ tap: consuming TapWire) {
        self.nic = nic
        self.tap = tap
        start = clock.now
        offset = nic.now
    }

    /// Moves frames both ways and lets the model work up to the present.
    mutating func step() throws(WireError) {
        let (seconds, attoseconds) = (clock.now - start).components
        let now = offset + .nanoseconds(UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000))
        _ = try tap.receive(into: &arriving, now: now, limit: 32)
        while !arriving.isEmpty && nic.receive(arriving.front) { arriving.popFront() }
        _ = nic.step(now: now)
        while let frame = nic.nextTransmitted(), leaving.push(frame) { nic.popTransmitted() }
        _ = try tap.transmit(from: &leaving, now: now)
    }
}
