import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// When completed descriptors reach memory, in which pieces, and what tells of them.
@Suite struct WriteBackTests {
    private func bench(
        writeBack: WriteBack = .immediate, pieces: DescriptorPieces = .whole, threshold: UInt32 = 1
    ) throws -> Bench {
        let bench = try Bench(.strict) {
            $0.behaviour.writeBack = writeBack
            $0.behaviour.descriptorPieces = pieces
        }
        bench.link()
        bench.openQueue(0, type: 5, count: 16, writeBack: threshold)
        bench.fillDescriptors(0, 0..<16)
        bench.bus.write(I82576.rdt(0), PlainValue(15))
        bench.enableReceiver()
        bench.run()
        return bench
    }

    private func done(_ bench: Bench) -> Int { (0..<16).count { bench.completion(0, $0).isDone } }

    @Test func thresholdHoldsDescriptorsBack() throws {
        let bench = try bench(writeBack: .threshold, threshold: 4)
        for _ in 0..<3 { bench.send(FrameRecipe()) }
        #expect(done(bench) == 0 && bench.bus.read(I82576.rdh(0)).rawValue == 0)
        #expect(bench.header(0, 0)[0] == 0x52, "the bytes are there")
        #expect(!bench.bus.read(I82576.icr)[.receiveDone], "and nothing tells of them")
        bench.send(FrameRecipe())
        #expect(done(bench) == 4 && bench.bus.read(I82576.rdh(0)).rawValue == 4)
        #expect(bench.bus.read(I82576.icr)[.receiveDone])
        #expect(
            (0..<4).allSatisfy { bench.completion(0, $0).length == 1000 && bench.completion(0, $0).headerLength == 54 })
    }

    @Test func timeWritesThemBackToo() throws {
        let bench = try bench(writeBack: .threshold, threshold: 4)
        bench.send(FrameRecipe())
        #expect(done(bench) == 0)
        let due = bench.nic.nextDeadline
        #expect(due > bench.now && due < bench.now + .milliseconds(1))
        bench.run(due - bench.now)
        #expect(done(bench) == 1)
    }

    @Test func soDoesTheFlushBit() throws {
        let bench = try bench(writeBack: .threshold, threshold: 4)
        bench.send(FrameRecipe())
        bench.bus.modify(I82576.rxdctl(0)) { $0[.flush] = true }
        #expect(done(bench) == 1)
        #expect(!bench.bus.read(I82576.rxdctl(0))[.flush], "clears itself")
        #expect(bench.nic.flags[.thresholdsWrittenWhileEnabled] == 0)
    }

    @Test func andDisablingTheQueue() throws {
        let bench = try bench(writeBack: .threshold, threshold: 4)
        bench.send(FrameRecipe())
        bench.bus.modify(I82576.rxdctl(0)) { $0[.enable] = false }
        bench.settle()
        #expect(!bench.bus.read(I82576.rxdctl(0))[.enable] && done(bench) == 1)
        bench.run(.seconds(1))
        #expect(done(bench) == 1, "nothing after ENABLE reads 0")
    }

    @Test func aResetWritesNothing() throws {
        let bench = try bench(writeBack: .threshold, threshold: 4)
        bench.send(FrameRecipe())
        bench.bus.write(I82576.ctrl, .init().setting(.reset))
        bench.run(.seconds(1))
        #expect(done(bench) == 0)
    }

    @Test func cacheLinesOfFour() throws {
        let bench = try bench(writeBack: .cacheLine)
        for i in 0..<10 {
            bench.send(FrameRecipe { $0.salt = i })
            #expect(done(bench) == (i + 1) / 4 * 4)
        }
        bench.run(.milliseconds(1))
        #expect(done(bench) == 10)
    }

    @Test func immediateIgnoresTheThreshold() throws {
        let bench = try bench(writeBack: .immediate, threshold: 4)
        bench.send(FrameRecipe())
        #expect(done(bench) == 1)
    }

    /// DD a step after everything else: a driver that reads the length first acts on a descriptor that is not its own yet.
    @Test func doneComesAStepAfterTheRest() throws {
        let bench = try bench(pieces: .doneLast)
        withView(FrameRecipe().bytes) { _ = bench.nic.receive($0) }
        #expect(bench.nic.step(now: bench.now))
        let early = bench.completion(0, 0)
        #expect(!early.isDone && early.isLast && early.length == 1000)
        #expect(!bench.bus.read(I82576.icr)[.receiveDone], "the cause comes with the bit")
        #expect(bench.nic.nextDeadline == bench.now)
        #expect(bench.nic.step(now: bench.now))
        #expect(bench.completion(0, 0).isDone && bench.bus.read(I82576.icr)[.receiveDone])
    }

    /// The first half a step before the one with DD.
    @Test func tornInHalves() throws {
        let bench = try bench(pieces: .halves)
        let posted = bench.completion(0, 0).second
        withView(FrameRecipe().bytes) { _ = bench.nic.receive($0) }
        #expect(bench.nic.step(now: bench.now))
        #expect(bench.completion(0, 0).headerLength == 54 && bench.completion(0, 0).second == posted)
        #expect(bench.nic.step(now: bench.now))
        #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).length == 1000)
    }

    /// What no sound device does: DD before the first half. Drawn by no seed; a driver must survive it.
    @Test func doneBeforeTheRest() throws {
        let bench = try bench(pieces: .doneFirst)
        let posted = bench.completion(0, 0).first
        withView(FrameRecipe().bytes) { _ = bench.nic.receive($0) }
        #expect(bench.nic.step(now: bench.now))
        #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).first == posted)
        #expect(bench.nic.step(now: bench.now))
        #expect(bench.completion(0, 0).headerLength == 54)
    }

    @Test func latencyOfEnable() throws {
        for latency in [Interval.zero, .microseconds(20), .milliseconds(10)] {
            let bench = try Bench(.strict) { $0.behaviour.enableLatency = latency }
            bench.bus.write(I82576.rxdctl(3), .init().setting(.enable))
            bench.bus.write(I82576.txdctl(3), .init().setting(.enable))
            if latency > .zero {
                #expect(!bench.bus.read(I82576.rxdctl(3))[.enable] && !bench.bus.read(I82576.txdctl(3))[.enable])
                bench.run(.nanoseconds(latency.nanoseconds - 1))
                #expect(!bench.bus.read(I82576.rxdctl(3))[.enable])
                #expect(bench.nic.nextDeadline == bench.now + .nanoseconds(1))
                bench.run(.nanoseconds(1))
            }
            #expect(bench.bus.read(I82576.rxdctl(3))[.enable] && bench.bus.read(I82576.txdctl(3))[.enable])
        }
    }

    /// A queue that is being disabled still takes frames, and one that is being enabled ignores its tail.
    @Test func meanwhile() throws {
        let bench = try bench()
        bench.bus.modify(I82576.rxdctl(0)) { $0[.enable] = false }
        bench.send(FrameRecipe())
        #expect(done(bench) == 1)
        bench.settle()
        bench.send(FrameRecipe())
        #expect(done(bench) == 1)
        bench.bus.modify(I82576.rxdctl(0)) { $0[.enable] = true }
        bench.bus.write(I82576.rdt(0), PlainValue(9))
        #expect(bench.bus.read(I82576.rdt(0)).rawValue == 15 && bench.nic.flags[.tailWhileDisabled] == 1)
    }

    @Test func headWriteBack() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        let place = 0x1F_0000
        let address = bench.hostIOVA.rawValue + UInt64(place)
        bench.bus.write(I82576.tdwbal(0), .init(rawValue: UInt32(truncatingIfNeeded: address)).setting(.enable))
        bench.bus.write(I82576.tdwbah(0), PlainValue(UInt32(truncatingIfNeeded: address >> 32)))
        let buffer = bench.putTransmit([UInt8](repeating: 1, count: 100))
        let word: UInt64 = 100 | 3 << 20 | 1 << 29 | 1 << 24 | 1 << 27 | 100 << 46
        for i in 0..<2 { bench.writeTransmit(i, buffer, word) }
        bench.ringTransmit(2)
        #expect(bench.memory.readOnly.le32(place) == 2)
        #expect(bench.transmitWord(0) == word && bench.transmitWord(1) == word, "descriptors are left alone")
    }
}
