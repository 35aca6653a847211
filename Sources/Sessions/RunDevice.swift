internal import DeviceMemory
internal import Timeline

/// A device as a run with a clock needs it: what it is told to wait for, and what shows that it is gone.
protocol RunDevice: PCIDevice {
    /// A window whose read at offset 0 proves that payload has reached the region.
    var flushWindow: BusType { get }
    /// Whether the device has gone away for good.
    var isGone: Bool { get }
    /// Waits for the device: what was written before takes effect first.
    func wait(_ interval: Interval)
}
