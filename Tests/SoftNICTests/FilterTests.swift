import NICRegisters
import SoftNIC
import Testing

/// Which frames pass the MAC, and what it does to them.
@Suite struct FilterTests {
    private func bench(_ preset: SoftNICPreset = .strict) throws -> Bench {
        let bench = try Bench(preset)
        bench.link()
        for i in 0..<128 {
            bench.bus.write(I82576.mta(i), PlainValue(0))
            bench.bus.write(I82576.vfta(i), PlainValue(0))
        }
        for i in 1..<24 { bench.bus.write(I82576.rah(i), .init()) }
        bench.startQueue(0, type: 1)
        return bench
    }

    private func accepted(_ bench: Bench, _ destination: [UInt8]) -> Bool {
        let before = bench.bus.read(I82576.rdh(0)).rawValue
        bench.send(FrameRecipe { $0.destination = destination })
        return bench.bus.read(I82576.rdh(0)).rawValue != before
    }

    @Test func addresses() throws {
        let bench = try bench()
        let own: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]
        let other: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x57]
        let group: [UInt8] = [0x01, 0x00, 0x5E, 0x00, 0x00, 0xFB]
        let all = [UInt8](repeating: 0xFF, count: 6)
        bench.enableReceiver { $0[.broadcastAccept] = false }
        #expect(accepted(bench, own) && !accepted(bench, other) && !accepted(bench, group) && !accepted(bench, all))
        bench.enableReceiver()
        #expect(accepted(bench, all) && !accepted(bench, group))
        bench.enableReceiver { $0[.multicastPromiscuous] = true }
        #expect(accepted(bench, group) && !accepted(bench, other))
        bench.enableReceiver { $0[.unicastPromiscuous] = true }
        #expect(accepted(bench, other) && !accepted(bench, group))
        // RAR 20 lies in the second block.
        bench.enableReceiver()
        bench.bus.write(I82576.ral(20), PlainValue(0x1200_5452))
        bench.bus.write(I82576.rah(20), .init(rawValue: 0x8000_5734))
        #expect(accepted(bench, other))
    }

    /// RCTL.MO: bits 47:36, 46:35, 45:34 or 43:32 of the address.
    @Test(arguments: [(0, 0xFB0), (1, 0xF60), (2, 0xEC0), (3, 0xB00)] as [(UInt32, Int)])
    func multicastTable(_ offset: UInt32, _ hash: Int) throws {
        let bench = try bench()
        bench.enableReceiver { $0[.multicastOffset] = offset }
        let group: [UInt8] = [0x01, 0x00, 0x5E, 0x00, 0x00, 0xFB]
        #expect(!accepted(bench, group))
        bench.bus.write(I82576.mta(hash >> 5), PlainValue(1 << UInt32(hash & 31)))
        #expect(accepted(bench, group))
    }

    @Test func vlanFilterAndStripping() throws {
        let bench = try bench()
        bench.enableReceiver { $0[.vlanFilter] = true }
        let tagged = FrameRecipe { $0.tag = 0x2065 }
        bench.send(tagged)
        #expect(!bench.completion(0, 0).isDone)
        bench.bus.write(I82576.vfta(0x65 >> 5), PlainValue(1 << (0x65 & 31)))
        bench.send(tagged)
        #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).length == 1058)
        #expect(bench.completion(0, 0).status == 0x263)
        bench.bus.modify(I82576.ctrl) { $0[.vlanMode] = true }
        bench.send(tagged)
        let done = bench.completion(0, 1)
        #expect(done.length == 1054 && done.tag == 0x2065 && done.status == 0x26B)
        #expect(Array(bench.payload(0, 1)[..<1054]) == FrameRecipe().bytes)
    }

    @Test func aStrippedFrameThatHasToWaitArrivesWhole() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.openQueue(0, type: 1)
        bench.enableReceiver()
        bench.bus.modify(I82576.ctrl) { $0[.vlanMode] = true }
        bench.send(FrameRecipe { $0.tag = 0x2065 })
        bench.bus.write(I82576.rctl, bench.bus.read(I82576.rctl))
        bench.run()
        bench.fillDescriptors(0, 0..<16, header: false)
        bench.bus.write(I82576.rdt(0), PlainValue(15))
        bench.run()
        bench.nic.drainPayload()
        #expect(bench.completion(0, 0).tag == 0x2065)
        #expect(Array(bench.payload(0, 0)[..<1054]) == FrameRecipe().bytes)
    }

    @Test func lengths() throws {
        let bench = try bench()
        _ = (bench.bus.read(I82576.roc), bench.bus.read(I82576.ruc))
        bench.enableReceiver { $0[.longPackets] = false }
        bench.send(FrameRecipe { $0.payload = 1460 })
        #expect(bench.completion(0, 0).isDone)
        bench.send(FrameRecipe { $0.payload = 1461 })
        #expect(!bench.completion(0, 1).isDone && bench.bus.read(I82576.roc).rawValue == 1)
        bench.enableReceiver()
        bench.bus.write(I82576.rlpml, PlainValue(1600))
        bench.send(FrameRecipe { $0.payload = 1600 - 4 - 54 })
        #expect(bench.completion(0, 1).isDone)
        bench.send(FrameRecipe { $0.payload = 1600 - 3 - 54 })
        #expect(!bench.completion(0, 2).isDone && bench.bus.read(I82576.roc).rawValue == 1)
        bench.send([UInt8](repeating: 0xFF, count: 13))
        #expect(bench.bus.read(I82576.ruc).rawValue == 1)
        let short = try Bench(SoftNICConfiguration(preset: .strict).with { $0.behaviour.padsShortFrames = false })
        short.link()
        short.startQueue(0, type: 1)
        short.enableReceiver()
        short.send(FrameRecipe { $0.payload = 0 })
        #expect(!short.completion(0, 0).isDone, "54 bytes are no frame on a wire")
    }
}

extension SoftNICConfiguration {
    func with(_ change: (inout SoftNICConfiguration) -> Void) -> SoftNICConfiguration {
        var copy = self
        change(&copy)
        return copy
    }
}
