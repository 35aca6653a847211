public import DeviceMemory
internal import HeaderSplit
internal import PagePool
internal import Timeline

/// A region as an engine has it: where the device sees it, and what is bound to it. Its number is that of its pool.
@usableFromInline struct RegionPlace<B: Bus>: ~Copyable {
    enum State {
        case vacant
        case active
        case draining
    }

    var state = State.vacant
    var owner = 0
    var steering = BindingSteering.spread
    var memory = BindingMemory.device
    var iova = IOVA(0)
    var bytes = 0
    var visibility = Visibility.coherent
    var flushWindow: B?
    /// The slots' place in this address space: with no rights at all, so that a stray read of payload dies here; readable where
    /// the slots are the host's.
    var view: MappedView?
    var boundAt = Instant.zero
    /// No queue fills it: its bytes are sent.
    var isForSending = false
    /// Slots that the application has to send from, without tokens.
    var lent: Range<UInt32> = 0..<0

    static var vacant: RegionPlace { RegionPlace() }

    /// Makes a region known to the device, and keeps its place in this address space.
    static func map<D: PCIDevice>(
        _ region: borrowing DeviceRegion, for device: D, _ flushWindow: B, _ memory: BindingMemory
    ) throws(DeviceMemoryError) -> RegionPlace where D.BusType == B {
        var place = RegionPlace()
        place.iova = try device.mapRegion(region)
        place.bytes = region.slotBytes
        place.memory = memory
        place.visibility = region.visibility
        place.flushWindow = flushWindow
        do {
            place.view = try region.object.view(
                length: region.slotBytes, rights: memory == .host(readable: true) ? .readWrite : [])
        } catch {
            // What the device may still be told to forget; it was given no queue yet.
            try? device.unmap(place.iova, length: place.bytes)
            throw error
        }
        return place
    }

    /// The pool over this region's slots.
    borrowing func makePool(
        _ number: UInt16, slotSize: Int, slots: Int
    ) throws(PagePoolError) -> PagePool {
        switch memory {
        case .device:
            return PagePool(
                identifier: number,
                provider: MemoryProvider(deviceRegionAt: iova, slotSize: slotSize, slotCount: slots))
        case .host(let readable):
            let bytes: MutableByteView
            switch view {
            case .some(let view): bytes = view.bytes
            case .none: throw .noMemory
            }
            let block = HostBlock(bytes: bytes, iova: iova)
            return PagePool(
                identifier: number,
                provider: try MemoryProvider(registered: block, slotSize: slotSize, readable: readable))
        }
    }
}

/// What was changed while an engine ran, and what the changed parts had counted.
public struct BindingStatistics: Sendable, Hashable {
    /// Bindings made.
    public var bound: UInt64 = 0
    /// Bindings ended.
    public var unbound: UInt64 = 0
    /// Queues restarted, for whatever reason.
    public var restarts: UInt64 = 0
    /// Regions changed under a binding.
    public var rehomed: UInt64 = 0
    /// Changes of a queue that failed and were undone.
    public var rolledBack: UInt64 = 0
    /// Regions whose last token came back after they were unbound.
    public var drained: UInt64 = 0
    /// Times that the device was found reset and set up again.
    public var reestablished: UInt64 = 0
    /// Slots that a closed pool could not account for: always 0.
    public var leaked: UInt64 = 0

    var retired = SplitStatistics()
    var retiredPools = PoolStatistics()
    var retiredDelivery = DeliveryStatistics()
    var retiredStale: UInt64 = 0
    var retiredUnknown: UInt64 = 0

    /// Nothing.
    public init() {}

    /// An application has gone: what was counted for it is kept.
    mutating func retire(_ delivery: DeliveryStatistics, _ stale: UInt64, _ unknown: UInt64) {
        retiredDelivery = retiredDelivery + delivery
        retiredStale &+= stale
        retiredUnknown &+= unknown
    }
}

/// Steps of a change of queues, at each of which it may fail and must then be undone.
public enum RestartStep: String, Sendable, Hashable, CaseIterable {
    /// The region is mapped for the device.
    case map
    /// Rings and slots of the new queue.
    case prepare
    /// The device lets go of the old queue.
    case stop
    /// The device takes the new queue.
    case start
    /// RSS or rules.
    case steer
}
