import DeviceMemory
import HeaderSplit
import PagePool
import Rings
import Testing

/// A queue that is halted, emptied, armed again and taken apart, without a device.
@Suite struct QueueRestartTests {
    @Test("a halted queue gives what was completed, proves it visible, and rings no tail (S3.08)")
    func drain() throws {
        var bench = try Bench()
        let rung = bench.bus.writes.count
        for _ in 0..<5 { bench.complete(header: 54, length: 1000) }
        bench.queue.halt()
        for _ in 0..<5 { try bench.dropFrame() }
        let quiet = bench.isQuiet()
        bench.queue.endBurst()
        #expect(quiet && bench.bus.writes.count == rung && bench.flush.reads.count == 1)
        let ledger = bench.pool.ledger()
        #expect(ledger.ring == 8 && ledger.isBalanced)
    }

    @Test("armed again, a queue posts every descriptor with the slot that it holds, from the first on (S3.08, U.38)")
    func rearm() throws {
        var bench = try Bench()
        for round in 0..<3 {
            for _ in 0..<3 {
                bench.complete(header: 54, length: 1000)
                try bench.dropFrame()
            }
            bench.queue.endBurst()
            bench.queue.halt()
            let slots = bench.pool.ledger()
            let armedBefore = bench.queue.isArmed
            bench.queue.rearm(&bench.pool)
            let armed = bench.queue.isArmed
            #expect(!armedBefore && armed)
            var addresses: Set<UInt64> = []
            for index in 0..<8 {
                addresses.insert(bench.posted(index))
                // DD is clear: the second word is the header buffer's address again.
                #expect(bench.memory.bytes.readOnly.le64(index * 16 + 8) == 0x8_0000 + UInt64(index * 192))
            }
            #expect(addresses.count == 8 && bench.pool.ledger() == slots)
            bench.queue.start()
            bench.head = 0
            #expect(bench.bus.writes.last.map { $0 == (Bench.tail, 7) } == true, "round \(round)")
            // A whole turn and more: nothing of the old positions is left.
            for _ in 0..<11 {
                bench.complete(header: 54, length: 500)
                try bench.dropFrame()
                bench.queue.endBurst()
            }
            #expect(bench.bus.writes.last.map { $0 == (Bench.tail, 2) } == true)
            bench.queue.halt()
            bench.queue.rearm(&bench.pool)
            bench.queue.start()
            bench.head = 0
        }
        let abandoned = bench.queue.statistics.abandoned
        #expect(abandoned == 0)
    }

    @Test("the middle of a chain is forgotten by arming again")
    func chain() throws {
        var bench = try Bench()
        bench.complete(header: 54, length: 2048, status: 0x61)
        let quiet = bench.isQuiet()
        bench.queue.halt()
        bench.queue.rearm(&bench.pool)
        bench.queue.start()
        bench.head = 0
        bench.complete(header: 54, length: 700)
        let frame = try bench.frame()
        #expect(quiet && frame.header.count == 54)
        var last = frame
        if let fragment = last.fragment.take() { bench.pool.recycle(fragment) }
        let chained = bench.queue.statistics.chained
        #expect(chained == 1)
    }

    @Test(
        "frames that nobody took are counted, and their payload has landed before the slots are used again (S2.23)",
        arguments: [true, false])
    func abandoned(_ rearms: Bool) throws {
        var bench = try Bench()
        for _ in 0..<3 { bench.complete(header: 54, length: 1000) }
        bench.queue.halt()
        if rearms { bench.queue.rearm(&bench.pool) } else { bench.queue.stop(&bench.pool) }
        let abandoned = bench.queue.statistics.abandoned
        #expect(abandoned == 3 && bench.flush.reads.count == 1)
        let ledger = bench.pool.ledger()
        #expect(ledger.isBalanced && ledger.pool == (rearms ? 8 : 16))
        // Once is enough.
        if rearms {
            bench.queue.rearm(&bench.pool)
            let again = bench.queue.statistics.abandoned
            #expect(again == 3 && bench.flush.reads.count == 1)
        }
    }

    @Test("every descriptor is posted anew, the last one too, whatever the device wrote there (S3.08)")
    func everyDescriptor() throws {
        var bench = try Bench()
        for _ in 0..<3 {
            bench.complete(header: 54, length: 1000)
            try bench.dropFrame()
        }
        bench.queue.endBurst()
        for _ in 3..<8 { bench.complete(header: 54, length: 1000) }
        bench.queue.halt()
        bench.queue.rearm(&bench.pool)
        for index in 0..<8 {
            #expect(bench.memory.bytes.readOnly.le64(index * 16 + 8) == 0x8_0000 + UInt64(index * 192), "\(index)")
        }
        let abandoned = bench.queue.statistics.abandoned
        #expect(abandoned == 5)
    }

    @Test("memory that a queue leaves behind serves the next one, whatever is in it (U.38)")
    func memory() throws {
        var bench = try Bench()
        for _ in 0..<8 { bench.complete(header: 54, length: 1000) }
        bench.queue.halt()
        let memory = bench.queue.memory
        bench.queue.stop(&bench.pool)
        var next = try Bench.Queue(
            ring: memory.ring, headers: memory.headers, placement: .headerBuffer(192),
            doorbell: Doorbell(offset: Bench.tail), bus: bench.bus, flushWindow: bench.flush, visibility: .flushRead,
            pool: &bench.pool)
        next.start()
        let isQuiet: Bool
        switch next.nextFrame(&bench.pool) {
        case .none: isQuiet = true
        case .some(var frame):
            isQuiet = false
            if let fragment = frame.fragment.take() { bench.pool.recycle(fragment) }
        }
        #expect(isQuiet, "no completion of the old queue is seen")
        next.continueCounting(from: bench.queue.statistics)
        let abandoned = next.statistics.abandoned
        #expect(abandoned == 8 && bench.pool.ledger().ring == 8)
        next.stop(&bench.pool)
    }

    @Test("a tail that somebody else rings is not rung")
    func tail() throws {
        var bench = try Bench()
        bench.queue.halt()
        bench.queue.rearm(&bench.pool)
        let rung = bench.bus.writes.count
        bench.queue.start(ringsTail: false)
        #expect(bench.bus.writes.count == rung)
        bench.head = 0
        bench.complete(header: 54, length: 500)
        try bench.dropFrame()
        bench.queue.endBurst()
        #expect(bench.bus.writes.count == rung + 1)
    }
}
