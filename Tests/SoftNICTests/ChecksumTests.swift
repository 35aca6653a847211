import NICRegisters
import Packets
import SoftNIC
import Testing

/// S3.24 and what follows from it: the device alone can check payload, so its verdict must come from the bytes.
@Suite struct ChecksumTests {
    private static let headerBad: UInt32 = 1 << 30
    private static let transportBad: UInt32 = 1 << 29

    private func status(
        _ recipe: FrameRecipe, mark: FrameMark = .none, _ change: (inout [UInt8]) -> Void = { _ in },
        offloads: UInt32 = 0x300
    ) throws -> UInt32 {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        bench.bus.write(I82576.rxcsum, .init(rawValue: offloads))
        var frame = recipe.bytes
        change(&frame)
        bench.send(frame, mark: mark)
        #expect(bench.completion(0, 0).isDone)
        return bench.completion(0, 0).status
    }

    @Test func goodFrames() throws {
        #expect(try status(FrameRecipe()) == 0x263)
        #expect(try status(FrameRecipe { $0.transport = .udp }) == 0x273)
        #expect(try status(FrameRecipe { $0.network = .ipv6 }) == 0x023)
        #expect(try status(FrameRecipe { $0.payload = 777 }) == 0x263, "odd length")
        #expect(try status(FrameRecipe { $0.payload = 1 }) == 0x263, "padding is not summed")
    }

    @Test func badSums() throws {
        #expect(try status(FrameRecipe { $0.badTransportChecksum = true }) == 0x263 | Self.transportBad)
        #expect(try status(FrameRecipe { $0.badHeaderChecksum = true }) == 0x263 | Self.headerBad)
        #expect(
            try status(
                FrameRecipe {
                    $0.network = .ipv6
                    $0.transport = .udp
                    $0.badTransportChecksum = true
                }) == 0x033 | Self.transportBad)
    }

    @Test func aFlippedPayloadBitIsFound() throws {
        for bit in [54 * 8, 500 * 8 + 3, 1053 * 8 + 7] {
            let found = try status(FrameRecipe(), { $0[bit / 8] ^= UInt8(1 << (bit % 8)) })
            #expect(found == 0x263 | Self.transportBad, "bit \(bit)")
        }
    }

    @Test func whatCannotBeCheckedIsNot() throws {
        #expect(try status(FrameRecipe { $0.fragment = 0x2000 }) == 0x243, "fragments")
        #expect(
            try status(
                FrameRecipe {
                    $0.transport = .udp
                    $0.noChecksum = true
                }) == 0x243, "UDP without a checksum")
        // The IP length says more than there is: the header sum is made right again, the transport stays unchecked.
        let cut = try status(FrameRecipe(), { $0.removeLast(10) })
        #expect(cut == 0x243)
        #expect(try status(FrameRecipe(), offloads: 0) == 0x203)
        #expect(try status(FrameRecipe(), offloads: 0x100) == 0x243)
        #expect(try status(FrameRecipe(), offloads: 0x200) == 0x223)
    }

    @Test func marksOverrideTheVerdict() throws {
        let bad = FrameRecipe { $0.badTransportChecksum = true }
        #expect(try status(bad, mark: .claimGood) == 0x263)
        #expect(try status(FrameRecipe(), mark: .claimBad) == 0x263 | Self.transportBad)
        #expect(try status(FrameRecipe(), mark: .claimNothing) == 0x203)
    }

    /// RFC 9260, appendix A: a DATA chunk whose CRC-32c was computed by the definition, bit by bit.
    @Test func sctp() throws {
        var packet: [UInt8] = [0, 7, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0] + FrameRecipe.pattern(100)
        var crc: UInt32 = .max
        for byte in packet {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        for i in 0..<4 { packet[8 + i] = UInt8(truncatingIfNeeded: ~crc >> UInt32(8 * i)) }
        let recipe = FrameRecipe {
            $0.transport = .other(132)
            $0.payload = packet.count
        }
        let good = try status(recipe, { $0.replaceSubrange(34..., with: packet) }, offloads: 0xB00)
        #expect(good == 0x263)
        packet[40] ^= 1
        let bad = try status(recipe, { $0.replaceSubrange(34..., with: packet) }, offloads: 0xB00)
        #expect(bad == 0x263 | Self.transportBad)
    }

    /// Any bytes at all: the model survives what a peer sends.
    @Test func garbageIsSurvived() throws {
        var bench = try Bench(.strict)
        var state: UInt64 = 7
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        for round in 0..<400 {
            if round % 15 == 0 {
                bench = try Bench(round % 2 == 0 ? .strict : .qemu)
                bench.link()
                bench.startQueue(0, type: round % 4 < 2 ? 5 : 2, headerSize: 64)
                bench.enableReceiver { $0[.unicastPromiscuous] = true }
            }
            var recipe = FrameRecipe()
            if next() % 2 == 0 { recipe.network = .ipv6 }
            if next() % 3 == 0 { recipe.extensionHeader = [0, 44, 43, 51, 60][next() % 5] }
            if next() % 3 == 0 { recipe.transport = .udp }
            if next() % 4 == 0 { recipe.tag = next() % 4096 }
            recipe.payload = next() % 300
            var frame = recipe.bytes
            for _ in 0..<(next() % 6) { frame[next() % min(frame.count, 80)] = UInt8(truncatingIfNeeded: next()) }
            if next() % 3 == 0 { frame.removeLast(next() % frame.count) }
            bench.send(frame)
        }
        #expect(bench.nic.flags[.bufferNotPosted] == 0)
    }
}
