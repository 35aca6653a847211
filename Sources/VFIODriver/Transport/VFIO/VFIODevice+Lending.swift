internal import CShim
public import DeviceMemory
internal import Glibc
internal import Logging
internal import Synchronization

/// How many regions lie in a function's memory.
final class LentCount: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .acquiring) }
    func add(_ n: Int) { value.add(n, ordering: .acquiringAndReleasing) }
}

/// A BAR as others use it: keeps the function open and unreset until the last of its memory is given up.
final class BARLoan: DeviceMemoryLoan {
    private let device: KernelHandle
    private let buffer: KernelHandle?
    private let lent: LentCount

    init(device: KernelHandle, buffer: KernelHandle?, lent: LentCount) {
        self.device = device
        self.buffer = buffer
        self.lent = lent
        lent.add(1)
    }

    deinit { lent.add(-1) }

    var bufferDescriptor: Int32? { buffer?.descriptor }
}

extension VFIODevice {
    /// Lends BAR `index` as payload memory, all of it but the last page in slots of `slotSize` bytes.
    ///
    /// The region owns a descriptor of this function, which stays open, decodes its memory and is not reset while the
    /// region lives.
    public func lendRegion(bar index: Int, slotSize: Int) throws(DriverError) -> DeviceRegion {
        let object = try lend(bar: index)
        guard object.size >= slotSize + DeviceRegion.flushPageBytes else {
            throw .vfio(.barTooSmall(address, index, bytes: object.size))
        }
        do {
            return try DeviceRegion(over: object, slotSize: slotSize, visibility: .flushRead)
        } catch {
            throw .memory(error)
        }
    }

    /// Lends BAR `index` as memory that other devices can map.
    public func lend(bar index: Int) throws(DriverError) -> MemoryObject {
        let (region, _) = (0..<6).contains(index) ? VFIORegion.read(index, of: handle) : (nil, 0)
        guard let region, region.size > 0 else { throw .vfio(.noBAR(address, index)) }
        guard region.mappable == [0..<region.size] else { throw .vfio(.barNotMappable(address, index)) }
        // A BAR that does not decode takes no writes and cannot be read: SIGBUS.
        writeConfig32(PCIConfig.command, readConfig32(PCIConfig.command) | PCIConfig.commandMemory)
        let loan = BARLoan(device: handle, buffer: exportBuffer(index, size: region.size), lent: lent)
        do {
            return try memory(of: region, 0..<region.size, loan: loan)
        } catch {
            throw .memory(error)
        }
    }

    /// The BAR as dma-buf, for an address space that wants one and a kernel that makes it.
    private func exportBuffer(_ index: Int, size: Int) -> KernelHandle? {
        guard space.importsBuffers else { return nil }
        var header = shim_device_feature()
        let headerSize = MemoryLayout<shim_device_feature>.size
        header.argsz = UInt32(headerSize + MemoryLayout<shim_feature_dma_buf>.size)
        header.flags = UInt32(VFIO_DEVICE_FEATURE_GET) | UInt32(VFIO_DEVICE_FEATURE_DMA_BUF)
        var buffer = KernelBuffer(header, trailing: MemoryLayout<shim_feature_dma_buf>.size)
        buffer.store(
            shim_feature_dma_buf(
                region_index: UInt32(index), open_flags: UInt32(O_RDWR | O_CLOEXEC), flags: 0, nr_ranges: 1,
                range: shim_region_dma_range(offset: 0, length: UInt64(size))),
            at: headerSize)
        let descriptor = handle.ioctl(.deviceFeature, &buffer)
        guard descriptor >= 0 else {
            log.notice("\(address): BAR \(index) is not exported as dma-buf: \(systemMessage(-descriptor))")
            return nil
        }
        return KernelHandle(descriptor, kernel: handle.kernel, within: handle)
    }
}
