import DeviceMemory
import Packets
import Testing

@Suite struct ChecksumTests {
    /// RFC 1071, by the letter.
    func reference(_ values: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for i in stride(from: 0, to: values.count, by: 2) {
            sum += UInt32(values[i]) << 8 | (i + 1 < values.count ? UInt32(values[i + 1]) : 0)
            sum = (sum & 0xFFFF) + (sum >> 16)
        }
        return UInt16(sum)
    }

    @Test func everyLength() {
        let values = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 181 &+ 77) }
        let space = bytes(values)
        for count in 0...300 {
            var sum = InternetChecksum()
            sum.add(space.bytes.readOnly.slice(0, count))
            #expect(sum.folded == reference(Array(values[0..<count])))
            guard count % 4 == 0 else { continue }
            var header = InternetChecksum()
            header.add(header: space.bytes.readOnly.slice(0, count))
            #expect(header.folded == sum.folded)
        }
    }

    @Test func partsCombineAtAnyOffset() {
        let values = (0..<101).map { UInt8(truncatingIfNeeded: $0 &* 57 &+ 3) }
        let space = bytes(values)
        for cut in 0...101 {
            var first = InternetChecksum()
            first.add(space.bytes.readOnly.slice(0, cut))
            var second = InternetChecksum()
            second.add(space.bytes.readOnly.from(cut))
            first.combine(second, atOffset: cut)
            #expect(first.folded == reference(values))
        }
    }
}
