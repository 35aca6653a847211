import NICRegisters
import SoftNIC
import Testing

/// RSS: the verification suite that Microsoft published for the Toeplitz hash, and spreading by RETA.
@Suite struct HashTests {
    static let key: [UInt8] = [
        0x6D, 0x5A, 0x56, 0xDA, 0x25, 0x5B, 0x0E, 0xC2, 0x41, 0x67, 0x25, 0x3D, 0x43, 0xA3, 0x8F, 0xB0, 0xD0, 0xCA,
        0x2B, 0xCB, 0xAE, 0x7B, 0x30, 0xB4, 0x77, 0xCB, 0x2D, 0xA3, 0x80, 0x30, 0xF2, 0x0C, 0x6A, 0x42, 0xB7, 0x3B,
        0xBE, 0xAC, 0x01, 0xFA,
    ]

    struct Vector: Sendable {
        var destination: [UInt8]
        var destinationPort: Int
        var source: [UInt8]
        var sourcePort: Int
        var addresses: UInt32
        var tcp: UInt32
    }

    static let ipv4: [Vector] = [
        Vector(
            destination: [161, 142, 100, 80], destinationPort: 1766, source: [66, 9, 149, 187], sourcePort: 2794,
            addresses: 0x323E_8FC2, tcp: 0x51CC_C178),
        Vector(
            destination: [65, 69, 140, 83], destinationPort: 4739, source: [199, 92, 111, 2], sourcePort: 14230,
            addresses: 0xD718_262A, tcp: 0xC626_B0EA),
        Vector(
            destination: [12, 22, 207, 184], destinationPort: 38024, source: [24, 19, 198, 95], sourcePort: 12898,
            addresses: 0xD2D0_A5DE, tcp: 0x5C2B_394A),
        Vector(
            destination: [209, 142, 163, 6], destinationPort: 2217, source: [38, 27, 205, 30], sourcePort: 48228,
            addresses: 0x8298_9176, tcp: 0xAFC7_327F),
        Vector(
            destination: [202, 188, 127, 2], destinationPort: 1303, source: [153, 39, 163, 191], sourcePort: 44251,
            addresses: 0x5D18_09C5, tcp: 0x10E8_28A2),
    ]

    static let ipv6: [Vector] = [
        Vector(
            destination: [0x3F, 0xFE, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1],
            destinationPort: 1766,
            source: [0x3F, 0xFE, 0x25, 0x01, 0x02, 0x00, 0x1F, 0xFF, 0, 0, 0, 0, 0, 0, 0, 7], sourcePort: 2794,
            addresses: 0x2CC1_8CD5, tcp: 0x4020_7D3D)
    ]

    private func bench(_ preset: SoftNICPreset, queues: Int = 1, _ mode: I82576.MultipleQueues) throws -> Bench {
        let bench = try Bench(preset)
        bench.link()
        for queue in 0..<queues { bench.startQueue(queue, type: 5) }
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(Self.key[4 * word + byte]) << UInt32(8 * byte) }
            bench.bus.write(I82576.rssrk(word), PlainValue(value))
        }
        bench.bus.write(I82576.rxcsum, .init(rawValue: 0x300).setting(.packetChecksumDisable))
        bench.bus.write(I82576.mrqc, mode.setting(.mode, 2))
        bench.enableReceiver()
        return bench
    }

    @Test(arguments: SoftNICPreset.allCases)
    func verificationSuite(_ preset: SoftNICPreset) throws {
        for vector in Self.ipv4 {
            let frame = FrameRecipe {
                $0.sourceAddress = vector.source
                $0.destinationAddress = vector.destination
                $0.sourcePort = vector.sourcePort
                $0.destinationPort = vector.destinationPort
            }
            let tcp = try bench(preset, .init().setting(.tcpIPv4))
            tcp.send(frame)
            #expect(tcp.completion(0, 0).hash == vector.tcp && tcp.completion(0, 0).rssType == 1)
            let addresses = try bench(preset, .init().setting(.ipv4))
            addresses.send(frame)
            #expect(addresses.completion(0, 0).hash == vector.addresses && addresses.completion(0, 0).rssType == 2)
            // With PCSD the identification is not there, and IPIDV says so.
            #expect(addresses.completion(0, 0).status == 0x63)
        }
        for vector in Self.ipv6 {
            let frame = FrameRecipe {
                $0.network = .ipv6
                $0.sourceAddress6 = vector.source
                $0.destinationAddress6 = vector.destination
                $0.sourcePort = vector.sourcePort
                $0.destinationPort = vector.destinationPort
            }
            let tcp = try bench(preset, .init().setting(.tcpIPv6Ex))
            tcp.send(frame)
            #expect(
                tcp.completion(0, 0).hash == vector.tcp && tcp.completion(0, 0).rssType == (preset == .qemu ? 3 : 6))
            let addresses = try bench(preset, .init().setting(.ipv6))
            addresses.send(frame)
            #expect(addresses.completion(0, 0).hash == vector.addresses && addresses.completion(0, 0).rssType == 5)
        }
    }

    /// Six flows over RETA 0x01000100: three to each queue (observed on QEMU with flows of six source ports).
    @Test(arguments: SoftNICPreset.allCases)
    func redirectionTableSpreads(_ preset: SoftNICPreset) throws {
        let bench = try bench(preset, queues: 2, .init().setting(.tcpIPv4))
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0x0100_0100)) }
        // The low bit of the hash decides: three ports of each kind.
        var ports: [[Int]] = [[], []]
        for port in 40000..<40100 {
            let parity = Int(
                Self.toeplitz([10, 0, 0, 1, 10, 0, 0, 2, UInt8(port >> 8), UInt8(port & 0xFF), 0x13, 0x89]) & 1)
            if ports[parity].count < 3 { ports[parity].append(port) }
        }
        for port in ports[0] + ports[1] { bench.send(FrameRecipe { $0.sourcePort = port }) }
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 3)
        #expect(bench.bus.read(I82576.rdh(1)).rawValue == 3)
        // What is not hashed goes to queue 0.
        bench.send(FrameRecipe { $0.transport = .udp })
        bench.send(FrameRecipe { $0.network = .other(0x0806) })
        bench.send(FrameRecipe { $0.fragment = 0x2000 })
        #expect(bench.bus.read(I82576.rdh(0)).rawValue == 6)
        #expect(bench.completion(0, 3).rssType == 0)
    }

    /// Byte i of word w is entry 4w + i.
    @Test func redirectionEntriesAreBytes() throws {
        let bench = try bench(.strict, queues: 4, .init().setting(.tcpIPv4))
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0x0302_0100)) }
        var expected = [0, 0, 0, 0]
        for port in 40000..<40020 {
            let input: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2, UInt8(port >> 8), UInt8(port & 0xFF), 0x13, 0x89]
            let queue = Int(Self.toeplitz(input) % 4)
            expected[queue] += 1
            bench.send(FrameRecipe { $0.sourcePort = port })
            #expect(bench.bus.read(I82576.rdh(queue)).rawValue == UInt32(expected[queue]))
        }
        #expect(!expected.contains(0))
    }

    /// The definition, bit by bit.
    static func toeplitz(_ input: [UInt8]) -> UInt32 {
        var hash: UInt32 = 0
        for bit in 0..<(input.count * 8) where input[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1 {
            var window: UInt32 = 0
            for i in 0..<32 {
                let k = bit + i
                window = window << 1 | UInt32(key[k / 8] >> UInt8(7 - k % 8) & 1)
            }
            hash ^= window
        }
        return hash
    }

    @Test func definitionAgreesWithItsVerificationSuite() {
        #expect(Self.toeplitz([66, 9, 149, 187, 161, 142, 100, 80, 0x0A, 0xEA, 0x06, 0xE6]) == 0x51CC_C178)
    }

    @Test func withoutPCSDThereIsNoHash() throws {
        let bench = try bench(.qemu, .init().setting(.tcpIPv4))
        bench.bus.write(I82576.rxcsum, .init(rawValue: 0x300))
        bench.send(FrameRecipe())
        #expect(bench.completion(0, 0).rssType == 0 && bench.completion(0, 0).hash == 0x1234, "the identification")
    }

    @Test func sixteenQueues() throws {
        let bench = try Bench(.qemu)
        bench.link()
        for queue in 0..<4 { bench.startQueue(queue, type: 1) }
        bench.startQueue(15, type: 1, count: 8, posted: 7, headerSize: 0)
        bench.bus.write(I82576.rxcsum, .init(rawValue: 0x2300))
        bench.bus.write(I82576.mrqc, .init().setting(.mode, 2).setting(.tcpIPv4))
        for i in 0..<32 { bench.bus.write(I82576.reta(i), PlainValue(0xFFFF_FFFF)) }
        bench.enableReceiver()
        bench.send(FrameRecipe())
        #expect(bench.bus.read(I82576.rdh(15)).rawValue == 1)
    }
}
