import CShim
import DeviceMemory
import Glibc
import Testing

@testable import VFIODriver

@Suite struct LentRegionTests {
    @Test("another device's BAR becomes a region: mapped for the NIC without its flush page, seen by the consumer")
    func bar() throws {
        let kernel = machine()
        let system = system(kernel)
        let device = try system.open(nic)
        let exporter = try system.open(memory)
        let region = try exporter.lendRegion(bar: 2, slotSize: 4096)
        #expect(region.slotCount == 15 && region.flushOffset == 61440 && region.visibility == .flushRead)
        let iova = try device.mapRegion(region)
        #expect(kernel.mappings == [.init(iova: iova.rawValue, size: 61440, flags: 3, rights: "rw-s")])
        // Memory of a device is not locked memory.
        #expect(device.space.lockedBytes == 0)
        let bus = try #require(exporter.bar(2))
        bus.write32(4096, 0x5A5A_0001)
        bus.write32(61440, 0x5A5A_0002)
        let consumer = try region.object.view(length: region.slotBytes, rights: .read)
        let payload = consumer.bytes.readOnly.le32(4096)
        #expect(payload == 0x5A5A_0001)
        let flush = try device.flushWindow(region)
        #expect(flush.read32(0) == 0x5A5A_0002)
        extendLifetime(consumer)
        extendLifetime(region)
        extendLifetime(exporter)
        extendLifetime(device)
    }

    @Test("while a region lies in its memory a function is not reset, and decodes its memory whatever is written")
    func exporter() throws {
        let kernel = machine()
        let exporter = try system(kernel).open(memory)
        do {
            let region = try exporter.lendRegion(bar: 2, slotSize: 4096)
            #expect(kernel.configuration(memory, 4) == 2)
            exporter.writeConfig32(PCIConfig.command, 0)
            #expect(kernel.configuration(memory, 4) == 2)
            #expect(
                vfioFailure { () throws(DriverError) in try exporter.resetFunction() } == .lent(memory, regions: 1))
            #expect(!kernel.calls.contains("VFIO_DEVICE_RESET"))
            extendLifetime(region)
        }
        try exporter.resetFunction()
        exporter.writeConfig32(PCIConfig.command, 0)
        #expect(kernel.configuration(memory, 4) == 0)
    }

    @Test("a region keeps its exporter open after the exporter's object has gone, and lets it go last")
    func outlives() throws {
        let kernel = machine()
        do {
            let system = system(kernel)
            let device = try system.open(nic)
            let region = try system.open(memory).lendRegion(bar: 2, slotSize: 4096)
            #expect(kernel.open.contains(memory) && !kernel.closes().contains(memory))
            _ = try device.mapRegion(region)
            let view = try region.object.view(rights: .readWrite)
            view.bytes.fill(1)
            extendLifetime(view)
            extendLifetime(region)
        }
        #expect(kernel.open.isEmpty && kernel.openElsewhere == 0 && kernel.mappings.isEmpty)
        let closes = kernel.closes().filter { $0 == memory || $0.hasPrefix("/dev/vfio/") && $0 != "/dev/vfio/1" }
        #expect(closes == [memory, "/dev/vfio/2", "/dev/vfio/vfio"])
    }

    @Test(
        "what cannot be a region is refused: no BAR, a BAR with unmappable parts, one too small, memory not importable")
    func refused() throws {
        let kernel = machine { $0.devices[memory]?.mappable[0] = [0..<2048] }
        let exporter = try system(kernel).open(memory)
        func error(_ bar: Int, _ slotSize: Int = 4096) -> VFIOError? {
            vfioFailure { () throws(DriverError) in _ = try exporter.lendRegion(bar: bar, slotSize: slotSize) }
        }
        #expect(error(1) == .noBAR(memory, 1))
        #expect(error(9) == .noBAR(memory, 9))
        #expect(error(0) == .barNotMappable(memory, 0))
        #expect(error(2, 65536) == .barTooSmall(memory, 2, bytes: 65536))
        #expect(exporter.lent.count == 0)
        let region = try exporter.lendRegion(bar: 2, slotSize: 4096)
        kernel.failures["VFIO_IOMMU_MAP_DMA"] = (0, EFAULT)
        let refused = memoryFailure { () throws(DeviceMemoryError) in _ = try exporter.mapRegion(region) }
        #expect(refused == .cannotImport(name: "memory of \(memory)"))
    }
}
