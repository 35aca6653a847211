internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Packets
internal import Timeline

/// The application of a run: reads payload through a view of its own, digests it, and gives tokens back.
struct Consumer: ~Copyable {
    private var client: ApplicationClient
    private var regions: ConsumerRegions
    private let uniform: Bool
    private var streams: Slab<Stream>
    private var index: StreamIndex
    /// Tokens held back, oldest first.
    private var held: Slab<UInt64>
    private var heldHead = 0
    private var heldCount = 0
    private let service: StreamService
    /// A record whose bytes the send ring had no room for; nothing is taken before it.
    private var unanswered: FragmentRecord?
    private let outputPath: String?
    private let limit: Int
    private let trace: Trace
    /// Connections beyond the limit, to be reset.
    private var unwanted: [UInt32] = []
    /// Streams that have ended and whose connection is still to be shut down.
    private var owedShutdowns = 0
    private(set) var finishedStreams = 0
    private(set) var deviceBytes: UInt64 = 0
    private(set) var linearBytes: UInt64 = 0
    /// Bytes that this side put in the region itself.
    private(set) var movedBytes: UInt64 = 0
    private(set) var records: UInt64 = 0
    /// Records whose bytes do not have the sum that the verified header promised.
    private(set) var payloadSumErrors: UInt64 = 0
    /// Records whose sum was checked and right.
    private(set) var payloadSumsChecked: UInt64 = 0
    /// Connections beyond what was asked for, reset.
    private(set) var refused: UInt64 = 0
    private(set) var untrusted: UInt64 = 0
    private(set) var outputFailure: SessionError?

    init(
        channel: ApplicationChannel, wakeup: consuming WakeupLine? = nil, region: borrowing DeviceRegion,
        connections: Int, hold: Int, service: StreamService,
        outputPath: String?, trace: Trace, uniform: Bool = false
    ) throws(DeviceMemoryError) {
        regions = try ConsumerRegions(region, writable: uniform)
        self.uniform = uniform
        client = ApplicationClient(channel, wakeup: wakeup)
        streams = Slab(capacity: connections)
        index = StreamIndex(capacity: connections)
        held = Slab(count: hold + 1, repeating: 0)
        self.service = service
        self.outputPath = outputPath
        limit = connections
        self.trace = trace
    }

    /// Takes what is there, at most `limit` records; returns whether anything was.
    mutating func poll(now: Instant) -> Bool {
        var count = 0
        while count < 256, let record = nextRecord() {
            if service == .echo && !echo(record) {
                unanswered = record
                break
            }
            take(record, now)
            count &+= 1
        }
        answer()
        askWhatIsOwed()
        client.flush()
        return count != 0
    }

    private mutating func nextRecord() -> FragmentRecord? {
        if let record = unanswered {
            unanswered = nil
            return record
        }
        if !uniform { return client.next() }
        return client.next { regions.payload($0) }
    }

    /// Makes a region known under a number, in place of whatever had it before.
    mutating func add(_ region: borrowing DeviceRegion, number: UInt16) throws(DeviceMemoryError) {
        try regions.add(region, number: number)
    }

    private mutating func take(_ record: FragmentRecord, _ now: Instant) {
        if trace.isEnabled {
            trace.record(
                .event, at: now, UInt64(record.kindCode) | UInt64(record.connection) &<< 32,
                record.offset ^ UInt64(record.length) &<< 40)
        }
        switch record.kind {
        case .device:
            records &+= 1
            if record.isMoved { movedBytes &+= UInt64(record.length) } else { deviceBytes &+= UInt64(record.length) }
            if let bytes = regions.payload(record) { use(bytes.readOnly, record, now) } else { payloadSumErrors &+= 1 }
            giveBack(record.token)
        case .linear:
            records &+= 1
            linearBytes &+= UInt64(record.length)
            use(client.bytes(of: record), record, now)
            client.consumeLinear(record)
        case .opened: open(record)
        case .endOfStream: if let i = index[record.connection] { end(i, reset: false) }
        case .closed: if let i = index[record.connection], !streams[i].ended { end(i, reset: true) }
        case .untrusted: untrusted &+= 1
        case .frame, .place, .event, .sent, nil: break
        }
    }

    /// Sends a record's bytes back, all or none; false when there is no room for them now.
    private mutating func echo(_ record: FragmentRecord) -> Bool {
        switch record.kind {
        case .linear: return client.send(client.bytes(of: record), on: record.connection)
        case .device:
            guard let bytes = regions.payload(record) else { return true }
            return client.send(bytes.readOnly, on: record.connection)
        default: return true
        }
    }

    private mutating func use(_ bytes: ByteView, _ record: FragmentRecord, _ now: Instant) {
        if record.hasPayloadSum {
            var sum = InternetChecksum()
            sum.add(bytes)
            // 0 and 0xFFFF are the same number in one's complement.
            if sum.folded % 0xFFFF == record.payloadSum % 0xFFFF {
                payloadSumsChecked &+= 1
            } else {
                payloadSumErrors &+= 1
            }
        }
        guard let i = index[record.connection] else { return }
        streams[i].take(bytes, now: now)
    }

    private mutating func giveBack(_ token: UInt64) {
        if held.count == 1 {
            returnNow(token)
            return
        }
        if heldCount == held.count - 1 {
            let oldest = held[heldHead]
            heldHead = (heldHead &+ 1) % held.count
            heldCount &-= 1
            returnNow(oldest)
        }
        held[(heldHead &+ heldCount) % held.count] = token
        heldCount &+= 1
    }

    private mutating func returnNow(_ token: UInt64) {
        // The return ring holds as many ranges as there can be records: full means that the engine has yet to look.
        while !client.giveBack(token) { client.flush() }
    }

    private mutating func open(_ record: FragmentRecord) {
        guard streams.count < limit else {
            refused &+= 1
            unwanted.append(record.connection)
            return
        }
        let address = InternetAddress(IPv6Address(high: record.peer.high, low: record.peer.low))
        let peer = address.description(port: record.peer.port)
        var file: OutputFile?
        if let outputPath {
            do {
                file = try OutputFile(path: limit == 1 ? outputPath : "\(outputPath).\(streams.count + 1)")
            } catch {
                outputFailure = error
            }
        }
        index.insert(record.connection, streams.count)
        streams.append(Stream(connection: record.connection, peer: peer, http: service == .http, output: file))
    }

    private mutating func end(_ i: Int, reset: Bool) {
        guard !streams[i].ended else { return }
        streams[i].ended = true
        streams[i].reset = reset
        if let failure = streams[i].finish() { outputFailure = failure }
        finishedStreams += 1
        releaseHeldAtEnd()
        if !reset { owedShutdowns += 1 }
    }

    /// Asks for what streams are owed, as far as the command ring has room; the rest waits for the next poll.
    private mutating func askWhatIsOwed() {
        while let connection = unwanted.last, client.ask(.abort, on: connection) { unwanted.removeLast() }
        guard owedShutdowns != 0 else { return }
        for i in 0..<streams.count where streams[i].ended && !streams[i].reset && !streams[i].shutDownCounted {
            if !streams[i].shutDown {
                guard client.ask(.shutdown, on: streams[i].connection) else { return }
                streams[i].shutDown = true
            }
            streams[i].shutDownCounted = true
            owedShutdowns -= 1
        }
    }

    private mutating func releaseHeldAtEnd() {
        guard finishedStreams == limit else { return }
        while heldCount != 0 {
            returnNow(held[heldHead])
            heldHead = (heldHead &+ 1) % held.count
            heldCount &-= 1
        }
    }

    /// HTTP answers, when their time has come.
    private mutating func answer() {
        guard service == .http else { return }
        for i in 0..<streams.count where !streams[i].answered && !streams[i].ended {
            guard let request = streams[i].http, request.headDone else { continue }
            if request.expectsContinue && request.refusal == nil && !streams[i].continued {
                streams[i].continued = say(HTTPPut.proceed, i)
            }
            if request.isComplete || request.refusal != nil {
                guard say(request.answer, i) else { continue }
                streams[i].answered = true
                streams[i].shutDown = client.ask(.shutdown, on: streams[i].connection)
            }
        }
    }

    private mutating func say(_ text: String, _ i: Int) -> Bool {
        let bytes = Array(text.utf8)
        let block = HeapBytes(count: bytes.count)
        for (offset, byte) in bytes.enumerated() { block.bytes[offset] = byte }
        let sent = client.send(block.bytes.readOnly, on: streams[i].connection)
        extendLifetime(block)
        return sent
    }

    /// Whether every connection asked for has ended.
    var isDone: Bool { finishedStreams == limit }

    /// What was received, connection by connection in the order of their opening.
    func results() -> [StreamResult] {
        (0..<streams.count).map { i in
            StreamResult(
                peer: streams[i].peer, bytes: streams[i].digest.count, sha256: hexadecimal(streams[i].digest.finish()),
                complete: streams[i].isComplete, longestPauseS: streams[i].longestPause.seconds)
        }
    }

    /// One digest over all streams in the order of their peers' ports.
    func combined() -> String {
        let order = (0..<streams.count).sorted { streams[$0].peer < streams[$1].peer }
        return combinedDigest(order.map { streams[$0].digest.finish() })
    }
}

/// What one connection brought.
public struct StreamResult: Codable, Sendable {
    /// Address and port of the other end.
    public var peer: String
    /// Bytes received (of the body, with HTTP).
    public var bytes: UInt64
    /// Their SHA-256.
    public var sha256: String
    /// The stream ended as it should.
    public var complete: Bool
    /// Seconds, at most, between bytes that arrived one after the other; 0 where nobody looked.
    public var longestPauseS = 0.0
}
