import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// A stack that sends from its region on a device that can.
private func sending(_ configuration: inout Configuration) {
    configuration.transmitChecksumOffload = true
    configuration.segmentationOffload = true
    configuration.placedSends = 64
}

extension Script {
    /// A script whose stack sends from the region, a connection without timestamps, and the region's bytes.
    fileprivate static func sending(
        slots: Int = 4, change: (inout Configuration) -> Void = { _ in }
    ) throws -> (Script, ConnectionID, [UInt8]) {
        let script = try Script {
            TCPLiteTests.sending(&$0)
            change(&$0)
        }
        let bytes = script.host.takeSlots(slots)
        return (script, try script.open(options: Script.sack), bytes)
    }

    fileprivate func place(_ id: ConnectionID, _ offset: Int, _ length: Int) throws(TCPError) -> UInt32 {
        try host.stack.send(
            id, from: 1, CollectionOfOne(SendRange(offset: UInt64(offset), length: length)), pools: &host.pools)
    }

    /// Everything that was completed.
    fileprivate func completions() -> [SendCompletion] {
        var all: [SendCompletion] = []
        while let completion = host.stack.nextCompletion() { all.append(completion) }
        return all
    }
}

@Suite struct PlacedSendTests {
    @Test("bytes of the region leave by reference, cut by the device at MSS; PSH on the last alone (U.26, S-09)")
    func byReference() throws {
        let (script, id, bytes) = try Script.sending()
        let number = try script.place(id, 100, 6000)
        let sent = script.poll()
        #expect(number == 0 && sent.map(\.payload.count) == [1460, 1460, 1460, 1460, 160])
        #expect(sent.flatMap(\.payload) == Array(bytes[100..<6100]))
        #expect(
            sent.allSatisfy { $0.checksumIsGood }
                && sent.map { $0.flags.contains(.psh) } == [false, false, false, false, true])
        let statistics = script.host.stack.statistics
        #expect(statistics.placedBytesSent == 6000 && statistics.framesToCut == 1 && statistics.segmentsSent == 2)
        script.host.returnSlots(4)
    }

    @Test("a send is complete when the last byte is acknowledged and the device has let go, not before (U.28, S2.02)")
    func completion() throws {
        let (script, id, _) = try Script.sending()
        script.host.releasesAtOnce = false
        _ = try script.place(id, 0, 3000)
        let first = try #require(script.poll().first)
        #expect(script.host.slotsInTransmission == 2 && script.completions().isEmpty)
        script.send(.ack, ack: first.seq &+ 2999)
        #expect(script.completions().isEmpty)
        script.send(.ack, ack: first.seq &+ 3000)
        // Acknowledged, and a repetition may still be in the device's queue.
        #expect(script.completions().isEmpty && script.host.slotsInTransmission == 2)
        script.host.returnSlots(4)
        #expect(script.host.pools.pools[1].freeCount == script.host.slots - 2)
        script.host.releaseHeld()
        let done = script.completions()
        #expect(done.count == 1 && done[0].first == 0 && done[0].last == 0 && done[0].isAcknowledged)
        #expect(script.host.slotsInTransmission == 0 && script.host.pools.pools[1].freeCount == script.host.slots)
    }

    @Test("what is lost is read again where it is, and the bytes are the same (U.28, S-05)")
    func retransmission() throws {
        let (script, id, bytes) = try Script.sending()
        _ = try script.place(id, 10, 4000)
        let sent = script.poll()
        #expect(sent.count == 3)
        script.now = try script.info(id).retransmitDeadline
        let again = script.poll()
        #expect(again.first?.seq == sent[0].seq && again.first?.payload == Array(bytes[10..<1470]))
        script.send(.ack, ack: sent[0].seq &+ 3999)
        #expect(script.completions().isEmpty)
        script.send(.ack, ack: sent[0].seq &+ 4000)
        #expect(script.completions().map(\.isAcknowledged) == [true])
        script.host.returnSlots(4)
    }

    @Test(
        "completions that follow one another are one; of another connection, or of another outcome, they are not (U.28)"
    )
    func coalescing() throws {
        let (script, id, _) = try Script.sending()
        for n in 0..<3 { _ = try script.place(id, 100 * n, 100) }
        let first = try #require(script.poll().first)
        script.send(.ack, ack: first.seq &+ 300)
        var done = script.completions()
        #expect(done.map(\.first) == [0] && done.map(\.last) == [2])
        _ = try script.place(id, 0, 50)
        _ = try script.place(id, 50, 50)
        script.poll()
        script.send(.ack, ack: first.seq &+ 350)
        script.send([.rst], ack: 0)
        done = script.completions()
        #expect(done.map(\.first) == [3, 4] && done.map(\.isAcknowledged) == [true, false])
        script.host.returnSlots(4)
    }

    @Test("ranges that touch are one run; a thousand of three bytes leave like one (U.26)")
    func smallRanges() throws {
        let (script, id, bytes) = try Script.sending { $0.placedSends = 1024 }
        let ranges = (0..<1024).map { SendRange(offset: UInt64(3 * $0), length: 3) }
        let number = try script.host.stack.send(id, from: 1, ranges, pools: &script.host.pools)
        let sent = script.poll()
        #expect(number == 0 && sent.flatMap(\.payload) == Array(bytes[..<3072]) && sent.count == 3)
        #expect(script.host.stack.relaySpace() == 1024 - 2)
        script.send(.ack, ack: sent[0].seq &+ 3072)
        #expect(script.completions().count == 1 && script.host.slotsInTransmission == 0)
        let many = (0..<1025).map { SendRange(offset: UInt64($0), length: 1) }
        #expect(throws: TCPError.tooManyRanges(limit: 1024)) {
            _ = try script.host.stack.send(id, from: 1, many, pools: &script.host.pools)
        }
        // Nothing to send is complete at once.
        let none = try script.host.stack.send(id, from: 1, [SendRange(offset: 0, length: 0)], pools: &script.host.pools)
        #expect(none == 1 && script.completions().map(\.first) == [1])
        script.host.returnSlots(4)
    }

    @Test("what cannot be sent is refused, and nothing is changed by it (U.25, U.27, U.30)")
    func refusals() throws {
        let (script, id, _) = try Script.sending()
        let size = UInt64(script.host.slots * 2048)
        #expect(throws: TCPError.outsideRegion(offset: size - 10, length: 11, size: size)) {
            try script.place(id, Int(size) - 10, 11)
        }
        #expect(throws: TCPError.outsideRegion(offset: .max / 2, length: 1, size: size)) {
            try script.place(id, Int.max, 1)
        }
        #expect(throws: TCPError.outsideRegion(offset: 0, length: -1, size: size)) { try script.place(id, 0, -1) }
        // Slot 4 is nobody's, slot 3 is the application's: all or nothing.
        #expect(throws: TCPError.notHeld(slot: 4)) { try script.place(id, 3 * 2048, 2049) }
        #expect(throws: TCPError.notForSending(7)) {
            try script.host.stack.send(id, from: 7, [SendRange(offset: 0, length: 1)], pools: &script.host.pools)
        }
        script.host.pools.pools[1].maySend = false
        #expect(throws: TCPError.notForSending(1)) { try script.place(id, 0, 1) }
        script.host.pools.pools[1].maySend = true
        let many = (0..<65).map { SendRange(offset: UInt64(2 * $0), length: 1) }
        #expect(throws: TCPError.sendQueueFull) {
            try script.host.stack.send(id, from: 1, many, pools: &script.host.pools)
        }
        script.host.stack.shutdown(id)
        #expect(throws: TCPError.notSending) { try script.place(id, 0, 1) }
        #expect(script.host.slotsInTransmission == 0 && script.poll().allSatisfy { $0.payload.isEmpty })
        #expect(script.completions().isEmpty && script.host.pools.pools[1].statistics.violations == 1)
        script.host.returnSlots(4)
        script.host.violationsExpected = 1
    }

    @Test("a device without checksums sends nothing that no processor may read (U.30)")
    func noOffload() throws {
        let script = try Script { $0.placedSends = 8 }
        _ = script.host.takeSlots(1)
        let id = try script.open()
        #expect(throws: TCPError.noChecksumOffload) { try script.place(id, 0, 1) }
        let without = try Script { $0.transmitChecksumOffload = true }
        _ = without.host.takeSlots(1)
        let other = try without.open()
        #expect(throws: TCPError.noPlacedSends) { try without.place(other, 0, 1) }
        script.host.returnSlots(1)
        without.host.returnSlots(1)
    }

    @Test("an application sends from no region but its own (U.27, U.31)")
    func anothers() throws {
        let (script, id, _) = try Script.sending()
        try script.host.stack.disallow(pool: 1, owner: 0)
        #expect(throws: TCPError.notForSending(1)) { try script.place(id, 0, 1) }
        script.host.returnSlots(4)
    }

    @Test("without segmentation by the device every frame is a segment, and bytes of both kinds keep their order")
    func mixed() throws {
        let (script, id, bytes) = try Script.sending {
            $0.segmentationOffload = false
            $0.nagle = false
        }
        let host = pattern(500, seed: 3)
        _ = script.host.stack.send(id, script.view(host))
        _ = try script.place(id, 0, 3000)
        _ = script.host.stack.send(id, script.view(host))
        _ = try script.place(id, 3000, 100)
        let sent = script.poll()
        #expect(sent.flatMap(\.payload) == host + Array(bytes[..<3000]) + host + Array(bytes[3000..<3100]))
        #expect(sent.map(\.payload.count) == [1460, 1460, 580, 600] && script.host.stack.statistics.framesToCut == 0)
        script.host.returnSlots(4)
    }

    @Test("placed bytes take no room in the ring of host memory, and the ring may go round under them")
    func mixedRoom() throws {
        let (script, id, bytes) = try Script.sending {
            $0.sendBufferBytes = 1024
            $0.nagle = false
        }
        let first = pattern(700, seed: 3)
        let second = pattern(1024, seed: 4)
        _ = try script.place(id, 0, 3000)
        let whole = script.host.stack.send(id, script.view(second + first))
        #expect(whole == 1024 && script.host.stack.sendSpace(id) == 0)
        var sent = script.poll()
        let start = sent[0].seq
        // The first 500 of the bytes in host memory are acknowledged, and as many have room again.
        sent += script.send(.ack, ack: start &+ 3500)
        #expect(script.host.stack.sendSpace(id) == 500)
        _ = try script.place(id, 3000, 100)
        let more = script.host.stack.send(id, script.view(first))
        sent += script.poll()
        sent += script.send(.ack, ack: start &+ 4124)
        #expect(more == 500)
        var expected = Array(bytes[..<3000])
        expected += second
        expected += bytes[3000..<3100]
        expected += first[..<500]
        #expect(sent.flatMap(\.payload) == expected)
        script.host.returnSlots(4)
    }

    @Test(
        "a peer that resets in mid-send: one completion, not acknowledged, and slots only after the device (U.29, S1.17)"
    )
    func reset() throws {
        let (script, id, _) = try Script.sending()
        script.host.releasesAtOnce = false
        _ = try script.place(id, 0, 5000)
        script.poll()
        script.host.returnSlots(4)
        script.send([.rst, .ack])
        #expect(script.completions().isEmpty && script.host.slotsInTransmission == 3)
        let faults = script.host.pools.pools[1].drain(at: 1)
        #expect(faults.isEmpty && script.host.pools.pools[1].state == .draining)
        script.host.releaseHeld()
        #expect(script.completions().map(\.isAcknowledged) == [false])
        #expect(script.host.slotsInTransmission == 0 && script.host.pools.pools[1].state == .drained)
        script.host.releaseHeld()
        #expect(script.completions().isEmpty)
    }

    @Test("a peer that says nothing: in-flight data keeps the pool alive until patience ends (U.29)")
    func silence() throws {
        let (script, id, _) = try Script.sending { $0.giveUp = .seconds(10) }
        _ = try script.place(id, 0, 100)
        script.poll()
        script.host.returnSlots(4)
        _ = script.host.pools.pools[1].drain(at: 1)
        #expect(script.host.pools.pools[1].state == .draining)
        _ = script.wait(.seconds(60))
        #expect(script.host.seen[id]?.closed == .timedOut)
        #expect(script.completions().map(\.isAcknowledged) == [false] && script.host.pools.pools[1].state == .drained)
    }

    @Test("more than a segment goes out at once only as the windows allow, in whole segments")
    func windows() throws {
        let (script, id, _) = try Script.sending(slots: 64) { $0.initialWindow = 4 }
        _ = try script.place(id, 0, 60_000)
        let sent = script.poll()
        #expect(sent.map(\.payload.count) == [1460, 1460, 1460, 1460])
        script.window = 3000
        let more = script.send(.ack, ack: sent[0].seq &+ 5840)
        #expect(more.map(\.payload.count) == [1460, 1460])
        script.host.returnSlots(64)
        script.host.stack.abort(id, pools: &script.host.pools)
        script.poll()
    }

    @Test(
        "mixed streams arrive byte for byte over lossy wires, every send completes once, no slot is lost",
        arguments: 0..<24)
    func stream(seed: UInt64) throws {
        let a = Host(
            small(1) {
                sending(&$0)
                $0.segmentationOffload = seed % 2 == 0
                $0.sendBufferBytes = 2048
                $0.initialSequence = .fixed(UInt32.max - 20_000)
            })
        let b = Host(small(2))
        let channel = Channel(a, b, seed: seed)
        let region = a.takeSlots(16, seed: seed)
        channel.impairments.loss = Probability(seed % 4 == 0 ? 0 : 0.03)
        channel.impairments.reorder = Probability(0.05)
        channel.impairments.duplication = Probability(0.02)
        a.releasesAtOnce = seed % 3 != 0
        try b.stack.listen(port: 80)
        let id = try a.stack.connect(to: address(2), port: 80, localPort: nil, now: channel.now)
        var random = SeededGenerator(seed: seed &+ 99)
        var expected: [UInt8] = []
        var sends: UInt32 = 0
        var told: [UInt32] = []
        let host = pattern(4096, seed: 5)
        channel.step = {
            while let completion = a.stack.nextCompletion() {
                for number in completion.first...completion.last { told.append(number) }
            }
            if !a.releasesAtOnce && random.below(4) == 0 { a.releaseHeld() }
            for _ in 0..<4 where expected.count < 60_000 {
                if random.below(2) == 0 {
                    let start = Int(random.below(2000))
                    let wanted = Array(host[start..<start + 1 + Int(random.below(1500))])
                    let bytes = Bytes(wanted)
                    let taken = withExtendedLifetime(bytes) { a.stack.send(id, bytes.view) }
                    expected += wanted[..<taken]
                } else {
                    let ranges = (0...random.below(3)).map { _ in
                        SendRange(offset: UInt64(random.below(16_000)), length: Int(random.below(9000)))
                    }
                    guard let number = try? a.stack.send(id, from: 1, ranges, pools: &a.pools) else { continue }
                    #expect(number == sends)
                    sends += 1
                    for range in ranges { expected += region[Int(range.offset)..<Int(range.offset) + range.length] }
                }
            }
            if expected.count >= 60_000 && a.stack.acceptsData(id) { a.stack.shutdown(id) }
        }
        channel.run(limit: .seconds(900)) { b.seen.values.first?.endOfStream == 1 && told.count == Int(sends) }
        a.releaseHeld()
        channel.round()
        #expect(b.seen.values.first?.bytes == expected && sends > 0)
        #expect(told.sorted() == Array(0..<sends))
        #expect(a.slotsInTransmission == 0 && a.pools.pools[1].ledger().isBalanced)
        a.returnSlots(16)
    }

    @Test(
        "a relayed fragment leaves untouched, holds its slot until acknowledged, and its flow gets the record back (G.13)"
    )
    func relay() throws {
        let script = try Script {
            sending(&$0)
            $0.slotsPerFlow = 4
        }
        script.host.pools.pools[1].maySend = true
        let id = try script.open(options: Script.plain)
        let payload = pattern(1000)
        script.input(script.frame(.ack, payload: payload))
        script.seq &+= 1000
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        var fragment: Fragment?
        while var delivery = script.host.stack.nextDelivery() {
            if let taken = delivery.fragment.take() { fragment = consume taken }
        }
        let slot = fragment?.netmem.index
        try script.host.stack.relay(id, &fragment, from: id, pools: &script.host.pools)
        let isTaken = fragment == nil
        #expect(isTaken && script.host.slotsInTransmission == 1 && script.host.pools.pools[1].ledger().stack == 0)
        let sent = script.poll()
        #expect(sent.first?.payload == payload && slot != nil)
        #expect(try script.info(id).recordsHeld == 1)
        script.send(.ack, ack: sent[0].seq &+ 1000)
        #expect(try script.info(id).recordsHeld == 0)
        #expect(script.host.slotsInTransmission == 0 && script.host.pools.pools[1].freeCount == script.host.slots)
        #expect(script.completions().isEmpty)
    }

    @Test("a fragment of a region that is not for sending stays with the caller (U.30)")
    func relayRefused() throws {
        let script = try Script(sending)
        let id = try script.open(options: Script.plain)
        script.input(script.frame(.ack, payload: pattern(100)))
        script.seq &+= 100
        script.host.stack.poll(now: script.now, pools: &script.host.pools)
        var fragment: Fragment?
        while var delivery = script.host.stack.nextDelivery() {
            if let taken = delivery.fragment.take() { fragment = consume taken }
        }
        var thrown: TCPError?
        do { try script.host.stack.relay(id, &fragment, from: id, pools: &script.host.pools) } catch { thrown = error }
        #expect(thrown == .notForSending(1))
        let left = fragment.take()
        let isLeft = left != nil
        #expect(isLeft && script.host.slotsInTransmission == 0)
        if let left { script.host.pools.recycle(left) }
        script.host.stack.credit(id, slots: 1, linearBytes: 0)
    }
}
