import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Causes, masks, delays, vectors and throttles of the 82574.
@Suite struct Interrupt574Tests {
    private func cause(_ bench: Bench) -> UInt32 { bench.bus.read(I82574.icr).rawValue }

    /// device-model section 2: IMS 0, ICS 0x10 reads 0x80000010 on QEMU, then 0.
    @Test(arguments: SoftNICPreset.allCases)
    func maskedCause(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        _ = cause(bench)
        bench.bus.write(I82574.ics, .init(rawValue: 0x10))
        #expect(bench.bus.read(I82574.ics).rawValue == (preset == .qemu ? 0x8000_0010 : 0x10), "ICS reads ICR")
        #expect(cause(bench) == (preset == .qemu ? 0x8000_0010 : 0x10))
        #expect(cause(bench) == 0)
    }

    @Test func maskPairs() throws {
        let bench = try Bench(i82574: .strict)
        bench.bus.write(I82574.ims, .init(rawValue: 0x105))
        bench.bus.write(I82574.ims, .init(rawValue: 0x10))
        #expect(bench.bus.read(I82574.ims).rawValue == 0x115)
        bench.bus.write(I82574.imc, .init(rawValue: 0x11))
        #expect(bench.bus.read(I82574.ims).rawValue == 0x104 && bench.bus.read(I82574.imc).rawValue == 0)
    }

    @Test func writeOneClears() throws {
        let bench = try Bench(i82574: .strict)
        _ = cause(bench)
        bench.bus.write(I82574.ics, .init(rawValue: 0x90))
        bench.bus.write(I82574.icr, .init(rawValue: 0x10))
        #expect(bench.bus.read(I82574.ics).rawValue == 0x80)
        bench.bus.write(I82574.ics, .init(rawValue: 1 << 2 | 1 << 6 | 1 << 17 | 1 << 24))
        bench.bus.write(I82574.icr, .init(rawValue: 1 << 24))
        #expect(bench.bus.read(I82574.ics).rawValue == 0x80, "OTHER takes along what it sums up")
    }

    /// 6.1: what a frame raises without MSI-X.
    @Test func receiveCauses() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split, count: 16, posted: 15)
        _ = cause(bench)
        bench.send(FrameRecipe())
        #expect(cause(bench) == 1 << 7, "RXT0")
        // Half of 16 descriptors: the threshold of RDMTS 0, in units of 16 bytes.
        for _ in 0..<5 { bench.send(FrameRecipe()) }
        #expect(cause(bench) & 1 << 4 == 0)
        bench.send(FrameRecipe())
        #expect(cause(bench) & 1 << 4 != 0, "RXDMT0")
        bench.send(FrameRecipe { $0.payload = 0 })
        #expect(cause(bench) & 1 << 17 != 0, "ACK")
        bench.bus.modify(I82574.rfctl) { $0[.ackInterruptDisable] = true }
        bench.send(FrameRecipe { $0.payload = 0 })
        #expect(cause(bench) & 1 << 17 == 0)
    }

    /// RDTR restarts with every frame, RADV does not; FPD ends both.
    @Test func receiveDelays() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.extended, count: 32, posted: 31)
        bench.bus.write(I82574.rdtr, .init().setting(.delay, 100))
        bench.bus.write(I82574.radv, PlainValue(150))
        _ = cause(bench)
        bench.send(FrameRecipe())
        bench.run(.microseconds(100))
        #expect(bench.bus.read(I82574.ics).rawValue == 0)
        bench.send(FrameRecipe())
        bench.run(.microseconds(50))
        #expect(bench.bus.read(I82574.ics).rawValue == 0, "restarted")
        #expect(bench.nic.nextDeadline == .zero + .seconds(1) + .nanoseconds(153_600), "the absolute one")
        bench.run(.nanoseconds(3_600))
        #expect(cause(bench) == 1 << 7)
        bench.send(FrameRecipe())
        bench.run(.nanoseconds(102_400))
        #expect(cause(bench) == 1 << 7, "the packet's own")
        bench.send(FrameRecipe())
        bench.bus.write(I82574.rdtr, .init().setting(.delay, 100).setting(.flush))
        #expect(cause(bench) == 1 << 7)
        #expect(!bench.bus.read(I82574.rdtr)[.flush], "clears itself")
    }

    @Test func transmitDelays() throws {
        let bench = try Bench(i82574: .strict)
        bench.openTransmit574()
        bench.bus.write(I82574.tidv, PlainValue(10))
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        let flags: UInt64 = 1 << 24 | 1 << 27
        _ = cause(bench)
        bench.writeTransmit(0, address, UInt64(frame.count) | flags | 1 << 31)
        bench.ringTransmit574(1)
        #expect(cause(bench) == 1 << 1, "TXQE only")
        bench.run(.nanoseconds(10_240))
        #expect(cause(bench) == 1, "TXDW after IDE's delay")
        bench.writeTransmit(1, address, UInt64(frame.count) | flags)
        bench.ringTransmit574(2)
        #expect(cause(bench) == 3)
    }

    private func vectors(_ preset: SoftNICPreset) throws -> Bench {
        let bench = try Bench(i82574: preset)
        let device = SoftPCIDevice(bench.nic)
        try device.enableInterrupts(vectors: 5)
        bench.bus.write(
            I82574.ivar,
            .init().setting(.receiveQueue0, 8).setting(.receiveQueue1, 9).setting(.transmitQueue0, 10)
                .setting(.other, 12))
        _ = bench.nic.takeInterrupts()
        _ = cause(bench)
        return bench
    }

    @Test(arguments: SoftNICPreset.allCases)
    func queuesHaveVectors(_ preset: SoftNICPreset) throws {
        let bench = try vectors(preset)
        bench.bus.modify(I82574.rfctl) { $0[.ackInterruptDisable] = true }
        bench.start574(.split, filters: .init().setting(.ackInterruptDisable))
        bench.openTransmit574()
        bench.bus.write(I82574.ims, .init(rawValue: 0x01F0_0000))
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 1)
        #expect(bench.nic.takeInterrupts() == 0, "taken")
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 0, "the cause is still pending")
        bench.bus.write(I82574.icr, .init().setting(.receiveQueue0))
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 1)
        let frame = FrameRecipe().bytes
        bench.writeTransmit(0, bench.putTransmit(frame), UInt64(frame.count) | 1 << 24 | 1 << 27)
        bench.ringTransmit574(1)
        #expect(bench.nic.takeInterrupts() == 1 << 2)
        bench.bus.write(I82574.ics, .init().setting(.linkChange))
        #expect(bench.nic.takeInterrupts() == 1 << 4, "OTHER")
    }

    /// Verified on QEMU: EIAC clears the cause and its mask bit, and a second ICS gives nothing until IMS is written again.
    @Test func automaticClear() throws {
        let bench = try vectors(.qemu)
        let all = I82574.InterruptCause(rawValue: 0x01F0_0000)
        bench.bus.write(I82574.eiac, all)
        bench.bus.write(I82574.ims, all)
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue1))
        #expect(bench.nic.takeInterrupts() == 2)
        #expect(bench.bus.read(I82574.ims).rawValue == 0x01D0_0000)
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue1))
        #expect(bench.nic.takeInterrupts() == 0)
        bench.bus.write(I82574.ims, all)
        #expect(bench.nic.takeInterrupts() == 2, "it was pending")
    }

    /// EITR counts 256 ns; a vector that may not fire yet fires when it may.
    @Test func throttle() throws {
        let bench = try vectors(.strict)
        let all = I82574.InterruptCause(rawValue: 0x01F0_0000)
        bench.bus.write(I82574.eiac, all)
        bench.bus.modify(I82574.ctrlExt) { $0[.autoMaskOnRead] = true }
        bench.bus.write(I82574.ims, all)
        bench.bus.write(I82574.eitr(0), PlainValue(1000))
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue0))
        #expect(bench.nic.takeInterrupts() == 1)
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue0))
        bench.run(.microseconds(255))
        #expect(bench.nic.takeInterrupts() == 0)
        bench.run(.microseconds(1))
        #expect(bench.nic.takeInterrupts() == 1)
    }

    @Test func maskedVectorsArePending() throws {
        let bench = try vectors(.strict)
        bench.nic.write32(bar: 3, offset: 12, 1)
        bench.bus.write(I82574.ims, .init().setting(.receiveQueue0))
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue0))
        #expect(bench.nic.takeInterrupts() == 0 && bench.nic.read32(bar: 3, offset: 0x2000) == 1)
        bench.nic.write32(bar: 3, offset: 12, 0)
        #expect(bench.nic.takeInterrupts() == 1)
    }

    /// ICR with MSI-X: a read clears only when nothing is masked in, or an enabled cause is set.
    @Test func readingCausesWithVectors() throws {
        let bench = try vectors(.strict)
        bench.bus.write(I82574.ims, .init().setting(.receiveQueue1))
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue0))
        #expect(cause(bench) == 1 << 20 && cause(bench) == 1 << 20, "masked: stays")
        bench.bus.write(I82574.ics, .init().setting(.receiveQueue1))
        #expect(cause(bench) == 1 << 31 | 3 << 20)
        #expect(cause(bench) == 0)
    }

    @Test func singleMessage() throws {
        let bench = try Bench(i82574: .strict)
        bench.nic.writeConfig32(0xD0, 1 << 16)
        bench.bus.write(I82574.itr, PlainValue(100))
        _ = cause(bench)
        bench.bus.write(I82574.ims, .init().setting(.receiveTimer))
        bench.start574(.split)
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 1)
        _ = cause(bench)
        bench.send(FrameRecipe())
        #expect(bench.nic.takeInterrupts() == 0)
        bench.run(.nanoseconds(25_600))
        #expect(bench.nic.takeInterrupts() == 1)
    }
}
