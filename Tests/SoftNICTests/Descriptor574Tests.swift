import NICRegisters
import SoftNIC
import Testing

/// Legacy and extended receive descriptors of the 82574, and their buffer sizes.
@Suite struct Descriptor574Tests {
    @Test(arguments: SoftNICPreset.allCases)
    func legacyKeepsItsAddress(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.legacy)
        let address = bench.word574(0, 0).first
        let frame = FrameRecipe()
        bench.send(frame)
        let done = bench.word574(0, 0)
        #expect(done.first == address)
        #expect(done.second & 0xFFFF == 1054)
        // DD, EOP, TCPCS, IPCS in the status byte; no errors.
        #expect(done.second >> 32 & 0xFFFF == 0x63)
        #expect(Array(bench.payload(0, 0)[..<1054]) == frame.bytes)
        #expect(bench.bus.read(I82574.rdh(0)).rawValue == 1)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test(arguments: SoftNICPreset.allCases)
    func extendedOverwritesItsAddress(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.extended)
        bench.send(FrameRecipe { $0.badTransportChecksum = true })
        let done = bench.word574(0, 0)
        // The IP identification, without RXCSUM.PCSD.
        #expect(done.first >> 32 & 0xFFFF == 0x1234)
        #expect(done.second >> 32 & 0xFFFF == 1054)
        let acknowledged: UInt64 = preset == .qemu ? 1 << 15 : 0
        #expect(done.second & 0xFFFF_FFFF == 1 << 29 | 2 << 16 | 0x263 | acknowledged)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// RCTL.BSIZE, BSEX and FLXBUF.
    @Test(arguments: [(0, false, 0, 2048), (2, false, 0, 512), (3, true, 0, 4096), (3, true, 1, 1024)])
    func bufferSizes(_ bits: UInt32, _ extension: Bool, _ flexible: UInt32, _ size: Int) throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.extended) {
            $0 = $0.setting(.bufferSize, bits).setting(.bufferSizeExtension, `extension`)
            $0 = $0.setting(.flexibleBuffer, flexible).setting(.longPackets)
        }
        bench.send(FrameRecipe { $0.payload = 4500 })
        #expect(bench.word574(0, 0).second >> 32 & 0xFFFF == size)
        #expect(bench.word574(0, 0).second & 2 == 0 && bench.word574(0, (4553 + size - 1) / size - 1).second & 2 == 2)
    }

    /// The layout is latched by a write of RCTL with EN: changing RFCTL alone changes nothing.
    @Test func layoutIsLatched() throws {
        let bench = try Bench(i82574: .strict)
        bench.start574(.legacy)
        bench.bus.modify(I82574.rfctl) { $0[.extendedStatus] = true }
        #expect(bench.nic.flags[.layoutWrittenWhileEnabled] == 1)
        bench.send(FrameRecipe())
        #expect(bench.word574(0, 0).second & 0xFFFF == 1054, "still legacy")
    }
}
