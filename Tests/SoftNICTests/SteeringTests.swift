import NICRegisters
import SoftNIC
import Testing

/// Filters that choose a queue, each alone, against one another, and their absence in QEMU's model.
@Suite struct SteeringTests {
    /// Queues 0 to 5 take whole frames.
    private func bench(_ preset: SoftNICPreset = .strict) throws -> Bench {
        let bench = try Bench(preset)
        bench.link()
        for queue in 0..<6 { bench.startQueue(queue, type: 1) }
        bench.enableReceiver()
        return bench
    }

    /// The queue that a frame goes to.
    private func queue(_ bench: Bench, _ change: (inout FrameRecipe) -> Void = { _ in }) -> Int? {
        let before = (0..<6).map { bench.bus.read(I82576.rdh($0)).rawValue }
        bench.send(FrameRecipe(change))
        return (0..<6).first { bench.bus.read(I82576.rdh($0)).rawValue != before[$0] }
    }

    private static let open: I82576.FiveTupleFilter = .init().setting(.queueEnable).setting(.poolBypass)
        .setting(.protocolBypass).setting(.sourceAddressBypass).setting(.destinationAddressBypass)
        .setting(.sourcePortBypass)

    /// A filter that looks at nothing but what `filter`, `port` and `more` say.
    private func set(
        _ bench: Bench, _ index: Int, queue: UInt32, priority: UInt32 = 0, _ filter: I82576.FiveTupleFilter = open,
        port: UInt32? = nil,
        more: I82576.ImmediateFilterExtension = .init().setting(.sizeBypass).setting(.controlBypass)
    ) {
        var immediate = I82576.ImmediateFilter().setting(.priority, priority).setting(.portBypass, port == nil)
        immediate[.destinationPort] = port ?? 0
        bench.bus.write(I82576.imir(index), immediate)
        bench.bus.write(I82576.imirext(index), more)
        bench.bus.write(I82576.ftqf(index), filter.setting(.queue, queue))
    }

    @Test func eachPartOfAFiveTuple() throws {
        let bench = try bench()
        // 10.0.0.1:40000 to 10.0.0.2:5001, as the bytes lie in the frame.
        bench.bus.write(I82576.saqf(0), PlainValue(0x0100_000A))
        bench.bus.write(I82576.daqf(1), PlainValue(0x0200_000A))
        bench.bus.write(I82576.spqf(2), PlainValue(0x409C))
        let other: [UInt8] = [10, 9, 9, 9]
        set(bench, 0, queue: 1, Self.open.setting(.sourceAddressBypass, false))
        #expect(queue(bench) == 1)
        #expect(queue(bench) { $0.sourceAddress = other } == 0)
        bench.bus.write(I82576.ftqf(0), .init())
        #expect(queue(bench) == 0, "switched off")
        set(bench, 1, queue: 2, Self.open.setting(.destinationAddressBypass, false))
        #expect(queue(bench) == 2)
        #expect(queue(bench) { $0.destinationAddress = other } == 0)
        bench.bus.write(I82576.ftqf(1), .init())
        set(bench, 2, queue: 3, Self.open.setting(.sourcePortBypass, false))
        #expect(queue(bench) == 3)
        #expect(queue(bench) { $0.sourcePort = 40001 } == 0)
        #expect(queue(bench) { $0.fragment = 0x2000 } == 0, "a fragment has no ports")
        bench.bus.write(I82576.ftqf(2), .init())
        set(bench, 3, queue: 4, port: 0x8913)
        #expect(queue(bench) == 4)
        #expect(queue(bench) { $0.destinationPort = 5002 } == 0)
        bench.bus.write(I82576.ftqf(3), .init())
        set(bench, 7, queue: 5, Self.open.setting(.protocolBypass, false).setting(.ipProtocol, 17))
        #expect(queue(bench) == 0)
        #expect(queue(bench) { $0.transport = .udp } == 5)
        #expect(
            queue(bench) {
                $0.network = .ipv6; $0.transport = .udp
            } == 0, "IPv4 only")
        #expect(bench.nic.flags[.dropDisabledWithSeveralQueues] == 0)
    }

    @Test func theWholeTupleMustMatch() throws {
        let bench = try bench()
        bench.bus.write(I82576.saqf(4), PlainValue(0x0100_000A))
        bench.bus.write(I82576.daqf(4), PlainValue(0x0200_000A))
        bench.bus.write(I82576.spqf(4), PlainValue(0x409C))
        let whole = I82576.FiveTupleFilter().setting(.queueEnable).setting(.poolBypass).setting(.ipProtocol, 6)
        set(bench, 4, queue: 5, whole, port: 0x8913)
        #expect(queue(bench) == 5)
        #expect(queue(bench) { $0.sourcePort = 1 } == 0)
        #expect(queue(bench) { $0.destinationPort = 1 } == 0)
        #expect(queue(bench) { $0.sourceAddress = [1, 1, 1, 1] } == 0)
        #expect(queue(bench) { $0.destinationAddress = [1, 1, 1, 1] } == 0)
        #expect(queue(bench) { $0.transport = .udp } == 0)
        #expect(queue(bench) { $0.tag = 5 } == 5, "behind a tag too")
        set(bench, 4, queue: 5, whole.setting(.poolBypass, false), port: 0x8913)
        #expect(queue(bench) == 0, "without virtualization there is no pool to match")
    }

    @Test func priorityThenNumberDecides() throws {
        let bench = try bench()
        set(bench, 0, queue: 1, priority: 1)
        set(bench, 1, queue: 2, priority: 5)
        set(bench, 2, queue: 3, priority: 5)
        #expect(queue(bench) == 2)
        bench.bus.write(I82576.ftqf(1), .init())
        #expect(queue(bench) == 3)
        bench.bus.modify(I82576.imir(0)) { $0[.priority] = 7 }
        #expect(queue(bench) == 1)
    }

    @Test func controlBitsAndSize() throws {
        let bench = try bench()
        // The recipe's segments have ACK and PSH.
        let fin = I82576.ImmediateFilterExtension().setting(.sizeBypass).setting(.controlBits, 1 << 5)
        set(bench, 0, queue: 1, more: fin)
        #expect(queue(bench) == 0)
        set(bench, 0, queue: 1, more: fin.setting(.controlBits, 1 << 5 | 1 << 2))
        #expect(queue(bench) == 1, "one of them is enough")
        #expect(queue(bench) { $0.transport = .udp } == 0, "only TCP has them")
        set(bench, 0, queue: 1, more: fin.setting(.controlBits, 0))
        #expect(queue(bench) == 0, "none wanted and no bypass matches nothing")
        set(bench, 0, queue: 1, more: .init().setting(.controlBypass).setting(.sizeThreshold, 254))
        #expect(queue(bench) { $0.payload = 200 } == 1)
        #expect(queue(bench) { $0.payload = 201 } == 0)
    }

    @Test func openingSegments() throws {
        let bench = try bench()
        bench.bus.write(I82576.synqf, .init().setting(.enable).setting(.queue, 3))
        #expect(queue(bench) == 0)
        #expect(queue(bench) { $0.flags = 0x02 } == 3)
        #expect(queue(bench) { $0.flags = 0x12 } == 3)
        #expect(
            queue(bench) {
                $0.flags = 0x02; $0.network = .ipv6
            } == 3)
        set(bench, 0, queue: 1)
        #expect(queue(bench) { $0.flags = 0x02 } == 1, "after the 5-tuple filters")
        bench.bus.modify(I82576.rfctl) { $0[.synFilterFirst] = true }
        #expect(queue(bench) { $0.flags = 0x02 } == 3, "SYNQFP: before them")
        #expect(queue(bench) == 1)
    }

    @Test func etherTypesGoFirst() throws {
        let bench = try bench()
        bench.bus.write(I82576.etqf(2), .init().setting(.etherType, 0x88F7).setting(.queue, 4).setting(.enable))
        #expect(queue(bench) { $0.network = .other(0x88F7) } == 0, "marked, not moved, without QUEUE_ENABLE")
        #expect(bench.completion(0, 0).packetType == 0x802, "filter and its number")
        bench.bus.modify(I82576.etqf(2)) { $0[.queueEnable] = true }
        #expect(queue(bench) { $0.network = .other(0x88F7) } == 4)
        #expect(
            queue(bench) {
                $0.network = .other(0x88F7); $0.tag = 7
            } == 4)
        #expect(queue(bench) { $0.network = .other(0x88F8) } == 0)
        bench.bus.modify(I82576.etqf(2)) { $0[.enable] = false }
        #expect(queue(bench) { $0.network = .other(0x88F7) } == 0)
    }

    @Test func filtersGoBeforeTheHash() throws {
        let bench = try bench()
        bench.bus.modify(I82576.rxcsum) { $0[.packetChecksumDisable] = true }
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0x0202_0202)) }
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2).setting(.tcpIPv4).setting(.defaultQueue, 5))
        #expect(queue(bench) == 2)
        #expect(queue(bench) { $0.transport = .udp } == 5, "DEF_Q: what is not hashed")
        set(bench, 0, queue: 1, port: 0x8913)
        #expect(queue(bench) == 1)
        #expect(bench.completion(1, 0).rssType == 1, "the hash is told all the same")
        #expect(queue(bench) { $0.destinationPort = 80 } == 2)
    }

    /// LLINT: a filter may ask for an interrupt that no throttle holds back.
    @Test func immediateInterrupts() throws {
        let bench = try bench()
        let device = SoftPCIDevice(bench.nic)
        try device.enableInterrupts(vectors: 2)
        bench.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
        bench.bus.write(I82576.ivar(0), .init(rawValue: 0x80))
        bench.bus.write(I82576.eitr(0), .init().setting(.interval, 1000))
        bench.bus.write(I82576.eiac, PlainValue(1))
        bench.bus.write(I82576.eims, PlainValue(1))
        set(bench, 0, queue: 0, port: 0x8913)
        bench.bus.modify(I82576.imir(0)) { $0[.immediateInterrupt] = true }
        bench.send(FrameRecipe { $0.destinationPort = 80 })
        #expect(device.takeInterrupts() == 1)
        bench.send(FrameRecipe { $0.destinationPort = 80 })
        #expect(device.takeInterrupts() == 0, "throttled")
        bench.send(FrameRecipe())
        #expect(device.takeInterrupts() == 1)
        #expect(bench.completion(0, 2).status >> 11 & 1 == 1 && bench.completion(0, 1).status >> 11 & 1 == 0)
    }

    @Test func droppedByQDE() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 1, posted: 1, drop: false)
        bench.bus.write(I82576.qde, PlainValue(1))
        bench.enableReceiver()
        _ = bench.bus.read(I82576.rqdpc(0))
        for _ in 0..<3 { bench.send(FrameRecipe()) }
        #expect(bench.bus.read(I82576.rqdpc(0)).rawValue == 2, "dropped as with DROP_EN")
    }

    /// Verified on QEMU 10: these registers read 0 and drop writes, and ETQF marks only.
    @Test func qemuIgnoresThem() throws {
        let bench = try bench(.qemu)
        set(bench, 0, queue: 1)
        bench.bus.write(I82576.synqf, .init().setting(.enable).setting(.queue, 3))
        #expect(bench.bus.read(I82576.ftqf(0)).rawValue == 0 && bench.bus.read(I82576.synqf).rawValue == 0)
        #expect(queue(bench) == 0)
        #expect(queue(bench) { $0.flags = 0x02 } == 0)
        bench.bus.write(
            I82576.etqf(2),
            .init().setting(.etherType, 0x88F7).setting(.queue, 4).setting(.enable).setting(.queueEnable))
        #expect(queue(bench) { $0.network = .other(0x88F7) } == 0)
        #expect(bench.completion(0, 2).packetType == 0x802)
    }
}
