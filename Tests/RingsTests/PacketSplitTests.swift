import DeviceMemory
import Rings
import Testing

/// What QEMU 10.0.2's e1000e wrote back: status dword, length 0, header status, length 1.
private struct Observed {
    var frame: String
    var status: UInt64
    var length0: UInt64
    var headerStatus: UInt64
    var length1: UInt64
    var split: Bool
    var checked: Bool

    static let all = [
        Observed(
            frame: "TCP over IPv4, 1000 bytes", status: 0x0002_8263, length0: 54, headerStatus: 0x8036, length1: 1000,
            split: true, checked: true),
        Observed(
            frame: "TCP over IPv4 without payload: 6 bytes of padding", status: 0x0002_8263, length0: 54,
            headerStatus: 0x8036, length1: 6, split: true, checked: true),
        Observed(
            frame: "UDP over IPv4", status: 0x0002_0273, length0: 42, headerStatus: 0x802A, length1: 1000, split: true,
            checked: true),
        Observed(
            frame: "ICMP: no transport sum", status: 0x0001_0243, length0: 34, headerStatus: 0x8022, length1: 200,
            split: true, checked: false),
        Observed(
            frame: "first fragment, IPFRSP_DIS", status: 0x0001_0243, length0: 256, headerStatus: 0, length1: 798,
            split: false, checked: false),
        Observed(
            frame: "TCP over IPv6: there is no header sum to check", status: 0x0006_8023, length0: 74,
            headerStatus: 0x804A, length1: 1000, split: true, checked: true),
        Observed(
            frame: "ARP", status: 0x0000_0003, length0: 60, headerStatus: 0, length1: 0, split: false, checked: false),
        Observed(
            frame: "1514 bytes of an unknown type", status: 0x0000_0003, length0: 256, headerStatus: 0, length1: 1258,
            split: false, checked: false),
        Observed(
            frame: "134 bytes of headers in a buffer of 128", status: 0x0002_8263, length0: 128, headerStatus: 0,
            length1: 506, split: false, checked: true),
    ]
}

@Suite struct PacketSplitTests {
    @Test("every field of the write-back is where the part has it (82574, packet split write-back)")
    func fields() {
        let wb = PacketSplitWriteBack(
            information: 0x1 | 1 << 8 | 0xCAFE_BABE << 32, status: 0x0002_8263 | 54 << 32 | 0x0123 << 48,
            lengths: 0x8036 | 1448 << 16 | 77 << 32 | 99 << 48)
        #expect(wb.rssType == 1 && wb.queue == 1 && wb.hash == 0xCAFE_BABE)
        #expect(wb.done && wb.endOfPacket && wb.transportChecked && wb.headerChecked && wb.acknowledgement)
        #expect(wb.packetType == .ipv4Transport && wb.length0 == 54 && wb.vlanTag == 0x0123)
        #expect(wb.splitHeader && wb.headerLength == 54)
        #expect(wb.length1 == 1448 && wb.length2 == 77 && wb.length3 == 99)
        #expect(!wb.ignoreChecksum && !wb.vlanPresent && !wb.udpChecked && !wb.frameError)
        #expect(!wb.transportBad && !wb.headerBad)
        for (bit, get) in [
            (2, { $0.ignoreChecksum }), (3, { $0.vlanPresent }), (4, { $0.udpChecked }), (24, { $0.frameError }),
            (25, { $0.frameError }), (26, { $0.frameError }), (28, { $0.frameError }), (31, { $0.frameError }),
            (29, { $0.transportBad }), (30, { $0.headerBad }),
        ] as [(UInt64, (PacketSplitWriteBack) -> Bool)] {
            #expect(get(PacketSplitWriteBack(information: 0, status: 1 << bit, lengths: 0)))
        }
        let none = PacketSplitWriteBack(information: 0, status: 1 << 27, lengths: 0x7C00)
        #expect(!none.frameError && none.headerLength == 0 && !none.splitHeader)
    }

    @Test("posting rewrites all four addresses, because a write-back destroyed them, and clears the done bit")
    func post() {
        let memory = HeapBytes(count: 8 * 32)
        let ring = DescriptorWords(memory.bytes)
        memory.bytes.fill(0x01)
        PacketSplitFormat.post(ring, index: 3, payload: IOVA(0x1234_5000), header: IOVA(0x99_8800))
        let words = (0..<4).map { memory.bytes.readOnly.le64(96 + $0 * 8) }
        #expect(words == [0x99_8800, 0x1234_5000, .max, .max])
        #expect(PacketSplitFormat.completion(ring, index: 3) == nil)
        // The neighbours are untouched.
        #expect(memory.bytes.readOnly.le64(88) == 0x0101_0101_0101_0101)
        #expect(memory.bytes.readOnly.le64(128) == 0x0101_0101_0101_0101)
        extendLifetime(memory)
    }

    @Test("what QEMU's model wrote is read as what was sent", arguments: Observed.all.indices)
    func observed(_ row: Int) throws {
        let vector = Observed.all[row]
        let memory = HeapBytes(count: 8 * 32)
        let ring = DescriptorWords(memory.bytes)
        memory.bytes.setLE64(32, 0x101)
        memory.bytes.setLE64(40, vector.status | vector.length0 << 32)
        memory.bytes.setLE64(48, vector.headerStatus | vector.length1 << 16)
        let completion = try #require(PacketSplitFormat.completion(ring, index: 1))
        #expect(completion.buffer == 1 && completion.endOfFrame && !completion.frameError)
        #expect(completion.headerLength == UInt32(vector.length0), "\(vector.frame)")
        #expect(completion.payloadLength == UInt32(vector.length1), "\(vector.frame)")
        #expect(completion.split == vector.split && completion.checksumChecked == vector.checked, "\(vector.frame)")
        #expect(!completion.checksumBad && !completion.headerOverflow)
        extendLifetime(memory)
    }

    @Test("checksum bits: IXSM makes them void, a bad sum needs its check, IPv4 needs a checked header (H-04)")
    func checksums() throws {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        func completion(_ status: UInt64) throws -> ReceiveCompletion {
            memory.bytes.setLE64(8, status | 3 | 54 << 32)
            memory.bytes.setLE64(16, 0)
            return try #require(PacketSplitFormat.completion(ring, index: 0))
        }
        let tcp4: UInt64 = 2 << 16
        #expect(try completion(tcp4 | 0x60).checksumChecked)
        #expect(try !completion(tcp4 | 0x60 | 1 << 2).checksumChecked)
        #expect(try !completion(tcp4 | 0x20).checksumChecked)
        #expect(try !completion(tcp4 | 0x40).checksumChecked)
        #expect(try completion(tcp4 | 0x60 | 1 << 29).checksumBad)
        #expect(try completion(tcp4 | 0x50 | 1 << 29).checksumBad)
        #expect(try completion(tcp4 | 0x40 | 1 << 30).checksumBad)
        #expect(try !completion(tcp4 | 0x60 | 1 << 29 | 1 << 2).checksumBad)
        #expect(try !completion(tcp4 | 1 << 29 | 1 << 30).checksumBad)
        extendLifetime(memory)
    }

    @Test("bytes said to be in buffers that do not exist make the length impossible, whatever they add up to")
    func phantomBuffers() throws {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        for shift in [32, 48] as [UInt64] {
            memory.bytes.setLE64(8, 3 | 54 << 32)
            memory.bytes.setLE64(16, 0x8036 | 100 << 16 | 1 << shift)
            let completion = try #require(PacketSplitFormat.completion(ring, index: 0))
            #expect(completion.payloadLength == .max)
        }
        extendLifetime(memory)
    }
}

@Suite struct ExtendedTransmitTests {
    @Test("a context says which IP it is; IPv6's header has no checksum to insert, in segments neither")
    func contextIPv6() {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        let offload = TransmitOffload(
            tcpChecksum: true, linkLength: 14, networkLength: 40, transportLength: 20, segmentSize: 1440, isIPv6: true)
        ExtendedTransmitFormat.writeContext(ring, index: 0, offload, frameLength: 74 + 14_400)
        ExtendedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0x1000), length: 74, isLast: true, offload, frameLength: 74 + 14_400)
        let bytes = memory.bytes.readOnly
        #expect(bytes[4] == 54 && bytes[5] == 70)
        // PAYLEN, TCP, TSE, DEXT and no IPv4; TXSM and no IXSM.
        #expect(bytes.le32(8) == 14_400 | 1 << 24 | 1 << 26 | 1 << 29 && bytes[29] == 2)
        extendLifetime(memory)
    }

    @Test("context and data descriptors carry each field where the part has it (82574, DTYP 0 and 1)")
    func layout() {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        memory.bytes.fill(0xFF)
        let offload = TransmitOffload(tcpChecksum: true, linkLength: 18, networkLength: 24, transportLength: 32)
        ExtendedTransmitFormat.writeContext(ring, index: 0, offload, frameLength: 1514)
        let bytes = memory.bytes.readOnly
        // IPCSS, IPCSO, IPCSE.
        #expect(bytes[0] == 18 && bytes[1] == 28 && bytes.le16(2) == 41)
        // TUCSS, TUCSO, TUCSE.
        #expect(bytes[4] == 42 && bytes[5] == 58 && bytes.le16(6) == 0)
        // DTYP 0 and no PAYLEN; TCP, IPv4, DEXT; no HDRLEN, no MSS.
        #expect(bytes.le32(8) == 1 << 24 | 1 << 25 | 1 << 29 && bytes.le32(12) == 0)
        ExtendedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0xABCD_E000), length: 1514, isLast: true, offload, frameLength: 1514)
        #expect(bytes.le64(16) == 0xABCD_E000)
        // DTALEN, DTYP 1, EOP, IFCS, RS, DEXT; TXSM and not IXSM.
        #expect(bytes.le32(24) == 1514 | 1 << 20 | 1 << 24 | 1 << 25 | 1 << 27 | 1 << 29)
        #expect(bytes[28] == 0 && bytes[29] == 2 && bytes.le16(30) == 0)
        #expect(!ExtendedTransmitFormat.isDone(ring, index: 1))
        memory.bytes[28] = 1
        #expect(ExtendedTransmitFormat.isDone(ring, index: 1))
        ExtendedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0x1000), length: 60, isLast: true, nil, frameLength: 60)
        #expect(!ExtendedTransmitFormat.isDone(ring, index: 1) && bytes[29] == 0)
        extendLifetime(memory)
    }

    @Test("a frame to cut says so in every descriptor: TSE, PAYLEN, HDRLEN and MSS in the context, both checksums")
    func segmentation() {
        let memory = HeapBytes(count: 48)
        let ring = DescriptorWords(memory.bytes)
        let offload = TransmitOffload(
            tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 32, segmentSize: 1448)
        ExtendedTransmitFormat.writeContext(ring, index: 0, offload, frameLength: 66 + 14_480)
        ExtendedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0x1000), length: 66, isLast: false, offload, frameLength: 66 + 14_480)
        ExtendedTransmitFormat.writeData(
            ring, index: 2, buffer: IOVA(0x2000), length: 14_480, isLast: true, offload, frameLength: 66 + 14_480)
        let bytes = memory.bytes.readOnly
        #expect(ExtendedTransmitFormat.contextHoldsLength)
        #expect(bytes.le32(8) == 14_480 | 1 << 24 | 1 << 25 | 1 << 26 | 1 << 29)
        #expect(bytes[13] == 66 && bytes.le16(14) == 1448)
        // DTYP 1, IFCS, TSE, DEXT; EOP and RS in the last alone.
        let common: UInt32 = 1 << 20 | 1 << 25 | 1 << 26 | 1 << 29
        #expect(bytes.le32(24) == 66 | common && bytes.le32(40) == 14_480 | common | 1 << 24 | 1 << 27)
        #expect(bytes[29] == 3 && bytes[45] == 3)
        extendLifetime(memory)
    }
}
