import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Receiving on the 82599: header split by depth, per-queue control, filters of addresses, tags and lengths.
@Suite struct Receive599Tests {
    private func bench(_ type: UInt32 = 5, headerSize: Int = 128) throws -> Bench {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: type, headerSize: headerSize)
        bench.enable599()
        return bench
    }

    @Test func splitVectorsOfTheSisterPart() throws {
        // The strict columns of the 82576's table, where no feature of that part alone decides.
        for type in [2, 5] as [UInt32] {
            for vector in SplitVector.all {
                let bench = try bench(type, headerSize: vector.headerSize)
                bench.bus.modify(I82599.rfctl) { $0[.fragmentSplitDisable] = vector.fragmentSplitDisable }
                bench.send(vector.frame)
                let expected = vector.expected(type, strict: true)
                let done = bench.completion(0, 0)
                #expect(done.isDone && done.isLast, "\(vector.name)")
                #expect(done.splitHeader == expected.splitHeader, "\(vector.name)")
                #expect(done.headerLength == expected.headerLength, "\(vector.name) \(done)")
                #expect(done.length == expected.length, "\(vector.name) \(done)")
                #expect(done.headerOverflow == expected.overflow, "\(vector.name)")
                #expect(bench.nic.flags.total == 0, "\(vector.name) \(bench.nic.flags)")
            }
        }
    }

    /// PSRTYPE: the deepest header that it names and the frame has.
    @Test func depths() throws {
        let bench = try bench()
        let depths: [(I82599.SplitTypes, Int?)] = [
            (.init().setting(.tcp).setting(.ipv4).setting(.link), 54), (.init().setting(.ipv4).setting(.link), 34),
            (.init().setting(.link), 14), (.init().setting(.udp).setting(.ipv6), nil), (.init(), nil),
        ]
        for (index, (types, header)) in depths.enumerated() {
            bench.bus.write(I82599.psrtype(0), types)
            bench.send(FrameRecipe())
            let done = bench.completion(0, index)
            #expect(done.splitHeader == (header != nil) && done.headerLength == header ?? 128, "\(done)")
            #expect(done.length == 1054 - (header ?? 128))
        }
    }

    /// TCPE and IPE stand one bit above those of the 82576.
    @Test func checksumErrors() throws {
        let bench = try bench()
        bench.send(FrameRecipe { $0.badTransportChecksum = true })
        bench.send(FrameRecipe { $0.badHeaderChecksum = true })
        bench.send(FrameRecipe())
        #expect(bench.completion(0, 0).status >> 29 == 0b010 && bench.completion(0, 1).status >> 29 == 0b100)
        #expect(bench.completion(0, 2).status == 0x63)
    }

    /// VME is a queue's own: the filter decides first, then its queue takes the tag out.
    @Test func tagsAreTakenOutByQueue() throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: 5)
        bench.start599(1, type: 5)
        bench.bus.modify(I82599.rxdctl(1)) { $0[.stripTag] = true }
        bench.enable599()
        bench.bus.write(I82599.etqf(0), .init().setting(.type, 0x88B5).setting(.enable))
        bench.bus.write(I82599.etqs(0), .init().setting(.queue, 1).setting(.enable))
        bench.send(FrameRecipe { $0.tag = 0x2123 })
        bench.send(
            FrameRecipe {
                $0.network = .other(0x88B5)
                $0.tag = 0x2123
            })
        #expect(bench.completion(0, 0).headerLength == 58 && bench.completion(0, 0).tag == 0)
        let stripped = bench.completion(1, 0)
        #expect(stripped.tag == 0x2123 && stripped.status >> 3 & 1 == 1)
        #expect(Array(bench.header(1, 0)[12..<14]) == [0x88, 0xB5])
    }

    @Test func addressesAndLengths() throws {
        let bench = try bench(1)
        func taken(_ change: (inout FrameRecipe) -> Void) -> Bool {
            let before = bench.bus.read(I82599.rdh(0)).rawValue
            bench.send(FrameRecipe(change))
            return bench.bus.read(I82599.rdh(0)).rawValue != before
        }
        for i in 0..<128 { bench.bus.write(I82599.mta(i), PlainValue(.max)) }
        let group: [UInt8] = [1, 0, 0x5E, 0, 0, 5]
        #expect(taken { _ in } && taken { $0.destination = [UInt8](repeating: 0xFF, count: 6) })
        #expect(!taken { $0.destination = [2, 2, 2, 2, 2, 2] })
        #expect(!taken { $0.destination = group }, "MFE is off")
        bench.bus.write(I82599.mcstctrl, PlainValue(4))
        #expect(taken { $0.destination = group })
        // Address 100, and the first 16 by their old offsets.
        bench.bus.write(I82599.ral(100), PlainValue(0x0202_0202))
        bench.bus.write(I82599.rah(100), .init(rawValue: 0x8000_0202))
        #expect(taken { $0.destination = [2, 2, 2, 2, 2, 2] })
        #expect(bench.bus.read32(0x5400) == bench.bus.read(I82599.ral(0)).rawValue)
        _ = bench.bus.read(I82599.roc)
        #expect(taken { $0.payload = 1460 } && !taken { $0.payload = 1461 })
        #expect(bench.bus.read(I82599.roc).rawValue == 1)
        bench.bus.modify(I82599.hlreg0) { $0[.jumbo] = true }
        bench.bus.write(I82599.maxfrs, .init().setting(.size, 1600))
        #expect(taken { $0.payload = 1542 } && !taken { $0.payload = 1543 })
    }

    @Test func emptyQueueDropsAndCounts() throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: 5, posted: 3)
        bench.enable599()
        for _ in 0..<6 { bench.send(FrameRecipe()) }
        #expect(bench.bus.read(I82599.qprdc(0)).rawValue == 3 && bench.bus.read(I82599.gprc).rawValue == 3)
        #expect(bench.bus.read(I82599.rdh(0)).rawValue == 3)
    }

    /// A queue without DROP_EN holds up all others.
    @Test func fullQueueWithoutDropEnableStallsAll() throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: 5, posted: 1, drop: false)
        bench.start599(1, type: 5)
        bench.enable599()
        bench.bus.write(I82599.etqf(0), .init().setting(.type, 0x88B5).setting(.enable))
        bench.bus.write(I82599.etqs(0), .init().setting(.queue, 1).setting(.enable))
        for _ in 0..<2 { bench.send(FrameRecipe()) }
        let other = FrameRecipe { $0.network = .other(0x88B5) }
        bench.send(other)
        #expect(!bench.completion(1, 0).isDone)
        bench.bus.write(I82599.rdt(0), PlainValue(3))
        bench.run()
        #expect(bench.completion(0, 1).isDone && bench.completion(1, 0).isDone)
        #expect(bench.nic.flags[.dropDisabledWithSeveralQueues] != 0)
    }

    /// Queue 100 has its registers elsewhere, queue 127 is the last.
    @Test(arguments: [15, 16, 63, 64, 100, 127])
    func anyQueue(_ queue: Int) throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(queue, type: 5)
        bench.enable599()
        bench.bus.write(I82599.etqf(0), .init().setting(.type, 0x88B5).setting(.enable))
        bench.bus.write(I82599.etqs(0), .init().setting(.queue, UInt32(queue)).setting(.enable))
        bench.send(FrameRecipe { $0.network = .other(0x88B5) })
        #expect(bench.completion(queue % 4, 0).isDone && bench.bus.read(I82599.rdh(queue)).rawValue == 1)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func enableTakesItsTime() throws {
        let bench = try Bench(i82599: .strict)
        bench.bus.write(I82599.dcaRxctrl(3), .init())
        bench.bus.write(I82599.rxdctl(3), .init().setting(.enable))
        #expect(!bench.bus.read(I82599.rxdctl(3))[.enable])
        bench.bus.write(I82599.rdt(3), PlainValue(4))
        #expect(bench.bus.read(I82599.rdt(3)).rawValue == 0 && bench.nic.flags[.tailWhileDisabled] == 1)
        bench.run(.milliseconds(1))
        #expect(bench.bus.read(I82599.rxdctl(3))[.enable])
    }

    /// A queue is stopped and started a hundred times while another runs.
    @Test func queueRestarts() throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: 5)
        bench.enable599()
        var tail = 15
        for i in 0..<100 {
            bench.start599(1, type: 5)
            bench.send(FrameRecipe())
            #expect(bench.completion(0, i % 16).isDone)
            bench.fillDescriptor(0, tail)
            tail = (tail + 1) % 16
            bench.bus.write(I82599.rdt(0), PlainValue(UInt32(tail)))
            bench.run()
        }
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }
}
