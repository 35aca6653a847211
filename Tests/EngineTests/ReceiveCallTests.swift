import ClientKit
import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// One connection that is read by calls, with every byte checked.
private final class Reader {
    let rig: Rig
    let connection: UInt32
    private let linear = HeapBytes(count: 1 << 14)
    var tokens: [UInt64] = []
    /// The records of the call before, by kind, and whether device ones came after linear ones.
    var kinds: [RecordKind] = []
    var records = 0
    var position: Int { rig.applications[0].streams[connection]?.position ?? 0 }
    var next: NextKind { rig.nextKind(connection) }
    var linearHeld: Int? { rig.info(connection: connection)?.linearBytesHeld }

    init(slots: Int = 400, regionSlots: Int = 512, slotSize: Int = 4096, limit: Int, tokenLimit: Int = 8192) throws {
        rig = try Rig(slots: slots, perFlow: slots - 8, port: PortConfiguration(tokenLimit: tokenLimit))
        _ = try rig.bind([1], slotSize: slotSize, slots: regionSlots)
        rig.engine.stack.setPull(owner: 0, true)
        try rig.peer.connect(0, to: 5001, limit: 0, now: rig.now)
        rig.run { [rig] in !rig.applications[0].opened.isEmpty }
        connection = rig.applications[0].opened.first ?? 0
        rig.peer.flows[0].limit = limit
    }

    /// Sends `pieces`, one after the other, each in segments of its own.
    func send(_ pieces: [Int]) {
        for piece in pieces {
            rig.peer.flows[0].piece = piece
            rig.peer.flows[0].limit = rig.peer.flows[0].sent + piece
            rig.turn(.microseconds(100))
        }
        rig.run(100, .microseconds(100))
    }

    @discardableResult
    func receive(
        _ limit: Int = .max, capacity: Int = 64, room: Int = 1 << 14, _ options: ReceiveOptions = .deviceMemory
    ) throws -> ReceiveResult {
        var buffer = RecordBuffer(capacity: capacity)
        kinds = []
        let result = try rig.engine.receive(
            connection, limit: limit, into: &buffer, linear: linear.bytes.slice(0, room), options, now: rig.now)
        var (sum, host) = (0, 0)
        for i in 0..<buffer.count {
            let record = buffer[i]
            kinds.append(record.kind ?? .event)
            sum += Int(record.length)
            let bytes: ByteView
            if record.kind == .device {
                tokens.append(record.token)
                let region = rig.applications[0].views[record.region]
                bytes =
                    region?.view.bytes.readOnly.slice(Int(record.offset), Int(record.length)) ?? linear.bytes.readOnly
            } else {
                host += Int(record.length)
                bytes = linear.bytes.readOnly.slice(Int(record.offset), Int(record.length))
                #expect(record.token == 0)
            }
            rig.applications[0].check(bytes, connection)
            if record.hasPayloadSum {
                var own = InternetSum()
                own.add(bytes)
                #expect(own.value == UInt32(record.payloadSum) % 0xFFFF)
            }
        }
        records += buffer.count
        #expect(sum == result.bytes && host == result.linearBytes && buffer.count <= capacity && sum <= limit)
        #expect(rig.held(by: 0, now: rig.now).tokens == tokens.count)
        return result
    }

    func giveBack(_ token: UInt64) {
        #expect(rig.giveBack([TokenRange(start: token, count: 1)])?.freed == 1)
    }

    func giveBackAll() {
        for token in tokens { giveBack(token) }
        tokens = []
    }

    /// Every slot is free or posted, and every byte right.
    func isClean(_ bytes: Int) -> Bool {
        let ledger = rig.report().ledger
        return position == bytes && rig.applications[0].wrong == 0 && ledger.application == 0 && ledger.stack == 0
            && ledger.isBalanced && rig.faults.isEmpty
    }
}

/// A one's complement sum, written again so that the stack's is not its own witness.
private struct InternetSum {
    private var total: UInt64 = 0
    mutating func add(_ bytes: ByteView) {
        for i in 0..<bytes.count { total += i % 2 == 0 ? UInt64(bytes[i]) << 8 : UInt64(bytes[i]) }
    }
    var value: UInt32 { UInt32(total % 0xFFFF) }
}

@Suite struct ReceiveCallTests {
    @Test("without the option data in a region is told of, not taken; with it all of it comes (S4.01, U.16, S4.17)")
    func optIn() throws {
        let reader = try Reader(limit: 0)
        reader.send([5000])
        #expect(reader.next == .device)
        for _ in 0..<3 {
            #expect(throws: ReceiveError.deviceDataPending) { try reader.receive(.max, []) }
        }
        #expect(reader.position == 0 && reader.rig.held(by: 0, now: reader.rig.now).tokens == 0)
        let result = try reader.receive()
        #expect(result.bytes == 5000 && result.stop == .drained && reader.next == NextKind.none)
        reader.giveBackAll()
        #expect(reader.isClean(5000))
    }

    @Test(
        "bytes in host memory come without the option, with records of their own and no token (S4.10, U.01, U.02, A.06)"
    )
    func hostData() throws {
        let reader = try Reader(limit: 0)
        reader.send([100])
        #expect(reader.next == .linear)
        #expect(reader.linearHeld == 100)
        let result = try reader.receive(.max, [])
        #expect(result == ReceiveResult(bytes: 100, linearBytes: 100, stop: .drained) && reader.kinds == [.linear])
        // What was copied no longer narrows the window.
        #expect(reader.linearHeld == 0)
        // Then a fragment: the call without the option stops before it, and keeps what it has.
        reader.send([90, 4000])
        let second = try reader.receive(.max, [])
        #expect(second == ReceiveResult(bytes: 90, linearBytes: 90, stop: .kindChange))
        try reader.receive()
        reader.giveBackAll()
        #expect(reader.isClean(4190))
    }

    @Test(
        "room for any number of records: no token is lost, no byte, and a call says why it stopped (S4.07, U.06, U.07)",
        arguments: Array(1...9))
    func recordSpace(_ capacity: Int) throws {
        let reader = try Reader(limit: 0)
        reader.send([20_000])
        #expect(throws: ReceiveError.recordSpace(needed: 1)) { try reader.receive(capacity: 0) }
        var calls = 0
        while reader.position < 20_000, calls < 100 {
            let result = try reader.receive(capacity: capacity)
            calls += 1
            #expect(result.stop == .recordSpace || reader.position == 20_000)
            #expect(result.stop == .drained || reader.kinds.count == capacity)
        }
        #expect(calls == (reader.records + capacity - 1) / capacity)
        reader.giveBackAll()
        #expect(reader.isClean(20_000))
    }

    @Test(
        "reads of single bytes give tokens of their own on one slot, free when all are back (S4.11, U.15, S4.06)",
        arguments: [1, 2, 3] as [UInt64])
    func singleBytes(_ seed: UInt64) throws {
        let reader = try Reader(limit: 0)
        reader.send([1400])
        var random = SeededGenerator(seed: seed)
        for i in 0..<1400 {
            let result = try reader.receive(1)
            #expect(result == ReceiveResult(bytes: 1, linearBytes: 0, stop: .limit), "byte \(i)")
        }
        #expect(reader.tokens.count == 1400 && Set(reader.tokens).count == 1400)
        while !reader.tokens.isEmpty {
            let ledger = reader.rig.report().ledger
            #expect(ledger.application + ledger.stack == 1, "\(reader.tokens.count) left")
            reader.giveBack(reader.tokens.remove(at: Int(random.next() % UInt64(reader.tokens.count))))
        }
        #expect(reader.isClean(1400))
    }

    @Test("linear bytes and fragments come in stream order, each as what it is (S4.02, S4.09, S4.21, S3.37)")
    func order() throws {
        let reader = try Reader(limit: 0)
        let pieces = [100, 1400, 60, 3000, 1, 1448, 126, 126, 2000]
        reader.send(pieces)
        let result = try reader.receive()
        #expect(result.bytes == pieces.reduce(0, +) && reader.kinds.contains(.linear) && reader.kinds.contains(.device))
        #expect(reader.kinds.first == .linear && result.linearBytes >= 100)
        reader.giveBackAll()
        #expect(reader.isClean(pieces.reduce(0, +)))
    }

    @Test("a call for one kind stops where the other begins, and loses nothing (S4.09)")
    func oneKind() throws {
        let reader = try Reader(limit: 0)
        let pieces = [100, 1400, 60, 3000, 90, 1448]
        reader.send(pieces)
        var seen: [RecordKind] = []
        while reader.next != .none {
            let result = try reader.receive(.max, [.deviceMemory, .oneKind])
            #expect(Set(reader.kinds).count == 1)
            if let kind = reader.kinds.first {
                #expect(seen.last != kind, "the kind changes from call to call")
                seen.append(kind)
            }
            #expect(result.stop == .kindChange || reader.next == NextKind.none)
        }
        #expect(seen == [.linear, .device, .linear, .device, .linear, .device])
        reader.giveBackAll()
        #expect(reader.isClean(pieces.reduce(0, +)))
    }

    @Test("peeking is refused, and takes nothing (S4.22)")
    func peek() throws {
        let reader = try Reader(limit: 0)
        reader.send([50, 2000])
        for options in [ReceiveOptions.peek, [.peek, .deviceMemory], [.peek, .oneKind]] {
            #expect(throws: ReceiveError.peekRefused) { try reader.receive(.max, options) }
        }
        #expect(reader.rig.held(by: 0, now: reader.rig.now).tokens == 0)
        try reader.receive()
        reader.giveBackAll()
        #expect(reader.isClean(2050))
    }

    @Test(
        "a buffer for linear bytes that is too short gets what it holds, and none is an error of its own (S4.13, S4.17)",
        arguments: [1, 7, 99, 100, 101])
    func linearSpace(_ room: Int) throws {
        let reader = try Reader(limit: 0)
        reader.send([100, 1400])
        #expect(throws: ReceiveError.linearSpace(needed: 1)) { try reader.receive(room: 0) }
        #expect(reader.position == 0)
        while reader.position < 1500 {
            let before = reader.position
            let result = try reader.receive(room: room)
            #expect(result.bytes > 0 && result.linearBytes <= room)
            if before + result.bytes < 100 { #expect(result.stop == .linearSpace) }
        }
        reader.giveBackAll()
        #expect(reader.isClean(1500))
    }

    @Test("with as many tokens out as may be a call says so, and goes on when one is back (S4.05)")
    func tokens() throws {
        let reader = try Reader(limit: 0, tokenLimit: 8)
        reader.send([20_000])
        let result = try reader.receive()
        #expect(result.stop == .tooManyTokens && reader.tokens.count == 8)
        #expect(throws: ReceiveError.tooManyTokens(out: 8)) { try reader.receive() }
        while reader.position < 20_000 {
            reader.giveBack(reader.tokens.removeFirst())
            #expect(try reader.receive().bytes > 0)
        }
        reader.giveBackAll()
        #expect(reader.isClean(20_000))
    }

    @Test("connections of others, of nobody, and ports that are closed have errors of their own (S4.17, Z.13)")
    func notYours() throws {
        let rig = try Rig(applications: 2)
        _ = try rig.bind([1], owner: 1)
        rig.engine.stack.setPull(owner: 1, true)
        try rig.peer.connect(1, to: 5002, limit: 5000, now: rig.now)
        #expect(rig.run { !rig.applications[1].opened.isEmpty })
        rig.run(100)
        let connection = rig.applications[1].opened[0]
        var records = RecordBuffer(capacity: 16)
        let linear = HeapBytes(count: 64)
        func attempt(_ connection: UInt32, _ owner: Int) -> ReceiveError? {
            do {
                _ = try rig.engine.receive(
                    connection, limit: 1, into: &records, linear: linear.bytes, .deviceMemory, owner: owner,
                    now: rig.now)
                return nil
            } catch { return error }
        }
        #expect(attempt(connection, 0) == .notYours(connection: connection))
        #expect(attempt(connection &+ 1, 1) == .notYours(connection: connection &+ 1))
        #expect(attempt(.max, 1) == .notYours(connection: .max))
        for owner in [-1, 2, .max] { #expect(attempt(connection, owner) == .noSuchOwner(owner: owner)) }
        #expect(attempt(connection, 1) == nil && records.count == 1)
        _ = rig.close(1)
        #expect(attempt(connection, 1) == .noSuchOwner(owner: 1) && rig.faults.isEmpty)
        extendLifetime(linear)
    }

    @Test("what is discarded costs no record and no token, and the window goes on (S4.14)")
    func discard() throws {
        let reader = try Reader(limit: 0)
        let app = reader.rig.applications[0]
        reader.send([100])
        reader.rig.peer.flows[0].piece = 8000
        reader.rig.peer.flows[0].limit = 2_000_000
        #expect(app.discard(1_999_000, on: reader.connection))
        app.client.flush()
        reader.rig.run { reader.rig.peer.flows[0].sent == 2_000_000 }
        reader.rig.run(200)
        #expect(app.bytes == 0 && reader.rig.report().delivery.records == 0)
        // The stream goes on where the discarded part ended.
        app.streams[reader.connection]?.position = 1_999_000
        try reader.receive()
        #expect(reader.position == 2_000_000)
        reader.giveBackAll()
        #expect(reader.isClean(2_000_000))
    }

    @Test(
        "calls of random size make up the stream, whatever comes in which memory (S4.04, S4.18, S4.21)",
        arguments: [1, 2, 3, 4] as [UInt64])
    func random(_ seed: UInt64) throws {
        let reader = try Reader(slots: 300, limit: 0)
        var random = SeededGenerator(seed: seed)
        let total = 200_000
        for _ in 0..<100_000 where reader.position < total {
            let flow = reader.rig.peer.flows[0]
            reader.rig.peer.flows[0].piece = random.next() % 3 == 0 ? 1 + Int(random.next() % 126) : 4000
            reader.rig.peer.flows[0].limit = min(total, flow.sent + 4000)
            reader.rig.turn()
            var options: ReceiveOptions = random.next() % 4 == 0 ? [] : .deviceMemory
            if random.next() % 3 == 0 { options.insert(.oneKind) }
            let limit = 1 + Int(random.next() % 3000)
            do {
                try reader.receive(
                    limit, capacity: Int(random.next() % 5), room: Int(random.next() % 400), options)
            } catch _ as ReceiveError {}
            while !reader.tokens.isEmpty, reader.tokens.count > 200 || random.next() % 3 != 0 {
                reader.giveBack(reader.tokens.remove(at: Int(random.next() % UInt64(reader.tokens.count))))
            }
        }
        reader.giveBackAll()
        #expect(reader.isClean(total))
    }

    @Test("one call returns thousands of records if there is room for them: there is no fixed ceiling (A.10)")
    func manyRecords() throws {
        let reader = try Reader(slots: 3500, regionSlots: 4096, slotSize: 2048, limit: 0)
        reader.rig.peer.flows[0].piece = 8000
        reader.rig.peer.flows[0].limit = 3_600_000
        reader.rig.run(8000) { reader.rig.peer.flows[0].sent == 3_600_000 }
        reader.rig.run(200)
        try reader.receive(capacity: 8192)
        #expect(reader.records > 2048)
        reader.giveBackAll()
        #expect(reader.isClean(reader.position) && reader.position > 2_900_000)
    }
}
