import DeviceMemory
import Rings
import Testing

@Suite struct AdvancedReceiveDescriptorTests {
    @Test("every field of the write-back is where the datasheet has it (82576, advanced receive descriptor)")
    func fields() {
        // RSS type 1, packet type TCP over IPv4 (0x011), HDR_LEN 54, SPH, hash; DD, EOP, VP, L4CS, IPCS, length, VLAN.
        let information: UInt64 = 0x1 | 0x011 << 4 | 54 << 21 | 1 << 31 | 0xCAFE_BABE << 32
        let status: UInt64 = 0x0001 | 0x2 | 0x8 | 0x20 | 0x40 | 1448 << 32 | 0x0123 << 48
        let wb = AdvancedReceiveWriteBack(information: information, status: status)
        #expect(wb.rssType == 1)
        #expect(wb.packetType == [.ipv4, .tcp])
        #expect(wb.headerLength == 54 && wb.splitHeader && wb.hash == 0xCAFE_BABE)
        #expect(wb.done && wb.endOfPacket && wb.vlanPresent && wb.transportChecked && wb.headerChecked)
        #expect(!wb.headerOverflow && !wb.transportBad && !wb.headerBad && !wb.receiveError && !wb.udpChecked)
        #expect(wb.length == 1448 && wb.vlanTag == 0x0123)
        let full = AdvancedReceiveWriteBack(information: 0x3FF << 21, status: 0xFFFF << 32)
        #expect(full.headerLength == 1023 && full.length == 65535 && !full.splitHeader && full.hash == 0)
        for (bit, get) in [
            (23, { $0.headerOverflow }), (29, { $0.transportBad }), (30, { $0.headerBad }), (31, { $0.receiveError }),
            (4, { $0.udpChecked }),
        ] as [(Int, (AdvancedReceiveWriteBack) -> Bool)] {
            #expect(get(AdvancedReceiveWriteBack(information: 0, status: 1 << UInt64(bit))))
        }
        #expect(MemoryLayout<AdvancedReceiveWriteBack>.size == AdvancedSplitFormat.stride)
    }

    @Test("a posted descriptor is not done, and a completion is read only with its done bit")
    func post() throws {
        let memory = HeapBytes(count: 8 * 16)
        let ring = DescriptorWords(memory.bytes)
        memory.bytes.fill(0xFF)
        AdvancedSplitFormat.post(ring, index: 3, payload: IOVA(0x1234_5000), header: IOVA(0x99_8800))
        #expect(memory.bytes.readOnly.le64(48) == 0x1234_5000)
        #expect(memory.bytes.readOnly.le64(56) == 0x99_8800)
        #expect(AdvancedSplitFormat.completion(ring, index: 3) == nil)
        memory.bytes.setLE64(48, 54 << 21 | 1 << 31 | 0x011 << 4)
        memory.bytes.setLE64(56, 0x63 | 1000 << 32)
        let completion = try #require(AdvancedSplitFormat.completion(ring, index: 3))
        #expect(completion.buffer == 3 && completion.headerLength == 54 && completion.payloadLength == 1000)
        #expect(completion.split && completion.endOfFrame && completion.checksumChecked && !completion.checksumBad)
        extendLifetime(memory)
    }

    @Test("a transport sum without a checked IPv4 header proves nothing; a bad header makes the frame bad")
    func checksums() throws {
        let memory = HeapBytes(count: 16)
        let ring = DescriptorWords(memory.bytes)
        func completion(type: UInt64, status: UInt64) throws -> ReceiveCompletion {
            memory.bytes.setLE64(0, type << 4 | 54 << 21)
            memory.bytes.setLE64(8, status | 3)
            return try #require(AdvancedSplitFormat.completion(ring, index: 0))
        }
        #expect(try !completion(type: 0x011, status: 0x20).checksumChecked)
        #expect(try completion(type: 0x014, status: 0x20).checksumChecked)
        #expect(try completion(type: 0x011, status: 0x60 | 1 << 29).checksumBad)
        #expect(try completion(type: 0x011, status: 0x40 | 1 << 30).checksumBad)
        #expect(try !completion(type: 0x011, status: 1 << 29).checksumBad)
        extendLifetime(memory)
    }
}

@Suite struct AdvancedTransmitDescriptorTests {
    @Test("context and data descriptors carry each field where the datasheet has it (I210 7.2.2.2, 7.2.2.3)")
    func layout() {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        let offload = TransmitOffload(tcpChecksum: true, linkLength: 18, networkLength: 24, transportLength: 32)
        AdvancedTransmitFormat.writeContext(
            ring, index: 0,
            offload, frameLength: 1514)
        let bytes = memory.bytes.readOnly
        #expect(bytes.le32(0) == 24 | 18 << 9)
        #expect(bytes.le32(8) == 1 << 29 | 2 << 20 | 1 << 10 | 1 << 11)
        #expect(bytes.le32(12) == 32 << 8)
        AdvancedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0xABCD_E000), length: 1514, isLast: true, offload, frameLength: 1514)
        #expect(bytes.le64(16) == 0xABCD_E000)
        // DTALEN, DTYP 3, EOP, IFCS, RS, DEXT; TXSM, PAYLEN.
        #expect(bytes.le32(24) == 1514 | 3 << 20 | 1 << 24 | 1 << 25 | 1 << 27 | 1 << 29)
        #expect(bytes.le32(28) == 1 << 9 | 1514 << 14)
        #expect(!AdvancedTransmitFormat.isDone(ring, index: 1))
        memory.bytes.setLE32(28, 1)
        #expect(AdvancedTransmitFormat.isDone(ring, index: 1))
        extendLifetime(memory)
    }

    @Test("a frame to cut says so in every descriptor: MSS in the context, PAYLEN without headers, both checksums")
    func segmentation() {
        let memory = HeapBytes(count: 48)
        let ring = DescriptorWords(memory.bytes)
        let offload = TransmitOffload(
            tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 32, segmentSize: 1448)
        AdvancedTransmitFormat.writeContext(ring, index: 0, offload, frameLength: 66 + 14_480)
        AdvancedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0x1000), length: 66, isLast: false, offload, frameLength: 66 + 14_480)
        AdvancedTransmitFormat.writeData(
            ring, index: 2, buffer: IOVA(0x2000), length: 14_480, isLast: true, offload, frameLength: 66 + 14_480)
        let bytes = memory.bytes.readOnly
        // L4LEN, MSS.
        #expect(bytes.le32(12) == 32 << 8 | 1448 << 16)
        // DTYP 3, IFCS, DEXT, TSE; EOP and RS in the last alone.
        let common: UInt32 = 3 << 20 | 1 << 25 | 1 << 29 | 1 << 31
        #expect(bytes.le32(24) == 66 | common && bytes.le32(40) == 14_480 | common | 1 << 24 | 1 << 27)
        // IXSM, TXSM, PAYLEN.
        #expect(bytes.le32(28) == 3 << 8 | 14_480 << 14 && bytes.le32(44) == 3 << 8 | 14_480 << 14)
        extendLifetime(memory)
    }

    @Test("a context says which IP it is; IPv6's header has no checksum to insert, in segments neither")
    func contextIPv6() {
        let memory = HeapBytes(count: 32)
        let ring = DescriptorWords(memory.bytes)
        let offload = TransmitOffload(
            tcpChecksum: true, linkLength: 14, networkLength: 40, transportLength: 20, segmentSize: 1440, isIPv6: true)
        AdvancedTransmitFormat.writeContext(ring, index: 0, offload, frameLength: 74 + 14_400)
        AdvancedTransmitFormat.writeData(
            ring, index: 1, buffer: IOVA(0x1000), length: 74, isLast: true, offload, frameLength: 74 + 14_400)
        let bytes = memory.bytes.readOnly
        #expect(bytes.le32(0) == 40 | 14 << 9)
        #expect(bytes.le32(8) == 1 << 29 | 2 << 20 | 1 << 11 && bytes.le32(12) == 20 << 8 | 1440 << 16)
        // TXSM and no IXSM, PAYLEN.
        #expect(bytes.le32(28) == 1 << 9 | 14_400 << 14)
        extendLifetime(memory)
    }
}
