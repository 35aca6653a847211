internal import DeviceMemory
internal import Packets
internal import Timeline

/// The model behind a ``SoftNIC``: one of a closed set, so that a call costs a branch and no existential.
///
/// Models are behind pointers, so that the path costs neither reference counts nor exclusivity checks. Copies share the model;
/// who made it calls ``end()``, once.
@safe enum Personality {
    case i82576(UnsafeMutablePointer<I82576Model>)
    case i82574(UnsafeMutablePointer<I82574Model>)
    case i82599(UnsafeMutablePointer<I82599Model>)

    init(_ configuration: SoftNICConfiguration, trace: Trace) {
        switch configuration.model {
        case .i82576: self = unsafe .i82576(Self.make(I82576Model(configuration, trace: trace)))
        case .i82574: self = unsafe .i82574(Self.make(I82574Model(configuration, trace: trace)))
        case .i82599: self = unsafe .i82599(Self.make(I82599Model(configuration, trace: trace)))
        }
    }

    private static func make<Model: ~Copyable>(_ model: consuming Model) -> UnsafeMutablePointer<Model> {
        let pointer = UnsafeMutablePointer<Model>.allocate(capacity: 1)
        unsafe pointer.initialize(to: model)
        return unsafe pointer
    }

    private static func free<Model: ~Copyable>(_ pointer: UnsafeMutablePointer<Model>) {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    /// Frees the model.
    func end() {
        switch self {
        case .i82576(let model): unsafe Self.free(model)
        case .i82574(let model): unsafe Self.free(model)
        case .i82599(let model): unsafe Self.free(model)
        }
    }

    /// Reads a register.
    func read32(_ offset: UInt32) -> UInt32 {
        switch self {
        case .i82576(let model): unsafe model.pointee.read32(offset)
        case .i82574(let model): unsafe model.pointee.read32(offset)
        case .i82599(let model): unsafe model.pointee.read32(offset)
        }
    }

    /// Writes a register.
    func write32(_ offset: UInt32, _ value: UInt32) {
        switch self {
        case .i82576(let model): unsafe model.pointee.write32(offset, value)
        case .i82574(let model): unsafe model.pointee.write32(offset, value)
        case .i82599(let model): unsafe model.pointee.write32(offset, value)
        }
    }

    /// The base address register of the MSI-X table.
    var vectorWindow: Int {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.configuration.vectorWindow
        case .i82574(let model): unsafe model.pointee.core.configuration.vectorWindow
        case .i82599(let model): unsafe model.pointee.core.configuration.vectorWindow
        }
    }

    /// Reads the window of the MSI-X table.
    func readVectors(_ offset: UInt32) -> UInt32 {
        switch self {
        case .i82576(let model): unsafe model.pointee.readVectors(offset)
        case .i82574(let model): unsafe model.pointee.readVectors(offset)
        case .i82599(let model): unsafe model.pointee.readVectors(offset)
        }
    }

    /// Writes the window of the MSI-X table.
    func writeVectors(_ offset: UInt32, _ value: UInt32) {
        switch self {
        case .i82576(let model): unsafe model.pointee.writeVectors(offset, value)
        case .i82574(let model): unsafe model.pointee.writeVectors(offset, value)
        case .i82599(let model): unsafe model.pointee.writeVectors(offset, value)
        }
    }

    /// Vectors that fired since the last call.
    func takeInterrupts() -> UInt64 {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.vectors.take()
        case .i82574(let model): unsafe model.pointee.core.vectors.take()
        case .i82599(let model): unsafe model.pointee.core.vectors.take()
        }
    }

    /// A frame arrives from the wire; false when it is not taken now.
    func arrive(_ frame: ByteView, mark: FrameMark) -> Bool {
        switch self {
        case .i82576(let model): unsafe model.pointee.arrive(frame, mark: mark)
        case .i82574(let model): unsafe model.pointee.arrive(frame, mark: mark)
        case .i82599(let model): unsafe model.pointee.arrive(frame, mark: mark)
        }
    }

    /// Does what is due.
    func step(now: Instant) -> Bool {
        switch self {
        case .i82576(let model): unsafe model.pointee.step(now: now)
        case .i82574(let model): unsafe model.pointee.step(now: now)
        case .i82599(let model): unsafe model.pointee.step(now: now)
        }
    }

    /// When ``step(now:)`` has something to do by itself.
    var nextDeadline: Instant {
        switch self {
        case .i82576(let model): unsafe model.pointee.nextDeadline
        case .i82574(let model): unsafe model.pointee.nextDeadline
        case .i82599(let model): unsafe model.pointee.nextDeadline
        }
    }

    /// A function level reset.
    func resetFunction() {
        switch self {
        case .i82576(let model): unsafe model.pointee.resetFunction()
        case .i82574(let model): unsafe model.pointee.resetFunction()
        case .i82599(let model): unsafe model.pointee.resetFunction()
        }
    }

    /// Plugs the cable in or out.
    func setCable(_ connected: Bool) {
        switch self {
        case .i82576(let model): unsafe model.pointee.setCable(connected)
        case .i82574(let model): unsafe model.pointee.setCable(connected)
        case .i82599(let model): unsafe model.pointee.setCable(connected)
        }
    }

    /// Reads configuration space.
    func readConfiguration(_ offset: Int) -> UInt32 {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.configuration.read(offset)
        case .i82574(let model): unsafe model.pointee.core.configuration.read(offset)
        case .i82599(let model): unsafe model.pointee.core.configuration.read(offset)
        }
    }

    /// Writes configuration space.
    func writeConfiguration(_ offset: Int, _ value: UInt32) {
        switch self {
        case .i82576(let model): unsafe model.pointee.writeConfiguration(offset, value)
        case .i82574(let model): unsafe model.pointee.writeConfiguration(offset, value)
        case .i82599(let model): unsafe model.pointee.writeConfiguration(offset, value)
        }
    }

    /// Makes memory reachable.
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights, isRegion: Bool
    ) throws(DeviceMemoryError) -> IOVA {
        switch self {
        case .i82576(let model):
            try unsafe model.pointee.core.iommu.map(
                object, offset: offset, length: length, rights: rights, isRegion: isRegion)
        case .i82574(let model):
            try unsafe model.pointee.core.iommu.map(
                object, offset: offset, length: length, rights: rights, isRegion: isRegion)
        case .i82599(let model):
            try unsafe model.pointee.core.iommu.map(
                object, offset: offset, length: length, rights: rights, isRegion: isRegion)
        }
    }

    /// Takes a mapping back.
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        switch self {
        case .i82576(let model): try unsafe model.pointee.unmap(iova, length: length)
        case .i82574(let model): try unsafe model.pointee.unmap(iova, length: length)
        case .i82599(let model): try unsafe model.pointee.unmap(iova, length: length)
        }
    }

    /// Device accesses that were refused.
    var faultCount: UInt64 {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.iommu.faultCount
        case .i82574(let model): unsafe model.pointee.core.iommu.faultCount
        case .i82599(let model): unsafe model.pointee.core.iommu.faultCount
        }
    }

    /// The first of them.
    var faults: [IOMMUFault] {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.iommu.faults
        case .i82574(let model): unsafe model.pointee.core.iommu.faults
        case .i82599(let model): unsafe model.pointee.core.iommu.faults
        }
    }

    /// Makes all delayed payload visible.
    func drainPayload() {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.drainPayload()
        case .i82574(let model): unsafe model.pointee.core.drainPayload()
        case .i82599(let model): unsafe model.pointee.core.drainPayload()
        }
    }

    /// The oldest frame that left, until it is popped.
    func nextTransmitted() -> ByteView? {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.nextTransmitted
        case .i82574(let model): unsafe model.pointee.core.nextTransmitted
        case .i82599(let model): unsafe model.pointee.core.nextTransmitted
        }
    }

    /// Removes the oldest frame that left.
    func popTransmitted() {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.popTransmitted()
        case .i82574(let model): unsafe model.pointee.core.popTransmitted()
        case .i82599(let model): unsafe model.pointee.core.popTransmitted()
        }
    }

    /// What the driver did wrong.
    var errors: DriverErrors {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.errors
        case .i82574(let model): unsafe model.pointee.core.errors
        case .i82599(let model): unsafe model.pointee.core.errors
        }
    }

    /// How the device is broken.
    var defects: SoftNICFaults {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.faults
        case .i82574(let model): unsafe model.pointee.core.faults
        case .i82599(let model): unsafe model.pointee.core.faults
        }
    }

    /// Breaks or mends it.
    func setDefects(_ faults: SoftNICFaults) {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.faults = faults
        case .i82574(let model): unsafe model.pointee.core.faults = faults
        case .i82599(let model): unsafe model.pointee.core.faults = faults
        }
    }

    /// Time passes.
    func advance(to instant: Instant) {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.advance(to: instant)
        case .i82574(let model): unsafe model.pointee.core.advance(to: instant)
        case .i82599(let model): unsafe model.pointee.core.advance(to: instant)
        }
    }

    /// The time of register accesses.
    var now: Instant {
        switch self {
        case .i82576(let model): unsafe model.pointee.core.now
        case .i82574(let model): unsafe model.pointee.core.now
        case .i82599(let model): unsafe model.pointee.core.now
        }
    }
}
