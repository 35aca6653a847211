import Testing

@testable import VFIODriver

@Suite struct IOMMUFaultLogTests {
    @Test("a fault is the device's own, whichever IOMMU tells it, and nothing else is one")
    func lines() {
        let intel =
            "DMAR: [DMA Write NO_PASID] Request device [02:00.0] fault addr 0xfee0000 [fault reason 0x05] PTE Write access is not set"
        #expect(IOMMUFaultLog.fault(in: "3,812,71238,-;\(intel)\n SUBSYSTEM=pci\n", of: "0000:02:00.0") == intel)
        let amd =
            "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:02:00.0 domain=0x000b address=0x1000 flags=0x0020]"
        #expect(IOMMUFaultLog.fault(in: "3,812,71238,-;\(amd)\n", of: "0000:02:00.0") == amd)
        for (record, address) in [
            ("3,812,71238,-;\(intel)\n", "0000:02:00.1"), ("3,812,71238,-;\(intel)\n", "0000:12:00.0"),
            ("3,812,71238,-;\(amd)\n", "0001:02:00.0"),
            ("3,812,71238,-;DMAR: DRHD: handling fault status reg 2\n", "0000:02:00.0"),
            ("6,1,0,-;pci 0000:02:00.0: [8086:10c9] type 00\n", "0000:02:00.0"), (intel, "0000:02:00.0"), ("", ""),
        ] { #expect(IOMMUFaultLog.fault(in: record, of: address) == nil) }
    }
}
