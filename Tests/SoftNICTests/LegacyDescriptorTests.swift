import DeviceMemory
import NICRegisters
import SoftNIC
import Testing

/// The descriptors of the parts before: legacy receive (DESCTYPE 0) and legacy transmit (DEXT 0).
@Suite struct LegacyDescriptorTests {
    @Test func receive() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 0)
        bench.enableReceiver()
        bench.bus.modify(I82576.ctrl) { $0[.vlanMode] = true }
        bench.send(FrameRecipe { $0.tag = 0x2065 })
        bench.send(FrameRecipe { $0.badTransportChecksum = true })
        let address = bench.regionIOVA.rawValue + UInt64(bench.slot(0, 0))
        let first = bench.completion(0, 0)
        #expect(first.first == address, "the address stays")
        #expect(first.second & 0xFFFF == 1054)
        // DD, EOP, VP, TCPCS, IPCS; no errors; the tag.
        #expect(first.second >> 32 & 0xFF == 0x6B && first.second >> 40 & 0xFF == 0 && first.second >> 48 == 0x2065)
        #expect(Array(bench.payload(0, 0)[..<1054]) == FrameRecipe().bytes)
        #expect(bench.completion(0, 1).second >> 40 & 0xFF == 0x20, "TCPE")
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func aLongFrameTakesSeveral() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 0)
        bench.enableReceiver()
        bench.send(FrameRecipe { $0.payload = 3500 })
        #expect(bench.completion(0, 0).second == 2048 | 1 << 32, "DD alone")
        #expect(bench.completion(0, 1).second & 0xFFFF == 1506 && bench.completion(0, 1).second >> 33 & 1 == 1)
    }

    @Test func aStaleOneIsFound() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 0)
        bench.enableReceiver()
        bench.send(FrameRecipe())
        bench.bus.write(I82576.rdt(0), PlainValue(0))
        bench.run()
        #expect(bench.nic.flags.total == 0)
        bench.send(FrameRecipe())
        bench.bus.write(I82576.rdt(0), PlainValue(1))
        bench.run()
        #expect(bench.nic.flags[.staleDescriptor] == 1)
    }

    /// QEMU takes DESCTYPE 0 for advanced descriptors with one buffer.
    @Test func receiveInQEMU() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 0)
        bench.enableReceiver()
        bench.send(FrameRecipe())
        #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).length == 1054)
    }

    private let endOfPacket: UInt64 = 1 << 24
    private let insertChecksum: UInt64 = 1 << 26
    private let reportStatus: UInt64 = 1 << 27
    private let insertTag: UInt64 = 1 << 30

    @Test func transmit() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        let frame = FrameRecipe { $0.payload = 99 }.bytes
        bench.writeTransmit(0, bench.putTransmit(frame), UInt64(frame.count) | endOfPacket | reportStatus)
        bench.ringTransmit(1)
        #expect(bench.transmitted() == [frame])
        #expect(bench.transmitWord(0) >> 32 & 1 == 1, "DD")
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func checksumAndTag() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        let whole = FrameRecipe { $0.payload = 99 }.bytes
        var blank = whole
        // The driver leaves the sum of the pseudo-header in the field: 10.0.0.1, 10.0.0.2, 6, length.
        let pseudo: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2]
        blank.set16(50, plainSum(pseudo[...], 6 + 119))
        let offsets = UInt64(50) << 16 | UInt64(34) << 40
        bench.writeTransmit(
            0, bench.putTransmit(blank),
            UInt64(blank.count) | endOfPacket | insertChecksum | insertTag | offsets | UInt64(0x65) << 48)
        bench.ringTransmit(1)
        let sent = bench.transmitted()
        #expect(sent.first.map { Array($0[..<12] + $0[16...]) } == whole)
        #expect(sent.first.map { Array($0[12..<16]) } == [0x81, 0, 0, 0x65])
    }

    /// A checksum field beyond the frame is the driver's mistake, and no reason to write there.
    @Test func offsetsBeyondTheFrame() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        let frame = FrameRecipe { $0.payload = 20 }.bytes
        bench.writeTransmit(
            0, bench.putTransmit(frame),
            UInt64(frame.count) | endOfPacket | insertChecksum | UInt64(frame.count - 1) << 16 | UInt64(200) << 40)
        bench.ringTransmit(1)
        #expect(bench.transmitted() == [frame])
    }

    @Test func mixedKindsInAFrameAreAnError() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.openTransmit()
        let address = bench.putTransmit([UInt8](repeating: 9, count: 200))
        bench.writeTransmit(0, address, 100 | 3 << 20 | 1 << 29 | 200 << 46)
        bench.writeTransmit(1, address + 100, 100 | endOfPacket)
        bench.ringTransmit(2)
        #expect(bench.nic.flags[.legacyTransmitDescriptor] == 1)
    }

    /// QEMU sends the bytes and knows nothing of the rest.
    @Test func transmitInQEMU() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.openTransmit()
        let frame = FrameRecipe { $0.payload = 99 }.bytes
        let offsets = UInt64(50) << 16 | UInt64(34) << 40
        bench.writeTransmit(
            0, bench.putTransmit(frame), UInt64(frame.count) | endOfPacket | insertChecksum | insertTag | offsets)
        bench.ringTransmit(1)
        #expect(bench.transmitted() == [frame])
        #expect(bench.nic.flags[.legacyTransmitDescriptor] == 1, "a driver must not rely on it")
    }
}
