import DeviceMemory
import Testing

@Suite struct IOVAAllocatorTests {
    @Test("addresses are congruent to 2 MiB, apart by a guard gap, never zero and never twice")
    func layout() throws {
        var allocator = IOVAAllocator(allowed: [0...0xFFFF_FFFF], deviceMask: 0xFFFF_FFFF)
        var previous: UInt64 = 0
        for bytes in [4096, 2 << 20, (2 << 20) + 1, 1] {
            let iova = try allocator.allocate(bytes: bytes)
            #expect(iova.rawValue % (2 << 20) == 0)
            #expect(iova.rawValue != 0)
            #expect(iova.rawValue >= previous + IOVAAllocator.guardGap || previous == 0)
            previous = iova.rawValue + UInt64(bytes)
        }
    }

    @Test("ranges beyond the device's mask and reserved holes are not used")
    func limits() throws {
        var allocator = IOVAAllocator(
            allowed: [0...0x3F_FFFF, 0x1000_0000...0x1FFF_FFFF, 0x1_0000_0000...UInt64.max], deviceMask: 0x1FFF_FFFF)
        let first = try allocator.allocate(bytes: 2 << 20)
        #expect(first.rawValue == 0x20_0000)
        let second = try allocator.allocate(bytes: 4 << 20)
        #expect(second.rawValue == 0x1000_0000)
        for bytes in [1 << 30, 0, -1] {
            #expect(throws: DeviceMemoryError.self) { try allocator.allocate(bytes: bytes) }
        }
    }
}

@Suite struct SoftIOMMUTests {
    @Test("accesses are bounded by their mapping and its rights, and every refusal is recorded")
    func faults() throws {
        var iommu = SoftIOMMU()
        let object = try MemoryObject(name: "test", size: 8192)
        let readable = try iommu.map(object, offset: 0, length: 8192, rights: .read, isRegion: false)
        let writable = try iommu.map(object, offset: 4096, length: 4096, rights: .readWrite, isRegion: true)
        let whole = iommu.read(readable.rawValue, 8192)
        #expect(whole?.bytes.count == 8192 && iommu.faultCount == 0)
        let refused = [
            iommu.write(readable.rawValue, 1), iommu.read(readable.rawValue + 8191, 2),
            iommu.read(readable.rawValue - 1, 1),
        ]
        #expect(refused.allSatisfy { $0 == nil })
        #expect(iommu.faults.map(\.reason) == [.writeDenied, .crossesMapping, .unmapped])
        let written = iommu.write(writable.rawValue + 100, 4)
        let target = try #require(written)
        target.bytes.setLE32(0, 0xDEAD_BEEF)
        #expect(target.isRegion && target.offset == 100)
        let seen = iommu.read(readable.rawValue + 4196, 4)
        #expect(seen?.bytes.readOnly.le32(0) == 0xDEAD_BEEF)
    }

    @Test("an unmapped address faults and is not handed out again")
    func unmap() throws {
        var iommu = SoftIOMMU()
        let object = try MemoryObject(name: "test", size: 4096)
        let first = try iommu.map(object, offset: 0, length: 4096, rights: .readWrite, isRegion: false)
        try iommu.unmap(first)
        let after = iommu.read(first.rawValue, 1)
        #expect(after == nil)
        do {
            try iommu.unmap(first)
            Issue.record("a second unmap went through")
        } catch {
            #expect(error == .notMapped(iova: first.rawValue))
        }
        let second = try iommu.map(object, offset: 0, length: 4096, rights: .readWrite, isRegion: false)
        #expect(second != first)
    }
}
