import DeviceMemory
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import Testing
import Timeline
import VFIODriver

@Suite struct I82574DriverTests {
    private static let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func device() -> FakeDevice {
        let device = FakeDevice()
        device.identity = 0x10D3_8086
        // As the reset leaves it: the queue may send.
        device.registers[I82574.tarc(0).offset] = 0x7800_0403
        return device
    }

    private func driver(
        _ device: FakeDevice, slotSize: Int = 4096, _ change: (inout NICConfiguration) -> Void = { _ in }
    ) throws(DriverError) -> I82574Driver<FakeDevice> {
        var configuration = NICConfiguration()
        configuration.splitQueues = 1
        configuration.receiveDescriptors = 64
        configuration.transmitDescriptors = 64
        change(&configuration)
        return try I82574Driver(device: device, configuration: configuration, slotSize: slotSize)
    }

    private func bringUp(
        _ device: FakeDevice, slotSize: Int = 4096, _ change: (inout NICConfiguration) -> Void = { _ in }
    ) throws(DriverError) -> I82574Driver<FakeDevice> {
        var driver = try driver(device, slotSize: slotSize, change)
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

    @Test("a device that is no 82574, or gone, or has no registers, is refused before anything is written")
    func identity() {
        let device = device()
        for identity in [0x10C9_8086, 0x150C_8086, 0x10D3_8087] as [UInt32] {
            device.identity = identity
            #expect(failure { () throws(DriverError) in _ = try driver(device) } == .wrongDevice(identity: identity))
        }
        device.identity = 0x10F6_8086
        #expect(failure { () throws(DriverError) in _ = try driver(device) } == nil)
        device.hasRegisters = false
        #expect(failure { () throws(DriverError) in _ = try driver(device) } == .noRegisters)
        device.isGone = true
        #expect(
            failure { () throws(DriverError) in _ = try driver(device) } == .deviceGone(during: "identification"))
        #expect(device.writes.isEmpty && device.command == 0)
    }

    @Test("configurations that cannot work are refused with their numbers: long frames need slots of 16 KiB")
    func configurations() {
        func error(_ slotSize: Int, _ change: (inout NICConfiguration) -> Void) -> DriverError? {
            failure { () throws(DriverError) in _ = try driver(device(), slotSize: slotSize, change) }
        }
        #expect(error(4096) { $0.splitQueues = 2 } == .tooManyQueues(asked: 2, limit: 1))
        #expect(error(8192) { $0.mtu = 1501 } == .slotUnderBuffer(slotSize: 8192, needed: 16384))
        #expect(error(1024) { $0.mtu = 500 } == .slotUnderBuffer(slotSize: 1024, needed: 2048))
        #expect(error(16384) { $0.mtu = 9212 } == nil)
        #expect(error(16384) { $0.mtu = 9213 } == .mtuOutOfRange(mtu: 9213, limit: 9212))
        #expect(
            error(4096) { $0.receiveDescriptors = 8192 } == .ringTooLong(descriptors: 8192, limit: 4096))
    }

    @Test("bring-up ends with link, address and RSS to queue 1 only, interrupts masked and the receiver still off")
    func sequence() throws {
        let device = device()
        let driver = try bringUp(device)
        #expect(driver.macAddress == [0x52, 0x54, 0x00, 0x12, 0x34, 0x56])
        #expect(device.command & 6 == 6)
        let offsets = device.writes.map(\.0)
        let reset = try #require(device.writes.firstIndex { $0.0 == I82574.ctrl.offset && $0.1 & 1 << 26 != 0 })
        let mask = try #require(offsets.firstIndex(of: I82574.imc.offset))
        let owned = try #require(
            device.writes.firstIndex { $0.0 == I82574.extcnfCtrl.offset && $0.1 & 1 << 5 != 0 })
        #expect(mask < reset && owned < reset)
        #expect(device.value(I82574.extcnfCtrl.offset) & 1 << 5 == 0, "the PHY is firmware's again")
        // EN must not come before descriptor type and sizes are final, which is with the last queue.
        #expect(device.writes.allSatisfy { $0.0 != I82574.rctl.offset || $0.1 & 2 == 0 })
        #expect(device.value(I82574.mrqc.offset) == 0x25_0001)
        for i in 0..<32 { #expect(device.value(I82574.reta(i).offset) == 0x8080_8080) }
        // EXTEN, IPFRSP_DIS, ACK_DIS, both NFS filters and iSCSI off, both IPv6 extension bits.
        #expect(device.value(I82574.rfctl.offset) == 0x0003_D0C1)
        #expect(device.value(I82574.rxcsum.offset) == 0x2300)
        // 256 bytes of header, 2 KiB behind, no third and fourth buffer.
        #expect(device.value(I82574.psrctl.offset) == 0x0000_0202)
        // No relaxed ordering, DRV_LOAD, bit 22 without 23.
        #expect(device.value(I82574.ctrlExt.offset) == 1 << 17 | 1 << 28 | 1 << 22)
        #expect(device.value(I82574.swsm.offset) & 1 == 0)
    }

    @Test("every wait is bounded: each thing that a device or its firmware can withhold ends in its error")
    func bounded() {
        func error(_ change: (FakeDevice) -> Void) -> (DriverError?, Interval) {
            let device = device()
            change(device)
            let error = failure { () throws(DriverError) in _ = try bringUp(device) }
            return (error, device.waited)
        }
        #expect(error { $0.linkComesUp = false }.0 == .linkDown(waitedMilliseconds: 5000))
        #expect(error { $0.phyAnswers = false }.0 == .phyNotResponding(register: 0))
        #expect(error { $0.phyBusIsFree = false }.0 == .semaphoreHeld(name: "the PHY (EXTCNF_CTRL bit 5)"))
        #expect(error { $0.registers[I82574.eecd.offset] = 0 }.0 == .nvmNotRead)
        #expect(error { $0.nvm.removeLast() }.0 == .nvmNotRead)
        #expect(error { $0.nvm[5] = 1 }.0 == .nvmDamaged(sum: 0xBABB))
        #expect(error { $0.registers[I82574.ral(0).offset] = 1 }.0 == .invalidAddress(bytes: [1, 0, 0, 0, 0x34, 0x56]))
        #expect(error { $0.registers[I82574.status.offset] = 1 << 19 }.0 == .mastersStillBusy)
        for writes in [1, 2, 5, 8] { #expect(error { $0.diesAfter = writes }.0 == .deviceGone(during: "reset")) }
        // Later it is found by whatever is read next: in bounded time, and as an error.
        for writes in [20, 80, 400] { #expect(error { $0.diesAfter = writes }.0 != nil) }
        for change in [{ $0.linkComesUp = false }, { $0.phyAnswers = false }] as [(FakeDevice) -> Void] {
            #expect(error(change).1 < .seconds(7))
        }
    }

    @Test("a PHY that does not answer is given back to firmware")
    func phyGivenBack() {
        let device = device()
        device.phyAnswers = false
        _ = failure { () throws(DriverError) in _ = try bringUp(device) }
        #expect(device.value(I82574.extcnfCtrl.offset) & 1 << 5 == 0)
    }

    @Test("relaxed ordering, no-snoop and link power management are cleared; no status bit is, and loops are survived")
    func express() throws {
        let device = device()
        device.configuration = [
            PCIConfig.capabilities: 0xC8, 0xC8: 0xE001, 0xE0: 0x0010, 0xE8: 0x000F_2810, 0xF0: 0x1011_0043,
        ]
        _ = try bringUp(device)
        #expect(device.configuration[0xE8] == 0x2000 && device.configuration[0xF0] == 0x40)
        let loop = self.device()
        loop.configuration = [PCIConfig.capabilities: 0xC8, 0xC8: 0xC801]
        _ = try bringUp(loop)
    }

    /// What both receive queues and the transmit queue write, with the device as it was left.
    private func queues(
        _ device: FakeDevice, _ driver: borrowing I82574Driver<FakeDevice>, slotSize: Int,
        _ body: (borrowing PagePool, borrowing PagePool) throws -> Void
    ) throws {
        var memory = try HostMemory(name: "rings", size: driver.hostBytes, log: Self.log)
        try memory.map(for: device)
        let pages = HeapBytes(count: 128 * driver.hostSlotBytes)
        var host = PagePool(
            identifier: 0,
            provider: MemoryProvider(
                hostPages: HostBlock(bytes: pages.bytes, iova: IOVA(0x800_0000)), slotSize: driver.hostSlotBytes))
        var pool = PagePool(
            identifier: 1,
            provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000_0000), slotSize: slotSize, slotCount: 100))
        let window = try #require(device.bar(0))
        let first = try driver.makeReceiveQueue(
            0, memory: &memory, pool: &host, flushWindow: window, visibility: .coherent
        ) { _ in }
        #expect(device.value(I82574.rctl.offset) == 0 && device.value(I82574.rdt(0).offset) == 0)
        let second = try driver.makeReceiveQueue(
            1, memory: &memory, pool: &pool, flushWindow: window, visibility: .coherent
        ) { _ in }
        _ = try driver.makeTransmitQueue(memory: &memory) { _ in }
        let sizes = (first.size, second.size)
        #expect(sizes == (64, 64))
        try body(host, pool)
        extendLifetime(pages)
    }

    @Test("the receiver starts with its last queue: rings, then EN with packet split, then both tails")
    func receiver() throws {
        let device = device()
        let driver = try bringUp(device)
        device.writes = []
        try queues(device, driver, slotSize: 4096) { host, pool in
            let enabled = try #require(
                device.writes.firstIndex { $0.0 == I82574.rctl.offset && $0.1 & 2 != 0 })
            // EN, packet split, BAM, SECRC; no LPE.
            #expect(device.value(I82574.rctl.offset) == 0x0400_8402)
            for index in 0..<2 {
                let tail = try #require(device.writes.lastIndex { $0.0 == I82574.rdt(index).offset })
                let base = try #require(device.writes.firstIndex { $0.0 == I82574.rdbal(index).offset })
                #expect(base < enabled && enabled < tail, "queue \(index)")
                // 63 descriptors in units of 16 bytes.
                #expect(device.value(I82574.rdt(index).offset) == 126)
                #expect(device.value(I82574.rdlen(index).offset) == 64 * 32)
            }
            let held = (host.ledger().ring, pool.ledger().ring)
            #expect(held == (64, 64))
            #expect(device.value(I82574.rxdctl(0).offset) == device.value(I82574.rxdctl(1).offset))
        }
    }

    @Test("long frames: LPE, 16 KiB behind the header buffer, and host slots with room for both")
    func longFrames() throws {
        let device = device()
        let driver = try bringUp(device, slotSize: 16384) { $0.mtu = 9000 }
        #expect(device.value(I82574.psrctl.offset) == 0x0000_1002)
        let slotBytes = driver.hostSlotBytes
        #expect(slotBytes >= 256 + 16384 && slotBytes & (slotBytes - 1) == 0)
        try queues(device, driver, slotSize: 16384) { _, _ in
            #expect(device.value(I82574.rctl.offset) == 0x0400_8422)
        }
    }

    @Test("transmit: errata bits, the queue's own enable bit kept, both TXDCTL alike, EN last")
    func transmit() throws {
        let device = device()
        let driver = try bringUp(device)
        device.writes = []
        try queues(device, driver, slotSize: 4096) { _, _ in
            #expect(device.value(I82574.tarc(0).offset) == 0x0400_0403)
            #expect(device.value(I82574.txdctl(0).offset) == 1 << 24 | 1 << 22 | 1 << 16)
            #expect(device.value(I82574.txdctl(1).offset) == device.value(I82574.txdctl(0).offset))
            // EN, PSP, CT 15, COLD 63.
            #expect(device.value(I82574.tctl.offset) == 0x0003_F0FA)
            let enabled = try #require(
                device.writes.firstIndex { $0.0 == I82574.tctl.offset && $0.1 & 2 != 0 })
            let base = try #require(device.writes.lastIndex { $0.0 == I82574.tdbal(0).offset })
            let arbitration = try #require(device.writes.lastIndex { $0.0 == I82574.tarc(0).offset })
            #expect(base < enabled && arbitration < enabled)
        }
    }

    @Test("both queues raise vector 0, which masks itself; arming forgets what was raised before")
    func interrupts() throws {
        let device = device()
        let driver = try bringUp(device)
        device.writes = []
        driver.routeInterrupts()
        #expect(device.value(I82574.ivar.offset) == 0x88)
        #expect(device.value(I82574.eiac.offset) == 3 << 20 && device.value(I82574.iam.offset) == 3 << 20)
        #expect(device.writes.allSatisfy { $0.0 != I82574.ims.offset })
        device.writes = []
        driver.armInterrupts()
        #expect(device.writes.map(\.0) == [I82574.icr.offset, I82574.ims.offset])
        #expect(device.writes.allSatisfy { $0.1 == 3 << 20 })
    }

    @Test("shutting down resets with the masters stopped, takes bus mastering away, and never waits without end")
    func shutDown() throws {
        let device = device()
        let driver = try bringUp(device)
        device.writes = []
        device.waited = .zero
        // A device whose masters never stop is reset all the same.
        device.registers[I82574.status.offset, default: 0] |= 1 << 19
        driver.shutDown { device.waited = device.waited + $0 }
        #expect(device.command & PCIConfig.commandBusMaster == 0)
        let stopped = try #require(device.writes.firstIndex { $0.0 == I82574.ctrl.offset && $0.1 & 4 != 0 })
        let reset = try #require(device.writes.firstIndex { $0.0 == I82574.ctrl.offset && $0.1 & 1 << 26 != 0 })
        #expect(stopped < reset && device.waited < .seconds(1))
        #expect(device.value(I82574.ctrlExt.offset) & 1 << 28 == 0)
        #expect(device.value(I82574.rctl.offset) == 0 && device.value(I82574.tctl.offset) & 2 == 0)
    }
}
