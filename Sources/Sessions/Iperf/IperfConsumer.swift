internal import ClientKit
internal import DeviceMemory
internal import Packets
internal import Timeline

/// The application of `uiodrv receive --iperf3`: payload of data connections is counted and its tokens go back unread; what the
/// control connection carries is read like any consumer's bytes.
struct IperfConsumer: RunConsumer, ~Copyable {
    private var client: ApplicationClient
    private var regions: ConsumerRegions
    private var server: IperfServer
    /// What is yet to be said or done, oldest first.
    private var owed: [IperfServer.Action] = []
    /// What is sent on reverse tests.
    private let filling = HeapBytes(count: 16 << 10)
    /// The data connection whose turn it is.
    private var turn = 0
    /// Connections whose end is yet to be answered.
    private var unanswered: [UInt32] = []
    private(set) var deviceBytes: UInt64 = 0
    private(set) var linearBytes: UInt64 = 0
    private var records: UInt64 = 0

    init(
        channel: ApplicationChannel, wakeup: consuming WakeupLine, region: borrowing DeviceRegion, tests: Int
    ) throws(DeviceMemoryError) {
        regions = try ConsumerRegions(region, writable: false)
        client = ApplicationClient(channel, wakeup: wakeup)
        server = IperfServer(tests: tests)
        var pattern = Pattern(seed: 3, flow: 0)
        pattern.fill(filling.bytes)
    }

    mutating func poll(now: Instant) -> Bool {
        var count = 0
        while count < 256, let record = client.next() {
            take(record, now)
            count &+= 1
        }
        let done = act()
        let sent = send()
        client.flush()
        return count != 0 || done || sent
    }

    private mutating func take(_ record: FragmentRecord, _ now: Instant) {
        switch record.kind {
        case .opened:
            let address = InternetAddress(IPv6Address(high: record.peer.high, low: record.peer.low))
            server.opened(record.connection, peer: address.description(port: record.peer.port))
        case .device:
            records &+= 1
            deviceBytes &+= UInt64(record.length)
            if !server.count(record.connection, Int(record.length)), let bytes = regions.payload(record) {
                server.take(record.connection, bytes.readOnly, now: now)
            }
            while !client.giveBack(record.token) { client.flush() }
        case .linear:
            records &+= 1
            linearBytes &+= UInt64(record.length)
            if !server.count(record.connection, Int(record.length)) {
                server.take(record.connection, client.bytes(of: record), now: now)
            }
            client.consumeLinear(record)
        case .endOfStream:
            server.ended(record.connection, now: now)
            unanswered.append(record.connection)
        case .closed: server.ended(record.connection, now: now)
        default: break
        }
        owed += server.takeActions()
    }

    /// Says and does what is owed, as far as there is room; returns whether anything was.
    private mutating func act() -> Bool {
        var count = 0
        while count < owed.count, perform(owed[count]) { count += 1 }
        owed.removeFirst(count)
        while let connection = unanswered.last, client.ask(.shutdown, on: connection) { unanswered.removeLast() }
        return count != 0
    }

    private mutating func perform(_ action: IperfServer.Action) -> Bool {
        switch action {
        case .leave(let connection):
            return client.ask(.leave, on: connection)
        case .shutDown(let connection):
            return client.ask(.shutdown, on: connection)
        case .say(let connection, let bytes):
            guard client.sendSpace >= bytes.count else { return false }
            let block = HeapBytes(count: bytes.count)
            for (i, byte) in bytes.enumerated() { block.bytes[i] = byte }
            let sent = client.send(block.bytes.readOnly, on: connection)
            extendLifetime(block)
            return sent
        }
    }

    /// Sends on the connections of a reverse test, one after the other; what is owed goes first.
    private mutating func send() -> Bool {
        guard owed.isEmpty, let (connections, bytes) = server.sending, !connections.isEmpty else { return false }
        let portion = filling.bytes.readOnly.slice(0, min(max(bytes, 1), filling.count))
        var any = false
        // The ring holds four portions, and one slow reader's must not be all of them.
        for _ in 0..<4 {
            let connection = connections[turn % connections.count]
            guard client.sendSpace >= portion.count + 4096, client.send(portion, on: connection) else { break }
            _ = server.count(connection, portion.count)
            turn += 1
            any = true
        }
        return any
    }

    /// Whether all tests are over and all that was to be said about them has been.
    var isDone: Bool { server.isDone && owed.isEmpty }

    mutating func finish() {}

    func fill(_ report: inout DeviceReport) {
        report.records = records
        report.iperf = server.finished
    }
}
