import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Each thing that a driver must not do is counted; see DriverErrorKind.
@Suite struct DriverErrorTests {
    /// What provokes each kind. A kind without an entry fails the test: every one must be provable.
    private static let provocations: [(DriverErrorKind, @Sendable (Bench) throws -> Void)] = [
        (.unknownRegister, { _ = $0.bus.read32(0x0040) }),
        (.misalignedAccess, { _ = $0.bus.read32(0x0002) }),
        (
            .accessDuringReset,
            {
                $0.bus.write(I82576.ctrl, .init().setting(.reset))
                _ = $0.bus.read(I82576.ctrl)
            }
        ),
        (.ringMisaligned, { $0.bus.write(I82576.rdbal(2), PlainValue(0x1040)) }),
        (.ringLengthUneven, { $0.bus.write(I82576.tdlen(2), PlainValue(0x110)) }),
        (.ringWrittenWhileEnabled, { $0.bus.write(I82576.rdbal(0), PlainValue(0x1000)) }),
        (.splitControlWrittenWhileEnabled, { $0.bus.write(I82576.srrctl(0), .init()) }),
        (.thresholdsWrittenWhileEnabled, { $0.bus.modify(I82576.rxdctl(0)) { $0[.hostThreshold] = 9 } }),
        (.headWrittenWhileEnabled, { $0.bus.write(I82576.rdh(0), PlainValue(0)) }),
        (.tailWhileDisabled, { $0.bus.write(I82576.tdt(3), PlainValue(1)) }),
        (.tailBeyondRing, { $0.bus.write(I82576.rdt(0), PlainValue(16)) }),
        (
            .staleDescriptor,
            {
                $0.send(FrameRecipe())
                let second = $0.completion(0, 0).second
                $0.bus.write(I82576.rdt(0), PlainValue(0))
                $0.run()
                // Index 0 once more, still as the device left it.
                #expect($0.completion(0, 0).second == second)
                $0.bus.write(I82576.rdt(0), PlainValue(1))
                $0.run()
            }
        ),
        (
            .headerAddressOdd,
            {
                $0.write(0, 15, $0.regionIOVA.rawValue + 15 * 16384, $0.hostIOVA.rawValue + 0x10_0001)
                $0.bus.write(I82576.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .nullAddress,
            {
                $0.fillDescriptor(0, 15, header: false)
                $0.bus.write(I82576.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferUnmapped,
            {
                $0.fillDescriptor(0, 15, payload: $0.regionIOVA.rawValue + UInt64(Bench.slots * Bench.slotSize) - 1024)
                $0.bus.write(I82576.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferPostedTwice,
            {
                $0.fillDescriptor(0, 15, slot: 7)
                $0.bus.write(I82576.rdt(0), PlainValue(0))
                $0.run()
            }
        ),
        (
            .bufferNotPosted,
            {
                $0.fillDescriptor(0, 0, slot: 20)
                $0.send(FrameRecipe())
            }
        ),
        (.unmappedWhilePosted, { try $0.nic.unmap($0.regionIOVA, length: Bench.slots * Bench.slotSize) }),
        (.dropDisabledWithSeveralQueues, { $0.openQueue(1, type: 5, drop: false) }),
        (
            .hashWithoutPCSD,
            {
                $0.bus.write(I82576.mrqc, .init().setting(.mode, 2))
                $0.enableReceiver()
            }
        ),
        (.crcKeptWithSplit, { $0.enableReceiver { $0[.stripCRC] = false } }),
        (
            .receiveBeforeLink,
            {
                $0.nic.setCable(false)
                $0.bus.write(I82576.rdt(0), PlainValue(3))
            }
        ),
        (.unsupportedDescriptorType, { $0.openQueue(1, type: 6) }),
        (.descriptorTypeInRCTL, { $0.bus.write(I82576.rctl, .init(rawValue: 1 << 10)) }),
        (
            .modeAfterVectors,
            {
                $0.bus.write(I82576.ivar(0), .init(rawValue: 0x80))
                $0.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
            }
        ),
        (
            .writeBackThreshold,
            {
                $0.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
                $0.openQueue(1, type: 5)
                $0.bus.write(I82576.rxdctl(1), .init())
                $0.settle()
                $0.bus.write(I82576.rxdctl(1), .init().setting(.enable))
                $0.settle()
            }
        ),
        (.payloadLengthMismatch, { transmit($0, count: 100, payload: 99) }),
        (.emptyTransmitDescriptor, { transmit($0, count: 0, payload: 0) }),
        (
            .segmentSizeZero,
            {
                $0.writeTransmit(0, 20 | 14 << 9, 2 << 20 | 1 << 29 | 1 << 11 | 20 << 40)
                transmit($0, count: 100, payload: 46, flags: 1 << 31, index: 1)
            }
        ),
        (
            .headerBeyondFrame,
            {
                $0.writeTransmit(0, 20 | 14 << 9, 2 << 20 | 1 << 29 | 1 << 11 | 20 << 40 | 1000 << 48)
                transmit($0, count: 53, payload: 0, flags: 1 << 31, index: 1)
            }
        ),
        (.transmitTooLong, { transmit($0, count: 9725, payload: 9725) }),
        (
            .legacyTransmitDescriptor,
            {
                // In a frame of advanced descriptors.
                let address = $0.putTransmit([UInt8](repeating: 9, count: 200))
                $0.writeTransmit(0, address, 100 | 3 << 20 | 1 << 29 | 200 << 46)
                $0.writeTransmit(1, address + 100, 100 | 1 << 24)
                $0.ringTransmit(2)
            }
        ),
        (
            .accessRefused,
            {
                $0.writeTransmit(0, 0x1_0000, 100 | 3 << 20 | 1 << 29 | 1 << 24 | 100 << 46)
                $0.ringTransmit(1)
            }
        ),
        (.tailMovedBack, { $0.bus.write(I82576.rdt(0), PlainValue(14)) }),
        (
            .interruptUnrouted,
            {
                $0.bus.write(I82576.ims, .init().setting(.linkChange))
                $0.bus.write(I82576.ics, .init().setting(.linkChange))
            }
        ),
        (
            .vectorBeyondTable,
            {
                #expect($0.nic.readConfig32(0x70) >> 16 & 0x7FF == 24)
                $0.bus.write(I82576.ivar(0), .init(rawValue: 0x80 | 25))
            }
        ),
        (.etherTypeFilterForIP, { $0.bus.write(I82576.etqf(0), .init().setting(.etherType, 0x0800).setting(.enable)) }),
        (
            .statisticsPolled,
            {
                for _ in 0..<300 { _ = $0.bus.read(I82576.gprc) }
            }
        ),
    ]

    private static func transmit(_ bench: Bench, count: Int, payload: Int, flags: UInt64 = 0, index: Int = 0) {
        let address = bench.putTransmit([UInt8](repeating: 1, count: min(count, 1000)))
        bench.writeTransmit(
            index, address, UInt64(count) | 3 << 20 | 1 << 29 | 1 << 24 | flags | UInt64(payload) << 46)
        bench.ringTransmit(index + 1)
    }

    private func bench() throws -> Bench {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.openTransmit()
        bench.enableReceiver()
        return bench
    }

    @Test(
        arguments: DriverErrorKind.allCases.filter {
            !DriverError574Tests.own.contains($0) && !Driver599Tests.own.contains($0)
        })
    func isCounted(_ kind: DriverErrorKind) throws {
        let provocation = try #require(Self.provocations.first { $0.0 == kind }?.1, "nothing provokes \(kind)")
        let bench = try bench()
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
        try provocation(bench)
        #expect(bench.nic.flags[kind] != 0)
        #expect(bench.nic.flags.kinds.contains(kind))
        #expect(bench.nic.flags.total != 0 && "\(bench.nic.flags)".contains("\(kind)"))
    }

    @Test func dmaGoesToPostedBuffersOnly() throws {
        let bench = try bench()
        // The descriptor changes after its tail write: the device must not follow it.
        bench.fillDescriptor(0, 0, slot: 20)
        bench.send(FrameRecipe())
        #expect(bench.slotBytes.readOnly.slice(20 * Bench.slotSize, 2048).array().allSatisfy { $0 == Bench.fill })
    }

    @Test func unmappedAndReadOnlyMemoryFaults() throws {
        let bench = try Bench(.qemu)
        bench.link()
        let object = try MemoryObject(name: "read-only", size: 4096)
        let view = try object.view(rights: .read)
        let readOnly = try bench.nic.map(object, offset: 0, length: 4096, rights: .read, isRegion: false)
        bench.openQueue(0, type: 5)
        bench.fillDescriptor(0, 0, payload: readOnly.rawValue)
        bench.fillDescriptor(0, 1, payload: 0xDEAD_0000)
        bench.fillDescriptor(0, 2, payload: bench.regionIOVA.rawValue + UInt64(Bench.slots * Bench.slotSize) - 10)
        bench.bus.write(I82576.rdt(0), PlainValue(3))
        bench.enableReceiver()
        for i in 0..<3 {
            bench.send(FrameRecipe())
            // A NIC reports no error for a failed peer write.
            #expect(bench.completion(0, i).status == 0x263 && bench.completion(0, i).length == 1000)
        }
        #expect(bench.nic.iommuFaultCount == 3)
        #expect(bench.nic.faults.map(\.reason) == [.writeDenied, .unmapped, .crossesMapping])
        #expect(view.bytes.readOnly.array().allSatisfy { $0 == 0 })
    }
}
