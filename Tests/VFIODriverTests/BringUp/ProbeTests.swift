import Testing

@testable import VFIODriver

/// A probe says yes only when nothing is in the way, and for every no what mends it.
@Suite struct ProbeTests {
    /// A NIC at vfio-pci behind a root port, alone in its group.
    private func machine(
        _ config: ConfigImage? = nil, ids: (UInt16, UInt16) = (0x8086, 0x10C9), driver: String? = "vfio-pci",
        group: Int? = 7
    ) throws -> (FakeMachine, PCIAddress) {
        let machine = try FakeMachine()
        let address = machine.add(
            "0000:01:00.0", below: "pci0000:00/0000:00:1c.0", ids: ids, driver: driver, group: group,
            config: config?.bytes)
        return (machine, address)
    }

    private func probe(
        _ machine: FakeMachine, _ address: PCIAddress, peer: PCIAddress? = nil
    ) throws -> ProbeReport {
        let report = try KernelProbe.report(on: address, peer: peer, in: machine)
        for finding in report.findings {
            #expect((finding.remedy == nil) == (finding.state == .ok), "\(finding)")
        }
        #expect(machine.writes.isEmpty)
        return report
    }

    private func problems(_ report: ProbeReport) -> [String] {
        report.findings.filter { $0.state == .problem }.map(\.name)
    }

    @Test("a device with everything in place can be used")
    func usable() throws {
        let (machine, address) = try machine()
        let report = try probe(machine, address)
        #expect(report.usable && problems(report).isEmpty)
        #expect(report.capabilities.family == .igb)
        #expect(report.capabilities.msixVectors == 10)
        #expect(report.capabilities.maxPayloadSupportedBytes == 512)
        #expect(report.bars.first?.sizeBytes == 128 << 10)
        #expect(report.path?.ports.map(\.address.description) == ["0000:00:1c.0"])
    }

    @Test("no IOMMU, none for this device, a group in use, the kernel's driver, no node: each is a problem of its own")
    func kernelInTheWay() throws {
        let bare = try FakeMachine(iommu: false)
        let address = bare.add("0000:01:00.0", driver: "igb")
        #expect(problems(try probe(bare, address)) == ["IOMMU", "driver"])

        let (outside, second) = try machine(group: nil)
        outside.directory("/sys/kernel/iommu_groups/1")
        #expect(problems(try probe(outside, second)) == ["IOMMU"])

        let (shared, third) = try machine()
        shared.add("0000:01:00.1", driver: "igb", group: 7)
        let report = try probe(shared, third)
        #expect(problems(report) == ["group"])
        let finding = report.findings.first { $0.name == "group" }
        #expect(finding?.text.contains("0000:01:00.1 (igb)") == true)
        #expect(finding?.remedy == "uiodrv bind 0000:01:00.0 --group")

        let (kernels, fourth) = try machine(driver: "igb")
        let driver = try probe(kernels, fourth).findings.first { $0.name == "driver" }
        #expect(driver?.state == .problem && driver?.remedy == "uiodrv bind 0000:01:00.0")

        let (noNode, fifth) = try machine()
        _ = noNode.remove("/dev/vfio/7")
        #expect(problems(try probe(noNode, fifth)) == ["access"])
    }

    @Test("a device of another family, a relative, one that is gone, and one without its registers are refused")
    func wrongDevices() throws {
        let (other, address) = try machine(ids: (0x1AF4, 0x1041))
        #expect(problems(try probe(other, address)) == ["family"])
        let (fibre, second) = try machine(ids: (0x8086, 0x10E6))
        #expect(try probe(fibre, second).findings[0].text.contains("relative of the Intel 82576"))
        let (gone, third) = try machine(ConfigImage((0xFFFF, 0xFFFF)))
        #expect(problems(try probe(gone, third)) == ["family"])
        let (small, fourth) = try machine()
        small.file(fourth.sysfs + "/resource", "0x00000000f0000000 0x00000000f0000fff 0x0000000000040200\n")
        #expect(problems(try probe(small, fourth)) == ["registers"])
    }

    @Test("a capability that is taken away is named exactly")
    func capabilityTakenAway() {
        let all: Set<UInt16> = [0x01, 0x11, 0x10]
        let names: [UInt16: String] = [0x01: "Power Management", 0x11: "MSI-X", 0x10: "PCI Express"]
        for (id, name) in names {
            let report = ProbeReport(
                name: "test", ConfigDevice(ConfigImage((0x8086, 0x10C9), with: all.subtracting([id]))))
            #expect(report.capabilities.missing.map(\.name) == [name])
            #expect(report.findings.contains { $0.text.hasPrefix("\(name) is missing") })
            #expect(report.usable)
        }
        var image = ConfigImage((0x8086, 0x10C9), with: [0x01, 0x11])
        image.addExpress(type: 0, reset: false)
        let report = ProbeReport(name: "test", ConfigDevice(image))
        #expect(report.capabilities.missing.map(\.name) == ["function level reset"])
        #expect(ProbeReport(name: "test", ConfigDevice(ConfigImage((0x8086, 0x10C9)))).capabilities.missing.isEmpty)
    }

    @Test("a bridge in the group, an idle member and one at vfio-pci are not in the way")
    func harmlessMembers() throws {
        let (machine, address) = try machine()
        machine.add("0000:00:1c.0", classCode: 0x060400, driver: "pcieport", group: 7)
        machine.add("0000:01:00.1", group: 7)
        machine.add("0000:01:00.2", driver: "vfio-pci", group: 7)
        #expect(try probe(machine, address).usable)
    }

    @Test("a slow link, no reset, virtual functions and the default route are warnings")
    func warnings() throws {
        var image = ConfigImage((0x8086, 0x10C9))
        var virtual = [UInt8](repeating: 0, count: 0x3C)
        virtual[4] = 1
        virtual[12] = 3
        image.addExtended(0x0010, virtual)
        let (machine, address) = try machine(image)
        _ = machine.remove(address.sysfs + "/reset_method")
        machine.file(address.sysfs + "/current_link_speed", "2.5 GT/s PCIe\n")
        machine.file(address.sysfs + "/max_link_speed", "5.0 GT/s PCIe\n")
        machine.file(address.sysfs + "/current_link_width", "1\n")
        machine.file(address.sysfs + "/max_link_width", "4\n")
        machine.directory(address.sysfs + "/net/eth0")
        machine.link("/sys/class/net/eth0", to: address.sysfs + "/net/eth0")
        machine.route("eth0")
        let report = try probe(machine, address)
        #expect(
            report.findings.filter { $0.state == .warning }.map(\.name) == [
                "reset", "route", "virtual functions", "PCI Express link",
            ])
        #expect(report.usable)
    }

    /// A machine with two host bridges; below the first a switch (1c.0 - 02 - 03) and a second root port.
    private func topology(redirect: Bool) throws -> FakeMachine {
        let machine = try FakeMachine()
        func port(_ address: String, below parent: String, type: UInt8, redirects: Bool = false) {
            var image = ConfigImage((0x10B5, 0x8747), with: [], bridge: true)
            image.addExpress(type: type)
            image.addAccessControl(redirect: redirects)
            machine.add(address, below: parent, classCode: 0x060400, driver: "pcieport", config: image.bytes)
        }
        port("0000:00:1c.0", below: "pci0000:00", type: 4)
        port("0000:00:1d.0", below: "pci0000:00", type: 4)
        port("0000:02:00.0", below: "pci0000:00/0000:00:1c.0", type: 5)
        let below = "pci0000:00/0000:00:1c.0/0000:02:00.0"
        port("0000:03:00.0", below: below, type: 6, redirects: redirect)
        port("0000:03:01.0", below: below, type: 6, redirects: redirect)
        machine.add("0000:04:00.0", below: below + "/0000:03:00.0", driver: "vfio-pci", group: 1)
        machine.add("0000:04:00.1", below: below + "/0000:03:00.0", driver: "vfio-pci", group: 1)
        machine.add("0000:05:00.0", below: below + "/0000:03:01.0", driver: "vfio-pci", group: 2)
        machine.add("0000:06:00.0", below: "pci0000:00/0000:00:1d.0", driver: "vfio-pci", group: 3)
        machine.add("0000:06:01.0", below: "pci0000:00/0000:00:1d.0", driver: "vfio-pci", group: 3)
        machine.add("0000:80:00.0", below: "pci0000:80", driver: "igb", group: 4)
        return machine
    }

    @Test("the way to a peer is classed by where both paths part, and says whether ACS redirects it")
    func peers() throws {
        func way(_ from: String, _ to: String, redirect: Bool = false) throws -> PeerPath? {
            guard let own = PCIAddress(from), let peer = PCIAddress(to) else { return nil }
            return try probe(try topology(redirect: redirect), own, peer: peer).peer
        }
        #expect(try way("0000:04:00.0", "0000:04:00.1")?.kind == .sameDevice)
        let near = try way("0000:04:00.0", "0000:05:00.0")
        #expect(
            near?.kind == .sameSwitch && near?.isRedirected == false && near?.meeting?.description == "0000:02:00.0")
        let redirected = try way("0000:04:00.0", "0000:05:00.0", redirect: true)
        #expect(redirected?.kind == .sameSwitch && redirected?.isRedirected == true)
        #expect(near?.meaning != redirected?.meaning)
        #expect(try way("0000:06:00.0", "0000:06:01.0")?.kind == .sameRootPort)
        #expect(try way("0000:04:00.0", "0000:06:00.0")?.kind == .sameRootComplex)
        #expect(try way("0000:04:00.0", "0000:80:00.0")?.kind == .differentRootComplexes)
    }

    @Test("the ports of the path are told with their kind and their ACS")
    func path() throws {
        let machine = try topology(redirect: true)
        guard let address = PCIAddress("0000:04:00.0") else { return }
        let report = try probe(machine, address)
        #expect(
            report.path?.ports.map(\.kind) == ["root port", "switch upstream port", "switch downstream port"])
        #expect(report.path?.ports.map(\.redirectsPeers) == [false, false, true])
        #expect(report.path?.hostBridge == "pci0000:00")
    }

    @Test("a peer's memory is offered as a region when vfio-pci has it, and its driver is a problem otherwise")
    func peerMemory() throws {
        let machine = try topology(redirect: false)
        guard let own = PCIAddress("0000:04:00.0"), let ours = PCIAddress("0000:05:00.0"),
            let kernels = PCIAddress("0000:80:00.0")
        else { return }
        let good = try probe(machine, own, peer: ours)
        #expect(good.usable)
        #expect(good.findings.contains { $0.name == "peer memory" && $0.text.hasPrefix("bar:0000:05:00.0:0") })
        let bad = try probe(machine, own, peer: kernels)
        #expect(problems(bad) == ["peer memory"])
        #expect(problems(try probe(machine, own, peer: own)) == ["peer"])
    }
}
