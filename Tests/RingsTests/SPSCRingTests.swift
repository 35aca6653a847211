import DeviceMemory
import Foundation
import Rings
import Testing

@Suite struct SPSCRingTests {
    @Test("everything pushed arrives once and in order, across wraps, between two threads (Z.02)")
    func threads() {
        let memory = HeapBytes(count: SPSCLayout.bytes(of: UInt64.self, capacity: 64))
        let bytes = memory.bytes
        let total: UInt64 = 200_000
        let thread = Thread {
            var producer = SPSCProducer<UInt64>(bytes, capacity: 64)
            var i: UInt64 = 0
            while i < total {
                if producer.push(i) { i += 1 }
                if i % 7 == 0 || i == total { producer.publish() }
                producer.publish()
            }
        }
        thread.start()
        var consumer = SPSCConsumer<UInt64>(bytes, capacity: 64)
        var expected: UInt64 = 0
        var inOrder = true
        while expected < total {
            guard let value = consumer.pop() else { continue }
            if value != expected { inOrder = false }
            expected += 1
            consumer.release()
        }
        let more = consumer.pop()
        #expect(inOrder && more == nil)
        extendLifetime(memory)
    }

    @Test("nothing is seen before it is published, a full ring refuses, and release makes room")
    func publication() {
        let memory = HeapBytes(count: SPSCLayout.bytes(of: UInt32.self, capacity: 4))
        var producer = SPSCProducer<UInt32>(memory.bytes, capacity: 4)
        var consumer = SPSCConsumer<UInt32>(memory.bytes, capacity: 4)
        let pushed = (0..<5).map { producer.push(UInt32($0)) }
        #expect(pushed == [true, true, true, true, false])
        let early = consumer.pop()
        producer.publish()
        let first = consumer.pop()
        let full = producer.push(4)
        consumer.release()
        let roomy = producer.push(4)
        #expect(early == nil && first == 0 && !full && roomy)
        extendLifetime(memory)
    }

    @Test("space that the consumer gave back is seen whatever number of entries is asked for")
    func refresh() {
        let memory = HeapBytes(count: SPSCLayout.bytes(of: UInt32.self, capacity: 4))
        var producer = SPSCProducer<UInt32>(memory.bytes, capacity: 4)
        var consumer = SPSCConsumer<UInt32>(memory.bytes, capacity: 4)
        for i in 0..<3 { _ = producer.push(UInt32(i)) }
        producer.publish()
        let before = producer.hasSpace(for: 2)
        while consumer.pop() != nil {}
        consumer.release()
        let after = producer.hasSpace(for: 2)
        #expect(!before && after)
        extendLifetime(memory)
    }

    @Test("counters that a hostile other side wrote are survived (Z.03)")
    func nonsense() {
        let memory = HeapBytes(count: SPSCLayout.bytes(of: UInt32.self, capacity: 4))
        var consumer = SPSCConsumer<UInt32>(memory.bytes, capacity: 4)
        memory.bytes.setLE32(SPSCLayout.tail, 0x8000_0000)
        let popped = consumer.pop()
        #expect(popped == nil)
        var producer = SPSCProducer<UInt32>(memory.bytes, capacity: 4)
        memory.bytes.setLE32(SPSCLayout.head, 77)
        let roomy = producer.hasSpace(for: 5)
        #expect(!roomy)
        for i in 0..<10 { _ = producer.push(UInt32(i)) }
        extendLifetime(memory)
    }
}

@Suite struct RingCursorTests {
    @Test("free-running counters tell full from empty across the wrap of 32 bits")
    func wrap() {
        var cursor = RingCursor(size: 8)
        cursor.head = .max - 2
        cursor.tail = .max - 2
        #expect(cursor.count == 0 && cursor.space == 7)
        for _ in 0..<7 { cursor.tail &+= 1 }
        #expect(cursor.space == 0 && cursor.count == 7)
        #expect(cursor.tailIndex == Int((UInt32.max - 2 &+ 7) & 7))
    }
}
