internal import DeviceMemory

/// Memory that runs use one after the other: one per thread.
package final class Workspace {
    let pattern = Pattern()
    var frames = FrameStore()
    private let space = HeapBytes(count: FrameStore.stride)
    private let regions = HeapBytes(count: 2 * Workspace.regionBytes)

    private static let mostSlots = 400 + Station.ringSlots
    private static let regionBytes = mostSlots * Station.slotSize

    package init() {}

    /// Room for one frame that is being made.
    var scratch: MutableByteView { space.bytes }

    /// The device memory of a station.
    func region(_ station: Int) -> MutableByteView {
        regions.bytes.slice(station * Workspace.regionBytes, Workspace.regionBytes)
    }
}
