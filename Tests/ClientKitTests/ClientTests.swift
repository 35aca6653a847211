import ClientKit
import DeviceMemory
import Rings
import Testing

/// A client, and the engine's ends of its rings by hand.
private struct Bench: ~Copyable {
    let memory: HeapBytes
    let channel: ApplicationChannel
    var client: ApplicationClient
    var records: SPSCProducer<FragmentRecord>
    var returns: SPSCConsumer<TokenRange>
    var commands: SPSCConsumer<ApplicationCommand>

    init(returnCapacity: Int = 4) {
        let shape = ChannelShape(
            recordCapacity: 8, returnCapacity: returnCapacity, returnLanes: 2, commandCapacity: 4, linearBytes: 512,
            sendBytes: 64)
        memory = HeapBytes(count: ApplicationChannel.bytes(of: shape))
        channel = ApplicationChannel(memory.bytes, shape: shape)
        client = ApplicationClient(channel)
        records = SPSCProducer(channel.recordRing, capacity: 8)
        returns = SPSCConsumer(channel.returnRing(lane: 0), capacity: returnCapacity)
        commands = SPSCConsumer(channel.commandRing, capacity: 4)
    }

    mutating func publish(_ published: [FragmentRecord]) {
        for record in published { _ = records.push(record) }
        records.publish()
    }

    mutating func takeRanges() -> [TokenRange] {
        var ranges: [TokenRange] = []
        while let range = returns.pop() { ranges.append(range) }
        returns.release()
        return ranges
    }
}

@Suite struct ClientTests {
    @Test("consecutive tokens travel as one range, no longer than an engine takes at once (U.08, C.23)")
    func ranges() {
        var bench = Bench()
        for token in 1...10 as ClosedRange<UInt64> { _ = bench.client.giveBack(token) }
        _ = bench.client.giveBack(20)
        let unpublished = bench.takeRanges()
        bench.client.flush()
        let ranges = bench.takeRanges()
        #expect(unpublished.isEmpty && ranges.map(\.start) == [1, 20] && ranges.map(\.count) == [10, 1])
        for token in 100..<3100 as Range<UInt64> { _ = bench.client.giveBack(token) }
        bench.client.flush()
        let long = bench.takeRanges()
        #expect(long.map(\.count) == [1024, 1024, 952] && long.map(\.start) == [100, 1124, 2148])
        // A flush of nothing publishes nothing.
        bench.client.flush()
        let nothing = bench.takeRanges()
        #expect(nothing.isEmpty)
    }

    @Test("a return ring that is full refuses a token, and has lost none that it took (Z.02, Z.07)")
    func fullRing() {
        var bench = Bench()
        var (taken, seen): ([UInt64], [UInt64]) = ([], [])
        var token: UInt64 = 1
        for _ in 0..<200 {
            // Never consecutive.
            if bench.client.giveBack(token) {
                taken.append(token)
                token += 2
            } else {
                bench.client.flush()
                seen += bench.takeRanges().map(\.start)
            }
        }
        for _ in 0..<3 {
            bench.client.flush()
            seen += bench.takeRanges().map(\.start)
        }
        #expect(seen == taken && taken.count > 150)
    }

    @Test("lanes are apart: what one returns is not seen in another (Z.09)")
    func lanes() {
        var bench = Bench()
        var other = ReturnLane(bench.channel, lane: 1)
        _ = other.giveBack(7)
        let published = other.publish()
        let again = other.publish()
        let mine = bench.takeRanges()
        var lane = SPSCConsumer<TokenRange>(bench.channel.returnRing(lane: 1), capacity: 4)
        let range = lane.pop()
        #expect(published && !again && mine.isEmpty && range?.start == 7 && range?.count == 1)
    }

    @Test("the counter of a consumer never goes back (C.22)")
    func counter() {
        var bench = Bench()
        for (token, expected) in [(5, 5), (3, 5), (9, 9), (0, 9)] as [(UInt64, UInt64)] {
            bench.client.giveBack(through: token)
            bench.client.flush()
            #expect(bench.channel.consumedThrough.loadAcquiring() == expected)
        }
    }

    @Test("bytes with a place are put there, and their record is one of the region (Z.06, C.25, A.05)")
    func placed() {
        var bench = Bench()
        let region = HeapBytes(count: 1000)
        for i in 0..<100 { bench.channel.linearRing[i] = UInt8(i) }
        bench.publish([
            FragmentRecord(.place, connection: 3, token: 11, offset: 500, length: 100, region: 2),
            FragmentRecord(.linear, connection: 3, offset: 0, length: 100, payloadSum: 77),
            FragmentRecord(.device, connection: 3, token: 12, offset: 0, length: 10, region: 2),
        ])
        let bytes = region.bytes
        let first = bench.client.next { bytes.slice(Int($0.offset), Int($0.length)) }
        #expect(first?.kind == .device && first?.isMoved == true && first?.token == 11 && first?.offset == 500)
        #expect(first?.length == 100 && first?.region == 2 && first?.payloadSum == 77 && first?.hasPayloadSum == true)
        #expect((0..<100).allSatisfy { bytes[500 + $0] == UInt8($0) })
        bench.client.flush()
        #expect(bench.channel.linearConsumed.loadAcquiring() == 100)
        let second = bench.client.next { bytes.slice(Int($0.offset), Int($0.length)) }
        #expect(second?.token == 12 && second?.isMoved == false)
        extendLifetime(region)
    }

    @Test("a place that cannot be used is given back, and its bytes stay where they are (Z.06, C.23)")
    func unplaced() {
        var bench = Bench()
        bench.publish([
            FragmentRecord(.place, connection: 3, token: 11, offset: 500, length: 100, region: 2),
            FragmentRecord(.linear, connection: 3, offset: 0, length: 100),
            FragmentRecord(.linear, connection: 3, offset: 100, length: 5),
        ])
        let record = bench.client.next { _ in nil }
        #expect(record?.kind == .linear && record?.length == 100)
        bench.client.flush()
        let ranges = bench.takeRanges()
        #expect(ranges.map(\.start) == [11] && ranges.map(\.count) == [1])
        // The next bytes have no place of their own, and do not get that one.
        let next = bench.client.next { _ in nil }
        #expect(next?.kind == .linear && next?.offset == 100)
    }

    @Test("commands that find no room are refused, not lost; a send is queued whole or not at all (U.06)")
    func commands() {
        var bench = Bench()
        var accepted = 0
        for connection in 0..<10 as Range<UInt32> where bench.client.demand(1, on: connection) { accepted += 1 }
        #expect(accepted == 4)
        let bytes = HeapBytes(count: 64)
        let refused = bench.client.send(bytes.bytes.readOnly.slice(0, 10), on: 1)
        #expect(!refused && bench.client.sendSpace == 64)
        bench.client.flush()
        while bench.commands.pop() != nil {}
        bench.commands.release()
        let long = HeapBytes(count: 65)
        let tooLong = bench.client.send(long.bytes.readOnly, on: 1)
        extendLifetime(long)
        let whole = bench.client.send(bytes.bytes.readOnly, on: 1)
        let none = bench.client.send(bytes.bytes.readOnly.slice(0, 1), on: 1)
        #expect(!tooLong && whole && !none && bench.client.sendSpace == 0)
        extendLifetime(bytes)
    }
}
