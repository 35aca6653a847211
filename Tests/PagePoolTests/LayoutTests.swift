import DeviceMemory
import Testing

@testable import PagePool

@Suite struct LayoutTests {
    @Test("what is handled per packet has the size that was decided, and no more (S0.06, S1.10, S3.12)")
    func sizes() {
        #expect(MemoryLayout<Netmem>.size == 8)
        #expect(MemoryLayout<Fragment>.size == 16 && MemoryLayout<Fragment>.stride == 16)
        #expect(MemoryLayout<SlotHolders>.size == 8)
        #expect(MemoryLayout<SlotTransition>.size == 1)
        #expect(MemoryLayout<TokenTable.Entry>.stride == 32)
        #expect(MemoryLayout<TokenTable.Chain>.stride == 8)
        #expect(MemoryLayout<DeliveredFragment>.size == 20)
        #expect(MemoryLayout<HeldToken>.size == 20)
        #expect(MemoryLayout<ReturnWork>.size == 17)
    }

    @Test("the kind is the low bit of the word, and nothing else of it (S3.11, S0.19)")
    func tag() {
        for kind in [MemoryKind.hostPage, .deviceSlot] {
            for (pool, index) in [(UInt16(0), UInt32(0)), (.max, 0), (0, .max), (.max, .max)] {
                let handle = Netmem(kind: kind, pool: pool, index: index)
                #expect(handle.raw & 1 == UInt64(kind.rawValue) && handle.raw & 0xFFFE == 0)
            }
        }
    }
}
