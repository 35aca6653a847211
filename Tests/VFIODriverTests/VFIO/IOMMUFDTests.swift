import CShim
import DeviceMemory
import Glibc
import Testing

@testable import VFIODriver

@Suite struct IOMMUFDTests {
    private func modern(_ change: (FakeKernel) -> Void = { _ in }) -> FakeKernel {
        machine {
            $0.hasCharacterDevices = true
            $0.missing = ["/dev/vfio/vfio", "/dev/vfio/1", "/dev/vfio/2"]
            change($0)
        }
    }

    @Test("a kernel without containers is used through iommufd, one address space for all devices")
    func opened() throws {
        let kernel = modern()
        do {
            let system = system(kernel)
            let first = try system.open(nic)
            let second = try system.open(memory)
            #expect(first.space === second.space)
            #expect(
                kernel.calls.prefix(6) == [
                    "open /dev/iommu", "IOMMU_IOAS_ALLOC", "open /dev/vfio/devices/vfio0",
                    "VFIO_DEVICE_BIND_IOMMUFD", "VFIO_DEVICE_ATTACH_IOMMUFD_PT", "IOMMU_IOAS_IOVA_RANGES",
                ])
            #expect(kernel.calls.filter { $0 == "IOMMU_IOAS_ALLOC" }.count == 1)
        }
        #expect(kernel.calls.contains("IOMMU_DESTROY") && kernel.open.isEmpty && kernel.openElsewhere == 0)
        #expect(kernel.closes().filter { $0 != "event" }.last == "/dev/iommu")
    }

    @Test("containers are preferred where both exist, unless iommufd is asked for; a kernel without its nodes says so")
    func choice() throws {
        let both = machine { $0.hasCharacterDevices = true }
        let group = try system(both).open(nic)
        #expect(group.space is Type1Container)
        let asked = machine { $0.hasCharacterDevices = true }
        let device = try system(asked, .iommufd).open(nic)
        #expect(device.space is IOMMUFDSpace)
        let old = machine()
        #expect(
            vfioFailure { () throws(DriverError) in _ = try system(old, .iommufd).open(nic) }
                == .noIOMMUFD(path: "/sys/bus/pci/devices/\(nic)/vfio-dev"))
    }

    @Test("host memory is mapped by descriptor, or through a view where the kernel cannot; unmapped exactly")
    func hostMemory() throws {
        for mapsFiles in [true, false] {
            let kernel = modern { $0.mapsFiles = mapsFiles }
            let device = try system(kernel).open(nic)
            let object = try MemoryObject(name: "test", size: 8192)
            let iova = try device.map(object, offset: 4096, length: 4096, rights: .readWrite)
            _ = try device.map(object, offset: 0, length: 4096, rights: .read)
            #expect(kernel.mappings.map(\.rights) == (mapsFiles ? ["file", "file"] : ["rw-s", "r--s"]))
            // FIXED_IOVA, WRITEABLE, READABLE.
            #expect(kernel.mappings.map(\.flags) == [7, 5])
            #expect(device.space.lockedBytes == 8192)
            // Asked once, not with every mapping.
            #expect(kernel.calls.filter { $0 == "IOMMU_IOAS_MAP_FILE" }.count == (mapsFiles ? 2 : 1))
            try device.unmap(iova, length: 4096)
            #expect(kernel.mappings.count == 1 && device.space.lockedBytes == 4096)
        }
    }

    @Test("another device's memory enters as dma-buf, and not at all where the kernel exports none")
    func buffers() throws {
        for exports in [true, false] {
            let kernel = modern { $0.exportsBuffers = exports }
            do {
                let system = system(kernel)
                let device = try system.open(nic)
                let exporter = try system.open(memory)
                let region = try exporter.lendRegion(bar: 2, slotSize: 4096)
                let error = memoryFailure { () throws(DeviceMemoryError) in _ = try device.mapRegion(region) }
                #expect(error == (exports ? nil : .cannotImport(name: "memory of \(memory)")))
                #expect(kernel.importedFiles == (exports ? ["buffer"] : []))
                #expect(device.space.lockedBytes == 0)
            }
            #expect(kernel.open.isEmpty && kernel.openElsewhere == 0)
        }
    }

    @Test("a device that somebody else has bound is busy, with the holder's name where it can be found")
    func busy() {
        let kernel = modern {
            $0.failures["VFIO_DEVICE_BIND_IOMMUFD"] = (0, EBUSY)
            $0.user = "process 7 (qemu)"
        }
        let error = vfioFailure { () throws(DriverError) in _ = try system(kernel).open(nic) }
        #expect(error == .busy(path: "/dev/vfio/devices/vfio0", holder: "process 7 (qemu)"))
        #expect(kernel.open.isEmpty && kernel.openElsewhere == 0)
    }

    @Test("whichever request is refused, opening ends in an error and leaves no descriptor")
    func refused() {
        for name in [
            "IOMMU_IOAS_ALLOC", "VFIO_DEVICE_BIND_IOMMUFD", "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
            "IOMMU_IOAS_IOVA_RANGES", "/dev/iommu", "/dev/vfio/devices/vfio0",
        ] {
            let kernel = modern { $0.failures[name] = (0, EACCES) }
            let error = vfioFailure { () throws(DriverError) in _ = try system(kernel).open(nic) }
            #expect(error != nil && kernel.open.isEmpty && kernel.openElsewhere == 0, "\(name)")
        }
    }
}
