internal import DeviceMemory
internal import Glibc
internal import Timeline
internal import VFIODriver

extension QTestDevice: RunDevice {
    var isGone: Bool { machine.isGone }

    func flushWindow(_ region: borrowing DeviceRegion) -> QTestBus { flushWindow }

    func look() { machine.look() }

    /// QEMU's clock is the machine's own.
    func wait(_ interval: Interval) { usleep(UInt32(clamping: interval.nanoseconds / 1000)) }
}
