import DeviceMemory
import Packets
import Testing

/// RFC 1071: the sum of any bytes, whatever their number and place, is that of its definition word by word.
@Suite struct InternetChecksumTests {
    private func definition(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[i]) << 8 | (i + 1 < bytes.count ? UInt32(bytes[i + 1]) : 0)
            sum = (sum & 0xFFFF) + (sum >> 16)
        }
        return UInt16(sum)
    }

    private func check(_ bytes: [UInt8], at offset: Int = 0) {
        let heap = HeapBytes(count: bytes.count + offset)
        for i in bytes.indices { heap.bytes[offset + i] = bytes[i] }
        var sum = InternetChecksum()
        sum.add(heap.bytes.readOnly.from(offset))
        #expect(sum.folded == definition(bytes), "\(bytes.count) bytes at \(offset)")
    }

    @Test func everyLengthAndAlignment() {
        var state: UInt64 = 3
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: state >> 40)
            }
            check(bytes)
            check(bytes, at: 1 + count % 7)
        }
    }

    @Test func carriesAtTheEdges() {
        for count in [1, 2, 7, 8, 9, 31, 32, 33, 64, 65, 1460] {
            check([UInt8](repeating: 0xFF, count: count))
            check([UInt8](repeating: 0, count: count))
            check([UInt8](repeating: 0xFF, count: count - 1) + [0xFE])
            check([1] + [UInt8](repeating: 0xFF, count: count - 1))
        }
    }

    /// RFC 1071, section 3.
    @Test func exampleOfTheRFC() {
        check([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7])
        #expect(definition([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]) == 0xDDF2)
    }
}
