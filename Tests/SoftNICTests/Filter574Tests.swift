import NICRegisters
import SoftNIC
import Testing

/// Addresses, tags, lengths and RSS of the 82574.
@Suite struct Filter574Tests {
    private func taken(_ bench: Bench, _ change: (inout FrameRecipe) -> Void) -> Bool {
        let before = bench.bus.read(I82574.rdh(0)).rawValue
        bench.send(FrameRecipe(change))
        return bench.bus.read(I82574.rdh(0)).rawValue != before
    }

    private func clearTables(_ bench: Bench) {
        for i in 0..<128 {
            bench.bus.write(I82574.mta(i), PlainValue(0))
            bench.bus.write(I82574.vfta(i), PlainValue(0))
        }
        for i in 1..<16 { bench.bus.write(I82574.rah(i), .init()) }
    }

    @Test(arguments: SoftNICPreset.allCases)
    func addresses(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        clearTables(bench)
        bench.start574(.extended)
        let other: [UInt8] = [2, 3, 4, 5, 6, 7]
        let group: [UInt8] = [0x01, 0x00, 0x5E, 0x00, 0x12, 0x34]
        #expect(taken(bench) { _ in })
        #expect(!taken(bench) { $0.destination = other })
        #expect(taken(bench) { $0.destination = [UInt8](repeating: 0xFF, count: 6) })
        #expect(!taken(bench) { $0.destination = group })
        // RAR 5.
        bench.bus.write(I82574.ral(5), PlainValue(0x0504_0302))
        bench.bus.write(I82574.rah(5), .init(rawValue: 0x8000_0706))
        #expect(taken(bench) { $0.destination = other })
        // MTA with MO = 0: bits 47:36.
        let hash = (Int(group[5]) << 8 | Int(group[4])) >> 4 & 0xFFF
        bench.bus.write(I82574.mta(hash >> 5), PlainValue(1 << UInt32(hash & 31)))
        #expect(taken(bench) { $0.destination = group })
        #expect(taken(bench) { $0.destination = [4, 4, 4, 4, 0x12, 0x34] } == (preset == .qemu), "QEMU hashes unicast")
        bench.bus.modify(I82574.rctl) { $0 = $0.setting(.unicastPromiscuous).setting(.multicastPromiscuous) }
        #expect(taken(bench) { $0.destination = [8, 8, 8, 8, 8, 8] })
        #expect(taken(bench) { $0.destination = [9, 8, 8, 8, 8, 8] })
    }

    @Test(arguments: SoftNICPreset.allCases)
    func tags(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        clearTables(bench)
        bench.start574(.extended) { $0[.vlanFilter] = true }
        #expect(taken(bench) { _ in }, "untagged")
        #expect(!taken(bench) { $0.tag = 100 })
        bench.bus.write(I82574.vfta(3), PlainValue(1 << 4))
        #expect(taken(bench) { $0.tag = 0x6064 })
        // Another tag type: VET.
        bench.bus.write(I82574.vet, PlainValue(0x88A8))
        #expect(taken(bench) { $0.tag = 101 }, "0x8100 is no tag now")
    }

    @Test(arguments: SoftNICPreset.allCases)
    func lengths(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.extended)
        _ = bench.bus.read(I82574.roc)
        #expect(taken(bench) { $0.payload = 1460 })
        #expect(taken(bench) { $0.payload = 1464 } == (preset == .qemu), "QEMU allows a tag to all")
        #expect(!taken(bench) { $0.payload = 1465 })
        #expect(bench.bus.read(I82574.roc).rawValue == (preset == .qemu ? 1 : 2))
        bench.bus.modify(I82574.rctl) { $0[.longPackets] = true }
        #expect(taken(bench) { $0.payload = 9000 })
    }

    private func hashAll(_ bench: Bench, _ table: UInt32) {
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(HashTests.key[4 * word + byte]) << UInt32(8 * byte) }
            bench.bus.write(I82574.rssrk(word), PlainValue(value))
        }
        for i in 0..<32 { bench.bus.write(I82574.reta(i), PlainValue(table)) }
        bench.bus.modify(I82574.rxcsum) { $0[.packetChecksumDisable] = true }
        bench.bus.write(I82574.mrqc, .init().setting(.mode, 1).setting(.tcpIPv4).setting(.ipv4))
    }

    /// 10: bit 7 of an entry is the queue, bit 0 is nothing.
    @Test(arguments: SoftNICPreset.allCases)
    func bit7SelectsTheQueue(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        hashAll(bench, 0x8080_8080)
        bench.start574(.split)
        // The first vector of the RSS verification suite: 66.9.149.187:2794 to 161.142.100.80:1766.
        let recipe = FrameRecipe {
            $0.sourceAddress = [66, 9, 149, 187]
            $0.destinationAddress = [161, 142, 100, 80]
            $0.sourcePort = 2794
            $0.destinationPort = 1766
        }
        bench.send(recipe)
        let done = bench.split574(1, 0)
        #expect(done.isDone && done.queue == 1 && done.rssType == 1 && done.hash == 0x51CC_C178)
        bench.send(FrameRecipe { $0.transport = .udp })
        #expect(bench.split574(1, 1).rssType == 2, "UDP by its addresses")
        bench.send(FrameRecipe { $0.network = .ipv6 })
        let unhashed = bench.split574(0, 0)
        #expect(unhashed.isDone && unhashed.queue == 0 && unhashed.rssType == 0 && unhashed.hash == 0)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func otherBitsOfTheTableAreNothing() throws {
        let bench = try Bench(i82574: .qemu)
        hashAll(bench, 0x7F7F_7F7F)
        bench.start574(.split)
        bench.send(FrameRecipe())
        #expect(bench.split574(0, 0).isDone)
    }

    @Test func noHashInLegacyDescriptorsOrWithoutPCSD() throws {
        let legacy = try Bench(i82574: .qemu)
        hashAll(legacy, 0x8080_8080)
        legacy.start574(.legacy)
        legacy.send(FrameRecipe())
        #expect(legacy.bus.read(I82574.rdh(0)).rawValue == 1)
        let strict = try Bench(i82574: .strict)
        hashAll(strict, 0x8080_8080)
        strict.bus.modify(I82574.rxcsum) { $0[.packetChecksumDisable] = false }
        strict.start574(.split)
        #expect(strict.nic.flags[.hashWithoutPCSD] == 1)
    }

    @Test func statisticsCountAndClear() throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.extended)
        bench.send(FrameRecipe())
        bench.send(FrameRecipe { $0.destination = [UInt8](repeating: 0xFF, count: 6) })
        bench.send(FrameRecipe { $0.destination = [2, 2, 2, 2, 2, 2] })
        let bus = bench.bus
        #expect(bus.read(I82574.tpr).rawValue == 3 && bus.read(I82574.gprc).rawValue == 2)
        #expect(bus.read(I82574.bprc).rawValue == 1 && bus.read(I82574.prc1522).rawValue == 2)
        // Check sequences count; the high half clears both.
        #expect(bus.read(I82574.gorcl).rawValue == 2 * 1058 && bus.read(I82574.gorcl).rawValue == 2 * 1058)
        #expect(bus.read(I82574.gorch).rawValue == 0 && bus.read(I82574.gorcl).rawValue == 0)
        #expect(bus.read(I82574.torl).rawValue == 3 * 1058)
        #expect(bus.read(I82574.gprc).rawValue == 0)
    }
}
