import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Architecture §2.4: a done bit does not prove that payload has reached a peer device.
@Suite struct PayloadDelayTests {
    private func bench(_ delay: PayloadDelay) throws -> Bench {
        let bench = try Bench(.strict) { $0.payloadDelay = delay }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        return bench
    }

    private func arrive(_ bench: Bench) {
        withView(FrameRecipe().bytes) { #expect(bench.nic.receive($0)) }
        bench.run()
        #expect(bench.completion(0, 0).isDone)
    }

    private func isPoison(_ bench: Bench) -> Bool {
        bench.payload(0, 0)[..<2048].allSatisfy { $0 == SoftNIC.poison }
    }

    private func isThere(_ bench: Bench) -> Bool {
        Array(bench.payload(0, 0)[..<1000]) == FrameRecipe.pattern(1000)
    }

    @Test func payloadIsAbsentUntilTheFlushPageIsRead() throws {
        let bench = try bench(.between(.microseconds(50), .microseconds(60)))
        arrive(bench)
        #expect(isPoison(bench), "done, and not there")
        #expect(Array(bench.header(0, 0)[..<54]) == Array(FrameRecipe().bytes[..<54]), "headers are in host memory")
        _ = bench.bus.read(I82576.status)
        #expect(isPoison(bench), "a register read flushes nothing")
        _ = bench.flush.read32(0)
        #expect(isThere(bench))
    }

    @Test func payloadBecomesVisibleInTime() throws {
        let bench = try bench(.between(.microseconds(50), .microseconds(60)))
        arrive(bench)
        let due = bench.nic.nextDeadline
        #expect(due >= bench.now + .microseconds(50) && due < bench.now + .microseconds(60))
        #expect(!bench.nic.step(now: Instant(nanoseconds: due.nanoseconds - 1)) && isPoison(bench))
        #expect(bench.nic.step(now: due) && isThere(bench))
        #expect(bench.nic.nextDeadline == .never)
    }

    @Test func coherentMemoryHasNoDelay() throws {
        let bench = try bench(.off)
        arrive(bench)
        #expect(isThere(bench))
    }

    @Test func lateWritesDoNotLandInTheNextLifeOfASlot() throws {
        let bench = try bench(.between(.milliseconds(1), .milliseconds(2)))
        arrive(bench)
        // The slot goes round without a flush; its next life must begin with poison and stay so.
        bench.fillDescriptor(0, 15, slot: 0)
        bench.bus.write(I82576.rdt(0), PlainValue(0))
        bench.run()
        #expect(isPoison(bench))
        bench.run(.seconds(1))
        #expect(isPoison(bench))
    }

    @Test func theFIFOHoldsMoreThanItsDepthInTurn() throws {
        let bench = try Bench(.strict) { $0.receiveFIFODepth = 4 }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        for i in 0..<15 {
            let frame = FrameRecipe {
                $0.payload = 500 + i
                $0.salt = i
            }
            withView(frame.bytes) { #expect(bench.nic.receive($0)) }
            while bench.nic.step(now: bench.now) {}
        }
        bench.nic.drainPayload()
        for i in 0..<15 {
            #expect(Array(bench.payload(0, i)[..<(500 + i)]) == FrameRecipe.pattern(500 + i, salt: i))
        }
    }

    @Test func noDoneBitIsWrittenAfterAnUnmap() throws {
        let bench = try Bench(.strict) { $0.behaviour.descriptorPieces = .doneLast }
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        withView(FrameRecipe().bytes) { #expect(bench.nic.receive($0)) }
        #expect(bench.nic.step(now: bench.now) && !bench.completion(0, 0).isDone)
        try bench.nic.unmap(bench.hostIOVA, length: Bench.hostSize)
        #expect(bench.completion(0, 0).isDone, "it landed before the mapping went")
        bench.memory.fill(0)
        bench.run()
        #expect(!bench.completion(0, 0).isDone)
    }

    @Test func unmappingLandsWhatIsOnItsWay() throws {
        let bench = try bench(.between(.milliseconds(1), .milliseconds(2)))
        arrive(bench)
        try bench.nic.unmap(bench.regionIOVA, length: Bench.slots * Bench.slotSize)
        #expect(isThere(bench))
        bench.run(.seconds(1))
        #expect(bench.nic.flags[.unmappedWhilePosted] == 1)
        #expect(throws: DeviceMemoryError.self) { try bench.nic.unmap(bench.regionIOVA, length: 1) }
    }
}
