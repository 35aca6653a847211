import Testing

@testable import VFIODriver

/// Enumeration through libpci and sysfs.
@Suite struct ListTests {
    @Test("an address is read in both forms and printed in sysfs's; what is none is refused")
    func addresses() {
        #expect(PCIAddress("0000:01:00.0")?.description == "0000:01:00.0")
        #expect(PCIAddress("0a:1f.7")?.description == "0000:0a:1f.7")
        #expect(PCIAddress("10000:01:00.0")?.description == "10000:01:00.0")
        for text in [
            "", ":", "01:00", "01:00.8", "01:20.0", "1:0.0", "0000:01:00.0.0", "00000000:01:00.0:1", "+1:00.0",
            "xx:00.0",
            "000000000:01:00.0", "01:00.", "eth0", "pci0000:00",
        ] {
            #expect(PCIAddress(text) == nil, "\(text)")
        }
    }

    @Test("a function is listed with ids, driver, group, members, node, link and the interface below it")
    func facts() throws {
        let machine = try FakeMachine()
        let address = machine.add(
            "0000:01:00.0", below: "pci0000:00/0000:00:1c.0", driver: "igb", group: 7, interface: "eth0")
        let second = machine.add("0000:01:00.1", below: "pci0000:00/0000:00:1c.0", ids: (0x1AF4, 0x1041), group: 7)
        machine.file(address.sysfs + "/numa_node", "1\n")
        machine.file(address.sysfs + "/current_link_speed", "2.5 GT/s PCIe\n")
        machine.file(address.sysfs + "/max_link_speed", "5.0 GT/s PCIe\n")
        machine.file(address.sysfs + "/current_link_width", "1\n")
        machine.file(address.sysfs + "/max_link_width", "4\n")
        machine.file(second.sysfs + "/current_link_speed", "Unknown\n")
        machine.file(second.sysfs + "/current_link_width", "255\n")
        // A virtio interface has a device of its own in between.
        machine.directory(second.sysfs + "/virtio3/net/ens1")
        machine.link("/sys/class/net/ens1", to: second.sysfs + "/virtio3/net/ens1")
        let functions = PCIFunction.all(in: machine)
        #expect(functions.map(\.address) == [address, second])
        let first = functions[0]
        #expect(
            first.vendor.rawValue == 0x8086 && first.device.rawValue == 0x10C9 && first.classCode.rawValue == 0x0200)
        #expect(first.driver == "igb" && first.iommuGroup == 7 && first.groupMembers == [address, second])
        #expect(first.numaNode == 1 && first.interfaces == ["eth0"])
        #expect(first.linkSpeedGTs == 2.5 && first.maxLinkSpeedGTs == 5)
        #expect(first.linkWidth == 1 && first.maxLinkWidth == 4)
        let other = functions[1]
        #expect(other.driver == nil && other.numaNode == nil && other.interfaces == ["ens1"])
        #expect(other.linkSpeedGTs == nil && other.linkWidth == nil)
    }

    @Test("a machine without PCI lists nothing, and a function that vanishes while it is listed is left out")
    func nothingThere() throws {
        let empty = try FakeMachine()
        #expect(PCIFunction.all(in: empty).isEmpty)
        #expect(PCIFunction.all(in: HostTree(root: empty.root + "/dev")).isEmpty)
        let machine = try FakeMachine()
        let gone = machine.add("0000:01:00.0")
        let there = machine.add("0000:02:00.0")
        _ = machine.remove(gone.sysfs + "/vendor")
        #expect(PCIFunction.all(in: machine).map(\.address) == [there])
    }

    @Test("a file is read whole, beyond one page and without a size")
    func wholeFiles() throws {
        let machine = try FakeMachine()
        machine.file("/long", String(repeating: "x", count: 10_000))
        #expect(machine.bytes("/long")?.count == 10_000)
        #expect(HostTree().text("/proc/self/limits")?.contains("Max locked memory") == true)
        #expect(machine.bytes("/nothing") == nil)
    }
}
