import Testing
import Timeline

@testable import VFIODriver

/// Decoding of configuration space, whose content is the device's and so not trusted.
@Suite struct ConfigTests {
    private func field(_ listing: ConfigListing, _ title: String, _ name: String) -> String? {
        listing.sections.first { $0.title == title }?.fields.first { $0.name == name }?.text
    }

    @Test("header and capabilities are shown by name")
    func names() {
        var image = ConfigImage((0x8086, 0x10C9))
        image.put16(0x04, 0x0406)
        image.addExtended(0x0001, [0, 0x40, 0, 0])
        image.addAccessControl(redirect: true)
        image.addExtended(0x000E, [0, 1, 0, 0])
        var virtual = [UInt8](repeating: 0, count: 0x3C)
        virtual[4] = 0x01
        virtual[10] = 8
        virtual[12] = 2
        image.addExtended(0x0010, virtual)
        let space = ConfigSpace(bytes: image.bytes)
        let listing = ConfigListing(space, bars: [])
        #expect(
            listing.sections.map(\.title) == [
                "Header", "Power Management", "MSI-X", "PCI Express", "Advanced Error Reporting (AER)",
                "Access Control Services (ACS)", "Alternative Routing-ID (ARI)",
                "Single Root I/O Virtualization (SR-IOV)",
            ])
        #expect(listing.fault == nil && listing.lengthBytes == 4096)
        #expect(field(listing, "Header", "device id") == "0x10c9")
        #expect(field(listing, "Header", "bus master") == "on")
        #expect(field(listing, "Header", "interrupt disable") == "on")
        #expect(field(listing, "MSI-X", "vectors") == "10")
        #expect(field(listing, "MSI-X", "table BAR") == "3")
        #expect(field(listing, "PCI Express", "max payload supported") == "512 bytes")
        #expect(field(listing, "PCI Express", "max read request") == "512 bytes")
        #expect(field(listing, "PCI Express", "relaxed ordering") == "on")
        #expect(field(listing, "PCI Express", "function level reset") == "on")
        #expect(field(listing, "Advanced Error Reporting (AER)", "completion timeout") == "on")
        #expect(field(listing, "Access Control Services (ACS)", "peer-to-peer request redirect") == "on")
        #expect(field(listing, "Access Control Services (ACS)", "source validation") == "on")
        #expect(field(listing, "Alternative Routing-ID (ARI)", "next function number") == "1")
        #expect(field(listing, "Single Root I/O Virtualization (SR-IOV)", "VFs") == "2")
        #expect(DeviceCapabilities(space).enabledVirtualFunctions == 2)
    }

    @Test("64 bytes, which is what an unprivileged reader gets, are the header alone")
    func headerAlone() {
        let space = ConfigSpace(bytes: Array(ConfigImage((0x8086, 0x10C9)).bytes.prefix(64)))
        let listing = ConfigListing(space, bars: [])
        #expect(listing.sections.map(\.title) == ["Header"])
        #expect(DeviceCapabilities(space).missing.isEmpty)
    }

    @Test("lists that go round, astray or beyond the space end, and are said to be broken")
    func brokenLists() {
        var round = ConfigImage((0x8086, 0x10C9), with: [])
        round.put16(0x34, 0x40)
        round.put16(0x40, 0x4001)
        #expect(ConfigSpace(bytes: round.bytes).capabilityFault?.contains("0x40") == true)
        var low = ConfigImage((0x8086, 0x10C9), with: [])
        low.put16(0x34, 0x10)
        #expect(ConfigSpace(bytes: low.bytes).capabilityFault != nil)
        var extended = ConfigImage((0x8086, 0x10C9), with: [])
        extended.put32(0x100, 0x1001_0001)
        #expect(ConfigSpace(bytes: extended.bytes).capabilityFault?.contains("0x100") == true)
        extended.put32(0x100, 0x0401_0001)
        #expect(ConfigSpace(bytes: extended.bytes).capabilityFault?.contains("0x040") == true)
        #expect(ConfigSpace(bytes: ConfigImage((0x8086, 0x10C9)).bytes).capabilityFault == nil)
    }

    @Test("random bytes of any length are decoded without an end to the program")
    func randomBytes() {
        var generator = SeededGenerator(seed: 7)
        for round in 0..<400 {
            let count = [0, 1, 63, 64, 65, 255, 256, 257, 4095, 4096][round % 10]
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            // Mostly a list, so that it is walked.
            if count > 6, round % 3 != 0 { bytes[6] |= 0x10 }
            let space = ConfigSpace(bytes: bytes)
            let listing = ConfigListing(space, bars: [])
            #expect(listing.sections.count <= 1 + 48 + 960)
            _ = ConfigListing.raw(space)
            _ = DeviceCapabilities(space)
        }
    }

    @Test("the bytes are printed sixteen a line, without an empty extended space")
    func rawBytes() {
        let lines = ConfigListing.raw(ConfigSpace(bytes: ConfigImage((0x8086, 0x10C9)).bytes))
        #expect(lines.count == 16)
        #expect(lines[0].hasPrefix("000: 86 80 c9 10 "))
    }

    @Test("sizing tells the length of a window, and leaves command and addresses as they were")
    func sizing() {
        let masks: [Int: UInt32] = [
            0x04: 0x547, 0x10: 0xFFFE_0000, 0x18: 0xFFFF_FFE0, 0x1C: 0xFFFF_C000, 0x20: 0xFFFF_FFFF,
        ]
        var image = ConfigImage((0x8086, 0x10C9))
        image.put16(0x04, 0x0006)
        image.put32(0x18, 0xE001)
        image.put32(0x1C, 0xFE00_000C)
        image.put32(0x20, 0x0000_0001)
        let device = ConfigDevice(image, masks: masks)
        let bars = PCIBar.sizing(device)
        #expect(bars.map(\.index) == [0, 2, 3])
        #expect(bars.map(\.sizeBytes) == [128 << 10, 32, 16 << 10])
        #expect(bars.map(\.isMappable) == [true, false, true])
        #expect(bars[2].is64Bit && bars[2].isPrefetchable && bars[2].address == 0x1_FE00_0000)
        #expect(device.image.bytes == image.bytes)
        #expect(!device.wasSizedWhileDecoding)
    }
}
