public import ClientKit
public import DeviceMemory

/// A client that looks at all that it gets: sums of payload, events, tokens.
public final class BenchClient {
    public var session: ClientSession
    public var client: ApplicationClient
    /// The present region's number.
    public var region: UInt16
    /// Tokens that it holds, oldest first.
    public private(set) var tokens: [UInt64] = []
    /// Records of payload in regions that are named by tokens held, in the same order.
    public private(set) var records: [FragmentRecord] = []
    /// Events that it was told of.
    public private(set) var events: [ChannelEvent] = []
    /// Connections that it was told of.
    public private(set) var connections: [UInt32] = []
    /// Connections that ended.
    public private(set) var closed: [UInt32] = []
    /// Where it may send from, and sends that are over.
    public private(set) var areas: [FragmentRecord] = []
    public private(set) var sends: [FragmentRecord] = []
    /// Bytes in regions so far.
    public private(set) var deviceBytes = 0
    /// Records whose bytes are not those that were sent, or that name no memory of this client.
    public private(set) var wrong = 0

    /// Connects, gets a region, and listens to `port` unless it is 0.
    public init(
        _ path: String, _ options: AttachOptions = AttachOptions(), port: UInt16 = 0, _ service: FlowService = .shared
    ) throws(ClientError) {
        var session = try ClientSession(connectingTo: path)
        region = try session.attach(options)
        if port != 0 { try session.listen(port: port, service) }
        client = try session.makeClient()
        self.session = session
    }

    /// Takes records until `condition` holds, for `milliseconds` at most, and holds at most `limit` tokens; returns whether
    /// it came to hold.
    public func take(
        holding limit: Int = 0, milliseconds: Int = 5000, until condition: (BenchClient) -> Bool
    ) -> Bool {
        let end = ContinuousClock.now + .milliseconds(milliseconds)
        while true {
            if condition(self) { return true }
            var count = 0
            while count < 256, let record = client.next() {
                look(at: record)
                count += 1
            }
            giveBack(downTo: limit)
            client.flush()
            if count == 0 {
                if condition(self) { return true }
                if ContinuousClock.now > end { return false }
                client.wait(nanoseconds: 1_000_000)
                try? session.takeNotices()
            }
        }
    }

    /// Gives the oldest tokens back until `limit` are left.
    public func giveBack(downTo limit: Int) {
        var done = 0
        while tokens.count - done > limit, client.giveBack(tokens[done]) { done += 1 }
        tokens.removeFirst(done)
        records.removeFirst(done)
    }

    /// Forgets what it holds, without giving it back.
    public func forgetTokens() {
        tokens = []
        records = []
    }

    /// Whether the bytes of `record` are those that were sent.
    public func isGood(_ record: FragmentRecord) -> Bool {
        guard let bytes = session.payload(record) else { return false }
        return !record.hasPayloadSum || sum(bytes.readOnly) % 0xFFFF == record.payloadSum % 0xFFFF
    }

    private func look(at record: FragmentRecord) {
        switch record.kind {
        case .device:
            tokens.append(record.token)
            records.append(record)
            deviceBytes += Int(record.length)
            if !isGood(record) { wrong += 1 }
        case .linear:
            let bytes = client.bytes(of: record)
            if record.hasPayloadSum && sum(bytes) % 0xFFFF != record.payloadSum % 0xFFFF { wrong += 1 }
            client.consumeLinear(record)
        case .opened: connections.append(record.connection)
        case .closed, .endOfStream: closed.append(record.connection)
        case .event:
            if let event = record.event { events.append(event) }
            if record.event == .sendArea { areas.append(record) }
        case .sent: sends.append(record)
        default: break
        }
    }

    private func sum(_ bytes: ByteView) -> UInt16 {
        var sum: UInt64 = 0
        var i = 0
        while i + 1 < bytes.count {
            sum += UInt64(bytes.be16(i))
            i += 2
        }
        if i < bytes.count { sum += UInt64(bytes[i]) << 8 }
        while sum >> 16 != 0 { sum = sum & 0xFFFF + sum >> 16 }
        return UInt16(sum)
    }
}
