import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Rings of the 82574: units, exhaustion, tails, stopping.
@Suite struct Ring574Tests {
    private func numbered(_ i: Int) -> FrameRecipe { FrameRecipe { $0.payload = 200 + i } }

    @Test func threePostedSixSentQEMUHoldsTheRest() throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.split, posted: 3)
        for i in 0..<6 { #expect(bench.send(numbered(i))) }
        #expect((0..<6).map { bench.split574(0, $0).isDone } == [true, true, true, false, false, false])
        #expect(bench.bus.read(I82574.rdh(0)).rawValue == 6 && bench.bus.read(I82574.rdt(0)).rawValue == 6)
        #expect(bench.bus.read(I82574.mpc).rawValue == 0 && bench.bus.read(I82574.rnbc).rawValue == 0)
        #expect(bench.bus.read(I82574.icr)[.receiveOverrun])
        bench.bus.write(I82574.rdt(0), PlainValue(12))
        bench.run()
        #expect((0..<6).map { bench.split574(0, $0).length1 } == (0..<6).map { 200 + $0 }, "in order")
    }

    @Test func threePostedSixSentStrictDropsAndCounts() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split, posted: 3)
        _ = bench.bus.read(I82574.mpc)
        _ = bench.bus.read(I82574.rnbc)
        for i in 0..<6 { bench.send(numbered(i)) }
        #expect(bench.bus.read(I82574.mpc).rawValue == 3 && bench.bus.read(I82574.rnbc).rawValue == 3)
        #expect(bench.bus.read(I82574.mpc).rawValue == 0, "a read clears")
        bench.bus.write(I82574.rdt(0), PlainValue(12))
        bench.run()
        #expect(!bench.split574(0, 3).isDone)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func splitRingWrapsManyTimes() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split, count: 8, posted: 7)
        var tail = 7
        for i in 0..<50 {
            bench.send(numbered(i))
            #expect(bench.split574(0, i % 8).isDone && bench.split574(0, i % 8).length1 == 200 + i)
            bench.fill574(.split, 0, tail)
            tail = (tail + 1) % 8
            bench.bus.write(I82574.rdt(0), PlainValue(UInt32(2 * tail)))
            bench.run()
        }
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// 9: QEMU compares a frame with all buffers together, and may stop half way: no EOP, and the next frame follows.
    @Test func qemuStopsHalfWay() throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.split, posted: 2) { $0[.longPackets] = true }
        // 54 + 4550 fits two times 256 + 2048 bytes, but the header buffer of the second descriptor is not used.
        bench.send(FrameRecipe { $0.payload = 4550 })
        #expect(bench.split574(0, 0).isDone && bench.split574(0, 1).isDone)
        #expect(!bench.split574(0, 1).isLast)
        bench.bus.write(I82574.rdt(0), PlainValue(8))
        bench.send(numbered(7))
        #expect(bench.split574(0, 2).isLast && bench.split574(0, 2).length1 == 207)
    }

    @Test func oddTailInSplitMode() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split)
        bench.bus.write(I82574.rdt(0), PlainValue(5))
        #expect(bench.nic.flags[.tailOddInSplit] == 1)
        for _ in 0..<40 { bench.send(numbered(0)) }
    }

    @Test func tailOutsideIsAnEmptyRing() throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.split)
        bench.bus.write(I82574.rdt(0), PlainValue(500))
        bench.send(numbered(0))
        #expect(!bench.split574(0, 0).isDone)
        #expect(bench.nic.flags[.tailBeyondRing] == 1)
    }

    /// 6.4: RCTL.EN off drops what comes and keeps the rings.
    @Test func receiverOffAndOn() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split)
        bench.send(numbered(0))
        bench.bus.modify(I82574.rctl) { $0[.enable] = false }
        #expect(bench.send(numbered(1)), "lost")
        bench.bus.modify(I82574.rctl) { $0[.enable] = true }
        bench.send(numbered(2))
        #expect(bench.split574(0, 1).length1 == 202)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func staleDescriptorIsFound() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.split, count: 8, posted: 7)
        bench.send(numbered(0))
        // Descriptor 7 was never posted; 0 still holds its write-back.
        bench.bus.write(I82574.rdt(0), PlainValue(2))
        bench.run()
        #expect(bench.nic.flags[.staleDescriptor] == 1)
    }

    @Test func registersKeepWhatTheyCan() throws {
        let bench = try Bench(i82574: .qemu)
        bench.bus.write(I82574.rdbal(0), PlainValue(0x1234_567F))
        #expect(bench.bus.read(I82574.rdbal(0)).rawValue == 0x1234_5670)
        bench.bus.write(I82574.rdlen(0), PlainValue(.max))
        #expect(bench.bus.read(I82574.rdlen(0)).rawValue == 0xF_FF80)
        bench.bus.write(I82574.tdt(0), PlainValue(0xABCD_1234))
        #expect(bench.bus.read(I82574.tdt(0)).rawValue == 0x1234)
        bench.bus.write(I82574.rxdctl(1), .init(rawValue: 0x0104_0000))
        #expect(bench.bus.read(I82574.rxdctl(0)).rawValue == 0x0104_0000, "mirrored in QEMU")
    }
}
