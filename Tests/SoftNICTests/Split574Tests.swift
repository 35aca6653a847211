import DeviceMemory
import NICRegisters
import SoftNIC
import Testing

/// One row of what QEMU 10.0.2's e1000e was observed to write back with 256 or 128 bytes of header buffer and 2 KiB behind.
struct Split574Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var frame: FrameRecipe
    var status: UInt32
    var length0: Int
    var header: Int?
    var length1: Int
    var headerSize = 256
    var fragmentSplitDisable = false
    /// What the documentation of the part and of its relatives says, where that differs.
    var strict: (status: UInt32, length0: Int, header: Int?, length1: Int)?

    var testDescription: String { name }

    init(
        _ name: String, _ status: UInt32, _ length0: Int, _ header: Int?, _ length1: Int, headerSize: Int = 256,
        fragmentSplitDisable: Bool = false, strict: (UInt32, Int, Int?, Int)? = nil,
        _ change: (inout FrameRecipe) -> Void = { _ in }
    ) {
        self.name = name
        self.status = status
        self.length0 = length0
        self.header = header
        self.length1 = length1
        self.headerSize = headerSize
        self.fragmentSplitDisable = fragmentSplitDisable
        self.strict = strict.map { (status: $0.0, length0: $0.1, header: $0.2, length1: $0.3) }
        frame = FrameRecipe(change)
    }

    static let all: [Split574Vector] = [
        // ACK (bit 15) says "pure acknowledgement" in the documentation, and "ACK is set" in QEMU.
        .init("TCP over IPv4", 0x0002_8263, 54, 54, 1000, strict: (0x0002_0263, 54, 54, 1000)),
        .init("TCP with a timestamp", 0x0002_8263, 66, 66, 1000, strict: (0x0002_0263, 66, 66, 1000)) {
            $0.tcpOptions = 12
        },
        .init("a pure ACK, padded", 0x0002_8263, 54, 54, 6, strict: (0x0002_8263, 54, 54, 0)) { $0.payload = 0 },
        .init("UDP over IPv4", 0x0002_0273, 42, 42, 1000) { $0.transport = .udp },
        .init("ICMP", 0x0001_0243, 34, 34, 200, strict: (0x0001_0243, 234, nil, 0)) {
            $0.transport = .other(1)
            $0.payload = 200
        },
        .init("first fragment of TCP", 0x0001_0243, 34, 34, 1020) {
            $0.transport = .other(6)
            $0.payload = 1020
            $0.fragment = 0x2000
        },
        .init("the same, IPFRSP_DIS", 0x0001_0243, 256, nil, 798, fragmentSplitDisable: true) {
            $0.transport = .other(6)
            $0.payload = 1020
            $0.fragment = 0x2000
        },
        .init("TCP over IPv6", 0x0006_8023, 74, 74, 1000, strict: (0x0006_0023, 74, 74, 1000)) { $0.network = .ipv6 },
        .init("UDP over IPv6", 0x0006_0033, 62, 62, 1000) {
            $0.network = .ipv6
            $0.transport = .udp
        },
        .init("TCP behind hop-by-hop options", 0x0006_8023, 82, 82, 1000, strict: (0x0006_0023, 82, 82, 1000)) {
            $0.network = .ipv6
            $0.extensionHeader = 0
        },
        .init("fragment of IPv6", 0x0005_0003, 62, 62, 1000, strict: (0x0005_0003, 54, 54, 1008)) {
            $0.network = .ipv6
            $0.transport = .other(6)
            $0.extensionHeader = 44
        },
        .init("ARP", 0x0000_0003, 60, nil, 0) {
            $0.network = .other(0x0806)
            $0.payload = 46
        },
        .init("1514 bytes of nothing known", 0x0000_0003, 256, nil, 1258) {
            $0.network = .other(0x88B5)
            $0.payload = 1500
        },
        .init(
            "134 bytes of headers, 128 of header buffer", 0x0002_8263, 128, nil, 506, headerSize: 128,
            strict: (0x0002_0263, 128, nil, 506)
        ) {
            $0.tcpOptions = 40
            $0.ipOptions = 40
            $0.payload = 500
        },
    ]
}

/// Packet split of the 82574: header to host memory, payload to the region, and what the descriptor says about it.
@Suite struct Split574Tests {
    @Test(arguments: Split574Vector.all, SoftNICPreset.allCases)
    func packetSplit(_ vector: Split574Vector, _ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        let filters = I82574.ReceiveFilterControl().setting(.fragmentSplitDisable, vector.fragmentSplitDisable)
        bench.start574(.split, headerSize: vector.headerSize, filters: filters)
        #expect(bench.send(vector.frame))
        var expected = (status: vector.status, length0: vector.length0, header: vector.header, length1: vector.length1)
        if preset == .strict, let strict = vector.strict { expected = strict }
        let done = bench.split574(0, 0)
        #expect(done.status == expected.status, "\(done)")
        #expect(done.length0 == expected.length0 && done.length1 == expected.length1, "\(done)")
        #expect(done.length2 == 0 && done.length3 == 0 && done.fourth == 0)
        #expect(done.splitHeader == (expected.header != nil) && done.headerLength == expected.header ?? 0, "\(done)")

        let frame = vector.frame.bytes + [UInt8](repeating: 0, count: max(0, 60 - vector.frame.bytes.count))
        let header = bench.header(0, 0)
        #expect(Array(header[..<expected.length0]) == Array(frame[..<expected.length0]))
        #expect(header[expected.length0...].allSatisfy { $0 == Bench.fill }, "more in the header buffer")
        let payload = bench.payload(0, 0)
        #expect(Array(payload[..<expected.length1]) == Array(frame[expected.length0...].prefix(expected.length1)))
        let rest = preset == .strict ? SoftNIC.poison : Bench.fill
        #expect(payload[expected.length1..<2048].allSatisfy { $0 == rest }, "more in the payload buffer")
        // Units of 16 bytes: a split descriptor is two.
        #expect(bench.bus.read(I82574.rdh(0)).rawValue == 2)
        #expect(!bench.split574(0, 1).isDone)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// 8.3: a tag that is not stripped counts as header.
    @Test(arguments: SoftNICPreset.allCases)
    func tagIsHeaderUnlessStripped(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.split)
        let recipe = FrameRecipe {
            $0.tag = 0x2005
            $0.tcpOptions = 12
        }
        bench.send(recipe)
        #expect(bench.split574(0, 0).length0 == 70 && bench.split574(0, 0).status >> 3 & 1 == 0)
        bench.bus.modify(I82574.ctrl) { $0[.vlanMode] = true }
        bench.send(recipe)
        let done = bench.split574(0, 1)
        #expect(done.length0 == 66 && done.length1 == 1000 && done.status >> 3 & 1 == 1 && done.tag == 0x2005)
        let untagged = FrameRecipe { $0.tcpOptions = 12 }.bytes
        #expect(Array(bench.header(0, 1)[..<66]) == Array(untagged[..<66]))
    }

    /// Four buffers: the payload goes on into the third and the fourth.
    @Test(arguments: SoftNICPreset.allCases)
    func payloadFillsAllBuffersInOrder(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.split)
        let base = bench.regionIOVA.rawValue
        let at = Bench.ringOffset(0)
        bench.memory.setLE64(at + 16, base + UInt64(bench.slot(3, 0)))
        bench.memory.setLE64(at + 24, base + UInt64(bench.slot(3, 1)))
        bench.bus.write(
            I82574.psrctl,
            .init().setting(.headerBufferSize, 2).setting(.bufferSize1, 1).setting(.bufferSize2, 1)
                .setting(.bufferSize3, 1))
        bench.bus.modify(I82574.rctl) { $0[.longPackets] = true }
        bench.send(FrameRecipe { $0.payload = 2500 })
        let done = bench.split574(0, 0)
        #expect([done.length0, done.length1, done.length2, done.length3] == [54, 1024, 1024, 452])
        let pattern = FrameRecipe.pattern(2500)
        #expect(Array(bench.payload(0, 0)[..<1024]) == Array(pattern[..<1024]))
        #expect(Array(bench.payload(3, 0)[..<1024]) == Array(pattern[1024..<2048]))
        #expect(Array(bench.payload(3, 1)[..<452]) == Array(pattern[2048...]))
    }

    /// 8.3: buffer 0 of later descriptors stays empty; QEMU repeats the header status in them.
    @Test(arguments: SoftNICPreset.allCases)
    func longPayloadGoesOnInTheNextDescriptor(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.split) { $0[.longPackets] = true }
        bench.send(FrameRecipe { $0.payload = 3500 })
        let first = bench.split574(0, 0)
        let second = bench.split574(0, 1)
        #expect(first.isDone && !first.isLast && first.status == 1, "status beyond DD comes with EOP")
        #expect(first.length0 == 54 && first.length1 == 2048 && first.splitHeader)
        #expect(second.isLast && second.length0 == 0 && second.length1 == 1452)
        #expect(second.splitHeader == (preset == .qemu))
        #expect(bench.header(0, 1).allSatisfy { $0 == Bench.fill })
        #expect(bench.payload(0, 0)[..<2048] + bench.payload(0, 1)[..<1452] == FrameRecipe.pattern(3500)[...])
        if preset == .strict { #expect(bench.nic.flags[.splitBuffersTooSmall] != 0) }
    }

    /// 8.4: a null header buffer takes the frame's bytes away; the descriptor is done all the same.
    @Test func nullHeaderAddressLosesTheBytes() throws {
        let bench = try Bench(i82574: .qemu)
        bench.start574(.split)
        bench.fill574(.split, 0, 0, header: 0)
        bench.send(FrameRecipe())
        let done = bench.split574(0, 0)
        #expect(done.isDone && done.isLast && done.splitHeader && done.length0 == 0 && done.length1 == 0)
        #expect(bench.payload(0, 0)[..<1000].allSatisfy { $0 == Bench.fill })
    }

    /// 8.4: a kept check sequence lands behind the payload: zeros in QEMU, the sum itself on silicon.
    @Test(arguments: SoftNICPreset.allCases)
    func keptCheckSequenceFollowsThePayload(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        bench.start574(.split) { $0[.stripCRC] = false }
        let frame = FrameRecipe().bytes
        bench.send(frame)
        #expect(bench.split574(0, 0).length1 == 1004)
        let crc = Array(bench.payload(0, 0)[1000..<1004])
        let sum = withView(frame) { referenceCRC($0) }
        #expect(crc == (preset == .qemu ? [0, 0, 0, 0] : (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }))
        if preset == .strict { #expect(bench.nic.flags[.crcKeptWithSplit] != 0) }
    }

    private func referenceCRC(_ frame: ByteView) -> UInt32 {
        var crc: UInt32 = .max
        for byte in frame.array() {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    /// 8.1: QEMU keeps the old sizes when a new one is 0.
    @Test func sizesOfZero() throws {
        let qemu = try Bench(i82574: .qemu)
        qemu.start574(.split)
        let before = qemu.bus.read(I82574.psrctl).rawValue
        qemu.bus.write(I82574.psrctl, .init().setting(.bufferSize1, 2))
        #expect(qemu.bus.read(I82574.psrctl).rawValue == before)
        let strict = try Bench(i82574: .strict)
        strict.start574(.split)
        strict.bus.write(I82574.psrctl, .init().setting(.bufferSize1, 2))
        #expect(strict.nic.flags[.splitBufferSizeZero] == 1)
    }
}
