internal import DeviceMemory
internal import Timeline

/// A device as a run with a clock needs it: what it is told to wait for, and what shows that it is gone.
protocol RunDevice: PCIDevice {
    /// A window whose read at offset 0 proves that payload has reached the region.
    func flushWindow(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> BusType
    /// Whether the device has gone away for good.
    var isGone: Bool { get }
    /// Makes sure that ``isGone`` is up to date although nothing was asked of the device; costs a system call at most.
    func look()
    /// Takes the region away under the device, once: a fault on purpose. Without effect on devices that have none to show.
    func loseRegion() throws(DeviceMemoryError)
    /// Waits for the device: what was written before takes effect first.
    func wait(_ interval: Interval)
}

extension RunDevice {
    /// Most devices show their absence by themselves.
    func look() {}
    func loseRegion() {}
}
