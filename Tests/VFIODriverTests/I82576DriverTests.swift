import DeviceMemory
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import Testing
import Timeline
import VFIODriver

@Suite struct I82576DriverTests {
    private func driver(
        _ device: FakeDevice, slotSize: Int = 4096, _ change: (inout NICConfiguration) -> Void = { _ in }
    ) throws(DriverError) -> I82576Driver<FakeDevice> {
        var configuration = NICConfiguration()
        configuration.receiveDescriptors = 64
        configuration.transmitDescriptors = 64
        change(&configuration)
        return try I82576Driver(device: device, configuration: configuration, slotSize: slotSize)
    }

    private func bringUp(_ device: FakeDevice) throws(DriverError) -> I82576Driver<FakeDevice> {
        var driver = try driver(device)
        try driver.bringUp { device.waited = device.waited + $0 }
        return driver
    }

    private func failure(_ body: () throws(DriverError) -> Void) -> DriverError? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("a device that is no 82576, or gone, or has no registers, is refused before anything is written")
    func identity() {
        let device = FakeDevice()
        device.identity = 0x10D3_8086
        #expect(failure { () throws(DriverError) in _ = try driver(device) } == .wrongDevice(identity: 0x10D3_8086))
        device.identity = 0x10C9_8086
        device.hasRegisters = false
        #expect(failure { () throws(DriverError) in _ = try driver(device) } == .noRegisters)
        device.isGone = true
        #expect(
            failure { () throws(DriverError) in _ = try driver(device) } == .deviceGone(during: "identification"))
        #expect(device.writes.isEmpty && device.command == 0)
    }

    @Test("configurations that cannot work are refused with their numbers")
    func configurations() {
        let device = FakeDevice()
        #expect(
            failure { () throws(DriverError) in _ = try driver(device, slotSize: 2048) { $0.mtu = 9000 } }
                == .mtuOverSlot(mtu: 9000, slotSize: 2048))
        #expect(
            failure { () throws(DriverError) in _ = try driver(device) { $0.mtu = 67 } }
                == .mtuOutOfRange(mtu: 67, limit: I82576Driver<FakeDevice>.maximumMTU))
        #expect(
            failure { () throws(DriverError) in _ = try driver(device) { $0.splitQueues = 16 } }
                == .tooManyQueues(asked: 16, limit: 15))
    }

    @Test("bring-up ends with link, address, stripped CRC, RSS over split queues only, interrupts masked")
    func sequence() throws {
        let device = FakeDevice()
        let driver = try bringUp(device)
        #expect(driver.macAddress == [0x52, 0x54, 0x00, 0x12, 0x34, 0x56])
        #expect(device.command & 6 == 6)
        let offsets = device.writes.map(\.0)
        let reset = try #require(device.writes.firstIndex { $0.0 == I82576.ctrl.offset && $0.1 & 1 << 26 != 0 })
        let mask = try #require(offsets.firstIndex(of: I82576.imc.offset))
        #expect(mask < reset)
        // EN, LPE, BAM, SECRC.
        #expect(device.value(I82576.rctl.offset) == 0x0400_8022)
        // RSS over TCP for IPv4 and for IPv6, with and without extension headers.
        #expect(device.value(I82576.mrqc.offset) == 0x25_0002)
        for i in 0..<32 {
            let entry = device.registers[I82576.reta(i).offset] ?? 0
            for byte in 0..<4 { #expect((1...2).contains(entry >> (byte * 8) & 0xFF)) }
        }
        // 1522 bytes of frame with two tags, and the CRC.
        #expect(device.value(I82576.rlpml.offset) == 1526)
        #expect(device.registers[I82576.swsm.offset].map { $0 & 2 } == 0)
        #expect(device.registers[I82576.swFwSync.offset] == 0)
    }

    @Test("every wait is bounded: no link, no PHY, a held semaphore, a device that dies, end in their error")
    func bounded() {
        func error(_ change: (FakeDevice) -> Void) -> (DriverError?, Interval) {
            let device = FakeDevice()
            change(device)
            let error = failure { () throws(DriverError) in _ = try bringUp(device) }
            return (error, device.waited)
        }
        #expect(error { $0.linkComesUp = false }.0 == .linkDown(waitedMilliseconds: 5000))
        #expect(error { $0.phyAnswers = false }.0 == .phyNotResponding(register: 0))
        #expect(error { $0.semaphoreIsFree = false }.0 == .semaphoreHeld(name: "SWSM.SMBI"))
        #expect(error { $0.registers[I82576.ral(0).offset] = 1 }.0 == .invalidAddress(bytes: [1, 0, 0, 0, 0x34, 0x56]))
        #expect(error { $0.registers[I82576.status.offset] = 1 << 19 }.0 == .mastersStillBusy)
        #expect(error { $0.diesAfter = 1 }.0 == .deviceGone(during: "reset"))
        #expect(error { $0.diesAfter = 5 }.0 == .deviceGone(during: "reset"))
        // Later it is found by whatever is read next: in bounded time, and as an error.
        for writes in [40, 400, 440] { #expect(error { $0.diesAfter = writes }.0 != nil) }
        for change in [{ $0.linkComesUp = false }, { $0.phyAnswers = false }] as [(FakeDevice) -> Void] {
            #expect(error(change).1 < .seconds(7))
        }
    }

    @Test("a queue is programmed while disabled, enabled, then given its tail; DROP_EN, DESCTYPE 5, 192-byte headers")
    func queue() throws {
        let device = FakeDevice()
        let driver = try bringUp(device)
        device.writes = []
        var memory = try HostMemory(
            name: "rings", size: driver.hostBytes, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try memory.map(for: device)
        var pool = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000_0000), slotSize: 4096, slotCount: 100)
        )
        guard let window = device.bar(0) else { return }
        let queue = try driver.makeReceiveQueue(
            1, memory: &memory, pool: &pool, flushWindow: window, visibility: .coherent
        ) { _ in }
        let enabled = try #require(
            device.writes.firstIndex { $0.0 == I82576.rxdctl(1).offset && $0.1 & 1 << 25 != 0 })
        let base = try #require(device.writes.firstIndex { $0.0 == I82576.rdbal(1).offset })
        let tail = try #require(device.writes.lastIndex { $0.0 == I82576.rdt(1).offset })
        #expect(base < enabled && enabled < tail && device.writes[tail].1 == 63)
        // A tail written earlier is ignored by silicon and taken by QEMU: nothing may be handed over before ENABLE.
        #expect(device.writes[..<enabled].allSatisfy { $0.0 != I82576.rdt(1).offset || $0.1 == 0 })
        // 4 KiB of packet, 3 x 64 bytes of header, DESCTYPE 5, DROP_EN.
        #expect(device.value(I82576.srrctl(1).offset) == 0x8A00_0304)
        #expect(device.registers[I82576.dcaRxctrl(1).offset] == 0)
        #expect(queue.size == 64 && pool.ledger().ring == 64)
    }

    @Test("a queue that does not enable or does not stop is an error, and no slot is lost")
    func stuck() throws {
        for stuck in [true, false] {
            let device = FakeDevice()
            let driver = try bringUp(device)
            if stuck {
                device.stuckEnables = [I82576.rxdctl(1).offset]
            } else {
                device.ignoredEnables = [I82576.rxdctl(1).offset]
            }
            var memory = try HostMemory(
                name: "rings", size: driver.hostBytes, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try memory.map(for: device)
            var pool = PagePool(
                identifier: 1,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000_0000), slotSize: 4096, slotCount: 100))
            guard let window = device.bar(0) else { return }
            do {
                _ = try driver.makeReceiveQueue(
                    1, memory: &memory, pool: &pool, flushWindow: window, visibility: .coherent
                ) { _ in }
                Issue.record("a stuck queue was taken")
            } catch {
                #expect(error == (stuck ? .queueDidNotStop(queue: 1) : .queueDidNotEnable(queue: 1)))
            }
            #expect(pool.ledger().pool == 100)
        }
    }

    @Test("shutting down disables every queue, resets, and takes bus mastering away")
    func shutDown() throws {
        let device = FakeDevice()
        let driver = try bringUp(device)
        device.writes = []
        driver.shutDown { _ in }
        #expect(device.command & PCIConfig.commandBusMaster == 0)
        #expect(device.writes.contains { $0.0 == I82576.ctrl.offset && $0.1 & 1 << 26 != 0 })
        for queue in 0...2 { #expect((device.registers[I82576.rxdctl(queue).offset] ?? 0) & 1 << 25 == 0) }
    }
}
