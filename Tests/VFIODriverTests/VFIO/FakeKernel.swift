import CShim
import Glibc
import Synchronization

@testable import VFIODriver

/// A kernel with VFIO whose devices are memfds: what it is asked is written down, and any request can be made to fail.
///
/// Descriptors, mappings and events are real. One thread at a time.
final class FakeKernel: KernelInterface, @unchecked Sendable {
    struct Device {
        var group = "1"
        var driver: String? = "vfio-pci"
        var barBytes: [Int: Int] = [0: 131072]
        /// Parts of a BAR that can be mapped; without an entry all of it can.
        var mappable: [Int: [Range<Int>]] = [:]
        var canReset = true
        /// (bus, device and function) of what a hot reset hits.
        var hotReset: [(UInt8, UInt8)] = []
        var vectors: UInt32 = 5
        var messageVectors: UInt32 = 1
        var isPCI = true
    }

    struct Mapping: Equatable {
        var iova: UInt64
        var size: UInt64
        var flags: UInt32
        /// What this process could do with the memory while the kernel pinned it.
        var rights: String
    }

    static let made = Atomic<Int>(0)
    /// In the name of every descriptor's memory.
    let token = "fakevfio-\(made.add(1, ordering: .relaxed).newValue)-"

    var devices: [String: Device] = [:]
    var missing: Set<String> = []
    /// Errors by request name or path, counted down: 0 fails at once.
    var failures: [String: (after: Int, errno: Int32)] = [:]
    var ranges: [ClosedRange<UInt64>] = [0...0xFEDF_FFFF, 0xFEF0_0000...(1 << 39) - 1]
    /// Groups (by path) whose IOMMU shares a container with no other.
    var loners: Set<String> = []
    var hasCharacterDevices = false
    var exportsBuffers = true
    var mapsFiles = true
    var isGone = false
    /// Unmapping takes nothing away and says so.
    var keepsMappings = false
    var limit = UInt64.max
    var user: String?

    private(set) var calls: [String] = []
    private(set) var mappings: [Mapping] = []
    private(set) var interrupts: [UInt32: [Int32]] = [:]
    private(set) var importedFiles: [String] = []
    private var names: [Int32: String] = [:]
    private var groupContainer: [String: Int32] = [:]

    static let configOffset = 7 << 24
    static func barOffset(_ index: Int) -> Int { index << 24 }

    /// Descriptors that are still open by the seam's account.
    var open: [String] { names.values.sorted() }

    /// Mappings and descriptors of this kernel's memory that the process has, by its own account.
    var openElsewhere: Int {
        LinuxKernel().entries(of: "/proc/self/fd").filter {
            (LinuxKernel().linkTarget("/proc/self/fd/\($0)") ?? "").contains(token)
        }.count
    }

    func closes() -> [String] { calls.filter { $0.hasPrefix("close ") }.map { String($0.dropFirst(6)) } }

    /// The device's own view of its configuration space.
    func configuration(_ address: String, _ offset: Int) -> UInt64? {
        guard let fd = names.first(where: { $0.value == address })?.key else { return nil }
        return LinuxKernel().read(fd, at: Self.configOffset + offset, count: 4)
    }

    func setConfiguration(_ address: String, _ offset: Int, _ value: UInt64) {
        guard let fd = names.first(where: { $0.value == address })?.key else { return }
        _ = LinuxKernel().write(fd, at: Self.configOffset + offset, count: 4, value)
    }

    /// A device's interrupt, or the kernel's wish to have it back.
    func signal(_ descriptor: Int32) { _ = eventfd_write(descriptor, 1) }

    private func failure(_ name: String) -> Int32? {
        guard let failure = failures[name] else { return nil }
        if failure.after == 0 { return -failure.errno }
        failures[name] = (failure.after - 1, failure.errno)
        return nil
    }

    private func make(_ name: String) -> Int32 {
        let fd = unsafe (token + name).withCString { unsafe shim_memfd_create($0, 0) }
        ftruncate(fd, 8 << 24)
        names[fd] = name
        return fd
    }

    // MARK: files

    func open(_ path: String) -> Int32 {
        calls.append("open \(path)")
        if let failure = failure(path) { return failure }
        return exists(path) ? make(name(ofNode: path)) : -ENOENT
    }

    /// A device's node stands for the device.
    private func name(ofNode path: String) -> String {
        guard path.hasPrefix("/dev/vfio/devices/vfio") else { return path }
        let device = devices.keys.sorted()[Int(path.dropFirst(22)) ?? 0]
        return device
    }

    func duplicate(_ descriptor: Int32) -> Int32 { failure("dup") ?? dup(descriptor) }

    func close(_ descriptor: Int32) {
        let name = names.removeValue(forKey: descriptor) ?? "unknown"
        calls.append("close \(name)")
        groupContainer[name] = nil
        Glibc.close(descriptor)
    }

    func read(_ descriptor: Int32, at offset: Int, count: Int) -> UInt64? {
        isGone ? nil : LinuxKernel().read(descriptor, at: offset, count: count)
    }

    func write(_ descriptor: Int32, at offset: Int, count: Int, _ value: UInt64) -> Bool {
        if !isGone, offset == Self.configOffset + 4 { calls.append("command \(value)") }
        return !isGone && LinuxKernel().write(descriptor, at: offset, count: count, value)
    }

    func makeEventDescriptor() -> Int32 {
        if let failure = failure("eventfd") { return failure }
        let fd = LinuxKernel().makeEventDescriptor()
        names[fd] = "event"
        return fd
    }

    func takeEvents(_ descriptor: Int32) -> UInt64 { LinuxKernel().takeEvents(descriptor) }

    var lockedMemoryLimit: UInt64 { limit }

    func exists(_ path: String) -> Bool {
        if missing.contains(path) { return false }
        if path == "/dev/vfio/vfio" { return true }
        if path == "/dev/iommu" || path.hasPrefix("/dev/vfio/devices/") { return hasCharacterDevices }
        if path.hasPrefix("/dev/vfio/") { return devices.values.contains { "/dev/vfio/\($0.group)" == path } }
        return devices.keys.contains { path == "/sys/bus/pci/devices/\($0)" }
    }

    func linkTarget(_ path: String) -> String? {
        if missing.contains(path) { return nil }
        for (address, device) in devices where path.hasPrefix("/sys/bus/pci/devices/\(address)/") {
            return path.hasSuffix("/driver") ? device.driver : device.group
        }
        return nil
    }

    func entries(of path: String) -> [String] {
        for (i, address) in devices.keys.sorted().enumerated()
        where path == "/sys/bus/pci/devices/\(address)/vfio-dev" && hasCharacterDevices {
            return ["vfio\(i)"]
        }
        return devices.filter { path == "/sys/kernel/iommu_groups/\($0.value.group)/devices" }.keys.sorted()
    }

    func holder(of path: String) -> String? { user }

    // MARK: requests

    func ioctl(_ descriptor: Int32, _ request: KernelRequest, value: Int) -> Int32 {
        calls.append(request.name)
        if let failure = failure(request.name) { return failure }
        switch request {
        case .checkExtension: return value == Int(VFIO_TYPE1v2_IOMMU) ? 1 : 0
        case .setIOMMU: return groupContainer.values.contains(descriptor) ? 0 : -EINVAL
        default: return 0
        }
    }

    func ioctl(_ descriptor: Int32, _ request: KernelRequest, _ argument: inout KernelBuffer) -> Int32 {
        calls.append(request.name)
        if let failure = failure(request.name) { return failure }
        let name = names[descriptor] ?? ""
        switch request {
        case .getGroupStatus: return status(name, &argument)
        case .setContainer:
            let container = argument.load(Int32.self) ?? -1
            if loners.contains(name), groupContainer.values.contains(container) { return -EINVAL }
            groupContainer[name] = container
            return 0
        case .getDevice: return openDevice(argument)
        case .getIOMMUInfo: return iommuInfo(&argument)
        case .mapDMA: return mapDMA(argument)
        case .unmapDMA: return unmapDMA(&argument)
        case .getDeviceInfo: return deviceInfo(devices[name] ?? Device(), &argument)
        case .getRegionInfo: return regionInfo(devices[name] ?? Device(), &argument)
        case .getInterruptInfo: return interruptInfo(devices[name] ?? Device(), &argument)
        case .setInterrupts: return setInterrupts(argument)
        case .getHotResetInfo: return hotResetInfo(devices[name] ?? Device(), &argument)
        case .deviceFeature: return exportsBuffers ? make("buffer") : -ENOTTY
        case .allocateSpace:
            argument.store(UInt32(5), at: 8)
            return 0
        case .getSpaceRanges: return spaceRanges(&argument)
        case .mapMemory, .mapFile: return mapSpace(request, argument)
        case .unmapMemory:
            guard let unmap = argument.load(shim_ioas_unmap.self) else { return -EINVAL }
            return keepsMappings || remove(unmap.iova) == nil ? -ENOENT : 0
        default: return 0
        }
    }

    private func status(_ path: String, _ argument: inout KernelBuffer) -> Int32 {
        let members = devices.values.filter { path == "/dev/vfio/\($0.group)" }
        let viable = members.allSatisfy { $0.driver == nil || $0.driver == "vfio-pci" }
        argument.store(UInt32(viable ? VFIO_GROUP_FLAGS_VIABLE : 0), at: 4)
        return 0
    }

    private func openDevice(_ argument: KernelBuffer) -> Int32 {
        let address = String(decoding: argument.bytes.dropLast(), as: UTF8.self)
        guard devices[address] != nil else { return -ENODEV }
        let fd = make(address)
        _ = LinuxKernel().write(fd, at: Self.configOffset, count: 4, 0x10C9_8086)
        return fd
    }

    /// Gives a variable-length answer: all of it when it fits, otherwise its length.
    private func answer(_ header: some BitwiseCopyable, _ tail: [UInt8], _ argument: inout KernelBuffer) -> Int32 {
        var full = KernelBuffer(header, trailing: tail.count)
        full.store(UInt32(full.bytes.count))
        for (i, byte) in tail.enumerated() { full.store(byte, at: full.bytes.count - tail.count + i) }
        for i in 0..<min(argument.bytes.count, full.bytes.count) { argument.store(full.bytes[i], at: i) }
        return 0
    }

    private func bytes(_ values: some BitwiseCopyable) -> [UInt8] { KernelBuffer(values).bytes }

    private func iommuInfo(_ argument: inout KernelBuffer) -> Int32 {
        var info = vfio_iommu_type1_info()
        info.flags = UInt32(VFIO_IOMMU_INFO_PGSIZES) | UInt32(VFIO_IOMMU_INFO_CAPS)
        info.iova_pgsizes = 4096 | 2 << 20 | 1 << 30
        info.cap_offset = UInt32(MemoryLayout<vfio_iommu_type1_info>.size)
        let next = info.cap_offset + 16
        var tail = bytes(
            vfio_iommu_type1_info_dma_avail(
                header: vfio_info_cap_header(id: UInt16(VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL), version: 1, next: next),
                avail: 65535))
        tail += [UInt8](repeating: 0, count: 16 - tail.count)
        tail += bytes(
            shim_cap_iova_range(
                header: vfio_info_cap_header(
                    id: UInt16(VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE), version: 1, next: 0),
                nr_iovas: UInt32(ranges.count), reserved: 0))
        for range in ranges { tail += bytes(range.lowerBound) + bytes(range.upperBound) }
        return answer(info, tail, &argument)
    }

    private func deviceInfo(_ device: Device, _ argument: inout KernelBuffer) -> Int32 {
        argument.store(
            UInt32(device.isPCI ? VFIO_DEVICE_FLAGS_PCI : 0) | UInt32(device.canReset ? VFIO_DEVICE_FLAGS_RESET : 0),
            at: 4)
        argument.store(UInt32(9), at: 8)
        argument.store(UInt32(5), at: 12)
        return 0
    }

    private func regionInfo(_ device: Device, _ argument: inout KernelBuffer) -> Int32 {
        guard var info = argument.load(vfio_region_info.self) else { return -EINVAL }
        let index = Int(info.index)
        info.offset = UInt64(index) << 24
        info.size = index == 7 ? 4096 : UInt64(device.barBytes[index] ?? 0)
        info.flags = 3
        guard index < 6, info.size > 0 else { return answer(info, [], &argument) }
        guard let areas = device.mappable[index] else {
            info.flags |= UInt32(VFIO_REGION_INFO_FLAG_MMAP)
            return answer(info, [], &argument)
        }
        if areas.isEmpty { return answer(info, [], &argument) }
        info.flags |= UInt32(VFIO_REGION_INFO_FLAG_MMAP) | UInt32(VFIO_REGION_INFO_FLAG_CAPS)
        info.cap_offset = UInt32(MemoryLayout<vfio_region_info>.size)
        var tail = bytes(
            shim_cap_sparse_mmap(
                header: vfio_info_cap_header(id: UInt16(VFIO_REGION_INFO_CAP_SPARSE_MMAP), version: 1, next: 0),
                nr_areas: UInt32(areas.count), reserved: 0))
        for area in areas { tail += bytes(UInt64(area.lowerBound)) + bytes(UInt64(area.count)) }
        return answer(info, tail, &argument)
    }

    // MARK: interrupts and resets

    private func interruptInfo(_ device: Device, _ argument: inout KernelBuffer) -> Int32 {
        let index = Int(argument.load(UInt32.self, at: 8) ?? 0)
        argument.store(UInt32(VFIO_IRQ_INFO_EVENTFD), at: 4)
        argument.store(index == 2 ? device.vectors : index == 1 ? device.messageVectors : 1, at: 12)
        return 0
    }

    private func setInterrupts(_ argument: KernelBuffer) -> Int32 {
        guard let set = argument.load(shim_irq_set.self), Int(set.argsz) == argument.bytes.count else {
            return -EINVAL
        }
        let isEvents = set.flags & UInt32(VFIO_IRQ_SET_DATA_EVENTFD) != 0
        interrupts[set.index] =
            isEvents ? (0..<Int(set.count)).compactMap { argument.load(Int32.self, at: 20 + $0 * 4) } : nil
        return 0
    }

    private func hotResetInfo(_ device: Device, _ argument: inout KernelBuffer) -> Int32 {
        var tail: [UInt8] = []
        for (bus, function) in device.hotReset {
            tail += bytes(vfio_pci_dependent_device(group_id: 1, segment: 0, bus: bus, devfn: function))
        }
        let header = shim_hot_reset_info(argsz: 0, flags: 0, count: UInt32(device.hotReset.count))
        return answer(header, tail, &argument)
    }

    // MARK: memory

    private func mapDMA(_ argument: KernelBuffer) -> Int32 {
        guard let map = argument.load(vfio_iommu_type1_dma_map.self) else { return -EINVAL }
        return insert(map.iova, map.size, map.flags, Self.rights(at: map.vaddr))
    }

    private func insert(_ iova: UInt64, _ size: UInt64, _ flags: UInt32, _ rights: String) -> Int32 {
        guard size > 0, ranges.contains(where: { $0.contains(iova) && $0.contains(iova + size - 1) }) else {
            return -EINVAL
        }
        if mappings.contains(where: { iova < $0.iova + $0.size && $0.iova < iova + size }) { return -EEXIST }
        mappings.append(Mapping(iova: iova, size: size, flags: flags, rights: rights))
        return 0
    }

    private func remove(_ iova: UInt64) -> Mapping? {
        guard let i = mappings.firstIndex(where: { $0.iova == iova }) else { return nil }
        return mappings.remove(at: i)
    }

    private func unmapDMA(_ argument: inout KernelBuffer) -> Int32 {
        guard let unmap = argument.load(shim_dma_unmap.self) else { return -EINVAL }
        argument.store(keepsMappings ? 0 : remove(unmap.iova)?.size ?? 0, at: 16)
        return 0
    }

    private func spaceRanges(_ argument: inout KernelBuffer) -> Int32 {
        guard let query = argument.load(shim_ioas_iova_ranges.self), query.num_iovas >= ranges.count,
            let base = unsafe UnsafeMutableRawPointer(bitPattern: UInt(query.allowed_iovas))
        else { return -EMSGSIZE }
        for (i, range) in ranges.enumerated() {
            unsafe base.storeBytes(of: range.lowerBound, toByteOffset: i * 16, as: UInt64.self)
            unsafe base.storeBytes(of: range.upperBound, toByteOffset: i * 16 + 8, as: UInt64.self)
        }
        argument.store(UInt32(ranges.count), at: 8)
        argument.store(UInt64(4096), at: 24)
        return 0
    }

    private func mapSpace(_ request: KernelRequest, _ argument: KernelBuffer) -> Int32 {
        if request == .mapMemory, let map = argument.load(shim_ioas_map.self) {
            return insert(map.iova, map.length, map.flags, Self.rights(at: map.user_va))
        }
        guard mapsFiles else { return -ENOTTY }
        guard let map = argument.load(shim_ioas_map_file.self) else { return -EINVAL }
        importedFiles.append(names[map.fd] ?? "memfd")
        return insert(map.iova, map.length, map.flags, "file")
    }

    /// The rights of this process's mapping at an address, as in its memory map: `rw-s`.
    static func rights(at address: UInt64) -> String {
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return "?" }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        while unsafe fgets(&line, 1024, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let fields = text.split(separator: " ")
            let bounds = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            if bounds.count == 2, bounds[0] <= address, address < bounds[1] { return String(fields[1]) }
        }
        return "none"
    }
}
