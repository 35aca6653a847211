import Testing
import VFIODriver

@testable import Sessions

@Suite struct DeviceNameTests {
    @Test("a device is named as on the command line and prints as it was named")
    func names() throws {
        for (text, name) in [
            ("softnic:igb", DeviceName.softnic(.igb)), ("softnic:ixgbe", .softnic(.ixgbe)),
            ("qemu:e1000e", .qemu(.e1000e)),
            ("0000:01:00.0", .pci("0000:01:00.0")), ("10000:af:1f.7", .pci("10000:af:1f.7")),
        ] {
            #expect(try DeviceName(parsing: text) == name)
            #expect(name.description == text)
        }
    }

    @Test(
        "what is no device is refused with what would be one",
        arguments: [
            "", "igb", "softnic:", "softnic:rtl8139", "qemu:virtio", "qemu:ixgbe", "0000:01:00", "0000:01:20.0",
            "0000:01:00.8", "0000:0g:00.0", "0000:01:00.0 ", "vfio:0000:01:00.0",
        ])
    func refused(_ text: String) {
        let error = #expect(throws: SessionError.self) { try DeviceName(parsing: text) }
        #expect(error?.description.contains("use softnic:igb") == true)
    }

    @Test("a BAR is an address and a number from 0 to 5")
    func bars() throws {
        let bar = try BARName(parsing: "0000:03:00.0:2")
        #expect(bar.device == "0000:03:00.0" && bar.index == 2)
        for text in ["", "2", "0000:03:00.0", "0000:03:00.0:", "0000:03:00.0:6", "0000:03:00.0:-1"] {
            #expect(throws: SessionError.self) { try BARName(parsing: text) }
        }
    }
}
