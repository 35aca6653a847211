internal import ClientKit
internal import DeviceMemory
internal import TCPLite
internal import Timeline

/// The application of `uiodrv send`: hands a source's bytes to the one connection that the stack opens, as fast as it takes
/// them, from host memory or from the region, shuts its direction down behind the last, and waits for the peer's end.
struct SendConsumer: RunConsumer, ~Copyable {
    private static let portionBytes = 16 << 10

    private var client: ApplicationClient
    private var source: ByteSource
    private let portion = HeapBytes(count: SendConsumer.portionBytes)
    /// Bytes of the portion that wait for room.
    private var waiting = 0
    private var sourceEnded = false
    /// Where bytes are sent from when that is the region.
    private var area: SendArea?
    private let fromRegion: Bool
    /// Bytes in the area that wait for room in the channel.
    private var placed = 0
    private var digest = StreamDigest()
    private var connection: UInt32?
    private var shutDown = false
    private var openedAt = Instant.zero
    private var movedAt = Instant.zero
    private var report = SendReport()
    private var failure: SessionError?
    private(set) var isDone = false
    private(set) var deviceBytes: UInt64 = 0
    private(set) var linearBytes: UInt64 = 0

    init(
        channel: ApplicationChannel, wakeup: consuming WakeupLine, region: borrowing DeviceRegion, source: SendSource,
        seed: UInt64, fromRegion: Bool
    ) throws(SessionError) {
        let opened = try ByteSource(source, seed: seed)
        let area = try SendConsumer.area(in: region, fromRegion)
        self.source = opened
        self.area = area
        self.fromRegion = fromRegion
        client = ApplicationClient(channel, wakeup: wakeup)
    }

    private static func area(in region: borrowing DeviceRegion, _ isWanted: Bool) throws(SessionError) -> SendArea? {
        guard isWanted else { return nil }
        do {
            return try SendArea(in: region)
        } catch {
            throw SessionError(error)
        }
    }

    mutating func poll(now: Instant) -> Bool {
        var count = 0
        while count < 256, let record = client.next() {
            take(record, now)
            count &+= 1
        }
        let sent = send(now)
        client.flush()
        return count != 0 || sent
    }

    private mutating func take(_ record: FragmentRecord, _ now: Instant) {
        switch record.kind {
        case .opened:
            connection = record.connection
            report.opened = true
            openedAt = now
            movedAt = now
        case .device:
            deviceBytes &+= UInt64(record.length)
            while !client.giveBack(record.token) { client.flush() }
        case .linear:
            linearBytes &+= UInt64(record.length)
            client.consumeLinear(record)
        case .event: if record.event == .sendArea { area?.open(record) }
        case .sent: area?.book(record)
        case .closed: close(CloseReason(rawValue: UInt8(truncatingIfNeeded: record.length)), now)
        default: break
        }
    }

    private mutating func close(_ reason: CloseReason?, _ now: Instant) {
        isDone = true
        connection = nil
        if report.opened { report.elapsedS = (now - openedAt).seconds }
        switch reason {
        case .finished where shutDown: report.complete = true
        case .finished, nil: report.ending = "the receiver ended the connection early"
        case .reset: report.ending = "the receiver reset the connection"
        case .refused: report.ending = "the receiver refused; start what is to listen there, or choose another port"
        case .timedOut where report.opened: report.ending = "the receiver stopped answering"
        case .timedOut:
            report.ending = "the receiver did not answer; is it on this wire, and is there a way back from it?"
        case .aborted: report.ending = "the connection was given up"
        }
    }

    /// Hands over what there is room for; returns whether anything was.
    private mutating func send(_ now: Instant) -> Bool {
        guard let connection, !shutDown else { return false }
        var any = false
        if fromRegion {
            any = sendFromRegion(connection)
            if any {
                report.longestPauseS = max(report.longestPauseS, (now - movedAt).seconds)
                movedAt = now
            }
            if sourceEnded && placed == 0 && client.ask(.shutdown, on: connection) { shutDown = true }
            return any
        }
        for _ in 0..<16 {
            if waiting == 0 && !sourceEnded { fill() }
            if waiting == 0 { break }
            let bytes = portion.bytes.readOnly.slice(0, waiting)
            guard client.send(bytes, on: connection) else { break }
            report.bytes &+= UInt64(waiting)
            waiting = 0
            any = true
        }
        if any {
            report.longestPauseS = max(report.longestPauseS, (now - movedAt).seconds)
            movedAt = now
        }
        if sourceEnded && waiting == 0 && client.ask(.shutdown, on: connection) { shutDown = true }
        return any
    }

    /// Writes the source's bytes where the device reads them, and has them sent from there.
    private mutating func sendFromRegion(_ connection: UInt32) -> Bool {
        var any = false
        for _ in 0..<16 {
            guard let space = area?.space else { break }
            if placed == 0 && !sourceEnded { place(space) }
            guard placed > 0, area?.send(placed, &client, on: connection) == true else { break }
            report.bytes &+= UInt64(placed)
            placed = 0
            any = true
        }
        return any
    }

    private mutating func place(_ space: MutableByteView) {
        do throws(SessionError) {
            switch try source.read(into: space) {
            case .bytes(let count):
                placed = count
                digest.update(space.readOnly.slice(0, count)) { _ in }
            case .later: break
            case .end: sourceEnded = true
            }
        } catch {
            failure = error
            sourceEnded = true
        }
    }

    private mutating func fill() {
        do throws(SessionError) {
            switch try source.read(into: portion.bytes) {
            case .bytes(let count):
                waiting = count
                digest.update(portion.bytes.readOnly.slice(0, count)) { _ in }
            case .later: break
            case .end: sourceEnded = true
            }
        } catch {
            failure = error
            sourceEnded = true
        }
    }

    mutating func finish() { digest.flush { _ in } }

    func fill(_ report: inout DeviceReport) {
        var own = self.report
        own.sha256 = hexadecimal(digest.finish())
        report.sent = own
        report.failure = failure?.description
    }
}
