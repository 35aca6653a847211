import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// Deliveries by demand, turns, and data that is dropped unread.
@Suite struct DemandTests {
    /// What one delivery brought.
    enum Got: Equatable {
        case linear(Int)
        case device(Int)
        case event
        case nothing
    }

    /// Takes one delivery of owner 0, and gives it back at once.
    static func next(_ script: Script) -> Got {
        let before = script.host.seen
        let spaces = script.host.spaceEvents
        script.host.drain(owner: 0, atMost: 1)
        for (id, seen) in script.host.seen {
            let old = before[id] ?? Seen()
            let count = seen.bytes.count - old.bytes.count
            if seen.deviceRecords != old.deviceRecords { return .device(count) }
            if seen.linearRecords != old.linearRecords { return .linear(count) }
            if seen.opened != old.opened || seen.endOfStream != old.endOfStream || seen.closed != old.closed {
                return .event
            }
            if seen.untrusted != old.untrusted { return .event }
        }
        return script.host.spaceEvents == spaces ? .nothing : .event
    }

    @Test("one byte at a time from whole fragments, returned in random order (S4.11, S4.04)", arguments: [1, 7, 100])
    func partial(step: Int) throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.host.returnsAtOnce = false
        let data = pattern(step == 1 ? 300 : 3000)
        script.data(Array(data[..<(data.count / 2)]))
        script.data(Array(data[(data.count / 2)...]))
        #expect(DemandTests.next(script) == .nothing)
        let passedOver = script.host.stack.nextDelivery() == nil
        #expect(passedOver)
        var taken = 0
        while taken < data.count {
            script.host.stack.demand(id, bytes: step)
            var want = min(step, data.count - taken)
            while want > 0 {
                guard case .device(let count) = DemandTests.next(script), count <= want else {
                    Issue.record("\(want) bytes wanted")
                    return
                }
                want -= count
                taken += count
            }
            if taken < data.count { #expect(DemandTests.next(script) == .nothing) }
        }
        #expect(script.host.seen[id]?.bytes == data && script.host.seen[id]?.badSums == 0)
        // Two slots, in as many records as there were reads.
        #expect(script.host.pools.pools[1].ledger().application == 2)
        #expect(try script.info(id).recordsHeld == script.host.held.count && script.info(id).slotsHeld == 2)
        var random = SeededGenerator(seed: 1)
        while !script.host.held.isEmpty {
            let record = script.host.held.remove(at: Int(random.below(UInt32(script.host.held.count))))
            script.host.pools.returned(record.slot)
            script.host.stack.credit(id, slots: 1, linearBytes: 0)
            let held = try script.info(id)
            #expect(held.recordsHeld == script.host.held.count)
            #expect(held.slotsHeld >= script.host.pools.pools[1].ledger().application)
        }
        #expect(try script.info(id).slotsHeld == 0 && script.host.isBalanced)
        #expect(script.host.stack.info(owner: 0)?.slotsInUse == 0)
    }

    @Test("a whole record keeps its sum, a cut one has none (S4.11)")
    func sums() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.data(pattern(1000))
        script.data(pattern(1000, seed: 2))
        script.host.stack.demand(id, bytes: 1500)
        script.host.drain(owner: 0)
        #expect(script.host.seen[id]?.checkedSums == 1 && script.host.seen[id]?.deviceRecords == 2)
        script.host.stack.demand(id, bytes: 500)
        script.host.drain(owner: 0)
        #expect(script.host.seen[id]?.checkedSums == 1 && script.host.seen[id]?.badSums == 0)
        #expect(script.host.seen[id]?.bytes == pattern(1000) + pattern(1000, seed: 2))
    }

    @Test("linear bytes are cut likewise, before the fragment of their packet (S4.02, S4.11)", arguments: 1...64)
    func linear(kept: Int) throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.host.layout = .splitAfter(kept)
        let data = pattern(500, seed: UInt64(kept))
        script.data(data)
        #expect(script.host.stack.nextKind(id) == .linear)
        script.host.stack.demand(id, bytes: kept - 1)
        if kept > 1 { #expect(DemandTests.next(script) == .linear(kept - 1)) }
        #expect(DemandTests.next(script) == .nothing && script.host.stack.nextKind(id) == .linear)
        script.host.stack.demand(id, bytes: 11)
        #expect(DemandTests.next(script) == .linear(1) && script.host.stack.nextKind(id) == .device)
        #expect(DemandTests.next(script) == .device(10) && script.host.stack.available(id) == 500 - kept - 10)
        script.host.stack.demand(id, bytes: .max)
        script.host.stack.demand(id, bytes: .max)
        #expect(DemandTests.next(script) == .device(500 - kept - 10) && script.host.seen[id]?.bytes == data)
        #expect(script.host.stack.nextKind(id) == .none && script.host.stack.linearBlocksFree == 1024)
        #expect(try script.info(id).linearBytesHeld == 0 && script.host.isBalanced)
    }

    @Test("events do not wait for a demand, the ends wait for the bytes before them (S4.09)")
    func ends() throws {
        let script = try Script()
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.data(pattern(40))
        for _ in 0..<16 { script.input(script.frame(.ack, payload: [1]), .unknown) }
        #expect(DemandTests.next(script) == .event && script.host.seen[id]?.untrusted == 1)
        script.send([.ack, .fin])
        script.seq &+= 1
        #expect(DemandTests.next(script) == .nothing && script.host.stack.nextKind(id) == .device)
        script.send(.rst)
        #expect(DemandTests.next(script) == .nothing)
        script.host.stack.demand(id, bytes: 39)
        #expect(DemandTests.next(script) == .device(39) && DemandTests.next(script) == .nothing)
        script.host.stack.demand(id, bytes: 1)
        #expect(DemandTests.next(script) == .device(1) && script.host.stack.nextKind(id) == .endOfStream)
        #expect(DemandTests.next(script) == .event && script.host.seen[id]?.endOfStream == 1)
        #expect(script.host.stack.nextKind(id) == .closed)
        #expect(DemandTests.next(script) == .event && script.host.seen[id]?.closed == .reset)
        #expect(script.host.stack.nextKind(id) == .none && script.host.stack.connectionCount == 0)
    }

    @Test("what waits for a demand closes the window, and a demand opens it again; ACKs count what arrived (S4.18)")
    func window() throws {
        let script = try Script { $0.slotsPerFlow = 16 }
        let id = try script.open()
        script.host.stack.setPull(id, true)
        let base = script.seq
        var sent = 0
        while sent < 1 << 20, script.host.stack.info(id).map({ $0.rcvAdv.distance(from: $0.rcvNxt) }) ?? 0 >= 700 {
            let answers = script.data(pattern(700)) + script.wait(.milliseconds(50))
            sent += 700
            #expect(answers.last?.ack == base &+ UInt32(sent))
        }
        #expect(sent >= 16 * 600 && sent < 1 << 16 && script.host.stack.statistics.droppedWithoutSlots == 0)
        #expect(script.wait(.seconds(1)).isEmpty)
        #expect(try script.info(id).slotsHeld == sent / 700 && script.host.stack.available(id) == sent)
        script.host.stack.demand(id, bytes: 7 * 700)
        script.host.drain(owner: 0)
        let updates = script.poll()
        #expect(updates.count == 1 && updates[0].ack == base &+ UInt32(sent))
        #expect(Int(updates[0].header.window) << Int(script.scale) >= 7 * 600)
        script.host.stack.setPull(id, false)
        script.host.drain()
        #expect(script.host.seen[id]?.bytes.count == sent && script.host.stack.demanded(id) == nil)
    }

    @Test("an owner's connections may all deliver by demand from the start (S4.09)")
    func pullOwner() throws {
        let script = try Script()
        script.host.stack.setPull(owner: 0, true)
        let id = try script.open()
        script.data([1, 2, 3])
        #expect(script.host.seen[id]?.bytes == [] && script.host.stack.demanded(id) == 0)
        script.host.stack.demand(id, bytes: 2)
        script.data([4])
        script.host.drain(owner: 0)
        #expect(script.host.seen[id]?.bytes == [1, 2] && script.host.stack.demanded(id) == 0)
        script.host.stack.demand(id, bytes: 100)
        script.data([5, 6])
        script.host.drain(owner: 0)
        #expect(script.host.seen[id]?.bytes == [1, 2, 3, 4, 5, 6] && script.host.stack.demanded(id) == 96)
    }

    @Test("a reader of single bytes has a limit of records, and goes on when some came back (S4.05)")
    func cuts() throws {
        let script = try Script { $0.slotsPerFlow = 200 }
        let id = try script.open()
        script.host.stack.setPull(id, true)
        script.host.returnsAtOnce = false
        script.host.keepsBytes = false
        for _ in 0..<13 { script.data(pattern(1400)) }
        for _ in 0..<18_000 {
            script.host.stack.demand(id, bytes: 1)
            script.host.drain(owner: 0)
        }
        let stuck = script.host.held.count
        #expect(stuck < 16_500 && stuck > 16_000)
        script.host.giveBack()
        script.host.drain(owner: 0)
        #expect(script.host.held.count > 0)
        script.host.giveBack()
        #expect(script.host.stack.info(owner: 0)?.slotsInUse == script.host.pools.pools[1].ledger().stack)
        script.host.stack.setPull(id, false)
        script.host.drain()
        script.host.giveBack()
        #expect(script.host.isBalanced && script.host.stack.info(owner: 0)?.slotsInUse == 0)
    }

    @Test("an elephant does not bury a mouse: turns are taken by bytes (Z.05, A.20)", arguments: [4000, 20_000])
    func turns(quantum: Int) throws {
        let script = try Script { $0.deliveryQuantum = quantum }
        let elephant = try script.open()
        let first = (script.seq, script.ack)
        script.peerPort = 6000
        script.seq = 90_000
        let mouse = try script.open()
        let second = (script.seq, script.ack)
        // No drain between: both have data waiting, the elephant first.
        (script.peerPort, script.seq, script.ack) = (5000, first.0, first.1)
        for _ in 0..<28 {
            script.input(script.frame(.ack, payload: pattern(1400)))
            script.seq &+= 1400
        }
        (script.peerPort, script.seq, script.ack) = (6000, second.0, second.1)
        for _ in 0..<30 {
            script.input(script.frame(.ack, payload: pattern(70)))
            script.seq &+= 70
        }
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        while script.host.seen[mouse]?.bytes.isEmpty != false { script.host.drain(owner: 0, atMost: 1) }
        #expect(script.host.seen[elephant]?.bytes.count ?? 0 <= quantum + 1400)
        #expect(script.host.seen[elephant]?.bytes.count ?? 0 >= quantum)
        while script.host.seen[mouse]?.bytes.count ?? 0 < 2100 { script.host.drain(owner: 0, atMost: 1) }
        #expect(script.host.seen[elephant]?.bytes.count ?? 0 < 28 * 1400)
        script.host.drain(owner: 0)
        #expect(script.host.seen[elephant]?.bytes.count == 28 * 1400 && script.host.isBalanced)
    }

    @Test("discarded bytes need no record: slots are back and the window is open at once (S4.14)", arguments: 0..<20)
    func discard(seed: UInt64) throws {
        let script = try Script { $0.linearBlocks = 64 }
        let id = try script.open()
        script.host.stack.setPull(id, true)
        var random = SeededGenerator(seed: seed)
        var stream: [UInt8] = []
        var expected: [UInt8] = []
        var read = 0
        var owed = 0
        let base = script.seq
        for round in 0..<60 {
            let data = pattern(1 + Int(random.below(900)), seed: seed * 100 + UInt64(round))
            script.host.layout = [.split, .splitAfter(Int(random.below(90))), .unsplit][Int(random.below(3))]
            if data.count > 2 && random.below(3) == 0 {
                // The second half first.
                let half = data.count / 2
                script.send(.ack, seq: script.seq &+ UInt32(half), payload: Array(data[half...]))
                script.send(.ack, payload: Array(data[..<half]))
                script.seq &+= UInt32(data.count)
            } else {
                script.data(data)
            }
            stream += data
            // What arrived is dropped as far as it is owed.
            var skipped = min(owed, stream.count - read)
            owed -= skipped
            read += skipped
            if random.below(3) == 0 {
                let count = Int(random.below(1500))
                let now = script.host.stack.discard(id, bytes: count, pools: &script.host.pools)
                skipped = min(count, stream.count - read)
                #expect(now == skipped, "seed \(seed)")
                read += skipped
                owed += count - skipped
            }
            if random.below(2) == 0 && owed == 0 {
                let count = Int(random.below(700))
                script.host.stack.demand(id, bytes: count)
                script.host.drain(owner: 0)
                let taken = min(count, stream.count - read)
                expected += stream[read..<(read + taken)]
                read += taken
                if taken < count {
                    // Forget the rest of the demand.
                    script.host.stack.setPull(id, false)
                    script.host.stack.setPull(id, true)
                }
            }
            #expect(script.host.stack.available(id) == stream.count - read, "seed \(seed) round \(round)")
        }
        #expect(script.host.seen[id]?.bytes == expected, "seed \(seed)")
        #expect(try script.info(id).rcvNxt.distance(from: SequenceNumber(base)) == stream.count)
        #expect(script.host.stack.statistics.discardedBytes == UInt64(read - expected.count))
        script.host.stack.discard(id, bytes: 1_000_000, pools: &script.host.pools)
        let info = try script.info(id)
        #expect(info.slotsHeld == 0 && info.linearBytesHeld == 0 && info.recordsHeld == 0, "seed \(seed)")
        #expect(script.host.stack.info(owner: 0)?.slotsInUse == 0 && script.host.isBalanced)
        let isOver = script.host.stack.nextDelivery() == nil
        #expect(isOver && script.host.stack.linearBlocksFree == 64)
    }

    @Test("a window that waits for a demand is opened by a discard, and the peer is told (S4.14, S4.18)")
    func discardOpens() throws {
        let script = try Script { $0.slotsPerFlow = 8 }
        let id = try script.open()
        script.host.stack.setPull(id, true)
        for _ in 0..<7 { script.data(pattern(730)) }
        _ = script.wait(.milliseconds(50))
        #expect(try script.info(id).rcvAdv == script.info(id).rcvNxt)
        #expect(script.host.stack.discard(id, bytes: 4 * 730, pools: &script.host.pools) == 4 * 730)
        let told = script.poll()
        #expect(told.count == 1 && Int(told[0].header.window) << Int(script.scale) >= 2 * 1460)
    }

    @Test("what is discarded beyond the end of the stream is forgotten (S4.14)")
    func discardToTheEnd() throws {
        let script = try Script()
        let id = try script.open()
        #expect(script.host.stack.discard(id, bytes: 1000, pools: &script.host.pools) == 0)
        script.data(pattern(600))
        script.send([.ack, .fin], payload: pattern(100))
        script.host.drain()
        #expect(script.host.seen[id]?.bytes == [] && script.host.seen[id]?.endOfStream == 1)
        #expect(script.host.stack.statistics.discardedBytes == 700 && script.host.isBalanced)
        #expect(script.host.stack.discard(id, bytes: 5, pools: &script.host.pools) == 0)
    }

    @Test("lent bytes stay as they are although the rest of their block is dropped and new data comes (S4.02)")
    func lentBytes() throws {
        let script = try Script { $0.linearBlocks = 64 }
        let id = try script.open()
        script.host.layout = .unsplit
        script.host.stack.setPull(id, true)
        script.data(pattern(200))
        script.host.stack.demand(id, bytes: 50)
        var bytes: ByteView?
        if let delivery = script.host.stack.nextDelivery(owner: 0, pools: &script.host.pools) {
            bytes = delivery.linear
        }
        let lent = try #require(bytes)
        script.host.stack.credit(id, slots: 0, linearBytes: 50)
        #expect(script.host.stack.discard(id, bytes: 150, pools: &script.host.pools) == 150)
        script.input(script.frame(.ack, payload: pattern(200, seed: 2)))
        #expect(lent.array() == Array(pattern(200)[..<50]))
        _ = script.host.stack.nextDelivery()
        #expect(script.host.stack.linearBlocksFree == 63)
    }
}
