internal import DeviceMemory

/// Memory that runs use one after the other: one per thread.
package final class Workspace {
    let pattern = Pattern()
    var frames = FrameStore()
    private let space = HeapBytes(count: FrameStore.stride)
    private let regions = HeapBytes(count: 2 * Workspace.regionBytes)
    private let outward = HeapBytes(count: 2 * Workspace.outwardBytes)
    private let whole = HeapBytes(count: 1 << 17)
    private let cut = HeapBytes(count: FrameStore.stride)

    private static let mostSlots = 400 + Station.ringSlots
    private static let regionBytes = mostSlots * Station.slotSize
    private static let outwardBytes = Outward.mostSlots * Station.slotSize

    package init() {}

    /// Room for one frame that is being made.
    var scratch: MutableByteView { space.bytes }

    /// Room for a frame before a device cuts it, and for one segment of it.
    var assembly: MutableByteView { whole.bytes }
    var segment: MutableByteView { cut.bytes }

    /// The device memory of a station.
    func region(_ station: Int) -> MutableByteView {
        regions.bytes.slice(station * Workspace.regionBytes, Workspace.regionBytes)
    }

    /// The device memory that it sends from.
    func outward(_ station: Int) -> MutableByteView {
        outward.bytes.slice(station * Workspace.outwardBytes, Workspace.outwardBytes)
    }
}
