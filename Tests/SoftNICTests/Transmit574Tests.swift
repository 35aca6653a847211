import DeviceMemory
import NICRegisters
import SoftNIC
import Testing

/// Legacy, context and data descriptors of the 82574: checksums, tags, segments, loopback, reports.
@Suite struct Transmit574Tests {
    private static let dataType: UInt64 = 1 << 20 | 1 << 29
    private static let endOfPacket: UInt64 = 1 << 24
    private static let segment: UInt64 = 1 << 26
    private static let reportStatus: UInt64 = 1 << 27
    private static let insertTag: UInt64 = 1 << 30
    private static let headerSum: UInt64 = 1 << 40
    private static let transportSum: UInt64 = 1 << 41

    private func bench(_ preset: SoftNICPreset = .strict) throws -> Bench {
        let bench = try Bench(i82574: preset)
        bench.openTransmit574()
        return bench
    }

    /// A context for TCP or UDP (`field`: 16 or 6) behind an IP header of `ip` bytes.
    private func context(
        _ bench: Bench, _ index: Int, ip: UInt64, field: UInt64, headers: UInt64 = 0, mss: UInt64 = 0,
        payload: UInt64 = 0
    ) {
        let start = 14 + ip
        let first = 14 | 24 << 8 | (start - 1) << 16 | start << 32 | (start + field) << 40
        var command: UInt64 = 1 << 29 | payload | headers << 40 | mss << 48
        if field == 16 { command |= 1 << 24 }
        if ip == 20 { command |= 1 << 25 }
        bench.writeTransmit(index, first, command)
    }

    private func data(_ bench: Bench, _ index: Int, _ address: UInt64, _ count: Int, _ flags: UInt64) {
        bench.writeTransmit(index, address, Self.dataType | UInt64(count) | flags)
    }

    /// The frame with the fields that a driver leaves to the device.
    private func prepared(_ recipe: FrameRecipe, field: Int, ip: Int, segmented: Bool = false) -> [UInt8] {
        var frame = recipe.bytes
        let start = 14 + ip
        var pseudo = ip == 20 ? recipe.sourceAddress + recipe.destinationAddress : []
        if ip == 20 {
            frame.set16(24, 0)
            if segmented { frame.set16(16, 0) }
        } else {
            pseudo = recipe.sourceAddress6 + recipe.destinationAddress6
        }
        pseudo.append16(field == 6 ? 17 : 6)
        pseudo.append16(segmented ? 0 : frame.count - start)
        frame.set16(start + field, plainSum(pseudo[...]))
        return frame
    }

    @Test(arguments: SoftNICPreset.allCases)
    func legacyAndDataLeaveAsTheyAre(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        bench.writeTransmit(0, address, UInt64(frame.count) | Self.endOfPacket | Self.reportStatus)
        data(bench, 1, address, frame.count, Self.endOfPacket)
        bench.ringTransmit574(2)
        #expect(bench.transmitted() == [frame, frame])
        #expect(bench.transmitWord(0) >> 32 & 1 == 1, "DD")
        #expect(bench.transmitWord(1) >> 32 & 1 == 0, "no report without RS")
        #expect(bench.bus.read(I82574.tdh(0)).rawValue == 2)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func everyWriteBackByIVAR() throws {
        let bench = try bench()
        bench.bus.write(I82574.ivar, .init().setting(.everyTransmit))
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket)
        bench.ringTransmit574(1)
        #expect(bench.transmitWord(0) >> 32 & 1 == 1)
    }

    @Test(arguments: [700, 701, 1, 0])
    func checksumInsertion(_ payload: Int) throws {
        let bench = try bench()
        let tcp = FrameRecipe { $0.payload = payload }
        let udp = FrameRecipe {
            $0.payload = payload
            $0.transport = .udp
            $0.network = .ipv6
        }
        let first = prepared(tcp, field: 16, ip: 20)
        let second = prepared(udp, field: 6, ip: 40)
        context(bench, 0, ip: 20, field: 16)
        data(bench, 1, bench.putTransmit(first), first.count, Self.endOfPacket | Self.headerSum | Self.transportSum)
        context(bench, 2, ip: 40, field: 6)
        data(bench, 3, bench.putTransmit(second, at: 4096), second.count, Self.endOfPacket | Self.transportSum)
        bench.ringTransmit574(4)
        let frames = bench.transmitted()
        func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: max(0, 60 - bytes.count)) }
        #expect(frames == [padded(tcp.bytes), padded(udp.bytes)])
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// IC of a legacy descriptor; QEMU ignores it.
    @Test(arguments: SoftNICPreset.allCases)
    func legacyChecksum(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        let recipe = FrameRecipe()
        var frame = prepared(recipe, field: 16, ip: 20)
        frame.set16(24, recipe.bytes.get16(24))
        let command: UInt64 = UInt64(frame.count) | Self.endOfPacket | 1 << 26
        bench.writeTransmit(0, bench.putTransmit(frame), command | 50 << 16 | 34 << 40)
        bench.ringTransmit574(1)
        #expect(bench.transmitted() == [preset == .strict ? recipe.bytes : frame])
    }

    /// The tag of the last descriptor, while CTRL.VME allows it.
    @Test(arguments: SoftNICPreset.allCases)
    func tagInsertion(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        let flags = Self.endOfPacket | Self.insertTag | 0x2064 << 48
        data(bench, 0, address, frame.count, flags)
        bench.ringTransmit574(1)
        #expect(bench.transmitted() == [frame], "VME is off")
        bench.bus.modify(I82574.ctrl) { $0[.vlanMode] = true }
        data(bench, 1, address, 500, 0)
        data(bench, 2, address + 500, frame.count - 500, flags)
        bench.ringTransmit574(3)
        let tagged = FrameRecipe { $0.tag = 0x2064 }.bytes
        #expect(bench.transmitted() == [tagged])
    }

    /// 12, verified on QEMU: context and two data descriptors, 4000 bytes, MSS 1000, MAC loopback into a split queue.
    @Test(arguments: SoftNICPreset.allCases)
    func segmentsComeBackSplit(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset)
        bench.start574(.split) { $0[.loopback] = 1 }
        for counter in [I82574.gptc, I82574.gprc, I82574.tsctc] { _ = bench.bus.read(counter) }
        let recipe = FrameRecipe { $0.payload = 4000 }
        let frame = prepared(recipe, field: 16, ip: 20, segmented: true)
        context(bench, 0, ip: 20, field: 16, headers: 54, mss: 1000, payload: 4000)
        let flags = Self.segment | Self.headerSum | Self.transportSum
        let address = bench.putTransmit(frame)
        data(bench, 1, address, 54, flags)
        data(bench, 2, address + 54, 4000, flags | Self.endOfPacket | Self.reportStatus)
        bench.ringTransmit574(3)
        bench.nic.drainPayload()
        let pattern = FrameRecipe.pattern(4000)
        for i in 0..<4 {
            let done = bench.split574(0, i)
            #expect(done.length0 == 54 && done.length1 == 1000 && done.status & 0x6000_0063 == 0x63, "\(done)")
            #expect(Array(bench.payload(0, i)[..<1000]) == Array(pattern[1000 * i..<1000 * (i + 1)]))
            let header = bench.header(0, i)
            #expect(header.get16(18) == 0x1234 + i && header.get16(16) == 1040)
            #expect(header.get16(40) == 1000 + 1000 * i, "sequence")
            #expect(header[47] == (i == 3 ? 0x18 : 0x10), "PSH belongs to the end")
        }
        #expect(bench.transmitWord(2) >> 32 & 1 == 1)
        #expect(bench.bus.read(I82574.tsctc).rawValue == 1 && bench.bus.read(I82574.gprc).rawValue == 4)
        #expect(bench.bus.read(I82574.gptc).rawValue == (preset == .qemu ? 1 : 4))
        #expect(bench.transmitted().isEmpty)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func phyLoopback() throws {
        let bench = try bench(.qemu)
        bench.start574(.split)
        bench.bus.write(I82574.mdic, .writing(.control, 0x4140))
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket)
        bench.ringTransmit574(1)
        #expect(bench.split574(0, 0).length1 == 1000 && bench.transmitted().isEmpty)
    }

    /// Without TARC.ENABLE the ring stands still.
    @Test func arbitrationOff() throws {
        let bench = try bench()
        bench.bus.modify(I82574.tarc(0)) { $0[.enable] = false }
        let frame = FrameRecipe().bytes
        data(bench, 0, bench.putTransmit(frame), frame.count, Self.endOfPacket)
        bench.ringTransmit574(1)
        #expect(bench.transmitted().isEmpty && bench.bus.read(I82574.tdh(0)).rawValue == 0)
        #expect(bench.nic.flags[.transmitArbitrationOff] == 1)
    }

    @Test func whatMakesNoFrame() throws {
        let bench = try bench()
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        context(bench, 0, ip: 20, field: 16, headers: 54, mss: 0, payload: 1000)
        data(bench, 1, address, frame.count, Self.segment | Self.endOfPacket)
        context(bench, 2, ip: 20, field: 16, headers: 200, mss: 100, payload: 1000)
        data(bench, 3, address, 100, Self.segment | Self.endOfPacket)
        data(bench, 4, 0xDEAD_0000_0000, 100, Self.endOfPacket)
        data(bench, 5, address, 0, Self.endOfPacket)
        bench.ringTransmit574(6)
        #expect(bench.transmitted().isEmpty)
        let flags = bench.nic.flags
        #expect(flags[.segmentSizeZero] == 1 && flags[.headerBeyondFrame] == 1)
        #expect(flags[.accessRefused] == 1 && flags[.emptyTransmitDescriptor] == 1)
        #expect(bench.bus.read(I82574.tdh(0)).rawValue == 6)
    }

    @Test func contextsMayLie() throws {
        let bench = try bench()
        let frame = FrameRecipe().bytes
        let address = bench.putTransmit(frame)
        for (index, first) in [UInt64.max, 0, 0xFFFF_00FF_FFFF_0000, 0x0000_FFFF_0000_FFFF].enumerated() {
            bench.writeTransmit(2 * index, first, 1 << 29 | UInt64(index) << 24 | 300 << 48 | 60 << 40)
            let flags = Self.headerSum | Self.transportSum | (index & 1 == 0 ? 0 : Self.segment)
            data(bench, 2 * index + 1, address, frame.count, flags | Self.endOfPacket)
        }
        bench.ringTransmit574(8)
        _ = bench.transmitted()
        #expect(bench.bus.read(I82574.tdh(0)).rawValue == 8)
    }
}
