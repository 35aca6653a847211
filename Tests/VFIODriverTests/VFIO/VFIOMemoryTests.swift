import CShim
import DeviceMemory
import Glibc
import Testing

@testable import VFIODriver

@Suite struct VFIOMemoryTests {
    @Test("memory is pinned through a view that allows what the device may do, and nothing of it can be touched after")
    func protected() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        let object = try MemoryObject(name: "vfio-pinned", size: 8192)
        let both = try device.map(object, offset: 0, length: 4096, rights: .readWrite)
        let read = try device.map(object, offset: 4096, length: 4096, rights: .read)
        #expect(
            kernel.mappings == [
                .init(iova: both.rawValue, size: 4096, flags: 3, rights: "rw-s"),
                .init(iova: read.rawValue, size: 4096, flags: 1, rights: "r--s"),
            ])
        #expect(isMapped("vfio-pinned", ["---s": 8192]))
        try device.unmap(read, length: 4096)
        #expect(isMapped("vfio-pinned", ["---s": 4096]))
        extendLifetime(device)
    }

    @Test("addresses keep within the IOMMU's ranges and the device's mask, also when a second group narrows them")
    func ranges() throws {
        let kernel = machine()
        let system = system(kernel)
        let device = try system.open(nic, deviceMask: 0xFFFF_FFFF)
        kernel.ranges = [0x8000_0000...0xFEDF_FFFF]
        let second = try system.open(memory)
        let object = try MemoryObject(name: "test", size: 4096)
        let iova = try device.map(object, offset: 0, length: 4096, rights: .readWrite)
        #expect(iova.rawValue >= 0x8000_0000 && iova.rawValue <= 0xFEDF_FFFF)
        kernel.ranges = []
        let full = try MemoryObject(name: "too much", size: 3 << 30)
        let error = memoryFailure { () throws(DeviceMemoryError) in
            _ = try device.map(full, offset: 0, length: 3 << 30, rights: .read)
        }
        #expect(error == .outOfIOVASpace(bytes: 3 << 30))
        extendLifetime(second)
    }

    @Test("locked memory is accounted exactly, and its limit is explained with its numbers")
    func limit() throws {
        let kernel = machine { $0.limit = 10000 }
        let device = try system(kernel).open(nic)
        let object = try MemoryObject(name: "rings", size: 8192)
        let iova = try device.map(object, offset: 0, length: 8192, rights: .readWrite)
        #expect(device.space.lockedBytes == 8192)
        kernel.failures["VFIO_IOMMU_MAP_DMA"] = (0, ENOMEM)
        let error = memoryFailure { () throws(DeviceMemoryError) in
            _ = try device.map(object, offset: 0, length: 4096, rights: .read)
        }
        #expect(error == .lockedMemoryLimit(name: "rings", bytes: 4096, locked: 8192, limit: 10000))
        #expect(error?.description.contains("ulimit -l 12") == true)
        kernel.limit = .max
        for (code, expected) in [
            (ENOMEM, DeviceMemoryError.cannotMapForDevice(name: "rings", bytes: 4096, errno: ENOMEM)),
            (ENOSPC, .tooManyMappings(name: "rings")),
            (EFAULT, .cannotMapForDevice(name: "rings", bytes: 4096, errno: EFAULT)),
        ] {
            kernel.failures["VFIO_IOMMU_MAP_DMA"] = (0, code)
            let error = memoryFailure { () throws(DeviceMemoryError) in
                _ = try device.map(object, offset: 0, length: 4096, rights: .read)
            }
            #expect(error == expected)
        }
        #expect(device.space.lockedBytes == 8192 && isMapped("rings", ["---s": 8192]))
        try device.unmap(iova, length: 8192)
        #expect(device.space.lockedBytes == 0 && kernel.mappings.isEmpty)
    }

    @Test("a mapping is taken back once, as it was made, and not while the function may write to it")
    func unmapping() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        let object = try MemoryObject(name: "test", size: 8192)
        let iova = try device.map(object, offset: 0, length: 8192, rights: .readWrite)
        func unmap(_ length: Int) -> DeviceMemoryError? {
            memoryFailure { () throws(DeviceMemoryError) in try device.unmap(iova, length: length) }
        }
        #expect(unmap(4096) == .notMapped(iova: iova.rawValue))
        kernel.keepsMappings = true
        #expect(unmap(8192) == .notMapped(iova: iova.rawValue) && device.space.lockedBytes == 8192)
        kernel.keepsMappings = false
        device.writeConfig32(PCIConfig.command, PCIConfig.commandBusMaster)
        #expect(unmap(8192) == .stillMastering(iova: iova.rawValue) && kernel.mappings.count == 1)
        device.writeConfig32(PCIConfig.command, 0)
        #expect(unmap(8192) == nil && kernel.mappings.isEmpty)
        #expect(unmap(8192) == .notMapped(iova: iova.rawValue))
        let again = try device.map(object, offset: 0, length: 8192, rights: .readWrite)
        device.writeConfig32(PCIConfig.command, PCIConfig.commandBusMaster)
        try device.unmapUnderDMA(again, length: 8192)
        #expect(again > iova && kernel.mappings.isEmpty)
    }

    @Test("a device that goes stops its DMA before its mappings are taken away")
    func leaving() throws {
        let kernel = machine()
        do {
            let device = try system(kernel).open(nic)
            let object = try MemoryObject(name: "test", size: 4096)
            _ = try device.map(object, offset: 0, length: 4096, rights: .readWrite)
            device.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        }
        let stopped = try #require(kernel.calls.lastIndex(of: "command 2"))
        let unmapped = try #require(kernel.calls.lastIndex(of: "VFIO_IOMMU_UNMAP_DMA"))
        let closed = try #require(kernel.calls.lastIndex(of: "close \(nic)"))
        #expect(stopped < unmapped && unmapped < closed && kernel.mappings.isEmpty)
    }

    @Test("pieces that are not whole pages are refused before the kernel is asked")
    func misaligned() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        let object = try MemoryObject(name: "test", size: 8192)
        for (offset, length) in [(2048, 4096), (0, 2048), (0, 0), (0, -4096)] {
            let error = memoryFailure { () throws(DeviceMemoryError) in
                _ = try device.map(object, offset: offset, length: length, rights: .read)
            }
            #expect(error != nil)
        }
        #expect(!kernel.calls.contains("VFIO_IOMMU_MAP_DMA"))
    }

    /// Whether exactly so many bytes of a memfd are mapped in this process, by their rights.
    ///
    /// The kernel writes the map down in pieces, between which other tests map and unmap: a line may be missing or there twice,
    /// so a map that differs is read again. Neighbours with the same rights may be one mapping: bytes are counted.
    private func isMapped(_ name: String, _ expected: [String: Int]) -> Bool {
        (0..<100).contains { attempt in
            if attempt > 0 { usleep(5000) }
            return mappings(of: name) == expected
        }
    }

    private func mappings(of name: String) -> [String: Int] {
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return ["?": 0] }
        defer { unsafe fclose(file) }
        var bytes: [String: Int] = [:]
        var line = [CChar](repeating: 0, count: 1024)
        while unsafe fgets(&line, 1024, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.contains("memfd:\(name)") else { continue }
            let fields = text.split(separator: " ")
            let ends = fields[0].split(separator: "-").map { Int($0, radix: 16) ?? 0 }
            bytes[String(fields[1]), default: 0] += ends[1] - ends[0]
        }
        return bytes
    }
}
