import DeviceMemory
import NICRegisters
import SoftNIC
import Testing

/// Advanced transmit descriptors: checksums, tags, segments, loopback, reports.
@Suite struct TransmitTests {
    private static let dataType: UInt64 = 3 << 20 | 1 << 29
    private static let endOfPacket: UInt64 = 1 << 24
    private static let reportStatus: UInt64 = 1 << 27
    private static let insertTag: UInt64 = 1 << 30
    private static let segment: UInt64 = 1 << 31
    private static let headerSum: UInt64 = 1 << 40
    private static let transportSum: UInt64 = 1 << 41

    private func bench(_ preset: SoftNICPreset = .strict) throws -> Bench {
        let bench = try Bench(preset)
        bench.link()
        bench.openTransmit()
        return bench
    }

    /// A context: L4T is 0 for UDP, 1 for TCP.
    private func context(
        _ bench: Bench, _ index: Int, ip: Int, l4: UInt64, l4Length: UInt64, mss: UInt64 = 0,
        tag: UInt64 = 0, ipv4: Bool = true, slot: UInt64 = 0
    ) {
        let first = UInt64(ip) | 14 << 9 | tag << 16
        let command: UInt64 = 2 << 20 | 1 << 29 | (ipv4 ? 1 << 10 : 0) | l4 << 11
        bench.writeTransmit(index, first, command | l4Length << 40 | mss << 48 | slot << 36)
    }

    private func data(
        _ bench: Bench, _ index: Int, _ address: UInt64, _ count: Int, _ flags: UInt64, payload: Int
    ) {
        bench.writeTransmit(index, address, Self.dataType | UInt64(count) | flags | UInt64(payload) << 46)
    }

    /// The frame with the fields that a driver leaves to the device: IPv4 checksum 0, pseudo-header sum in the transport's.
    private func prepared(_ recipe: FrameRecipe, field: Int, ip: Int, segmented: Bool = false) -> [UInt8] {
        var frame = recipe.bytes
        let start = 14 + ip
        let length = segmented ? 0 : frame.count - start
        var pseudo: [UInt8]
        if ip == 20 {
            pseudo = recipe.sourceAddress + recipe.destinationAddress
            frame.set16(24, 0)
            if segmented { frame.set16(16, 0) }
        } else {
            pseudo = recipe.sourceAddress6 + recipe.destinationAddress6
        }
        pseudo.append16(field == 6 ? 17 : 6)
        pseudo.append16(length)
        frame.set16(start + field, plainSum(pseudo[...]))
        return frame
    }

    @Test func plainFrameLeavesAsItIs() throws {
        let bench = try bench()
        let frame = FrameRecipe().bytes
        data(
            bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket | Self.reportStatus, payload: frame.count)
        bench.ringTransmit(1)
        #expect(bench.transmitted() == [frame])
        #expect(bench.transmitWord(0) >> 32 & 1 == 1, "DD")
        #expect(bench.bus.read(I82576.tdh(0)).rawValue == 1)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func withoutReportStatusNothingIsWrittenBack() throws {
        let bench = try bench()
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket, payload: frame.count)
        bench.ringTransmit(1)
        #expect(bench.transmitted().count == 1 && bench.transmitWord(0) >> 32 & 1 == 0)
    }

    @Test(arguments: [700, 701, 1, 0])
    func checksumInsertion(_ payload: Int) throws {
        let bench = try bench()
        let tcp = FrameRecipe { $0.payload = payload }
        let frame = prepared(tcp, field: 16, ip: 20)
        context(bench, 0, ip: 20, l4: 1, l4Length: 20)
        let flags = Self.endOfPacket | Self.reportStatus | Self.headerSum | Self.transportSum
        data(bench, 1, bench.putTransmit(frame), frame.count, flags, payload: frame.count)
        bench.ringTransmit(2)
        let padded = tcp.bytes + [UInt8](repeating: 0, count: max(0, 60 - tcp.bytes.count))
        #expect(bench.transmitted() == [padded])
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func checksumInsertionForOtherProtocols() throws {
        let bench = try bench()
        let udp = FrameRecipe { $0.transport = .udp }
        context(bench, 0, ip: 20, l4: 0, l4Length: 8)
        let first = prepared(udp, field: 6, ip: 20)
        let sums = Self.endOfPacket | Self.headerSum | Self.transportSum
        data(bench, 1, bench.putTransmit(first), first.count, sums, payload: first.count)
        let tcp6 = FrameRecipe { $0.network = .ipv6 }
        context(bench, 2, ip: 40, l4: 1, l4Length: 20, ipv4: false, slot: 1)
        let second = prepared(tcp6, field: 16, ip: 40)
        data(
            bench, 3, bench.putTransmit(second, at: 0x1000), second.count,
            Self.endOfPacket | Self.transportSum | 1 << 36, payload: second.count)
        // Context 0 is still there.
        let third = prepared(udp, field: 6, ip: 20)
        data(bench, 4, bench.putTransmit(third, at: 0x2000), third.count, sums, payload: third.count)
        bench.ringTransmit(5)
        #expect(bench.transmitted() == [udp.bytes, tcp6.bytes, udp.bytes])
    }

    @Test func framesInPiecesTagsAndPadding() throws {
        let bench = try bench()
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        context(bench, 0, ip: 20, l4: 1, l4Length: 20, tag: 0x2005)
        data(bench, 1, address, 10, Self.insertTag, payload: frame.count)
        data(bench, 2, address + 10, 400, 0, payload: 0)
        data(bench, 3, address + 410, frame.count - 410, Self.endOfPacket | Self.reportStatus, payload: 0)
        let tiny = Array(frame[..<20])
        data(bench, 4, bench.putTransmit(tiny, at: 0x1000), 20, Self.endOfPacket, payload: 20)
        bench.ringTransmit(5)
        let sent = bench.transmitted()
        #expect(sent.first == FrameRecipe { $0.tag = 0x2005 }.bytes)
        #expect(sent.last == tiny + [UInt8](repeating: 0, count: 40))
        #expect(bench.bus.read(I82576.ptc64).rawValue >= 1)
    }

    @Test(arguments: [1000, 1460])
    func segmentation(_ mss: Int) throws {
        let bench = try bench()
        let whole = FrameRecipe { $0.payload = 4000 }
        var frame = prepared(whole, field: 16, ip: 20, segmented: true)
        frame[47] = 0x19  // FIN, PSH, ACK
        context(bench, 0, ip: 20, l4: 1, l4Length: 20, mss: UInt64(mss))
        let address = bench.putTransmit(frame)
        data(bench, 1, address, 54, Self.segment | Self.headerSum | Self.transportSum, payload: 4000)
        data(bench, 2, address + 54, 1300, 0, payload: 0)
        data(bench, 3, address + 1354, 2700, Self.endOfPacket | Self.reportStatus, payload: 0)
        bench.ringTransmit(4)
        let sent = bench.transmitted()
        #expect(sent.count == (4000 + mss - 1) / mss)
        var payload: [UInt8] = []
        for (i, segment) in sent.enumerated() {
            #expect(segment.get16(16) == segment.count - 14)
            #expect(segment.get16(18) == 0x1234 + i)
            #expect(segment.get16(38) << 16 | segment.get16(40) == 1000 + i * mss)
            #expect(segment[47] == (i == sent.count - 1 ? 0x19 : 0x10), "FIN and PSH on the last only")
            #expect(plainSum(segment[14..<34]) == 0xFFFF, "IPv4 checksum")
            let pseudo = plainSum(segment[26..<34], 6 + segment.count - 34)
            #expect(plainSum(segment[34...], pseudo) == 0xFFFF, "TCP checksum")
            payload += segment[54...]
        }
        #expect(payload == FrameRecipe.pattern(4000))
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// §9: segments through MAC loopback into a split ring, payload in the region.
    @Test(arguments: SoftNICPreset.allCases)
    func segmentedLoopbackIntoASplitRing(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.startQueue(0, type: 2)
        bench.enableReceiver { $0[.loopback] = 1 }
        let frame = prepared(FrameRecipe { $0.payload = 4000 }, field: 16, ip: 20, segmented: true)
        context(bench, 0, ip: 20, l4: 1, l4Length: 20, mss: 1000)
        let address = bench.putTransmit(frame)
        data(bench, 1, address, 54, Self.segment | Self.headerSum | Self.transportSum, payload: 4000)
        data(bench, 2, address + 54, 4000, Self.endOfPacket, payload: 0)
        bench.ringTransmit(3)
        bench.nic.drainPayload()
        var payload: [UInt8] = []
        for i in 0..<4 {
            let done = bench.completion(0, i)
            #expect(done.splitHeader && done.headerLength == 54 && done.length == 1000 && done.status == 0x263)
            #expect(bench.header(0, i)[18...19] == [0x12, 0x34 + UInt8(i)])
            payload += bench.payload(0, i)[..<1000]
        }
        #expect(payload == FrameRecipe.pattern(4000))
        #expect(bench.transmitted().isEmpty, "nothing leaves")
    }

    @Test func loopbackNeedsTheLink() throws {
        let bench = try Bench(.qemu)
        bench.openTransmit()
        bench.startQueue(0, type: 1)
        bench.enableReceiver { $0[.loopback] = 1 }
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket, payload: frame.count)
        bench.ringTransmit(1)
        #expect(bench.bus.read(I82576.tdh(0)).rawValue == 1 && !bench.completion(0, 0).isDone)
    }

    @Test func headWriteBackReplacesDoneBits() throws {
        let bench = try bench()
        let place = bench.hostIOVA.rawValue + 0x8_8000
        bench.bus.write(I82576.tdwbah(0), PlainValue(UInt32(truncatingIfNeeded: place >> 32)))
        bench.bus.write(I82576.tdwbal(0), .init(rawValue: UInt32(truncatingIfNeeded: place) | 1))
        let frame = FrameRecipe().bytes
        data(
            bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket | Self.reportStatus, payload: frame.count)
        bench.ringTransmit(1)
        #expect(bench.memory.readOnly.le32(0x8_8000) == 1)
        #expect(bench.transmitWord(0) >> 32 & 1 == 0)
    }

    @Test func nothingLeavesWhileOff() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        bench.bus.modify(I82576.tctl) { $0[.enable] = false }
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket, payload: frame.count)
        bench.ringTransmit(1)
        #expect(bench.transmitted().isEmpty && bench.bus.read(I82576.tdh(0)).rawValue == 0)
        bench.bus.modify(I82576.tctl) { $0[.enable] = true }
        bench.run()
        #expect(bench.transmitted().count == 1)
    }

    @Test func aFullWireHoldsTheRing() throws {
        let bench = try Bench(.strict) { $0.transmitDepth = 2 }
        bench.link()
        bench.openTransmit()
        let frame = prepared(FrameRecipe { $0.payload = 5000 }, field: 16, ip: 20, segmented: true)
        context(bench, 0, ip: 20, l4: 1, l4Length: 20, mss: 1000)
        let address = bench.putTransmit(frame)
        data(
            bench, 1, address, frame.count,
            Self.segment | Self.headerSum | Self.transportSum | Self.endOfPacket | Self.reportStatus, payload: 5000)
        bench.ringTransmit(2)
        #expect(bench.bus.read(I82576.tdh(0)).rawValue == 1 && bench.transmitWord(1) >> 32 & 1 == 0)
        var sent = 0
        for _ in 0..<5 {
            sent += bench.transmitted().count
            bench.run()
        }
        #expect(sent == 5 && bench.transmitWord(1) >> 32 & 1 == 1)
    }
}
