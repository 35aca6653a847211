import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Counters that tell of the wire and of loss; those of a half-duplex wire, of management and of bad symbols stay 0 here.
@Suite struct StatisticsTests {
    private func bench(_ preset: SoftNICPreset = .strict) throws -> Bench {
        let bench = try Bench(preset)
        bench.link()
        bench.startQueue(0, type: 1)
        bench.enableReceiver { $0[.multicastPromiscuous] = true }
        for line in I82576.registers where line.access == .readClear {
            for i in 0..<line.count { _ = bench.bus.read32(line.offset + UInt32(i) * line.stride) }
        }
        return bench
    }

    private func pause(_ operation: [UInt8]) -> [UInt8] {
        [1, 0x80, 0xC2, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x88, 0x08] + operation + [UInt8](repeating: 0, count: 42)
    }

    @Test func pauseFramesAreCountedAndKept() throws {
        let bench = try bench()
        bench.send(pause([0, 1, 0xFF, 0xFF]))
        bench.send(pause([0, 1, 0, 0]))
        bench.send(pause([0, 1, 0, 0]))
        bench.send(pause([1, 1, 0, 0]))
        #expect(bench.bus.read(I82576.xoffrxc).rawValue == 1 && bench.bus.read(I82576.xonrxc).rawValue == 2)
        #expect(bench.bus.read(I82576.fcruc).rawValue == 1, "an operation that is not known")
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 0, "MAC control frames end in the MAC")
        bench.enableReceiver {
            $0[.multicastPromiscuous] = true
            $0[.passMACControl] = true
        }
        bench.send(pause([0, 1, 0, 0]))
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 1, "unless PMCF passes them")
    }

    @Test func qemuKnowsNoPauseFrames() throws {
        let bench = try bench(.qemu)
        bench.send(pause([0, 1, 0, 0]))
        #expect(bench.bus.read(I82576.xonrxc).rawValue == 0 && bench.bus.read(I82576.rdh(0)).rawValue == 1)
    }

    @Test func lengthFieldsThatLie() throws {
        let bench = try bench()
        bench.send(
            FrameRecipe {
                $0.network = .other(100); $0.payload = 99
            })
        bench.send(
            FrameRecipe {
                $0.network = .other(100); $0.payload = 100
            })
        #expect(bench.bus.read(I82576.rlec).rawValue == 1)
    }

    @Test func framesThatTheLinkDoesNotTake() throws {
        let bench = try bench()
        bench.openTransmit()
        bench.nic.setCable(false)
        bench.writeTransmit(
            0, bench.putTransmit([UInt8](repeating: 1, count: 100)), 100 | 3 << 20 | 1 << 29 | 1 << 24 | 100 << 46)
        bench.ringTransmit(1)
        #expect(bench.transmitted().isEmpty)
        #expect(bench.bus.read(I82576.htdpmc).rawValue == 1 && bench.bus.read(I82576.gptc).rawValue == 0)
    }

    /// Counters are for reports; reading them between packets costs a bus round trip each.
    @Test func countersInAPollLoopAreAnError() throws {
        let bench = try bench()
        for _ in 0..<20 {
            for _ in 0..<60 { _ = bench.bus.read(I82576.gprc) }
            bench.run(.milliseconds(2))
        }
        #expect(bench.nic.flags[.statisticsPolled] == 0)
        for _ in 0..<300 { _ = bench.bus.read(I82576.gprc) }
        #expect(bench.nic.flags[.statisticsPolled] == 1)
    }
}
