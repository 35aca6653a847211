import DeviceMemory
import Glibc
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import Testing
import Timeline

@testable import VFIODriver

enum InstalledQEMU {
    static let searchPath = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    static let isThere = (try? QEMUInstallation(searchPath: searchPath)) != nil
}

/// QEMU's controllers as devices of this program. They run wherever QEMU is installed; `scripts/tests/qemu-conformance` fails
/// where it is not.
@Suite(.enabled(if: InstalledQEMU.isThere), .serialized) struct QTestTests {
    static let searchPath = InstalledQEMU.searchPath
    static let mac: [UInt8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56]

    private func region() throws -> DeviceRegion {
        try DeviceRegion(size: 1 << 20, slotSize: 4096, visibility: .flushRead)
    }

    private func machine(_ family: NICFamily, _ region: borrowing DeviceRegion) throws -> QTestMachine {
        try QTestMachine(family, macAddress: Self.mac, region: region.object, searchPath: Self.searchPath)
    }

    @Test("both controllers show their identity, their registers and the address that they were given")
    func identity() throws {
        for (family, identity) in [(NICFamily.igb, UInt32(0x10C9_8086)), (.e1000e, 0x10D3_8086)] {
            let region = try region()
            let device = try QTestDevice(machine(family, region), flushOffset: region.flushOffset)
            #expect(device.readConfig32(PCIConfig.identity) == identity)
            let registers = try #require(device.bar(0))
            #expect(registers.read(I82576.status).rawValue != .max)
            #expect(registers.read(I82576.ral(0)).rawValue == 0x1200_5452)
            #expect(device.bar(2) == nil, "a window of I/O ports is no register window")
            #expect(registers.read32(UInt32(registers.count)) == .max)
        }
    }

    @Test("what the peer shows on the bus is the region, and nothing once its decoding is off")
    func peer() throws {
        let region = try region()
        let device = try QTestDevice(machine(.igb, region), flushOffset: region.flushOffset)
        let view = try region.object.view(rights: .readWrite)
        view.bytes.setLE32(region.flushOffset, 0x1234_5678)
        #expect(device.flushWindow.read32(0) == 0x1234_5678)
        device.machine.peerBus(at: 0).write32(8, 0xCAFE_F00D)
        #expect(view.bytes.readOnly.le32(8) == 0xCAFE_F00D)
        device.machine.setPeerDecoding(false)
        device.machine.peerBus(at: 0).write32(8, 1)
        #expect(view.bytes.readOnly.le32(8) == 0xCAFE_F00D)
        let other = try self.region()
        let refused: DeviceMemoryError?
        do {
            _ = try device.mapRegion(other)
            refused = nil
        } catch { refused = error }
        #expect(refused == .notReachable(name: "device region"), "memory that is not the peer's has no address")
    }

    @Test("a vector that fires is a word in RAM, taken once")
    func interrupts() throws {
        let region = try region()
        let device = try QTestDevice(machine(.igb, region), flushOffset: region.flushOffset)
        device.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        try device.enableInterrupts(vectors: 3)
        let registers = try #require(device.bar(0))
        // GPIE: MSI-X mode first; then vectors 0 to 2 enabled, and vector 1 fired by software.
        registers.write32(0x1514, 1 << 31 | 1 << 30 | 1 << 4 | 1)
        registers.write32(0x152C, 7)
        registers.write32(0x1524, 7)
        #expect(device.takeInterrupts() == 0)
        registers.write32(0x1520, 2)
        #expect(device.takeInterrupts() == 2)
        #expect(device.takeInterrupts() == 0)
        #expect(throws: DeviceMemoryError.noInterrupts(vectors: 65)) { try device.enableInterrupts(vectors: 65) }
    }

    @Test("a reset takes the device off the bus as a bus master and leaves its windows where they were")
    func reset() throws {
        for family in QTestMachine.families {
            let region = try region()
            let device = try QTestDevice(machine(family, region), flushOffset: region.flushOffset)
            device.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
            let registers = try #require(device.bar(0))
            registers.write(I82576.rctl, .init().setting(.enable))
            device.reset()
            #expect(registers.read(I82576.rctl).rawValue == 0, "\(family)")
            #expect(device.readConfig32(PCIConfig.command) & PCIConfig.commandBusMaster == 0, "\(family)")
            #expect(registers.read(I82576.ral(0)).rawValue == 0x1200_5452, "\(family)")
        }
    }

    @Test("the 82576 driver brings QEMU's up, and a machine that dies reads all ones from then on")
    func driver() throws {
        let region = try region()
        let device = try QTestDevice(machine(.igb, region), flushOffset: region.flushOffset)
        var driver = try I82576Driver(device: device, configuration: NICConfiguration(), slotSize: region.slotSize)
        try driver.bringUp { usleep(UInt32($0.nanoseconds / 1000)) }
        let address = driver.macAddress
        let isLinkUp = driver.isLinkUp
        #expect(address == Self.mac)
        #expect(isLinkUp)
        #expect(!device.machine.isGone)
        device.machine.kill()
        #expect(device.readConfig32(PCIConfig.identity) == .max)
        #expect(device.machine.isGone)
        driver.shutDown { _ in }
    }

    @Test("QEMU's absence, its age and its last words are told")
    func installation() throws {
        #expect(throws: DriverError.qemuNotInstalled(program: QEMUInstallation.program)) {
            _ = try QEMUInstallation(searchPath: "/nonexistent:/proc")
        }
        #expect(QEMUInstallation.version(in: "QEMU emulator version 7.2.19 (Debian 1:7.2)\nCopyright") == "7.2.19")
        #expect(QEMUInstallation.version(in: "no such thing") == nil)
        let region = try region()
        let words: String?
        do {
            _ = try QTestMachine(
                .igb, macAddress: Self.mac, memoryBytes: 4096, region: region.object, searchPath: Self.searchPath)
            words = nil
        } catch { words = error.description }
        #expect(words?.hasPrefix("QEMU ended during its start: ") == true, "\(words ?? "it started")")
    }
}
