import Glibc
import Testing

@testable import VFIODriver

/// The doctor's verdict is about devices of the machine, and each complaint says what mends it.
@Suite struct DoctorTests {
    /// A machine where everything is in place.
    private func healthy() throws -> FakeMachine {
        let machine = try FakeMachine()
        machine.file("/proc/sys/kernel/osrelease", "6.12.9-amd64\n")
        machine.add("0000:01:00.0", driver: "vfio-pci", group: 7)
        machine.directory("/sys/module/vfio_iommu_type1")
        machine.file("/dev/net/tun", "")
        machine.file(
            "/proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units\nMax locked memory         unlimited            unlimited            bytes\n"
        )
        machine.file("/proc/self/status", "Name:\tuiodrv\nCapEff:\t0000000000000000\n")
        machine.file("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64\n")
        machine.file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "60\n")
        machine.directory("/sys/devices/system/node/node0")
        return machine
    }

    private func examine(_ machine: FakeMachine) -> (usable: Bool, complaints: [String: Finding]) {
        let report = Doctor.examine(machine, qemu: .ok("QEMU", "10.0.2"))
        for finding in report.findings {
            #expect((finding.remedy == nil) == (finding.state == .ok), "\(finding)")
        }
        #expect(machine.writes.isEmpty)
        let complaints = report.findings.filter { $0.state != .ok }.map { ($0.name, $0) }
        return (report.realDevicesUsable, Dictionary(complaints, uniquingKeysWith: { a, _ in a }))
    }

    @Test("a machine with everything in place is healthy")
    func nothingToSay() throws {
        let result = examine(try healthy())
        #expect(result.usable && result.complaints.isEmpty, "\(result.complaints)")
    }

    @Test("what devices of the machine need is a problem when it is missing")
    func problems() throws {
        func problem(_ name: String, _ breaking: (FakeMachine) -> Void) throws -> String? {
            let machine = try healthy()
            breaking(machine)
            let result = examine(machine)
            #expect(!result.usable)
            #expect(result.complaints[name]?.state == .problem, "\(result.complaints)")
            return result.complaints[name]?.remedy
        }
        let remedy = try problem("IOMMU") { machine in
            machine.erase("/sys/kernel/iommu_groups")
            machine.file("/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n")
        }
        #expect(remedy?.contains("AMD-Vi") == true)
        #expect(try problem("/dev/vfio/vfio") { _ = $0.remove("/dev/vfio/vfio") } != nil)
        let unloaded = try problem("vfio-pci") { machine in
            machine.erase("/sys/bus/pci/drivers/vfio-pci")
            machine.file("/lib/modules/6.12.9-amd64/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz: a.ko\n")
        }
        #expect(unloaded == "modprobe vfio-pci")
        let absent = try problem("vfio-pci") { $0.erase("/sys/bus/pci/drivers/vfio-pci") }
        #expect(absent?.contains("CONFIG_VFIO_PCI") == true)
    }

    @Test("a virtual machine is told how to get an IOMMU")
    func virtualMachine() throws {
        let machine = try healthy()
        machine.erase("/sys/kernel/iommu_groups")
        machine.file("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor vme\n")
        #expect(examine(machine).complaints["IOMMU"]?.remedy?.contains("-device intel-iommu") == true)
    }

    @Test("what costs speed or concerns models is a warning, and leaves the verdict alone")
    func warnings() throws {
        func warned(_ name: String, _ breaking: (FakeMachine) -> Void) throws {
            let machine = try healthy()
            breaking(machine)
            let result = examine(machine)
            #expect(result.usable, "\(name)")
            #expect(result.complaints[name]?.state == .warning, "\(name): \(result.complaints)")
        }
        try warned("kernel") { $0.file("/proc/sys/kernel/osrelease", "4.19.0-amd64\n") }
        try warned("kernel") { $0.file("/proc/sys/kernel/osrelease", "\n") }
        try warned("vfio_iommu_type1") { $0.erase("/sys/module/vfio_iommu_type1") }
        try warned("devices") { $0.add("0000:01:00.0", driver: "igb", group: 7) }
        try warned("devices") { $0.erase("/sys/bus/pci/devices/0000:01:00.0") }
        try warned("locked memory") {
            $0.file("/proc/self/limits", "Max locked memory         8388608              8388608              bytes\n")
        }
        try warned("locked memory") { $0.file("/proc/self/limits", "") }
        try warned("huge pages") { $0.file("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0\n") }
        try warned("huge pages") { $0.erase("/sys/kernel/mm/hugepages") }
        try warned("TAP") { _ = $0.remove("/dev/net/tun") }
        try warned("VFIO without IOMMU") {
            $0.file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
        }
    }

    @Test("a limit on locked memory does not hold for who may lock memory")
    func exemption() throws {
        let machine = try healthy()
        machine.file("/proc/self/limits", "Max locked memory         65536                65536                bytes\n")
        machine.file("/proc/self/status", "CapEff:\t0000000000004000\n")
        #expect(examine(machine).complaints["locked memory"] == nil)
    }

    @Test(
        "QEMU is asked for its version, and one that is missing, old or silent is a warning that says what to install")
    func qemu() throws {
        func finding(_ says: String?) throws -> Finding {
            let machine = try FakeMachine()
            if let says {
                machine.file("/qemu-system-x86_64", "#!/bin/sh\necho '\(says)'\n")
                _ = unsafe chmod(machine.root + "/qemu-system-x86_64", 0o755)
            }
            let finding = Doctor<HostTree>.qemu(searchPath: machine.root)
            #expect((finding.remedy == nil) == (finding.state == .ok))
            return finding
        }
        #expect(try finding("QEMU emulator version 10.0.2 (Debian)").state == .ok)
        #expect(try finding("QEMU emulator version 9.1.0").state == .warning)
        #expect(try finding("something else").state == .warning)
        #expect(try finding(nil).remedy?.contains("qemu-system-x86") == true)
    }
}
