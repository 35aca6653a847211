internal import DeviceMemory
internal import Packets
internal import Timeline
internal import Wire

/// The end of a cable whose other end is in a device that somebody else runs: a datagram socket, one frame each.
struct CablePort: DevicePort, ~Copyable {
    private var cable: DatagramWire
    private var towardsDevice: FrameQueue
    private var fromDevice: FrameQueue
    private var failure: SessionError?

    init(taking socket: consuming OwnedDescriptor, frameCapacity: Int) throws(SessionError) {
        do {
            cable = try DatagramWire(connected: socket, name: "the device's cable")
        } catch {
            throw SessionError(error)
        }
        towardsDevice = FrameQueue(depth: 64, frameCapacity: frameCapacity)
        fromDevice = FrameQueue(depth: 64, frameCapacity: frameCapacity)
    }

    /// The mark is lost: no cable carries what a device is to claim.
    mutating func receive(_ frame: ByteView, mark: FrameMark) -> Bool { towardsDevice.push(frame) }

    func nextTransmitted() -> ByteView? { fromDevice.isEmpty ? nil : fromDevice.front }

    mutating func popTransmitted() { fromDevice.popFront() }

    mutating func step(now: Instant) -> Bool {
        guard failure == nil else { return false }
        do throws(WireError) {
            let sent = try cable.transmit(from: &towardsDevice, now: now)
            let received = try cable.receive(into: &fromDevice, now: now, limit: 64)
            return sent + received != 0
        } catch {
            failure = SessionError(error)
            return false
        }
    }

    /// At once while frames wait for room in the socket, otherwise when the device sends.
    var nextDeadline: Instant { towardsDevice.isEmpty ? .never : .zero }

    func fill(_ report: inout DeviceReport) { report.failure = failure?.description }
}
