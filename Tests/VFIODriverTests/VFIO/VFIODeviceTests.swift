import CShim
import DeviceMemory
import Glibc
import Testing

@testable import VFIODriver

@Suite struct VFIODeviceTests {
    @Test("registers of a mapped BAR, and of parts that cannot be mapped, through one bus; all ones beyond its end")
    func sparse() throws {
        // The MSI-X page in the middle of the BAR, the larger part behind it.
        for areas in [nil, [0..<4096, 8192..<131072], []] as [[Range<Int>]?] {
            let kernel = machine { $0.devices[nic]?.mappable[0] = areas }
            let device = try system(kernel).open(nic)
            let bus = try #require(device.bar(0))
            for offset: UInt32 in [0, 4092, 4096, 8188, 8192, 131068] {
                bus.write32(offset, offset &+ 0x1234_0000)
                #expect(bus.read32(offset) == offset &+ 0x1234_0000)
            }
            bus.write32(131072, 1)
            #expect(bus.read32(131072) == .max && bus.read32(.max - 3) == .max && bus.read32(131070) == .max)
            #expect(device.bar(1) == nil && device.bar(6) == nil && device.bar(-1) == nil)
            let again = try #require(device.bar(0))
            #expect(again.read32(4096) == 0x1234_1000)
            extendLifetime(device)
        }
    }

    @Test("a BAR that the kernel does not map after all is reached by system calls")
    func unmapped() throws {
        let kernel = machine { $0.failures["dup"] = (0, EMFILE) }
        let device = try system(kernel).open(nic)
        let bus = try #require(device.bar(0))
        bus.write32(16, 7)
        #expect(bus.read32(16) == 7)
        extendLifetime(device)
    }

    @Test("a write of the command register leaves the status register above it alone")
    func command() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        kernel.setConfiguration(nic, 4, 0x0010_0000)
        device.writeConfig32(PCIConfig.command, 0xFFFF_0006)
        #expect(kernel.configuration(nic, 4) == 0x0010_0006)
        #expect(device.readConfig32(4096) == .max && device.readConfig32(-4) == .max)
        device.writeConfig32(4096, 1)
    }

    @Test("vectors signal their descriptors, are taken once each, and go with the device")
    func vectors() throws {
        let kernel = machine()
        do {
            let device = try system(kernel).open(nic)
            try device.enableInterrupts(vectors: 3)
            #expect(device.interruptDescriptors.count == 3)
            #expect(kernel.interrupts[UInt32(VFIO_PCI_MSIX_IRQ_INDEX)] == device.interruptDescriptors)
            #expect(device.takeInterrupts() == 0)
            kernel.signal(device.interruptDescriptors[0])
            kernel.signal(device.interruptDescriptors[2])
            kernel.signal(device.interruptDescriptors[2])
            var wanted = pollfd(fd: device.interruptDescriptors[2], events: Int16(POLLIN), revents: 0)
            #expect(unsafe poll(&wanted, 1, 0) == 1)
            #expect(device.takeInterrupts() == 0b101)
            #expect(device.takeInterrupts() == 0)
            #expect(
                memoryFailure { () throws(DeviceMemoryError) in try device.enableInterrupts(vectors: 6) }
                    == .noInterrupts(vectors: 6))
            #expect(device.interruptDescriptors.isEmpty)
            try device.enableInterrupts(vectors: 1)
        }
        #expect(kernel.interrupts[UInt32(VFIO_PCI_MSIX_IRQ_INDEX)] == nil)
        #expect(kernel.open.isEmpty && kernel.openElsewhere == 0)
    }

    @Test("a function without MSI-X signals by MSI; a refusal leaves no vector and no descriptor")
    func fallback() throws {
        let kernel = machine { $0.devices[nic]?.vectors = 0 }
        let device = try system(kernel).open(nic)
        try device.enableInterrupts(vectors: 1)
        #expect(kernel.interrupts[UInt32(VFIO_PCI_MSI_IRQ_INDEX)]?.count == 1)
        try device.enableInterrupts(vectors: 0)
        let open = kernel.open.count
        for name in ["VFIO_DEVICE_SET_IRQS", "eventfd"] {
            kernel.failures = [name: (0, EINVAL)]
            let error = memoryFailure { () throws(DeviceMemoryError) in try device.enableInterrupts(vectors: 1) }
            #expect(error != nil && device.interruptDescriptors.isEmpty && kernel.open.count == open)
        }
    }

    @Test("the kernel's wish to have the device back is latched; a device that does not answer is gone")
    func unplugged() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        device.look()
        #expect(!device.isGone)
        let request = try #require(kernel.interrupts[UInt32(VFIO_PCI_REQ_IRQ_INDEX)]?.first)
        kernel.signal(request)
        device.look()
        #expect(device.isGone)
        device.look()
        #expect(device.isGone)
        let failing = machine()
        let faulty = try system(failing).open(nic)
        let fatal = try #require(failing.interrupts[UInt32(VFIO_PCI_ERR_IRQ_INDEX)]?.first)
        failing.signal(fatal)
        faulty.look()
        #expect(faulty.isGone)
        let other = machine()
        let silent = try system(other).open(nic)
        other.isGone = true
        silent.look()
        #expect(silent.isGone && silent.readConfig32(0) == .max)
        silent.reset()
        let bus = machine { $0.devices[nic]?.mappable[0] = [] }
        let slow = try system(bus).open(nic)
        let registers = try #require(slow.bar(0))
        bus.isGone = true
        #expect(registers.read32(0) == .max)
        extendLifetime(slow)
    }

    @Test("a reset takes bus mastering away first; what is refused or impossible is said")
    func reset() throws {
        let kernel = machine()
        let device = try system(kernel).open(nic)
        device.writeConfig32(PCIConfig.command, 6)
        try device.resetFunction()
        let stopped = try #require(kernel.calls.lastIndex(of: "command 2"))
        let reset = try #require(kernel.calls.lastIndex(of: "VFIO_DEVICE_RESET"))
        #expect(stopped < reset)
        kernel.failures["VFIO_DEVICE_RESET"] = (0, EAGAIN)
        #expect(
            vfioFailure { () throws(DriverError) in try device.resetFunction() }
                == .refused(request: "VFIO_DEVICE_RESET", what: nic, errno: EAGAIN))
        device.reset()
    }

    @Test("a hot reset is done for a function alone in its slot and refused, with names, when it would hit others")
    func hotReset() throws {
        for (hits, expected) in [
            ([(1, 0)], nil), ([(1, 0), (1, 1)], VFIOError.noReset(nic, sharedWith: ["0000:01:00.1"])),
            ([], VFIOError.noReset(nic, sharedWith: [])),
        ] as [([(UInt8, UInt8)], VFIOError?)] {
            let kernel = machine {
                $0.devices[nic]?.canReset = false
                $0.devices[nic]?.hotReset = hits
            }
            let device = try system(kernel).open(nic)
            #expect(vfioFailure { () throws(DriverError) in try device.resetFunction() } == expected)
            #expect(kernel.calls.contains("VFIO_DEVICE_PCI_HOT_RESET") == (expected == nil))
            #expect(!kernel.calls.contains("VFIO_DEVICE_RESET"))
        }
    }
}
