import DeviceMemory
import Logging
import SoftNIC

/// A model whose registers do not get what the driver writes, or whose region is touched behind everybody's back: what a broken
/// device or driver would do.
final class Breakage {
    /// What arrives instead of a written value; `nil` is nothing at all.
    var write: (UInt32, UInt32) -> UInt32? = { $1 }
    /// What happens before payload is declared visible.
    var flush: () -> Void = {}
}

struct BrokenBus: Bus {
    let base: SoftBus
    let breakage: Breakage
    let isFlush: Bool

    func read32(_ offset: UInt32) -> UInt32 {
        let value = base.read32(offset)
        if isFlush { breakage.flush() }
        return value
    }

    func write32(_ offset: UInt32, _ value: UInt32) {
        if let value = breakage.write(offset, value) { base.write32(offset, value) }
    }
}

struct BrokenDevice: PCIDevice {
    let base: SoftPCIDevice
    let breakage: Breakage

    var flushWindow: BrokenBus { BrokenBus(base: base.flushWindow, breakage: breakage, isFlush: true) }

    func readConfig32(_ offset: Int) -> UInt32 { base.readConfig32(offset) }
    func writeConfig32(_ offset: Int, _ value: UInt32) { base.writeConfig32(offset, value) }
    func bar(_ index: Int) -> BrokenBus? {
        base.bar(index).map { BrokenBus(base: $0, breakage: breakage, isFlush: false) }
    }
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try base.map(object, offset: offset, length: length, rights: rights)
    }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        try base.mapRegion(region)
    }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) { try base.unmap(iova, length: length) }
    func reset() { base.reset() }
    func enableInterrupts(vectors: Int) throws(DeviceMemoryError) { try base.enableInterrupts(vectors: vectors) }
    func takeInterrupts() -> UInt64 { base.takeInterrupts() }
}
