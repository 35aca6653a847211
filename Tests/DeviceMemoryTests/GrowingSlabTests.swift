import DeviceMemory
import Testing

@Suite struct GrowingSlabTests {
    @Test("elements keep value and place while a slab grows to its last one, and it grows no further")
    func growth() {
        var slab = GrowingSlab<UInt64>(capacity: 500_000)
        #expect(slab.count == 0)
        var count = 0
        while count < 500_000 {
            let next = min(count + 70_001, 500_000)
            let hasGrown = slab.grow(to: next, repeating: UInt64(next))
            #expect(hasGrown && slab.count == next)
            for i in [count, next - 1] {
                let value = slab[i]
                #expect(value == UInt64(next))
                slab[i] = UInt64(i)
            }
            for i in stride(from: 0, to: count, by: 70_001) {
                let value = slab[i]
                #expect(value == UInt64(i))
            }
            count = next
        }
        let isRefused = !slab.grow(to: 500_001, repeating: 0)
        let stays = slab.grow(to: 3, repeating: 0)
        #expect(isRefused && stays && slab.count == 500_000)
    }

    @Test(
        "what the system cannot set aside is a slab that stays empty, and no trap", arguments: [1 << 45, Int.max, -1])
    func impossible(_ capacity: Int) {
        var slab = GrowingSlab<UInt64>(capacity: capacity)
        let isRefused = !slab.grow(to: 1, repeating: 0)
        let none = GrowingSlab<UInt64>(zeroed: capacity).count
        #expect(isRefused && slab.count == 0 && none == 0)
    }

    @Test("zeroed elements are zero; those that are forgotten are zero again, as far as whole pages are theirs alone")
    func zeros() {
        // 64 KiB are 8192 of these.
        var slab = GrowingSlab<UInt64>(zeroed: 40_000)
        #expect(slab.count == 40_000)
        for i in [0, 8191, 8192, 16_383, 16_384, 39_999] {
            let value = slab[i]
            #expect(value == 0)
            slab[i] = 7
        }
        slab.forget(8191..<16_385)
        let values = [0, 8191, 8192, 16_383, 16_384, 39_999].map { slab[$0] }
        #expect(values == [7, 7, 0, 0, 7, 7])
    }
}
