import DeviceMemory
import Foundation
import Rings
import Timeline

/// A ring of small capacity between two threads: everything arrives, in order.
enum RingCheck {
    struct Entry: BitwiseCopyable {
        var number: UInt64
        var check: UInt64
    }

    static func run(entries: Int) -> [String] {
        let capacity = 64
        let memory = HeapBytes(count: SPSCLayout.bytes(of: Entry.self, capacity: capacity))
        let ring = memory.bytes
        let producer = Thread {
            var end = SPSCProducer<Entry>(ring, capacity: capacity)
            var random = SeededGenerator(seed: 1)
            var next: UInt64 = 0
            while next < UInt64(entries) {
                for _ in 0...random.below(40) where next < UInt64(entries) {
                    guard end.push(Entry(number: next, check: ~next)) else { break }
                    next += 1
                }
                end.publish()
                if random.below(64) == 0 { sched_yield() }
            }
        }
        producer.start()
        var end = SPSCConsumer<Entry>(ring, capacity: capacity)
        var random = SeededGenerator(seed: 2)
        var next: UInt64 = 0
        var wrong = 0
        let limit = ContinuousClock.now + .seconds(60)
        while next < UInt64(entries) {
            var count = random.below(40)
            while count > 0, let entry = end.pop() {
                if entry.number != next || entry.check != ~next { wrong += 1 }
                next += 1
                count -= 1
            }
            end.release()
            if count != 0 {
                sched_yield()
                if ContinuousClock.now > limit { return ["only \(next) of \(entries) entries came in 60 s"] }
            }
        }
        while !producer.isFinished { usleep(100) }
        extendLifetime(memory)
        return wrong == 0 ? [] : ["\(wrong) entries are not those that were put"]
    }
}
