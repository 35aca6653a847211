import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Heads, tails, enabling, and what happens when descriptors run out.
@Suite struct RingTests {
    private func numbered(_ i: Int) -> FrameRecipe { FrameRecipe { $0.payload = 200 + i } }

    @Test func threePostedSixSentQEMUHoldsTheRest() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 5, posted: 3)
        bench.enableReceiver()
        for i in 0..<6 { #expect(bench.send(numbered(i))) }
        #expect((0..<6).map { bench.completion(0, $0).isDone } == [true, true, true, false, false, false])
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 3 && bench.bus.read(I82576.rdt(0)).rawValue == 3)
        #expect(bench.bus.read(I82576.mpc).rawValue == 0 && bench.bus.read(I82576.rqdpc(0)).rawValue == 0)
        bench.bus.write(I82576.rdt(0), PlainValue(6))
        bench.run()
        #expect((0..<6).map { bench.completion(0, $0).length } == (0..<6).map { 200 + $0 }, "in order")
    }

    @Test func threePostedSixSentStrictDropsAndCounts() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 5, posted: 3)
        bench.enableReceiver()
        _ = bench.bus.read(I82576.rqdpc(0))
        for i in 0..<6 { bench.send(numbered(i)) }
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 3)
        #expect(bench.bus.read(I82576.rqdpc(0)).rawValue == 3)
        #expect(bench.bus.read(I82576.rqdpc(0)).rawValue == 0, "a read clears")
        bench.bus.write(I82576.rdt(0), PlainValue(6))
        bench.run()
        #expect(!bench.completion(0, 3).isDone)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func ringWrapsManyTimes() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 5, count: 8, posted: 7)
        bench.enableReceiver()
        var tail = 7
        for i in 0..<50 {
            let index = i % 8
            bench.send(numbered(i))
            #expect(bench.completion(0, index).isDone && bench.completion(0, index).length == 200 + i)
            // The descriptor outside the ring's valid part gets a buffer, and the tail moves over it.
            bench.fillDescriptor(0, tail)
            tail = (tail + 1) % 8
            bench.bus.write(I82576.rdt(0), PlainValue(UInt32(tail)))
            bench.run()
        }
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func aFullQueueWithoutDropEnableStallsAllOnSilicon() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 1, posted: 1, drop: false)
        bench.startQueue(1, type: 5)
        hashByPort(bench)
        bench.enableReceiver()
        let toZero = FrameRecipe { $0.network = .other(0x88B5) }
        bench.send(toZero)
        bench.send(toZero)
        bench.send(FrameRecipe())
        #expect(!bench.completion(1, 0).isDone, "queue 1 waits behind queue 0")
        bench.bus.write(I82576.rdt(0), PlainValue(2))
        bench.run()
        #expect(bench.completion(0, 1).isDone && bench.completion(1, 0).isDone)
        #expect(bench.nic.flags[.dropDisabledWithSeveralQueues] != 0)
    }

    /// All hashed frames to queue 1.
    private func hashByPort(_ bench: Bench) {
        bench.bus.modify(I82576.rxcsum) { $0[.packetChecksumDisable] = true }
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0x0101_0101)) }
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2).setting(.tcpIPv4))
    }

    @Test func aFullQueueIsAloneInQEMU() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 1, posted: 1, drop: false)
        bench.startQueue(1, type: 5, drop: false)
        hashByPort(bench)
        bench.enableReceiver()
        let toZero = FrameRecipe { $0.network = .other(0x88B5) }
        bench.send(toZero)
        bench.send(toZero)
        bench.send(FrameRecipe())
        #expect(bench.completion(1, 0).isDone)
        #expect(!bench.completion(0, 1).isDone)
    }

    @Test func tailOfADisabledQueue() throws {
        let strict = try Bench(.strict)
        strict.link()
        strict.bus.write(I82576.rdt(1), PlainValue(5))
        #expect(strict.bus.read(I82576.rdt(1)).rawValue == 0, "ignored")
        #expect(strict.nic.flags[.tailWhileDisabled] == 1)
        let qemu = try Bench(.qemu)
        qemu.bus.write(I82576.rdt(1), PlainValue(5))
        #expect(qemu.bus.read(I82576.rdt(1)).rawValue == 5, "kept")
    }

    @Test func enablingAloneDoesNotRestartQEMU() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        bench.bus.write(I82576.rxdctl(0), .init())
        bench.send(FrameRecipe())
        #expect(!bench.completion(0, 0).isDone)
        bench.bus.write(I82576.rxdctl(0), .init().setting(.enable))
        bench.run()
        #expect(!bench.completion(0, 0).isDone)
        bench.bus.write(I82576.rdt(0), PlainValue(15))
        bench.run()
        #expect(bench.completion(0, 0).isDone)
    }

    @Test func aQueueRestartsAThousandTimesWhileAnotherRuns() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 1, posted: 15)
        bench.enableReceiver()
        let toZero = FrameRecipe { $0.network = .other(0x88B5) }
        var tail = 15
        for i in 0..<1000 {
            bench.startQueue(1, type: 5)
            bench.send(toZero)
            #expect(bench.completion(0, i % 16).isDone)
            bench.fillDescriptor(0, tail, header: false)
            tail = (tail + 1) % 16
            bench.bus.write(I82576.rdt(0), PlainValue(UInt32(tail)))
            bench.run()
        }
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func nothingMovesWithoutBusMaster() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        bench.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory)
        #expect(!bench.send(FrameRecipe()))
        #expect(!bench.completion(0, 0).isDone)
        let strict = try Bench(.strict)
        strict.link()
        strict.startQueue(0, type: 5)
        strict.enableReceiver()
        strict.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory)
        #expect(strict.send(FrameRecipe()), "gone")
        strict.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        strict.run()
        #expect(!strict.completion(0, 0).isDone)
    }

    @Test func fullFIFO() throws {
        let strict = try Bench(.strict) { $0.receiveFIFODepth = 4 }
        strict.link()
        strict.enableReceiver()
        _ = strict.bus.read(I82576.mpc)
        withView(FrameRecipe().bytes) { frame in
            for _ in 0..<6 { #expect(strict.nic.receive(frame)) }
        }
        #expect(strict.bus.read(I82576.mpc).rawValue == 2, "missed")
        let qemu = try Bench(.qemu) { $0.receiveFIFODepth = 4 }
        qemu.link()
        qemu.enableReceiver()
        withView(FrameRecipe().bytes) { frame in
            for i in 0..<6 { #expect(qemu.nic.receive(frame) == (i < 4)) }
        }
    }
}
