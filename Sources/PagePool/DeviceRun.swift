public import DeviceMemory

/// A contiguous piece of a device region as the device sees it; a region may be made of many, in any order.
///
/// Slots are numbered through the runs as they are listed, so a slot's region offset is `slot * slotSize` wherever its run
/// lies.
public struct DeviceRun: Sendable, Hashable {
    /// Where the device sees its first byte.
    public var base: IOVA
    /// Length in bytes.
    public var length: Int

    /// `length` bytes at `base`.
    public init(base: IOVA, length: Int) {
        self.base = base
        self.length = length
    }

    /// Checks that `runs` can be cut in slots and returns how many there are.
    static func slots(in runs: [DeviceRun], of slotSize: Int) throws(PagePoolError) -> Int {
        guard slotSize >= 2048, slotSize <= 2 << 20, slotSize & (slotSize - 1) == 0 else {
            throw .badSlotSize(slotSize)
        }
        guard !runs.isEmpty else { throw .noMemory }
        var slots = 0
        for (index, run) in runs.enumerated() {
            guard run.length > 0 else { throw .noMemory }
            // A run that would wrap round the end of the address space is none.
            guard run.length & (slotSize - 1) == 0, run.base.rawValue & UInt64(slotSize - 1) == 0,
                !run.base.rawValue.addingReportingOverflow(UInt64(run.length)).overflow
            else { throw .misaligned(run: index) }
            slots += run.length / slotSize
            // The highest index stays unused: it is what names no slot.
            guard slots < Int(UInt32.max) else { throw .tooManySlots }
        }
        let order = runs.indices.sorted { runs[$0].base < runs[$1].base }
        for (lower, upper) in zip(order, order.dropFirst())
        where runs[lower].base + runs[lower].length > runs[upper].base {
            throw .overlapping(run: max(lower, upper))
        }
        return slots
    }
}
