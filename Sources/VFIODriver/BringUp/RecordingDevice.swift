public import DeviceMemory
public import Logging

/// One register access, in the order in which they were made.
public struct RegisterAccessRecord: Sendable, Equatable {
    /// Whether it was a write.
    public let isWrite: Bool
    /// Byte offset in BAR 0.
    public let offset: UInt32
    /// What was read or written.
    public let value: UInt32
}

/// Keeps register accesses while it is on. One thread uses it.
public final class RegisterRecorder {
    /// Whether accesses are kept.
    public var isOn = false
    /// What was kept.
    public private(set) var accesses: [RegisterAccessRecord] = []

    /// Keeps nothing yet.
    public init() {}

    func record(_ isWrite: Bool, _ offset: UInt32, _ value: UInt32) {
        guard isOn else { return }
        accesses.append(RegisterAccessRecord(isWrite: isWrite, offset: offset, value: value))
    }
}

/// A bus that tells a recorder what passes.
public struct RecordingBus<Base: Bus>: Bus {
    let base: Base
    let recorder: RegisterRecorder?

    /// Passes on to `base`; without a recorder nothing is kept.
    public init(_ base: Base, _ recorder: RegisterRecorder?) {
        self.base = base
        self.recorder = recorder
    }

    public func read32(_ offset: UInt32) -> UInt32 {
        let value = base.read32(offset)
        recorder?.record(false, offset, value)
        return value
    }

    public func write32(_ offset: UInt32, _ value: UInt32) {
        recorder?.record(true, offset, value)
        base.write32(offset, value)
    }
}

/// A device whose register accesses are kept: for reports of what a device did, at bring-up's pace.
public struct RecordingDevice<Base: PCIDevice>: PCIDevice {
    let base: Base
    let recorder: RegisterRecorder

    /// `base`, with the accesses to its BAR 0 told to `recorder`.
    public init(_ base: Base, _ recorder: RegisterRecorder) {
        self.base = base
        self.recorder = recorder
    }

    public func readConfig32(_ offset: Int) -> UInt32 { base.readConfig32(offset) }

    public func writeConfig32(_ offset: Int, _ value: UInt32) { base.writeConfig32(offset, value) }

    public func bar(_ index: Int) -> RecordingBus<Base.BusType>? {
        base.bar(index).map { RecordingBus($0, index == 0 ? recorder : nil) }
    }

    public func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try base.map(object, offset: offset, length: length, rights: rights)
    }

    public func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        try base.mapRegion(region)
    }

    public func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) { try base.unmap(iova, length: length) }

    public func unmapUnderDMA(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        try base.unmapUnderDMA(iova, length: length)
    }

    public func reset() { base.reset() }

    public func hostMemory(
        name: String, size: Int, node: Int?, log: Logger
    ) throws(DeviceMemoryError) -> HostMemory {
        try base.hostMemory(name: name, size: size, node: node, log: log)
    }

    public func enableInterrupts(vectors: Int) throws(DeviceMemoryError) {
        try base.enableInterrupts(vectors: vectors)
    }

    public var interruptDescriptors: [Int32] { base.interruptDescriptors }

    public func takeInterrupts() -> UInt64 { base.takeInterrupts() }
}
