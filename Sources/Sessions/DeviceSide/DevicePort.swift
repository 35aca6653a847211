internal import DeviceMemory
internal import Packets
internal import SoftNIC
internal import Timeline

/// The device's end of the wire: what arrives goes in, what it sends comes out.
protocol DevicePort: ~Copyable {
    /// A frame arrives from the wire; false when the device cannot take it now.
    mutating func receive(_ frame: ByteView, mark: FrameMark) -> Bool
    /// The oldest frame that the device has sent, valid until it is popped.
    func nextTransmitted() -> ByteView?
    /// Takes that frame off.
    mutating func popTransmitted()
    /// Lets the device work; returns whether anything happened.
    mutating func step(now: Instant) -> Bool
    /// When the device does something by itself.
    var nextDeadline: Instant { get }
    /// What the device has to say about the run.
    func fill(_ report: inout DeviceReport)
}

extension SoftNIC: DevicePort {
    func fill(_ report: inout DeviceReport) {
        report.iommuFaults = iommuFaultCount
        report.driverErrors = flags.total
        report.driverErrorText = flags.total == 0 ? nil : String(describing: flags)
    }
}

/// The port of a device that is plugged in elsewhere: no frame passes through this program.
struct AbsentPort: DevicePort {
    func receive(_ frame: ByteView, mark: FrameMark) -> Bool { true }
    func nextTransmitted() -> ByteView? { nil }
    func popTransmitted() {}
    func step(now: Instant) -> Bool { false }
    var nextDeadline: Instant { .never }
    func fill(_ report: inout DeviceReport) {}
}
