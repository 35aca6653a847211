import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Vectors, masks, throttling and MSI-X as a driver programs them: the answers are those of QEMU 10.0.2's igb, read over qtest,
/// except where a test says what silicon does.
@Suite struct InterruptTests {
    private static let capability = 0x70
    private static let enabled: UInt32 = 0x8000_0000
    private static let functionMask: UInt32 = 0x4000_0000

    private func control(_ bench: Bench, _ bits: UInt32) {
        let word = bench.nic.readConfig32(Self.capability)
        bench.nic.writeConfig32(Self.capability, (word & 0x3FFF_FFFF) | bits)
    }

    /// Opens the table's first vectors and the MSI-X capability; vector 0 is receive queue 0's, 1 transmit queue 0's, 2 the rest.
    private func bench(
        _ preset: SoftNICPreset, _ change: (inout SoftNICConfiguration) -> Void = { _ in }
    ) throws -> Bench {
        let bench = try Bench(preset, change)
        for vector in 0..<UInt32(5) {
            bench.nic.write32(bar: 3, offset: vector * 16, 0xFEE0_0000)
            bench.nic.write32(bar: 3, offset: vector * 16 + 8, 0x40 + vector)
            bench.nic.write32(bar: 3, offset: vector * 16 + 12, 0)
        }
        control(bench, Self.enabled)
        bench.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
        bench.bus.write(I82576.ivar(0), .init().setting(.receiveLow, 0x80).setting(.transmitLow, 0x81))
        bench.bus.write(I82576.ivarMisc, PlainValue(0x8200))
        return bench
    }

    private func fire(_ bench: Bench, _ vectors: UInt32) -> UInt64 {
        bench.bus.write(I82576.eics, PlainValue(vectors))
        return bench.nic.takeInterrupts()
    }

    @Test(arguments: SoftNICPreset.allCases)
    func aVectorFiresOnceUntilItIsCleared(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        #expect(fire(bench, 1) == 0, "masked by EIMS")
        bench.bus.write(I82576.eims, PlainValue(1))
        #expect(bench.nic.takeInterrupts() == 1, "pending when its mask opens")
        #expect(bench.nic.takeInterrupts() == 0, "taken")
        #expect(fire(bench, 1) == 0, "still pending in EICR")
        #expect(bench.bus.read(I82576.eicr).rawValue == 1)
        #expect(bench.bus.read(I82576.eicr).rawValue == 0, "a read clears")
        #expect(fire(bench, 1) == 1)
        bench.bus.write(I82576.eicr, PlainValue(1))
        #expect(bench.bus.read(I82576.eicr).rawValue == 0, "a written one clears")
        bench.bus.write(I82576.eiac, PlainValue(1))
        #expect(fire(bench, 1) == 1)
        #expect(bench.bus.read(I82576.eicr).rawValue == 0, "EIAC")
        #expect(fire(bench, 1) == 1, "and so it may fire again")
        bench.bus.write(I82576.eims, PlainValue(0x1F))
        #expect(fire(bench, 0x1E) == 0x1E)
        #expect(bench.bus.read(I82576.eics).rawValue == 0)
    }

    @Test func vectorsMaskThemselvesOnSiliconWhenEIAMSaysSo() throws {
        for (preset, mask) in [(SoftNICPreset.strict, UInt32(2)), (.qemu, 3)] {
            let bench = try bench(preset)
            bench.bus.write(I82576.gpie, .init().setting(.multipleMSIX).setting(.autoMaskEnable))
            bench.bus.write(I82576.eiam, PlainValue(1))
            bench.bus.write(I82576.eiac, PlainValue(3))
            bench.bus.write(I82576.eims, PlainValue(3))
            #expect(fire(bench, 3) == 3)
            #expect(bench.bus.read(I82576.eims).rawValue == mask)
            #expect(fire(bench, 3) == UInt64(mask))
            bench.bus.write(I82576.eims, PlainValue(3))
            #expect(bench.nic.takeInterrupts() == (preset == .strict ? 1 : 0), "what came meanwhile")
        }
    }

    @Test(arguments: SoftNICPreset.allCases)
    func otherCausesTakeTheirVectorFromIVARMisc(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.bus.write(I82576.eims, PlainValue(4))
        bench.bus.write(I82576.eiac, PlainValue(4))
        bench.bus.write(I82576.ics, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 0, "masked by IMS")
        bench.bus.write(I82576.ims, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 4)
        #expect(bench.bus.read(I82576.icr).rawValue == 4, "INT_ASSERTED is not for vectors")
        #expect(bench.bus.read(I82576.icr).rawValue == 4, "and a read does not clear")
        bench.bus.write(I82576.ics, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 0, "not new")
        bench.bus.write(I82576.icr, .init().setting(.linkChange))
        bench.link()
        #expect(bench.nic.takeInterrupts() == 4, "LSC")
        bench.bus.write(I82576.icr, .init().setting(.linkChange))
        bench.nic.setCable(false)
        #expect(bench.nic.takeInterrupts() == 4, "and again when the link goes")
    }

    @Test(arguments: SoftNICPreset.allCases)
    func framesFireTheVectorsOfTheirQueues(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        bench.openTransmit()
        bench.bus.write(I82576.eims, PlainValue(0x1F))
        bench.bus.write(I82576.eiac, PlainValue(0x1F))
        _ = bench.nic.takeInterrupts()
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 1)
        let address = bench.putTransmit([UInt8](repeating: 1, count: 100))
        bench.writeTransmit(0, address, 100 | 3 << 20 | 1 << 29 | 1 << 24 | 1 << 27 | 100 << 46)
        bench.ringTransmit(1)
        #expect(bench.nic.takeInterrupts() == 2)
        #expect(bench.bus.read(I82576.icr).rawValue & 0x81 == 0x81, "RXDW and TXDW")
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// IVAR is column-major on this part: register q & 7 holds queues q and q + 8.
    @Test func queuesAboveSevenAreInTheUpperHalves() throws {
        let bench = try bench(.strict)
        bench.link()
        bench.bus.write(I82576.ivar(3), .init(rawValue: 0x0083_0000))
        bench.bus.write(I82576.eims, PlainValue(0x1F))
        bench.startQueue(11, type: 5)
        bench.bus.write(
            I82576.ftqf(0),
            .init().setting(.queueEnable).setting(.poolBypass).setting(.queue, 11)
                .setting(.protocolBypass).setting(.sourceAddressBypass).setting(.destinationAddressBypass)
                .setting(.sourcePortBypass))
        bench.bus.write(I82576.imir(0), .init().setting(.portBypass))
        bench.bus.write(I82576.imirext(0), .init().setting(.sizeBypass).setting(.controlBypass))
        bench.enableReceiver()
        bench.send(FrameRecipe())
        #expect(bench.completion(11, 0).isDone)
        #expect(bench.nic.takeInterrupts() == 8)
    }

    @Test func withoutTheModeOneMessageStandsForAll() throws {
        let bench = try bench(.qemu)
        bench.bus.write(I82576.gpie, .init())
        bench.bus.write(I82576.eims, PlainValue(7))
        #expect(fire(bench, 1) == 0, "vectors need GPIE.Multiple_MSIX")
        bench.bus.write(I82576.ims, .init().setting(.linkChange))
        bench.bus.write(I82576.ics, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 1)
    }

    @Test func plainMSI() throws {
        let bench = try bench(.qemu)
        control(bench, 0)
        bench.bus.write(I82576.gpie, .init())
        bench.nic.writeConfig32(0x50, bench.nic.readConfig32(0x50) | 1 << 16)
        bench.bus.write(I82576.ims, .init().setting(.linkChange))
        bench.bus.write(I82576.ics, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 1)
        #expect(bench.bus.read(I82576.icr).rawValue == 0x8000_0004)
        #expect(fire(bench, 1) == 0, "EICS is for vectors")
    }

    @Test func throttling() throws {
        let bench = try bench(.strict)
        bench.bus.write(I82576.eiac, PlainValue(1))
        bench.bus.write(I82576.eims, PlainValue(1))
        bench.bus.write(I82576.eitr(0), .init().setting(.interval, 100))
        #expect(fire(bench, 1) == 1, "the first at once")
        #expect(fire(bench, 1) == 0)
        #expect(bench.nic.nextDeadline == bench.now + .microseconds(100))
        bench.run(.microseconds(99))
        #expect(bench.nic.takeInterrupts() == 0)
        bench.run(.microseconds(1))
        #expect(bench.nic.takeInterrupts() == 1)
        bench.run(.microseconds(100))
        #expect(bench.nic.takeInterrupts() == 0, "one message for all that came meanwhile")
        #expect(fire(bench, 1) == 1)
        bench.bus.write(I82576.eitr(0), .init().setting(.interval, 100).setting(.keepCounter))
        #expect(fire(bench, 1) == 0, "CNT_INGR leaves the counter alone")
        bench.bus.write(I82576.eitr(0), .init().setting(.interval, 100))
        bench.run()
        #expect(bench.nic.takeInterrupts() == 1, "a write without it starts the counter over")
        #expect(bench.bus.read(I82576.eitr(0))[.interval] == 100)
    }

    @Test(arguments: SoftNICPreset.allCases)
    func aMessageNeedsBusMastering(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.bus.write(I82576.eiac, PlainValue(1))
        bench.bus.write(I82576.eims, PlainValue(1))
        bench.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory)
        #expect(fire(bench, 1) == 0)
        bench.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        bench.run()
        #expect(bench.nic.takeInterrupts() == 0, "it is lost")
        #expect(fire(bench, 1) == 1)
    }

    @Test(arguments: SoftNICPreset.allCases)
    func masksOfTableAndFunctionKeepMessagesPending(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.bus.write(I82576.eiac, PlainValue(3))
        bench.bus.write(I82576.eims, PlainValue(3))
        bench.nic.write32(bar: 3, offset: 12, 1)
        #expect(fire(bench, 3) == 2)
        #expect(bench.nic.read32(bar: 3, offset: 0x2000) == 1)
        bench.nic.write32(bar: 3, offset: 12, 0)
        #expect(bench.nic.takeInterrupts() == 1)
        #expect(bench.nic.read32(bar: 3, offset: 0x2000) == 0)
        control(bench, Self.enabled | Self.functionMask)
        #expect(fire(bench, 3) == 0)
        control(bench, Self.enabled)
        #expect(bench.nic.takeInterrupts() == 3)
    }

    @Test func theTableIsWhatTheCapabilitySays() throws {
        for (preset, vectors) in [(SoftNICPreset.qemu, 10), (.strict, 25)] {
            let bench = try Bench(preset)
            #expect(Int(bench.nic.readConfig32(Self.capability) >> 16 & 0x7FF) == vectors - 1)
            #expect(bench.nic.readConfig32(Self.capability + 4) == 3, "BAR 3, offset 0")
            #expect(bench.nic.readConfig32(Self.capability + 8) == 0x2003)
            let last = UInt32(vectors - 1) * 16
            #expect(bench.nic.read32(bar: 3, offset: last + 12) == 1, "masked after a reset")
            bench.nic.write32(bar: 3, offset: last + 8, 0x77)
            bench.nic.write32(bar: 3, offset: last + 12, .max)
            #expect(
                bench.nic.read32(bar: 3, offset: last + 8) == 0x77 && bench.nic.read32(bar: 3, offset: last + 12) == 1)
            bench.nic.write32(bar: 3, offset: last + 24, 0x77)
            #expect(bench.nic.read32(bar: 3, offset: last + 24) == 0)
            bench.nic.writeConfig32(PCIConfig.command, 0)
            #expect(bench.nic.read32(bar: 3, offset: 8) == .max, "no memory decoding")
        }
    }

    /// The threshold of SRRCTL.RDMTS, in units of 16 descriptors, raises RXDMT0 when it is crossed, once.
    @Test func lowOnDescriptors() throws {
        let bench = try bench(.strict)
        bench.link()
        bench.bus.write(I82576.rxdctl(0), .init())
        bench.run(.milliseconds(1))
        bench.bus.write(I82576.srrctl(0), .init().setting(.minimumThreshold, 1))
        bench.openQueue(0, type: 5, count: 32, threshold: 1)
        bench.fillDescriptors(0, 0..<32)
        bench.bus.write(I82576.rdt(0), PlainValue(18))
        bench.run()
        _ = (bench.bus.read(I82576.icr), bench.bus.read(I82576.rxdmtc))
        bench.bus.write(I82576.icr, .init(rawValue: .max))
        bench.enableReceiver()
        bench.send(FrameRecipe())
        #expect(!bench.bus.read(I82576.icr)[.receiveThreshold], "17 are left")
        bench.send(FrameRecipe())
        #expect(bench.bus.read(I82576.icr)[.receiveThreshold], "16 are left")
        bench.send(FrameRecipe())
        #expect(!bench.bus.read(I82576.icr)[.receiveThreshold])
        #expect(bench.bus.read(I82576.rxdmtc).rawValue == 1)
    }

    @Test func messagesAreCounted() throws {
        let bench = try bench(.strict)
        _ = bench.bus.read(I82576.iac)
        bench.bus.write(I82576.eiac, PlainValue(3))
        bench.bus.write(I82576.eims, PlainValue(3))
        _ = fire(bench, 3)
        _ = fire(bench, 1)
        #expect(bench.bus.read(I82576.iac).rawValue == 3)
    }

    @Test func aFunctionResetForgetsTheTable() throws {
        let bench = try bench(.strict)
        bench.bus.write(I82576.eims, PlainValue(1))
        bench.nic.writeConfig32(0xA8, 0x8000)
        bench.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        bench.run(.milliseconds(1))
        #expect(bench.nic.read32(bar: 3, offset: 12) == 1 && bench.nic.read32(bar: 3, offset: 8) == 0)
        #expect(bench.nic.readConfig32(Self.capability) & Self.enabled == 0)
        #expect(bench.bus.read(I82576.eims).rawValue == 0)
        #expect(fire(bench, 1) == 0)
    }

    @Test func throughTheDevice() throws {
        let bench = try Bench(.strict)
        let device = SoftPCIDevice(bench.nic)
        try device.enableInterrupts(vectors: 3)
        #expect(device.interruptDescriptors.isEmpty, "the owner asks")
        bench.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
        bench.bus.write(I82576.eims, PlainValue(0xF))
        #expect(fire(bench, 0xF) == 7, "the fourth stays masked")
        #expect(throws: DeviceMemoryError.self) { try device.enableInterrupts(vectors: 26) }
    }
}
