import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Reset, link, interrupts, transmit, and what a driver of the 82599 must not do.
@Suite struct Driver599Tests {
    /// Errors that only this part knows.
    static let own: [DriverErrorKind] = [
        .transmitDMAOff, .receiverEnabledUnderTraffic, .crcStripDisagrees, .cacheControlLeft, .flowBucketWrong,
    ]

    @Test func identity() throws {
        let bench = try Bench(i82599: .strict)
        #expect(bench.nic.readConfig32(0) == 0x10FB_8086)
        #expect(bench.nic.readConfig32(0x70) >> 16 & 0x7FF == 63 && bench.nic.readConfig32(0x74) & 7 == 4)
        #expect(bench.bus.read(I82599.ral(0)).rawValue == 0x1200_5452)
        #expect(bench.bus.read(I82599.rah(0)).rawValue == 0x8000_5634)
        bench.bus.write(I82599.eerd, .init().setting(.start).setting(.address, 1))
        #expect(bench.bus.read(I82599.eerd)[.done] && bench.bus.read(I82599.eerd)[.data] == 0x1200)
    }

    @Test func fewerPartsHaveNoRegisters() throws {
        let bench = try Bench(i82599: .strict) {
            $0.capabilities.queues = 4
            $0.capabilities.receiveSideScaling = false
        }
        bench.bus.write(I82599.rdlen(3), PlainValue(0x100))
        bench.bus.write(I82599.rdlen(4), PlainValue(0x100))
        bench.bus.write(I82599.mrqc, .init().setting(.mode, 1))
        #expect(bench.bus.read(I82599.rdlen(3)).rawValue == 0x100 && bench.bus.read(I82599.rdlen(4)).rawValue == 0)
        #expect(bench.bus.read(I82599.mrqc).rawValue == 0)
    }

    @Test func linkAndResets() throws {
        let bench = try Bench(i82599: .strict)
        #expect(bench.bus.read(I82599.links)[.up] && bench.bus.read(I82599.links)[.speed] == 3)
        bench.bus.write(I82599.fctrl, .init().setting(.broadcastAccept))
        bench.bus.write(I82599.ctrl, .init().setting(.reset))
        bench.run(.milliseconds(1))
        #expect(bench.bus.read(I82599.links)[.up], "RST keeps the link")
        #expect(bench.bus.read(I82599.fctrl).rawValue == 0 && bench.bus.read(I82599.eec)[.autoReadDone])
        #expect(bench.bus.read(I82599.rdrxctl)[.initDone] && !bench.bus.read(I82599.ctrl)[.reset])
        bench.bus.write(I82599.ctrl, .init().setting(.linkReset))
        bench.run(.milliseconds(1))
        #expect(!bench.bus.read(I82599.links)[.up])
        bench.run(.seconds(1))
        #expect(bench.bus.read(I82599.links)[.up])
        bench.bus.write(I82599.ctrl, .init().setting(.masterDisable))
        #expect(!bench.bus.read(I82599.status)[.masterEnabled])
    }

    @Test func vectors() throws {
        let bench = try Bench(i82599: .strict)
        try SoftPCIDevice(bench.nic).enableInterrupts(vectors: 4)
        bench.start599(1, type: 5)
        bench.enable599()
        bench.bus.write(I82599.gpie, .init().setting(.multipleMSIX).setting(.autoMaskEnable))
        bench.bus.write(I82599.ivar(0), .init().setting(.receiveOdd, 0x82).setting(.transmitEven, 0x81))
        bench.bus.write(I82599.ivarMisc, PlainValue(0x8300))
        bench.bus.write(I82599.eiac, PlainValue(0xF))
        bench.bus.write(I82599.eims, PlainValue(0x10_000F))
        _ = bench.nic.takeInterrupts()
        bench.bus.write(I82599.etqf(0), .init().setting(.type, 0x88B5).setting(.enable))
        bench.bus.write(I82599.etqs(0), .init().setting(.queue, 1).setting(.enable))
        let frame = FrameRecipe { $0.network = .other(0x88B5) }
        bench.bus.write(I82599.eitr(2), PlainValue(50 << 3))
        bench.send(frame)
        #expect(bench.nic.takeInterrupts() == 1 << 2)
        bench.send(frame)
        bench.run(.microseconds(98))
        #expect(bench.nic.takeInterrupts() == 0, "50 units of 2 us")
        bench.run(.microseconds(2))
        #expect(bench.nic.takeInterrupts() == 1 << 2)
        _ = bench.bus.read(I82599.eicr)
        bench.nic.setCable(false)
        #expect(bench.nic.takeInterrupts() == 1 << 3, "link: the other causes' vector")
        bench.bus.write(I82599.eiam, PlainValue(2))
        bench.bus.write(I82599.eics, PlainValue(2))
        #expect(bench.nic.takeInterrupts() == 1 << 1 && bench.bus.read(I82599.eims).rawValue & 2 == 0, "EIAM")
    }

    /// TSO over advanced descriptors, and loopback through HLREG0.
    @Test func segmentsComeBackSplit() throws {
        let bench = try Bench(i82599: .strict)
        bench.start599(0, type: 5)
        bench.enable599()
        bench.openTransmit599()
        bench.bus.modify(I82599.hlreg0) { $0[.loopback] = true }
        let recipe = FrameRecipe { $0.payload = 4000 }
        var frame = recipe.bytes
        frame.set16(24, 0)
        frame.set16(16, 0)
        frame.set16(50, plainSum((recipe.sourceAddress + recipe.destinationAddress)[...], 6))
        let address = bench.putTransmit(frame)
        bench.writeTransmit(0, 20 | 14 << 9, 2 << 20 | 1 << 29 | 1 << 10 | 1 << 11 | 20 << 40 | 1000 << 48)
        let flags: UInt64 = 3 << 20 | 1 << 24 | 1 << 27 | 1 << 29 | 1 << 31 | 3 << 40
        bench.writeTransmit(1, address, UInt64(frame.count) | flags | 4000 << 46)
        bench.bus.write(I82599.tdt(0), PlainValue(2))
        bench.run()
        bench.nic.drainPayload()
        for i in 0..<4 {
            #expect(bench.completion(0, i).length == 1000 && bench.completion(0, i).status & 0xC000_0063 == 0x63)
            #expect(
                Array(bench.payload(0, i)[..<1000]) == Array(FrameRecipe.pattern(4000)[(1000 * i)..<(1000 * i + 1000)]))
        }
        #expect(bench.transmitWord(1) >> 32 & 1 == 1)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test(arguments: own)
    func isCounted(_ kind: DriverErrorKind) throws {
        let bench = try Bench(i82599: .strict)
        switch kind {
        case .transmitDMAOff: bench.bus.write(I82599.txdctl(0), .init().setting(.enable))
        case .receiverEnabledUnderTraffic: bench.bus.write(I82599.rxctrl, .init().setting(.enable))
        case .crcStripDisagrees:
            bench.bus.modify(I82599.rdrxctl) { $0[.stripCRC] = false }
            bench.enable599()
        case .cacheControlLeft:
            bench.bus.write(I82599.rxdctl(2), .init().setting(.enable))
            bench.run(.milliseconds(1))
        default: bench.bus.write(I82599.fdircmd, .init().setting(.command, 1).setting(.flowType, 2))
        }
        #expect(bench.nic.flags[kind] != 0, "\(bench.nic.flags)")
    }

    /// Writes to any register, with any value, must not bring the model down.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func anythingGoes(_ seed: UInt64) throws {
        let bench = try Bench(i82599: .strict)
        for queue in 0..<4 { bench.start599(queue, type: seed == 1 ? 1 : 5) }
        bench.enable599()
        bench.openTransmit599()
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let lines = I82599.registers
        for round in 0..<3000 {
            let line = lines[Int(next() % UInt64(lines.count))]
            let offset = line.offset + UInt32(next() % UInt64(line.count)) * line.stride
            var value = UInt32(truncatingIfNeeded: next() >> (next() % 2 == 0 ? 0 : 24))
            // A reset now and then only.
            if offset == 0 && round % 16 != 0 { value &= ~(1 << 26 | 1 << 3) }
            bench.bus.write32(offset, value)
            _ = bench.bus.read32(offset)
            for i in 0..<16 { bench.writeTransmit(i, bench.hostIOVA.rawValue + next() % 4096, next()) }
            bench.send(FrameRecipe { $0.payload = Int(next() % 3000) })
            bench.run(.microseconds(30))
            _ = bench.transmitted()
        }
    }
}
