import DeviceMemory
import HeaderSplit
import NICRegisters
import PagePool
import SoftNIC
import Testing
import VFIODriver

/// What keeps a region from being bound to a queue, each with an error of its own, and nothing changed (U.17).
@Suite struct PreconditionTests {
    private func refusals<Driver: NICDriver & ~Copyable>(
        _: Driver.Type, _ model: SoftNICModel, splitQueues: Int
    ) throws -> RestartRun<Driver> where Driver.Device == SoftPCIDevice {
        let run = try RestartRun(
            Driver.self, SoftNICConfiguration(model: model, preset: .strict), splitQueues: splitQueues, ports: nil)
        try run.driver.checkBinding(of: 1, slotSize: 2048)
        for (index, error) in [
            (-1, DriverError.noSuchQueue(queue: -1, limit: splitQueues)),
            (splitQueues + 1, .noSuchQueue(queue: splitQueues + 1, limit: splitQueues)), (0, .hostQueue),
        ] {
            #expect(throws: error) { try run.driver.checkBinding(of: index, slotSize: 2048) }
        }
        #expect(throws: DriverError.mtuOverSlot(mtu: 1500, slotSize: 1024)) {
            try run.driver.checkBinding(of: 1, slotSize: 1024)
        }
        #expect(throws: DriverError.slotNotWholeKiB(slotSize: 2500)) {
            try run.driver.checkBinding(of: 1, slotSize: 2500)
        }
        let command = run.bed.device.readConfig32(PCIConfig.command) & 0xFFFF
        run.bed.device.writeConfig32(PCIConfig.command, command & ~PCIConfig.commandBusMaster)
        #expect(throws: DriverError.busMasterOff) { try run.driver.checkBinding(of: 1, slotSize: 2048) }
        run.bed.device.writeConfig32(PCIConfig.command, command)
        try run.driver.checkBinding(of: 1, slotSize: 2048)
        return run
    }

    /// With both engines off every frame's verdict is unknown, and nobody could verify payload in a region.
    private func checksums<Driver: NICDriver & ~Copyable>(_ run: RestartRun<Driver>) throws
    where Driver.Device == SoftPCIDevice {
        let registers = try #require(run.bed.device.bar(0))
        for off in [{ $0.setting(.ipOffload, false) }, { $0.setting(.transportOffload, false) }]
            as [(Intel8257x.ReceiveChecksum) -> Intel8257x.ReceiveChecksum]
        {
            let kept = registers.read(Intel8257x.rxcsum)
            registers.write(Intel8257x.rxcsum, off(kept))
            #expect(throws: DriverError.checksumsOff) { try run.driver.checkBinding(of: 1, slotSize: 2048) }
            registers.write(Intel8257x.rxcsum, kept)
        }
    }

    @Test("each precondition of a binding has its own refusal (82576, U.17)")
    func i82576() throws {
        let run = try refusals(I82576Driver<SoftPCIDevice>.self, .i82576, splitQueues: 3)
        try checksums(run)
        run.stop()
    }

    @Test("each precondition of a binding has its own refusal (82599, U.17)")
    func i82599() throws {
        try refusals(I82599Driver<SoftPCIDevice>.self, .i82599, splitQueues: 3).stop()
    }

    @Test("each precondition of a binding has its own refusal (82574, U.17)")
    func i82574() throws {
        let run = try refusals(I82574Driver<SoftPCIDevice>.self, .i82574, splitQueues: 1)
        try checksums(run)
        run.stop()
    }

    @Test("a queue is not prepared with slots that it cannot use, and takes none (U.17)")
    func slots() throws {
        let run = try RestartRun(
            I82576Driver<SoftPCIDevice>.self, SoftNICConfiguration(preset: .strict), ports: nil)
        for (size, error) in [
            (1024, DriverError.mtuOverSlot(mtu: 1500, slotSize: 1024)), (2500, .slotNotWholeKiB(slotSize: 2500)),
        ] {
            var pool = PagePool(
                identifier: 3,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x10_0000_0000), slotSize: size, slotCount: 64))
            #expect(throws: error) {
                _ = try run.driver.prepareReceiveQueue(
                    1, memory: run.spare, pool: &pool, flushWindow: run.bed.flushWindow, visibility: .flushRead)
            }
            let free = pool.freeCount
            #expect(free == 64)
        }
        run.stop()
    }

    @Test("a receiver of the 82574 that does not keep packet split is not switched on (S2.25)")
    func packetSplit() throws {
        var settings = SoftNICConfiguration(model: .i82574, preset: .strict)
        settings.capabilities.headerSplit = false
        #expect(throws: DriverError.splitNotKept(queue: 1)) {
            _ = try RestartRun(I82574Driver<SoftPCIDevice>.self, settings, splitQueues: 1, ports: nil)
        }
        settings.model = .i82599
        settings.capabilities = SoftNICCapabilities(.i82599, .strict)
        settings.capabilities.headerSplit = false
        #expect(throws: DriverError.splitNotKept(queue: 1)) {
            _ = try RestartRun(I82599Driver<SoftPCIDevice>.self, settings, ports: nil)
        }
    }

    @Test("the 82574 wants slots that hold its whole second buffer, whatever the MTU (U.17)")
    func secondBuffer() throws {
        let run = try RestartRun(
            I82574Driver<SoftPCIDevice>.self, SoftNICConfiguration(model: .i82574, preset: .strict), splitQueues: 1,
            ports: nil)
        #expect(throws: DriverError.mtuOverSlot(mtu: 1500, slotSize: 1024)) {
            try run.driver.checkSlots(of: 1, slotSize: 1024)
        }
        #expect(throws: DriverError.slotUnderBuffer(slotSize: 2048, needed: 2048 + 256)) {
            try run.driver.checkSlots(of: 0, slotSize: 2048)
        }
        run.stop()
    }
}
