import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// What a driver of the 82574 must not do, done.
@Suite struct DriverError574Tests {
    /// Errors that only this part knows.
    static let own: [DriverErrorKind] = [
        .tailOddInSplit, .layoutWrittenWhileEnabled, .splitBufferSizeZero, .splitBuffersTooSmall,
        .transmitArbitrationOff,
    ]

    private static let provocations: [(DriverErrorKind, @Sendable (Bench) throws -> Void)] = [
        (.tailOddInSplit, { $0.bus.write(I82574.rdt(0), PlainValue(7)) }),
        (.layoutWrittenWhileEnabled, { $0.bus.modify(I82574.rfctl) { $0[.extendedStatus] = false } }),
        (.splitBufferSizeZero, { $0.bus.modify(I82574.psrctl) { $0[.headerBufferSize] = 0 } }),
        (.splitBuffersTooSmall, { $0.bus.modify(I82574.rctl) { $0[.longPackets] = true } }),
        (
            .transmitArbitrationOff,
            {
                $0.bus.write(I82574.tarc(0), .init())
                $0.bus.write(I82574.tdt(0), PlainValue(1))
            }
        ),
        (.unknownRegister, { _ = $0.bus.read32(0x5480) }),
        (.misalignedAccess, { _ = $0.bus.read32(0x102) }),
        (
            .accessDuringReset,
            {
                $0.bus.modify(I82574.ctrl) { $0[.reset] = true }
                _ = $0.bus.read(I82574.status)
            }
        ),
        (.ringMisaligned, { $0.bus.write(I82574.rdbal(0), PlainValue(0x40)) }),
        (.ringLengthUneven, { $0.bus.write(I82574.tdlen(0), PlainValue(0x40)) }),
        (.ringWrittenWhileEnabled, { $0.bus.write(I82574.rdlen(0), PlainValue(0x80)) }),
        (.headWrittenWhileEnabled, { $0.bus.write(I82574.rdh(0), PlainValue(0)) }),
        (.tailBeyondRing, { $0.bus.write(I82574.rdt(0), PlainValue(100)) }),
        (.crcKeptWithSplit, { $0.bus.modify(I82574.rctl) { $0[.stripCRC] = false } }),
        (.unsupportedDescriptorType, { $0.bus.modify(I82574.rctl) { $0[.descriptorType] = 2 } }),
        (
            .hashWithoutPCSD,
            {
                $0.bus.write(I82574.mrqc, .init().setting(.mode, 1))
                $0.bus.modify(I82574.rctl) { $0[.passMACControl] = true }
            }
        ),
        (
            .headerAddressOdd,
            {
                $0.memory.setLE64(Bench.ringOffset(0) + 15 * 32 + 8, $0.regionIOVA.rawValue + 1)
                $0.bus.write(I82574.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .nullAddress,
            {
                $0.fill574(.split, 0, 15, header: 0)
                $0.bus.write(I82574.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferPostedTwice,
            {
                $0.fill574(.split, 0, 15, slot: 3)
                $0.bus.write(I82574.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferUnmapped,
            {
                $0.memory.setLE64(Bench.ringOffset(0) + 15 * 32 + 8, 0xDEAD_0000_0000)
                $0.bus.write(I82574.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferNotPosted,
            {
                $0.fill574(.split, 0, 0, slot: 20)
                $0.send(FrameRecipe())
            }
        ),
        (.unmappedWhilePosted, { try $0.nic.unmap($0.regionIOVA, length: Bench.slots * Bench.slotSize) }),
        (
            .interruptUnrouted,
            {
                $0.bus.write(I82574.ims, .init().setting(.linkChange))
                $0.bus.write(I82574.ics, .init().setting(.linkChange))
            }
        ),
        (
            .vectorBeyondTable,
            {
                try SoftPCIDevice($0.nic).enableInterrupts(vectors: 5)
                $0.bus.write(I82574.ivar, .init().setting(.receiveQueue0, 0xF))
                $0.bus.write(I82574.ims, .init().setting(.receiveQueue0))
                $0.bus.write(I82574.ics, .init().setting(.receiveQueue0))
            }
        ),
        (
            .statisticsPolled,
            {
                for _ in 0..<300 { _ = $0.bus.read(I82574.gprc) }
            }
        ),
        (
            .transmitTooLong,
            {
                $0.writeTransmit(0, $0.hostIOVA.rawValue, 9725 | 1 << 24)
                $0.bus.write(I82574.tdt(0), PlainValue(1))
                $0.run()
            }
        ),
        (
            .payloadLengthMismatch,
            {
                $0.writeTransmit(0, 14 | 34 << 32 | 50 << 40, 1 << 29 | 3 << 24 | 999 | 54 << 40 | 1000 << 48)
                $0.writeTransmit(1, $0.hostIOVA.rawValue, 1054 | 1 << 20 | 1 << 29 | 1 << 26 | 1 << 24)
                $0.bus.write(I82574.tdt(0), PlainValue(2))
                $0.run()
            }
        ),
    ]

    @Test(arguments: Self.provocations.map(\.0))
    func isCounted(_ kind: DriverErrorKind) throws {
        let provocation = try #require(Self.provocations.first { $0.0 == kind }?.1)
        let bench = try Bench(i82574: .strict)
        bench.start574(.split)
        bench.openTransmit574()
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
        try provocation(bench)
        #expect(bench.nic.flags[kind] != 0, "\(bench.nic.flags)")
    }

    @Test func everyOwnErrorIsProvoked() {
        for kind in Self.own { #expect(Self.provocations.contains { $0.0 == kind }) }
    }

    /// Writes to any register, with any value, must not bring the model down.
    @Test(arguments: [1, 2, 3] as [UInt64], SoftNICPreset.allCases)
    func anythingGoes(_ seed: UInt64, _ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(seed == 1 ? .legacy : seed == 2 ? .extended : .split)
        bench.openTransmit574()
        var state = seed &* 0x9E37_79B9_7F4A_7C15
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let lines = I82574.registers
        for round in 0..<4000 {
            let line = lines[Int(next() % UInt64(lines.count))]
            let offset = line.offset + UInt32(next() % UInt64(line.count)) * line.stride
            // Small numbers for tails and lengths, any for the rest; reset and loss of the link now and then only.
            var value = UInt32(truncatingIfNeeded: next() >> (next() % 2 == 0 ? 0 : 24))
            if line.offset < 8 && round % 16 != 0 { value &= ~(1 << 26) }
            bench.bus.write32(offset, value)
            _ = bench.bus.read32(offset)
            for i in 0..<16 { bench.writeTransmit(i, bench.hostIOVA.rawValue + next() % 4096, next()) }
            bench.send(FrameRecipe { $0.payload = Int(next() % 3000) })
            bench.run(.microseconds(10))
            _ = bench.transmitted()
        }
    }
}
