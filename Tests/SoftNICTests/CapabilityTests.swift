import NICRegisters
import SoftNIC
import Testing
import VFIODriver

/// Each optional part can be missing, and what is missing shows where a probe looks: in what does not stick.
@Suite struct CapabilityTests {
    /// What a probe finds by writing and reading back.
    private struct Findings: Equatable {
        var queues = 16
        var vectors = 25
        var headerSplit = true
        var receiveSideScaling = true
        var receiveChecksum = true
    }

    private func probe(_ change: (inout SoftNICCapabilities) -> Void) throws -> Findings {
        let bench = try Bench(.strict) { change(&$0.capabilities) }
        var found = Findings()
        found.queues = (0..<16).count { queue in
            bench.bus.write(I82576.rxdctl(queue), .init())
            bench.bus.write(I82576.txdctl(queue), .init())
            bench.settle()
            bench.bus.write(I82576.rdbah(queue), PlainValue(0x5A5A))
            bench.bus.write(I82576.tdbah(queue), PlainValue(0x5A5A))
            return bench.bus.read(I82576.rdbah(queue)).rawValue == 0x5A5A
                && bench.bus.read(I82576.tdbah(queue)).rawValue == 0x5A5A
        }
        var offset = Int(bench.nic.readConfig32(0x34) & 0xFF)
        found.vectors = 0
        while offset != 0 {
            let word = bench.nic.readConfig32(offset)
            if word & 0xFF == 0x11 { found.vectors = Int(word >> 16 & 0x7FF) + 1 }
            offset = Int(word >> 8 & 0xFF)
        }
        bench.bus.write(I82576.srrctl(0), .init().setting(.descriptorType, 5))
        found.headerSplit = bench.bus.read(I82576.srrctl(0))[.descriptorType] == 5
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2))
        bench.bus.write(I82576.rssrk(0), PlainValue(7))
        found.receiveSideScaling =
            bench.bus.read(I82576.mrqc)[.mode] == 2 && bench.bus.read(I82576.rssrk(0)).rawValue == 7
        bench.bus.write(I82576.rxcsum, .init(rawValue: 0x2300))
        found.receiveChecksum = bench.bus.read(I82576.rxcsum).rawValue == 0x2300
        #expect(bench.nic.flags.total == 0, "probing is no error: \(bench.nic.flags)")
        return found
    }

    @Test func everyOneAlone() throws {
        #expect(try probe { _ in } == Findings())
        #expect(try probe { $0.queues = 4 } == Findings(queues: 4))
        #expect(try probe { $0.vectors = 0 } == Findings(vectors: 0))
        #expect(try probe { $0.vectors = 3 } == Findings(vectors: 3))
        #expect(try probe { $0.headerSplit = false } == Findings(headerSplit: false))
        #expect(try probe { $0.receiveSideScaling = false } == Findings(receiveSideScaling: false))
        #expect(try probe { $0.receiveChecksum = false } == Findings(receiveChecksum: false))
    }

    @Test func withoutVectorsThereIsNoTable() throws {
        let bench = try Bench(.strict) { $0.capabilities.vectors = 0 }
        bench.nic.writeConfig32(0x1C, .max)
        #expect(bench.nic.readConfig32(0x1C) == 0, "no BAR 3")
        #expect(bench.nic.read32(bar: 3, offset: 0) == .max)
    }

    /// The project's own probe names what is missing, and nothing else.
    @Test func theProbeNamesIt() throws {
        func missing(_ change: (inout SoftNICCapabilities) -> Void) throws -> (Int, [String]) {
            var settings = SoftNICConfiguration(preset: .strict)
            change(&settings.capabilities)
            let found = DeviceCapabilities(of: SoftPCIDevice(SoftNIC(configuration: settings)))
            return (found.msixVectors, found.missing.map(\.name))
        }
        #expect(try missing { _ in } == (25, []))
        #expect(try missing { $0.vectors = 3 } == (3, []))
        #expect(try missing { $0.vectors = 0 } == (0, ["MSI-X"]))
    }

    private func receive(_ change: (inout SoftNICCapabilities) -> Void) throws -> (Bench, Completion) {
        let bench = try Bench(.strict) { change(&$0.capabilities) }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.bus.write(I82576.rxcsum, .init(rawValue: 0x2300))
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2).setting(.tcpIPv4))
        bench.enableReceiver()
        bench.send(FrameRecipe())
        return (bench, bench.completion(0, 0))
    }

    @Test func whatIsMissingIsNotDone() throws {
        #expect(try receive { _ in }.1.status == 0x63)
        let plain = try receive { $0.headerSplit = false }.1
        #expect(!plain.splitHeader && plain.length == 1054)
        let unhashed = try receive { $0.receiveSideScaling = false }.1
        #expect(unhashed.rssType == 0 && unhashed.hash == 0)
        let unchecked = try receive { $0.receiveChecksum = false }.1
        #expect(unchecked.status == 3, "neither IPCS nor L4CS")
    }

    @Test func aQueueThatIsNotThereTakesNoFrames() throws {
        let bench = try Bench(.strict) { $0.capabilities.queues = 2 }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.bus.modify(I82576.rxcsum) { $0[.packetChecksumDisable] = true }
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0x0303_0303)) }
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2).setting(.tcpIPv4))
        bench.enableReceiver()
        bench.send(FrameRecipe())
        bench.send(FrameRecipe { $0.network = .other(0x88B5) })
        #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).packetType == 0, "the others go on")
        #expect(bench.bus.read32(0xC080 + 0x28) == 0)
    }

    @Test func checksumsAreNotInserted() throws {
        let bench = try Bench(.strict) { $0.capabilities.transmitOffload = false }
        bench.link()
        bench.openTransmit()
        let frame = FrameRecipe { $0.payload = 99 }.bytes
        bench.writeTransmit(0, 20 | 14 << 9, 2 << 20 | 1 << 29 | 1 << 11 | 1 << 10 | 20 << 40)
        bench.writeTransmit(
            1, bench.putTransmit(frame),
            UInt64(frame.count) | 3 << 20 | 1 << 29 | 1 << 24 | 3 << 40 | UInt64(frame.count) << 46)
        bench.ringTransmit(2)
        #expect(bench.transmitted() == [frame], "as it was given")
    }
}
