import DeviceMemory
import Testing

@testable import Sessions

@Suite struct MappingAuditTests {
    @Test(
        "any readable or writable page of the slots is found; a reservation is none, other memory does not count (G.14)"
    )
    func lines() {
        let slots = MappingAudit.Memory(device: "00:0f", inode: 7, range: 0x2_0000..<0x6_0000)
        var finding = MappingAudit.Finding()
        for line in [
            "7f0000000000-7f0000040000 ---s 00020000 00:0f 7 anon_inode:[vfio-device]",
            "7f0000100000-7f0000101000 r--s 00060000 00:0f 7 anon_inode:[vfio-device]",
            "7f0000200000-7f0000220000 rw-s 00000000 00:0f 7 anon_inode:[vfio-device]",
            "7f0000300000-7f0000400000 rw-s 00000000 00:0f 8 anon_inode:[vfio-device]",
            "7f0002000000-7f0003000000 rw-s 00000000 00:01 7 /memfd:rings and headers (deleted)",
            "7f0004000000-7f0005000000 rw-p 00000000 00:00 0",
        ] { MappingAudit.count(line, slots, &finding) }
        #expect(finding == MappingAudit.Finding(mappings: 1, accessible: 0))
        for (rights, start) in [("r--s", "0001f000"), ("-w-s", "0005f000"), ("rw-s", "00030000")] {
            MappingAudit.count("7f0000000000-7f0000002000 \(rights) \(start) 00:0f 7 x", slots, &finding)
        }
        #expect(finding == MappingAudit.Finding(mappings: 4, accessible: 3))
    }

    @Test("the slots of a region of this process are found in its real memory map (G.14)")
    func real() throws {
        let region = try DeviceRegion(size: 64 << 10, slotSize: 4096, visibility: .flushRead)
        let slots = MappingAudit.Memory(slotsOf: region)
        #expect(MappingAudit.look(for: slots) == MappingAudit.Finding(mappings: 0, accessible: 0))
        let reservation = try region.object.view(rights: [])
        let flushPage = try region.object.view(offset: region.flushOffset, rights: .read)
        #expect(MappingAudit.look(for: slots) == MappingAudit.Finding(mappings: 1, accessible: 0))
        let slot = try region.object.view(offset: 4096, length: 4096, rights: .read)
        #expect(MappingAudit.look(for: slots) == MappingAudit.Finding(mappings: 2, accessible: 1))
        extendLifetime(reservation)
        extendLifetime(flushPage)
        extendLifetime(slot)
    }
}
