internal import ClientKit
internal import DeviceMemory

/// The regions that a consumer reads, by the numbers that records have for them.
struct ConsumerRegions: ~Copyable {
    private var views: Slab<MappedView>
    /// By number: which view; -1 is none.
    private var viewOfRegion: [Int]
    private let rights: AccessRights

    /// Regions that a run has at most.
    private static let mostRegions = 8

    /// Knows `first` as number 1.
    init(_ first: borrowing DeviceRegion, writable: Bool) throws(DeviceMemoryError) {
        rights = writable ? .readWrite : .read
        let view = try first.object.view(length: first.slotBytes, rights: rights)
        views = Slab(capacity: Self.mostRegions)
        views.append(view)
        viewOfRegion = [-1, 0] + [Int](repeating: -1, count: 62)
    }

    /// Makes a region known under a number, in place of whatever had it before.
    mutating func add(_ region: borrowing DeviceRegion, number: UInt16) throws(DeviceMemoryError) {
        guard Int(number) < viewOfRegion.count else { return }
        let view = try region.object.view(length: region.slotBytes, rights: rights)
        let place = viewOfRegion[Int(number)]
        if place >= 0 {
            views[place] = view
        } else {
            viewOfRegion[Int(number)] = views.count
            views.append(view)
        }
    }

    /// What a record names; `nil` when it names nothing that is known here: the records come from the stack's process.
    func payload(_ record: FragmentRecord) -> MutableByteView? {
        guard Int(record.region) < viewOfRegion.count, viewOfRegion[Int(record.region)] >= 0 else { return nil }
        let bytes = views[viewOfRegion[Int(record.region)]].bytes
        guard record.offset <= UInt64(bytes.count), UInt64(record.length) <= UInt64(bytes.count) &- record.offset else {
            return nil
        }
        return bytes.slice(Int(record.offset), Int(record.length))
    }
}
