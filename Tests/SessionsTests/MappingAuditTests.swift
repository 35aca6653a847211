import Testing

@testable import Sessions

@Suite struct MappingAuditTests {
    @Test(
        "any readable or writable page of the region is found; a reservation is none, other memory does not count (G.14)"
    )
    func lines() {
        var finding = MappingAudit.Finding()
        for line in [
            "7f0000000000-7f0001000000 ---s 00000000 00:01 5 /memfd:device region (deleted)",
            "7f0002000000-7f0003000000 rw-s 00000000 00:01 6 /memfd:rings and headers (deleted)",
        ] { MappingAudit.count(line, &finding) }
        #expect(finding == MappingAudit.Finding(mappings: 1, accessible: 0))
        for rights in ["r--s", "-w-s", "rw-s"] {
            MappingAudit.count("7f0000000000-7f0000001000 \(rights) 00000000 00:01 5 /memfd:device region", &finding)
        }
        #expect(finding == MappingAudit.Finding(mappings: 4, accessible: 3))
    }
}
