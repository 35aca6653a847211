/// Hands out I/O addresses from the ranges that the IOMMU allows and the device can reach.
///
/// Addresses are congruent to 2 MiB, so that huge pages stay huge in the IOMMU; a guard gap follows each, so that a
/// device that runs over the end of a buffer faults instead of hitting its neighbour. Addresses are never handed out
/// twice within a run: a stale one faults (architecture: strict model).
public struct IOVAAllocator: Sendable {
    /// Alignment of every address: the IOMMU's large page.
    public static let granule: UInt64 = 2 << 20
    /// Unmapped space after each allocation.
    public static let guardGap: UInt64 = 2 << 20

    private var ranges: [ClosedRange<UInt64>]

    /// - Parameters:
    ///   - allowed: usable ranges, inclusive (for VFIO: `VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE`).
    ///   - deviceMask: highest address that the device can emit.
    public init(allowed: [ClosedRange<UInt64>], deviceMask: UInt64) {
        ranges = allowed.compactMap { range in
            let low = max(range.lowerBound, Self.granule)  // never hand out 0: descriptors treat it as "no buffer"
            let high = min(range.upperBound, deviceMask)
            return low <= high ? low...high : nil
        }.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Gives up what is free outside `allowed`: another device joined, with reserved windows or a mask of its own.
    public mutating func restrict(to allowed: [ClosedRange<UInt64>]) {
        ranges = ranges.flatMap { range in allowed.filter { $0.overlaps(range) }.map { range.clamped(to: $0) } }
            .sorted { $0.lowerBound < $1.lowerBound }
    }

    /// Reserves `bytes` of address space.
    ///
    /// - Throws: ``DeviceMemoryError/outOfIOVASpace(bytes:)`` when no range has room left.
    public mutating func allocate(bytes: Int) throws(DeviceMemoryError) -> IOVA {
        guard bytes > 0 else { throw .misaligned(what: "a mapping's length", value: bytes, alignment: 1) }
        for i in ranges.indices {
            let (base, overflow) = ranges[i].lowerBound.addingReportingOverflow(Self.granule - 1)
            if overflow { continue }
            let start = base & ~(Self.granule - 1)
            let (end, past) = start.addingReportingOverflow(UInt64(bytes) - 1)
            if past || end > ranges[i].upperBound { continue }
            let (next, wrapped) = end.addingReportingOverflow(1 + Self.guardGap)
            if wrapped || next > ranges[i].upperBound {
                ranges.remove(at: i)
            } else {
                ranges[i] = next...ranges[i].upperBound
            }
            return IOVA(start)
        }
        throw .outOfIOVASpace(bytes: bytes)
    }
}
