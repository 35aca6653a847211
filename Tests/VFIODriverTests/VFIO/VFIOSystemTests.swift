import CShim
import DeviceMemory
import Glibc
import Testing

@testable import VFIODriver

@Suite struct VFIOSystemTests {
    @Test("a device is opened as the kernel wants it, and given back in the opposite order: device, group, container")
    func order() throws {
        let kernel = machine()
        do {
            let device = try system(kernel).open(nic)
            #expect(device.readConfig32(PCIConfig.identity) == 0x10C9_8086)
            #expect(
                kernel.calls.prefix(9) == [
                    "open /dev/vfio/vfio", "VFIO_GET_API_VERSION", "VFIO_CHECK_EXTENSION", "open /dev/vfio/1",
                    "VFIO_GROUP_GET_STATUS", "VFIO_GROUP_SET_CONTAINER", "VFIO_SET_IOMMU", "VFIO_IOMMU_GET_INFO",
                    "VFIO_IOMMU_GET_INFO",
                ])
            extendLifetime(device)
        }
        #expect(kernel.closes().filter { $0 != "event" } == [nic, "/dev/vfio/1", "/dev/vfio/vfio"])
        #expect(kernel.open.isEmpty && kernel.openElsewhere == 0)
    }

    @Test("two devices share one container where their groups allow, and have one each where not")
    func sharing() throws {
        for alone in [false, true] {
            let kernel = machine { if alone { $0.loners = ["/dev/vfio/2"] } }
            do {
                let system = system(kernel)
                let first = try system.open(nic)
                let second = try system.open(memory)
                #expect((first.space === second.space) != alone)
                #expect(kernel.open.filter { $0 == "/dev/vfio/vfio" }.count == (alone ? 2 : 1))
                #expect(kernel.calls.filter { $0 == "VFIO_SET_IOMMU" }.count == (alone ? 2 : 1))
            }
            #expect(kernel.open.isEmpty && kernel.openElsewhere == 0)
        }
    }

    @Test("two functions of one group open the group once")
    func sameGroup() throws {
        let kernel = machine { $0.devices["0000:01:00.1"] = FakeKernel.Device() }
        do {
            let system = system(kernel)
            let first = try system.open(nic)
            let second = try system.open("0000:01:00.1")
            #expect(kernel.calls.filter { $0 == "open /dev/vfio/1" }.count == 1)
            extendLifetime(first)
            extendLifetime(second)
        }
        #expect(kernel.closes().filter { $0 != "event" }.suffix(2) == ["/dev/vfio/1", "/dev/vfio/vfio"])
    }

    @Test("a container that nothing uses any more is not used again")
    func reopened() throws {
        let kernel = machine()
        let system = system(kernel)
        _ = try system.open(nic)
        #expect(kernel.open.isEmpty)
        let again = try system.open(nic)
        #expect(kernel.open.contains("/dev/vfio/vfio"))
        extendLifetime(again)
    }

    static let refusals: [(String, @Sendable (FakeKernel) -> Void, VFIOError)] = [
        ("no device", { $0.devices[nic] = nil }, .noSuchDevice(nic)),
        ("no IOMMU", { $0.missing = ["/sys/bus/pci/devices/\(nic)/iommu_group"] }, .noIOMMU(nic)),
        ("other driver", { $0.devices[nic]?.driver = "igb" }, .notBound(nic, driver: "igb")),
        ("no driver", { $0.devices[nic]?.driver = nil }, .notBound(nic, driver: nil)),
        ("no VFIO", { $0.missing = ["/dev/vfio/vfio"] }, .noVFIO(path: "/dev/vfio/vfio")),
        ("no permission", { $0.failures["/dev/vfio/vfio"] = (0, EACCES) }, .permission(path: "/dev/vfio/vfio")),
        ("no group", { $0.missing = ["/dev/vfio/1"] }, .noVFIO(path: "/dev/vfio/1")),
        ("group's permission", { $0.failures["/dev/vfio/1"] = (0, EACCES) }, .permission(path: "/dev/vfio/1")),
        (
            "busy",
            {
                $0.failures["/dev/vfio/1"] = (0, EBUSY)
                $0.user = "process 7 (qemu)"
            }, .busy(path: "/dev/vfio/1", holder: "process 7 (qemu)")
        ),
        ("odd failure", { $0.failures["/dev/vfio/1"] = (0, EMFILE) }, .cannotOpen(path: "/dev/vfio/1", errno: EMFILE)),
        (
            "not viable", { $0.devices["0000:01:00.1"] = FakeKernel.Device(driver: "igb") },
            .groupNotViable("1", members: ["0000:01:00.1: igb"])
        ),
        ("no type1", { $0.failures["VFIO_CHECK_EXTENSION"] = (0, EINVAL) }, .noType1),
        ("no remapping", { $0.failures["VFIO_SET_IOMMU"] = (0, EPERM) }, .noInterruptRemapping),
        ("no PCI", { $0.devices[nic]?.isPCI = false }, .notPCI(nic)),
        ("device busy", { $0.failures["VFIO_GROUP_GET_DEVICE_FD"] = (0, EBUSY) }, .busy(path: nic, holder: nil)),
    ]

    @Test("what keeps a device from being opened is one sentence that says what to do, and nothing stays open (E)")
    func refused() {
        for (what, change, expected) in Self.refusals {
            let kernel = machine(change)
            let error = vfioFailure { () throws(DriverError) in _ = try system(kernel).open(nic) }
            #expect(error == expected, "\(what)")
            #expect(kernel.open.isEmpty && kernel.openElsewhere == 0, "\(what)")
            #expect(error.map { $0.description.contains(";") } == true, "\(what)")
        }
    }

    @Test("whichever request the kernel refuses, opening ends in an error and leaves no descriptor")
    func anyRequest() {
        for name in [
            "VFIO_GET_API_VERSION", "VFIO_CHECK_EXTENSION", "VFIO_GROUP_GET_STATUS", "VFIO_GROUP_SET_CONTAINER",
            "VFIO_SET_IOMMU", "VFIO_IOMMU_GET_INFO", "VFIO_GROUP_GET_DEVICE_FD", "VFIO_DEVICE_GET_INFO",
            "VFIO_DEVICE_GET_REGION_INFO",
        ] {
            let kernel = machine { $0.failures[name] = (0, EIO) }
            let error = vfioFailure { () throws(DriverError) in _ = try system(kernel).open(nic) }
            #expect(error != nil, "\(name)")
            #expect(kernel.calls.contains(name) && kernel.open.isEmpty && kernel.openElsewhere == 0, "\(name)")
        }
    }

    @Test("the running kernel, when it has no such device, is no trap but a sentence")
    func real() {
        let system = VFIOSystem(log: quiet)
        let error = vfioFailure { () throws(DriverError) in _ = try system.open("ffff:ff:1f.7") }
        #expect(error == .noSuchDevice("ffff:ff:1f.7"))
    }
}
