internal import CShim
public import DeviceMemory
internal import Logging

/// A PCI function that the kernel's VFIO hands to this process.
///
/// Made by ``VFIOSystem/open(_:deviceMask:)``. One thread at a time may call it; buses made from it may be used anywhere
/// while it lives. When it goes, bus mastering is taken away first, then its mappings, then its descriptors; memory that
/// it has lent keeps the function open.
public final class VFIODevice: PCIDevice {
    /// `DDDD:BB:DD.F`.
    public let address: String
    let handle: KernelHandle
    let space: any IOAddressSpace
    let log: Logger
    let canReset: Bool
    private let group: VFIOGroup?
    private let configuration: VFIORegion
    private var windows: [Int: BARWindow] = [:]
    private var flushWindows: [BARWindow] = []
    private var mapped: [IOVA: Int] = [:]
    private var regionAddress: IOVA?
    /// One event descriptor for each enabled vector.
    var vectors: [KernelHandle] = []
    /// Which of the function's interrupt mechanisms they belong to.
    var vectorIndex = 0
    private var alarms: [KernelHandle] = []
    /// Whether the last ``look()`` found that the device is gone, for good.
    public private(set) var isGone = false
    /// Regions of other devices' making that lie in this function's memory.
    let lent = LentCount()

    init(
        address: String, handle: KernelHandle, group: VFIOGroup?, space: any IOAddressSpace, log: Logger
    ) throws(VFIOError) {
        let (answer, result) = handle.info(.getDeviceInfo, vfio_device_info())
        guard let answer, let info = answer.load(vfio_device_info.self) else {
            throw .refused(request: KernelRequest.getDeviceInfo.name, what: address, errno: -result)
        }
        guard info.flags & UInt32(VFIO_DEVICE_FLAGS_PCI) != 0 else { throw .notPCI(address) }
        let (region, status) = VFIORegion.read(Int(VFIO_PCI_CONFIG_REGION_INDEX), of: handle)
        guard let region, region.size >= 64 else {
            throw .refused(request: KernelRequest.getRegionInfo.name, what: address, errno: -status)
        }
        self.address = address
        self.handle = handle
        self.group = group
        self.space = space
        self.log = log
        canReset = info.flags & UInt32(VFIO_DEVICE_FLAGS_RESET) != 0
        configuration = region
        for index in [VFIO_PCI_REQ_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX] { watch(Int(index)) }
    }

    deinit {
        stopMastering()
        disableInterrupts()
        for iova in Array(mapped.keys) { try? takeAway(iova) }
    }

    // MARK: configuration space

    public func readConfig32(_ offset: Int) -> UInt32 {
        guard offset >= 0, offset + 4 <= configuration.size else { return .max }
        let value = handle.kernel.read(handle.descriptor, at: configuration.fileOffset + offset, count: 4)
        return value.map { UInt32(truncatingIfNeeded: $0) } ?? .max
    }

    /// A write that would end memory decoding while memory is lent leaves that bit set: what others map would be revoked
    /// for good.
    public func writeConfig32(_ offset: Int, _ value: UInt32) {
        guard offset >= 0, offset + 4 <= configuration.size else { return }
        if offset == PCIConfig.command {
            let kept = lent.count > 0 ? value | PCIConfig.commandMemory : value
            // The command register alone: the status bits above it are cleared by writing ones.
            writeConfig(offset, count: 2, UInt64(kept & 0xFFFF))
        } else {
            writeConfig(offset, count: 4, UInt64(value))
        }
    }

    private func writeConfig(_ offset: Int, count: Int, _ value: UInt64) {
        _ = handle.kernel.write(handle.descriptor, at: configuration.fileOffset + offset, count: count, value)
    }

    /// The opened group, for requests that want proof of its ownership.
    var groupDescriptor: Int32? { group?.handle.descriptor }

    /// Whether the function may start DMA; a function that is gone may not.
    var isMastering: Bool {
        let command = readConfig32(PCIConfig.command)
        return command != .max && command & PCIConfig.commandBusMaster != 0
    }

    func stopMastering() {
        let command = readConfig32(PCIConfig.command)
        if command == .max { return }
        writeConfig(PCIConfig.command, count: 2, UInt64(command & 0xFFFF & ~PCIConfig.commandBusMaster))
    }

    // MARK: registers

    public func bar(_ index: Int) -> VFIOBus? {
        guard (0..<6).contains(index) else { return nil }
        if let known = windows[index] { return VFIOBus(known) }
        let (region, _) = VFIORegion.read(index, of: handle)
        guard let region, region.size > 0 else { return nil }
        let window = map(region, index)
        windows[index] = window
        return VFIOBus(window)
    }

    private func map(_ region: VFIORegion, _ index: Int) -> BARWindow {
        guard let range = region.largestMappable else { return window(region, index, 0, nil) }
        do {
            let view = try memory(of: region, range, loan: nil).view(rights: .readWrite)
            return window(region, index, range.lowerBound, view)
        } catch {
            log.warning("\(address): BAR \(index) is reached by system calls, not mapped: \(error)")
            return window(region, index, 0, nil)
        }
    }

    private func window(
        _ region: VFIORegion, _ index: Int, _ start: Int, _ view: consuming MappedView?
    ) -> BARWindow {
        BARWindow(
            index: index, size: region.size, handle: handle, fileOffset: region.fileOffset, mappedStart: start,
            view: view)
    }

    /// A part of this function's memory behind a descriptor of its own.
    func memory(
        of region: VFIORegion, _ range: Range<Int>, loan: (any DeviceMemoryLoan)?
    ) throws(DeviceMemoryError) -> MemoryObject {
        let name = "memory of \(address)"
        let copy = handle.kernel.duplicate(handle.descriptor)
        guard copy >= 0 else { throw .cannotMap(name: name, bytes: range.count, errno: -copy) }
        return try MemoryObject(
            name: name, taking: OwnedDescriptor(taking: copy), at: region.fileOffset + range.lowerBound,
            size: range.count, loan: loan)
    }

    // MARK: memory

    public func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        let iova = try space.map(object, offset: offset, length: length, rights: rights)
        mapped[iova] = length
        return iova
    }

    public func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        let address = try map(region.object, offset: 0, length: region.slotBytes, rights: .readWrite)
        regionAddress = address
        return address
    }

    /// Takes a mapping back; refused while the function may start DMA.
    public func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        guard mapped[iova] == length else { throw .notMapped(iova: iova.rawValue) }
        if isMastering { throw .stillMastering(iova: iova.rawValue) }
        try takeAway(iova)
    }

    public func unmapUnderDMA(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        guard mapped[iova] == length else { throw .notMapped(iova: iova.rawValue) }
        try takeAway(iova)
    }

    /// Takes the region that was mapped last away under the function, if it still is there.
    public func loseRegion() throws(DeviceMemoryError) {
        guard let address = regionAddress else { return }
        regionAddress = nil
        try takeAway(address)
    }

    private func takeAway(_ iova: IOVA) throws(DeviceMemoryError) {
        guard let length = mapped[iova] else { throw .notMapped(iova: iova.rawValue) }
        try space.unmap(iova, length: length)
        mapped[iova] = nil
    }

    /// The window through which a read makes payload in `region` visible: a mapping of its last page alone.
    public func flushWindow(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> VFIOBus {
        let view = try region.object.view(
            offset: region.flushOffset, length: DeviceRegion.flushPageBytes, rights: .read)
        let window = BARWindow(
            index: 0, size: view.count, handle: handle, fileOffset: 0, mappedStart: 0, view: view)
        flushWindows.append(window)
        return VFIOBus(window)
    }

    // MARK: the end of the device

    /// Asks whether the kernel wants the device back (unplugged, or its driver unbound), has reported a fatal error of it, or
    /// it stopped answering: a few system calls.
    public func look() {
        for alarm in alarms where !isGone { isGone = handle.kernel.takeEvents(alarm.descriptor) > 0 }
        if !isGone && readConfig32(PCIConfig.identity) == .max { isGone = true }
    }

    /// Lets the kernel announce the end of the device; not every function offers every alarm.
    private func watch(_ index: Int) {
        let event = handle.kernel.makeEventDescriptor()
        guard event >= 0 else { return }
        let alarm = KernelHandle(event, kernel: handle.kernel)
        if setVectors(index, [event]) >= 0 { alarms.append(alarm) }
    }
}
